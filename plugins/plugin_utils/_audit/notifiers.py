# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ways to send an event. Each raises SecretsError, without any value, if it does not succeed in time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from email.message import EmailMessage
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_notify import IMPLICIT, Email, Webhook
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError, StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import health_check
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.events import SOURCE, Event
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.smtp import connected

HEADERS = {"Content-Type": "application/json"}
LONGEST_SUBJECT = 200
APART = ("summary", "version", "lines")
"""Fields of an event that a mail does not list."""
PASSED_ON = ("HOME", "LANG", "PATH", "TZ")
"""Variables that a program gets. Others may hold credentials of AWS, or the token of a provider."""
ValueOf = Callable[[str], str]
"""Reads the value of a setting. Raises SecretsError."""


def put_on_bus(bus: str, client: Callable[[str], Any], event: Event, _seconds: float) -> None:
    entry = {"Source": SOURCE, "DetailType": event.name, "Detail": event.text, "EventBusName": bus}
    where = f"event bus {bus}"
    with aws_errors.translated("events:PutEvents", where):
        answer = client("events").put_events(Entries=[entry])
    if answer.get("FailedEntryCount"):
        code = str(answer["Entries"][0].get("ErrorCode", "no reason"))
        raise StoreError(
            f"event bus {bus}: AWS did not take the event ({code}); correct alerts.event_bus in the catalog"
        )


def post(webhook: Webhook, value_of: ValueOf, event: Event, seconds: float) -> None:
    """Posts the summary to a webhook that accepts Slack's format, over verified TLS. Its address is a secret."""
    url = value_of(webhook.setting)
    if not url.startswith("https://"):
        raise StoreError(
            f"the value of {webhook.setting} is not an https address; store another: ansible-playbook "
            f"watchparty.secrets.set -e set_names={webhook.setting}"
        )
    # Slack must show the text as it is, without links, mentions and channels.
    text = str(event.detail["summary"]).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # ``ask_once`` follows no redirect, and reads only the head of the answer.
    body = json.dumps({"text": text}).encode()
    answer = health_check.ask_once(url, seconds, cafile=webhook.ca, headers=HEADERS, body=body)
    if not 200 <= answer["status"] < 300:
        raise StoreError(str(answer.get("problem") or f"it answered {answer['status']}"))


def send_mail(email: Email, value_of: ValueOf, event: Event, seconds: float) -> None:
    """Sends the event by SMTP, only over verified TLS."""
    password = value_of(email.password) if email.password else ""
    with connected(email.server, email.port, seconds, is_implicit=email.tls == IMPLICIT, ca=email.ca) as server:
        if password:
            server.login(email.username, password)
        refused = server.send_message(_mail(event, email))
    if refused:
        raise HostError(
            f"mail server {email.server}:{email.port} rejected {', '.join(sorted(refused))}; correct "
            "notify.NAME.email.to"
        )


def _mail(event: Event, email: Email) -> EmailMessage:
    """A mail whose subject is the summary."""
    mail = EmailMessage()
    mail["From"], mail["To"] = email.sender, ", ".join(email.to)
    mail["Subject"] = str(event.detail["summary"])[:LONGEST_SUBJECT]
    fields = [f"{name}: {_text(value)}" for name, value in event.detail.items() if name not in APART]
    mail.set_content("\n".join([str(event.detail["summary"]), "", *event.detail.get("lines", ()), *fields, ""]))
    return mail


def _text(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name}: {text}" for name, text in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def run_command(command: Sequence[str], event: Event, seconds: float) -> None:
    """Passes the event as JSON to the operator's program. Its output is discarded, since it could fill the memory."""
    try:
        program = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        raise HostError(f"{command[0]} cannot be started: {error.strerror}; correct notify.NAME.command") from None
    try:
        program.communicate(f"{event.text}\n".encode(), timeout=seconds)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()
        raise HostError(f"{command[0]} did not end within {seconds:.0f} s and was stopped") from None
    if program.returncode:
        raise HostError(f"{command[0]} failed with exit code {program.returncode}; run it by hand to see the cause")
