# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An IAM user's access key as a login to SES's mail server. The server's address is the region's, or the catalog's."""

from __future__ import annotations

import base64
import hashlib
import hmac
import smtplib
from dataclasses import dataclass
from re import ASCII, fullmatch
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Credential
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import AccessKeys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.smtp import connected

SECONDS = 20.0
IMPLICIT_PORTS = (465, 2465)
"""Ports with implicit TLS; others use STARTTLS."""
WRONG_LOGIN = 535
_VERSION = b"\x04"


def smtp_password(secret: str, region: str) -> str:
    """The SMTP password of an access key's secret in a region, by AWS's documentation."""
    key = f"AWS4{secret}".encode()
    for text in ("11111111", region, "ses", "aws4_request", "SendRawEmail"):
        key = hmac.new(key, text.encode(), hashlib.sha256).digest()
    return base64.b64encode(_VERSION + key).decode()


@dataclass(frozen=True)
class SmtpServer:
    region: str
    host: str
    port: int = 465
    ca: str | None = None

    def accepts(self, login: Login) -> bool:
        """Raises HostError if the server gives no clear answer."""
        with connected(self.host, self.port, SECONDS, is_implicit=self.port in IMPLICIT_PORTS, ca=self.ca) as server:
            try:
                server.login(str(login.username), str(login.password))
            except smtplib.SMTPAuthenticationError as error:
                if error.smtp_code != WRONG_LOGIN:
                    raise
                return False
        return True


def smtp_server(credential: Credential) -> SmtpServer:
    """The server that the credential's options name. Raises RotationError."""
    where, options = f"credentials.{credential.name}.options", credential.options
    region = str(options.get("region", ""))
    if not fullmatch(r"[a-z0-9-]+", region, ASCII):
        raise RotationError(f"{where}.region is not a region of AWS; write one such as eu-west-1")
    address = str(options.get("server", f"email-smtp.{region}.amazonaws.com:465"))
    match = fullmatch(r"([A-Za-z0-9.-]+):([0-9]{1,5})", address, ASCII)
    if match is None:
        raise RotationError(f"{where}.server is not host:port; correct it")
    return SmtpServer(region, match[1], int(match[2]), options.get("ca"))


class SmtpKeys(AccessKeys):
    """Makes access keys whose secret is the mail server's password at once, and tries them there."""

    def __init__(self, client: Any, *, smtp: SmtpServer, **clients: Any) -> None:
        super().__init__(client, **clients)
        self._smtp = smtp

    def create(self, user: str, *, fresh: WritePermission) -> Login:
        key = super().create(user, fresh=fresh)
        return Login(key.username, smtp_password(str(key.password), self._smtp.region))

    def accepts(self, login: Login, user: str) -> bool:
        """Whether the mail server accepts the login. Only IAM knows whose key it is."""
        del user
        return self._smtp.accepts(login)
