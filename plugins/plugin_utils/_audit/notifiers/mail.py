# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sends an event by SMTP, over verified TLS alone."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_notify import IMPLICIT, Email, Notifier
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.events import Event
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.smtp import connected

LONGEST_SUBJECT = 200
APART = ("summary", "version", "lines")


class MailNotifier:
    """One mail server and those whom it writes to."""

    def __init__(self, notifier: Notifier, email: Email, value_of: Callable[[str], str]) -> None:
        self.name, self._wants, self._email, self._value_of = notifier.name, notifier.wants, email, value_of

    def wants(self, event: Event) -> bool:
        return self._wants(event.name)

    def tell(self, event: Event, seconds: float) -> None:
        email = self._email
        password = self._value_of(email.password) if email.password else ""
        with connected(email.server, email.port, seconds, is_implicit=email.tls == IMPLICIT, ca=email.ca) as server:
            if password:
                server.login(email.username, password)
            refused = server.send_message(message(event, email))
        if refused:
            raise HostError(f"mail server {email.server}:{email.port} rejected {', '.join(sorted(refused))}")


def message(event: Event, email: Email) -> EmailMessage:
    """A mail whose subject says it all."""
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
