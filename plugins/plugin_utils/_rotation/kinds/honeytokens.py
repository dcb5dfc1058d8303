# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Logins that no program uses. The administrator acts, because a login would count as a use."""

from __future__ import annotations

import os
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import honeytokens, kind_names, server_addresses
from ansible_collections.watchparty.secrets.plugins.module_utils._core.credential_graph import StoredCredential
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import POSTGRESQL, VALKEY
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.module_utils._host.honeytokens import main as program
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import (
    Answer,
    KindStages,
    NotReached,
    Part,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.postgresql_scram import scram_verifier
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.rotated_logins import rotated_logins

SECONDS = 60


class HoneytokenLogin(KindStages):
    """No program logs in, so old and new password need not be valid together."""

    def check(self, part: Part) -> Answer:
        """Raises SecretsError if the login has rights."""
        setting = part.setting
        _run(part, setting.held(setting.catalog.credentials[part.name]))
        return {}

    def revoke(self, part: Part) -> Answer:
        logins = rotated_logins(part.setting, part.name, part.pending_task)
        if logins.aborting or logins.stays is None:
            return {"message": "the server still has the old value; nothing was changed"}
        engine, user = _engine(part), _user(part)
        if engine == VALKEY:
            return _noted_at_valkey(part, logins.stored)
        part.setting.rotator.mine()  # the server does not know which run is the last one
        verifier = scram_verifier(str(logins.stays.password), os.urandom(16))
        report = _run(part, logins.stored, verifier=verifier)
        answer = _answer(f"login {user} has only the new password", _described(part, report), uses=report["uses"])
        return {**answer, "footholds": [f"login {user} has {right}" for right in report["rights"]]}


_NEEDS: dict[str, Any] = {"needs_admin": True, "needs_url": True, "needs_user": True, "options": ("user",)}


class PostgresqlHoneytoken(HoneytokenLogin):
    kind = Kind(
        kind_names.POSTGRESQL_HONEYTOKEN,
        "A PostgreSQL login that nothing uses, with an empty database that counts its sessions.",
        **_NEEDS,
    )


class ValkeyHoneytoken(HoneytokenLogin):
    kind = Kind(
        kind_names.VALKEY_HONEYTOKEN, "A Valkey login that no server has; the server's log shows each try.", **_NEEDS
    )


def _noted_at_valkey(part: Part, stored: StoredCredential) -> Answer:
    """Reads the uses. The server has nothing to revoke, so a failure stops no leak response."""
    try:
        report = _run(part, stored)
    except NotReached:
        raise
    except RotationError as error:
        if not part.setting.answers_leak():
            raise
        return {"message": f"the server has nothing to revoke; the uses could not be read: {error}"}
    user = _user(part)
    exists = f"user {user} exists, although no run creates it: ACL DELUSER {user}" if report["exists"] else ""
    return _answer(exists or f"no server has user {user}", _described(part, report))


def _answer(message: str, last: str, **counted: int) -> Answer:
    notes = {**counted, **({"last": last} if last else {})}
    return {"message": f"{message}; {last}" if last else message, "notes": {"used": notes} if notes else {}}


def _described(part: Part, report: Answer) -> str:
    """Uses that the server knows and no leak response has answered; empty if none."""
    journal, *_ = part.setting.mine(part.name)
    last = journal.rotated.get(part.name)
    rotated: Answer = last.entry() if last else {"at": ""}
    answered = honeytokens.answered(rotated)
    if _engine(part) == POSTGRESQL:
        counted = min(answered.get("uses", 0), rotated.get("used", {}).get("uses", 0))
        uses = honeytokens.newer_uses(report, counted, rotated["at"])
        return f"{uses} sessions in its database" if uses else ""
    if not report["uses"] or report["last"] <= answered.get("at", ""):
        return ""
    return f"{report['uses']} attempts to log in, last at {report['last']} from {', '.join(report['clients'])}"


def _run(part: Part, stored: StoredCredential, **extra: Any) -> Answer:
    catalog, engine, user = part.setting.catalog, _engine(part), _user(part)
    admin, server = server_addresses.required_server(catalog, catalog.credentials[part.name])
    admin_login = part.setting.held(admin)
    if stored.login.username != user:  # a store's value must not choose another login
        raise RotationError(f"its URL logs in as {stored.login.username}, and options.user is {user}; correct one")
    wrong = server_addresses.leads_elsewhere(
        catalog, catalog.credentials[part.name], stored.locations
    ) or server_addresses.administrator_elsewhere(admin, engine, admin_login.locations)
    if wrong or admin_login.login.password is None:
        raise RotationError(
            wrong or f"its administrator {admin.name} cannot be read: {'; '.join(admin_login.problems)}"
        )
    login = part.setting.administrators_login(admin, part.setting.rotator.look().rotation)
    login = Login(login.username or admin_login.login.username, login.password)
    admin_url = server_addresses.administrators_url(server, engine, login)
    nodes = server_addresses.nodes(server) if engine == VALKEY else []
    args = {"server": engine, "admin_url": admin_url, "user": user, "nodes": nodes, **extra}
    args["leak"] = part.setting.answers_leak()
    return part.server.execute(program, args=args, seconds=SECONDS, packages=True)


def _engine(part: Part) -> str:
    return kind_names.HONEYTOKENS[part.setting.catalog.credentials[part.name].kind]


def _user(part: Part) -> str:
    return str(part.setting.catalog.credentials[part.name].options["user"])
