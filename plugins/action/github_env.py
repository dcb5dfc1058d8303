# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Mapping
from typing import Any

from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import environment, snapshot_action
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_action import AwsAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import job_env


class ActionModule(AwsAction):
    """Runs in a job of GitHub Actions: masks first, then variables. Returns only names."""

    name = "watchparty.secrets.github_env"
    extra_options = {**snapshot_action.OPTIONS, "names": {"type": "list", "elements": "str", "default": []}}

    def perform(self, connection: AwsConnection, args: Mapping[str, Any]) -> dict[str, Any]:
        path = _file()
        resolution = environment.read(snapshot_action.request_of(args), connection).resolution.require()
        chosen_names = set(args["names"])
        unknown = sorted(chosen_names - set(resolution.values))
        if unknown:
            raise HostError(
                f"{', '.join(unknown)}: {args['environment']} has no value of that name; see the names: "
                f"secrets list {args['environment']}"
            )
        values = {name: value for name, value in resolution.values.items() if not chosen_names or name in chosen_names}
        text = job_env.content(values, lambda: secrets.token_hex(16))
        short = job_env.unmasked(values, resolution.sensitivity)
        messages = (
            [f"{', '.join(short)}: too short to be masked, because the mask would hide too much of the log"]
            if short
            else []
        )
        if not self._task.check_mode:
            for line in job_env.masks(values, resolution.sensitivity):
                # Only to the terminal, which is the runner: to no log file and no callback.
                Display().display(line, screen_only=True)
            _append(path, text)
        return {"changed": bool(values), "names": sorted(values), "notes": messages}


def _file() -> str:
    """Raises HostError outside a job, where somebody would read the printed values."""
    path = os.environ.get("GITHUB_ENV", "")
    if os.environ.get("GITHUB_ACTIONS") != "true" or not path:
        raise HostError(
            "this is not a job of GitHub Actions (GITHUB_ACTIONS and GITHUB_ENV are not set), so the values would be "
            "printed; run ansible-playbook watchparty.secrets.fetch, which writes them into a file"
        )
    return path


def _append(path: str, text: str) -> None:
    """Appends to the runner's file. Follows no link."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
    except OSError as error:
        raise HostError(f"{path} (GITHUB_ENV): cannot be written: {error.strerror}") from None
    with os.fdopen(handle, "ab") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise HostError(f"{path} (GITHUB_ENV): is not a regular file")
        size = os.fstat(stream.fileno()).st_size
        # A last line without its end would swallow our first one.
        stream.write((b"\n" if size and not _ends_line(path) else b"") + text.encode("utf-8"))


def _ends_line(path: str) -> bool:
    with open(path, "rb") as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read() == b"\n"
