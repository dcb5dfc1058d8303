# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two users of a server that alternate: a program on the rotation host changes them."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from types import ModuleType
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import redaction, server_addresses
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError, SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import compared_servers
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import other_login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import Answer, KindStages, Part
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.new_values import required
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.rotated_logins import rotated_logins

CHECKED, PRESENT, USABLE, REVOKED = "checked", "present", "usable", "revoked"
SECONDS = 60


class TwoUsers(KindStages):
    """``options.user`` names the two users, so that no store can choose another one."""

    program: ModuleType
    port = 0
    packages = False
    removed = "locked"
    blocked = REVOKED
    """State that disables a leaked user before a new value exists."""

    def check(self, part: Part) -> Answer:
        setting = part.setting
        login = setting.held(setting.catalog.credentials[part.name]).login
        self._run(part, CHECKED, login, other=str(other_login(login.username)))
        if not setting.answers_leak():  # a leaked login may have been changed by its holder
            self._usable(part, login)
        return {}

    def block(self, part: Part) -> Answer:
        _journal, rotation, _item = part.setting.mine(part.name)
        login = part.setting.old(rotation, part.name).login
        answer = self._run(part, self.blocked, login)
        message = f"user {login.username} cannot log in at {answer['place']}; {answer['ended']} sessions ended"
        return {"message": message}

    def set(self, part: Part) -> Answer:
        return self._with_new(part, PRESENT, "can log in")

    def test(self, part: Part) -> Answer:
        return self._with_new(part, USABLE, "logs in")

    def _usable(self, part: Part, login: Login, **extra: Any) -> Answer:
        """Tests a login. In a leak, first blocks a leaked user who takes every connection."""
        answer = self._run(part, USABLE, login, **extra)
        if "full" in answer and part.setting.answers_leak():
            part.setting.rotator.note_disabling([part.name])
            self.block(part)
            answer = self._run(part, USABLE, login, **extra)
        if "full" in answer:
            raise RotationError(answer["full"])
        return answer

    def _with_new(self, part: Part, state: str, verb: str) -> Answer:
        logins = rotated_logins(part.setting, part.name)
        stays = required(logins.stays)
        act = self._usable if state == USABLE else partial(self._run, state=state)
        old, new = logins.stored.login.username, stays.username
        answer = act(part, login=stays, other=str(old))
        message = str(answer.get("untested") or f"user {new} {verb} at {answer['place']}")
        limits = f"; the limits of {old} were not copied: {answer['dropped']}" if answer.get("dropped") else ""
        warning = f"; {answer['warning']}" if answer.get("warning") else ""
        return {"message": message + limits + warning}

    def revoke(self, part: Part) -> Answer:
        """Disables the old user and ends its sessions; in a rollback, the new user's."""
        logins = rotated_logins(part.setting, part.name, part.pending_task)
        goes, stays = logins.goes, logins.stays
        if goes is None or stays is None:
            return {"message": f"no new value was made, so no user is {self.removed}"}
        if goes.username == stays.username:
            raise RotationError("the old and the new user are the same user; nothing was changed")
        if not logins.aborting:
            self._usable(part, stays)
        is_leak = part.setting.answers_leak() and not logins.aborting
        search = {"search": self._search(part, goes, stays)} if is_leak else {}
        answer = self._run(part, REVOKED, goes, **search)
        message = f"user {goes.username} is {self.removed} at {answer['place']}; {answer['ended']} sessions ended"
        results = {name: answer[name] for name in ("ended", "footholds", "evicted", "inventory") if name in answer}
        return {
            "message": message,
            "refused": [answer["place"]],
            **compared_servers.add_differences(part.setting, part.name, results),
        }

    def _search(self, part: Part, goes: Login, stays: Login) -> dict[str, Any]:
        """Inputs of the search for footholds: known users, a login, and the comparison with the baseline."""
        setting, names = part.setting, {str(stays.username)}
        for credential in setting.catalog.credentials.values():
            with suppress(SecretsError):  # its user is then named as an unknown one
                username = setting.held(credential).login.username or ""
                names |= {username, str(other_login(username) or "")}
        incident = setting.holding(part.name)[0].incident
        request = compared_servers.request(setting, part.name, [str(goes.username)], incident)
        return {"known": sorted(names - {""}), "login": _login(stays), "inventory": request}

    def arguments(self, part: Part, server: dict[str, Any]) -> dict[str, Any]:
        del server
        return {"leaked": part.setting.answers_leak()}

    def _run(self, part: Part, state: str, login: Login, **extra: Any) -> Answer:
        catalog = part.setting.catalog
        credential = catalog.credentials[part.name]
        user = credential.options.get("user")
        names = (f"{user}_a", f"{user}_b")
        if login.username not in names:  # a store's value must not choose another user
            raise RotationError(
                f"user {login.username} in the store is neither {names[0]} nor {names[1]}, which options.user names; "
                f"correct options.user, or store the login of {names[0]} (docs/how-to/declare-a-credential.md)"
            )
        rotation = None
        if state in (PRESENT, self.blocked, REVOKED):
            _journal, rotation = part.setting.rotator.mine()  # the server does not know which run is the last one
        elif state == USABLE:
            rotation = part.setting.rotator.look().rotation
        admin, server = server_addresses.required_server(catalog, credential)
        admin_login = part.setting.administrators_login(admin, rotation)
        if admin_login.username in names:
            raise RotationError(
                f"administrator {admin.name} logs in as {admin_login.username}, which a rotation replaces; "
                "give it a user of its own"
            )
        address = server_addresses.of_driver(server, self.port)
        both = {"server": address, "admin": _login(admin_login), "login": _login(login)}
        args = {"state": state, **both, **extra, **self.arguments(part, address)}
        answer = part.server.execute(self.program, args=args, seconds=SECONDS, packages=self.packages)
        values = [text for text in (admin_login.password, login.password) if text and len(text) >= redaction.SHORTEST]
        clean: Answer = redaction.scrub(answer, values)
        return clean


def _login(login: Login) -> dict[str, str]:
    return {"username": str(login.username), "password": str(login.password)}
