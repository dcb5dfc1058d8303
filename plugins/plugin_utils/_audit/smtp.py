# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A connection to a mail server, only over verified TLS."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError


@contextmanager
def connected(host: str, port: int, seconds: float, *, is_implicit: bool, ca: str | None) -> Iterator[smtplib.SMTP]:
    """Connects with TLS. Cuts the connection after ``seconds``, because a socket's timeout starts again with each byte.

    Raises HostError without the server's own words, which might repeat a password.
    """
    where = f"mail server {host}:{port}"
    try:
        with _connected(host, port, seconds, is_implicit=is_implicit, ca=ca) as server:
            yield server
    except ssl.SSLCertVerificationError as error:
        raise HostError(
            f"{where}: its certificate was rejected: {error.verify_message}; give its authority in notify.NAME.email.ca"
        ) from None
    except smtplib.SMTPResponseException as error:
        raise HostError(
            f"{where} refused with code {error.smtp_code}; correct the username and password of notify.NAME.email"
        ) from None
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise HostError(f"{where}: {getattr(error, 'strerror', '') or type(error).__name__}") from None


@contextmanager
def _connected(host: str, port: int, seconds: float, *, is_implicit: bool, ca: str | None) -> Iterator[smtplib.SMTP]:
    context = ssl.create_default_context(cafile=ca)
    ours = socket.gethostname()  # smtplib would ask DNS for the full name
    if is_implicit:
        server: smtplib.SMTP = smtplib.SMTP_SSL(timeout=seconds, context=context, local_hostname=ours)
    else:
        server = smtplib.SMTP(timeout=seconds, local_hostname=ours)
    watch = Timer(seconds, _cut, [server])
    watch.daemon = True
    watch.start()
    try:
        server._host = host  # type: ignore[attr-defined] # which certificates are compared with
        server.connect(host, port)
        if not is_implicit:
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
