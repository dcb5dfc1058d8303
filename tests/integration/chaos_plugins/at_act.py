# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A callback for tests that kills or stops the whole run right before one of its acts.

Acts are the start of a task, an act of the engine, a call to AWS, a write to Vault, and a command on a host. Each goes
to the file ACT_LOG as one JSON line before it happens: what it is, and the process. ACT_AT is the number of an act from
1, or a label with the number of its occurrence (``PutParameter /shop/DB/URL#1``); ACT_DO is ``kill`` or ``stop``.

The processes of a run are several groups: each worker of Ansible is one of its own. So the worker that is about to act
ends or stops the main process's group and then its own.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from runpy import run_path
from typing import Any
from urllib.parse import urlsplit

from ansible.plugins.action import ActionBase
from ansible.plugins.callback import CallbackBase
from botocore.httpsession import URLLib3Session
from requests import Session

DOCUMENTATION = """
name: at_act
type: aggregate
short_description: kills or stops the run before an act
description: For tests.
"""
NAMES = ("SecretId", "VersionStage", "Name", "Path", "logGroupName")
"""Fields of a request that name what it is about."""
SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}
MAIN = [os.getpid()]
"""The run's main process: not the one that has imported this for its forks."""


def before(kind: str, label: str) -> None:
    """Log an act, and end or stop the run if it is the one."""
    with open(os.environ["ACT_LOG"], "a+", encoding="utf-8") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        log.seek(0)
        earlier = [json.loads(line)["label"] for line in log]
        log.write(json.dumps({"kind": kind, "label": label, "main": MAIN[0], "process": os.getpid()}) + "\n")
    due = os.environ.get("ACT_AT", "")
    if due in (str(len(earlier) + 1), f"{label}#{earlier.count(label) + 1}"):
        how = SIGNALS[os.environ["ACT_DO"]]
        if os.getpgrp() != os.getpgid(MAIN[0]):
            os.killpg(os.getpgid(MAIN[0]), how)
        os.killpg(0, how)


def before_each(owner: Any, method: str, describe: Callable[..., tuple[str, str]]) -> None:
    """Let every call of a method be an act."""
    call = getattr(owner, method)

    def wrapped(self: Any, *arguments: Any, **named: Any) -> Any:
        before(*describe(self, *arguments))
        return call(self, *arguments, **named)

    setattr(owner, method, wrapped)


def _header(request: Any, name: str) -> str:
    data = request.headers.get(name, b"")
    return data.decode() if isinstance(data, bytes) else str(data)


def aws_call(_session: Any, request: Any) -> tuple[str, str]:
    operation, scope = (_header(request, name) for name in ("X-Amz-Target", "Authorization"))
    if "/s3/aws4_request" in scope:
        return "aws", f"{request.method.capitalize()}Object {urlsplit(request.url).path.strip('/')}"
    try:
        fields = json.loads(request.body or b"{}")
    except ValueError:
        fields = {}
    about = [str(fields[name]) for name in NAMES if name in fields]
    return "aws", " ".join([operation.rpartition(".")[2] or "other", *map(steady, about)])


def vault_write(_session: Any, request: Any) -> tuple[str, str]:
    path = urlsplit(request.url).path.removeprefix("/v1/")
    fields = json.loads(request.body or b"{}").get("custom_metadata", {})
    about = [re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\b[0-9]+$", "*", part) for part in (path, *fields)]
    return "vault", " ".join(["Vault", request.method.lower(), *map(steady, about)])


def host_command(action: Any, *_arguments: Any) -> tuple[str, str]:
    args = action._task.args
    if "credential" in args and "state" in args:  # what a segment runs on the rotation host
        return "host", f"on the host: {action.name.rpartition('.')[2]} {args['state']}"
    return "host", f"on the host: {task_name(action._task)}"


def task_name(task: Any) -> str:
    return steady(str(task.get_name().rpartition(" : ")[2]))


def steady(message: str) -> str:
    """The same in every run: no rotation's id, no entry's number, no temporary folder."""
    return re.sub(r"\br-\d+T\d+-[0-9a-f]+|(?<=/)\d+$|/\S+(?=/\.env)", "*", message)


ENGINE_ACTS = Path(__file__).resolve().parents[1] / "engine_acts.py"
"""Beside this folder, where Ansible's loader of callbacks does not look."""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "at_act"

    def __init__(self) -> None:
        super().__init__()
        MAIN[0] = os.getpid()
        # Workers are forked from this process and have these methods too.
        before_each(URLLib3Session, "send", aws_call)
        before_each(Session, "send", vault_write)
        before_each(ActionBase, "_low_level_execute_command", host_command)
        run_path(str(ENGINE_ACTS))["before_each"](lambda name: before("task", name))

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        before("task", task_name(task))
