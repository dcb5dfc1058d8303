# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A login to MySQL or MariaDB: two users that take turns."""

from __future__ import annotations

from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    kind_names,
    server_addresses,
    server_endpoint,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Server
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql import main as program
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind, other_login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import Acts, Answer, Part
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.rotated_logins import rotated_logins

PORT, SECONDS = 3306, 60


class MysqlUser(Acts):
    """Logs in from the host that talks to the servers."""

    kind = Kind(
        kind_names.MYSQL_USER,
        "A login of MySQL or MariaDB; two users, whose names end in _a and _b, take turns.",
        alternates="always",
        needs_admin=True,
        needs_user=True,
        options=("user",),
    )

    def check(self, part: Part) -> Answer:
        setting = part.setting
        login = setting.held(setting.catalog.credentials[part.name]).login
        _run(part, program.CHECKED, login, other=str(other_login(login.username)))
        if setting.rotator.look().incident is None:  # a leaked login may have been locked by hand
            _run(part, program.USABLE, login)
        return {}

    def set(self, part: Part) -> Answer:
        login = _new(part)
        place = _run(part, program.PRESENT, login)["place"]
        return {"message": f"user {login.username} can log in at {place}"}

    def test(self, part: Part) -> Answer:
        login = _new(part)
        place = _run(part, program.USABLE, login)["place"]
        return {"message": f"user {login.username} logs in at {place}"}

    def revoke(self, part: Part) -> Answer:
        """Locks the old user and ends its sessions, or in a rollback the new one's."""
        logins = rotated_logins(part.setting, part.name, part.pending_task)
        goes, stays = logins.goes, logins.stays
        if goes is None or stays is None:
            return {"message": "no new value was made, so no user is locked"}
        if goes.username == stays.username:
            raise RotationError("the old and the new user are the same user; nothing was changed")
        if not logins.aborting:
            _run(part, program.USABLE, stays)
        answer = _run(part, program.REVOKED, goes)
        message = f"user {goes.username} is locked at {answer['place']}; {answer['ended']} sessions ended"
        return {"message": message, "refused": [answer["place"]], "ended": answer["ended"]}


def _new(part: Part) -> Login:
    stays = rotated_logins(part.setting, part.name).stays
    if stays is None:
        raise RotationError("the rotation has no new value yet; run watchparty.secrets.rotate, which creates it")
    return stays


def _run(part: Part, state: str, login: Login, **extra: str) -> Answer:
    catalog = part.setting.catalog
    user = catalog.credentials[part.name].options.get("user")
    if login.username not in (f"{user}_a", f"{user}_b"):  # a store's value must not choose another user
        raise RotationError(
            f"user {login.username} in the store is neither {user}_a nor {user}_b, which options.user names; correct "
            "one of them, or first store the login of such a user (docs/how-to/declare-a-credential.md)"
        )
    if state in (program.PRESENT, program.REVOKED):
        part.setting.rotator.mine()  # the server does not know which run is the last one
    admin, server = server_addresses.required_server(catalog, catalog.credentials[part.name])
    held = part.setting.held(admin).login
    if held.username in (f"{user}_a", f"{user}_b"):
        raise RotationError(
            f"administrator {admin.name} logs in as {held.username}, which a rotation locks; give it a user of its own"
        )
    args = {"state": state, "server": _address(server), "admin": _login(held), "login": _login(login), **extra}
    return part.server.execute(program, args=args, seconds=SECONDS, packages=True)


def _address(server: Server) -> dict[str, Any]:
    """Where both log in: the catalog's address, whatever the stores hold."""
    endpoint = server_endpoint.parse(server.address, PORT)
    if endpoint.is_socket:
        raise RotationError(f"{server.address} is a socket; write host:port into server.address of the administrator")
    mode = server.tls.mode or ("disable" if endpoint.is_local else server_endpoint.VERIFIED)
    files = {"ca": server.tls.ca, "cert": server.tls.cert, "key": server.tls.key}
    return {"host": endpoint.host, "port": endpoint.port, "tls_mode": mode, **files}


def _login(login: Login) -> dict[str, str]:
    return {"username": str(login.username), "password": str(login.password)}
