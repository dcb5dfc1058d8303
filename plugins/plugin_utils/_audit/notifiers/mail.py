# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sends an event by SMTP, over verified TLS alone."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from threading import Timer

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_notify import IMPLICIT, Email, Notifier
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.events import Event

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
        where = f"mail server {email.server}:{email.port}"
        try:
            with _connected(email, seconds) as server:
                if password:
                    server.login(email.username, password)
                refused = server.send_message(message(event, email))
        except ssl.SSLCertVerificationError as error:
            raise HostError(f"{where}: its certificate was rejected: {error.verify_message}") from None
        except smtplib.SMTPResponseException as error:
            # Its words are the server's, which might repeat the password.
            raise HostError(f"{where} refused with code {error.smtp_code}") from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise HostError(f"{where}: {getattr(error, 'strerror', '') or type(error).__name__}") from None
        if refused:
            raise HostError(f"{where} rejected {', '.join(sorted(refused))}")


@contextmanager
def _connected(email: Email, seconds: float) -> Iterator[smtplib.SMTP]:
    """A connection with TLS, which is cut after so many seconds: a socket's own timeout starts anew with each byte."""
    context = ssl.create_default_context(cafile=email.ca)
    ours = socket.gethostname()  # by itself smtplib asks DNS for more
    if email.tls == IMPLICIT:
        server: smtplib.SMTP = smtplib.SMTP_SSL(timeout=seconds, context=context, local_hostname=ours)
    else:
        server = smtplib.SMTP(timeout=seconds, local_hostname=ours)
    watch = Timer(seconds, _cut, [server])
    watch.daemon = True
    watch.start()
    try:
        server._host = email.server  # type: ignore[attr-defined] # which certificates are compared with
        server.connect(email.server, email.port)
        if email.tls != IMPLICIT:
            server.starttls(context=context)
        yield server
        with suppress(smtplib.SMTPException, OSError):
            server.quit()
    finally:
        watch.cancel()
        server.close()


def _cut(server: smtplib.SMTP) -> None:
    if server.sock is not None:
        with suppress(OSError):
            server.sock.shutdown(socket.SHUT_RDWR)


def message(event: Event, email: Email) -> EmailMessage:
    """A mail whose subject says it all."""
    made = EmailMessage()
    made["From"], made["To"] = email.sender, ", ".join(email.to)
    made["Subject"] = str(event.detail["summary"])[:LONGEST_SUBJECT]
    fields = [f"{name}: {_text(value)}" for name, value in event.detail.items() if name not in APART]
    made.set_content("\n".join([str(event.detail["summary"]), "", *event.detail.get("lines", ()), *fields, ""]))
    return made


def _text(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name}: {one}" for name, one in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
