# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A PostgreSQL login with a lease, from Vault's database engine.

The catalog's places hold its value, so deploys neither read the engine nor make a login. The journal holds the lease,
because the value may be stored in AWS.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from re import ASCII, fullmatch

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    credential_ages,
    kind_names,
    server_addresses,
    timestamps,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    NotFound,
    RotationError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login, with_login
from ansible_collections.watchparty.secrets.plugins.module_utils._host import revoked_logins_main
from ansible_collections.watchparty.secrets.plugins.module_utils._host.revoked_logins import ACCEPTED, NEITHER, REFUSED
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.vault_leases import DatabaseLeases, Lease
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kept_value import keep_or_undo
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import Answer, KindStages, Part
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.new_values import required
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.rotated_logins import (
    RotatedLogins,
    rotated_logins,
)

DAY = 86400
SHORTEST = 3 * DAY
"""Shortest lease in seconds. A nightly run replaces a lease in its last third."""
WITHOUT_LIMIT = 10 * 365 * DAY
"""Seconds of a lease to request if the catalog sets no age; the server may grant less."""
CONNECT, TRIES = 5, 30
"""Seconds for one login, and for all of a stage."""


class VaultDatabase(KindStages):
    """Asks Vault from the controller, and logs in from the rotation host."""

    kind = Kind(
        kind_names.VAULT_DATABASE,
        "A PostgreSQL login that Vault's database engine makes; its lease is revoked.",
        value="provider",
        needs_url=True,
        needs_user=True,
        options=("role",),
        revokes_each=True,
    )

    def check(self, part: Part) -> Answer:
        denied = _leases(part).denied()
        if denied:
            raise RotationError(
                f"no policy of Vault's token allows {', '.join(denied)}; add that permission to one of its policies"
            )
        return {}

    def block(self, part: Part) -> Answer:
        journal, rotation, _item = part.setting.mine(part.name)
        login, last = part.setting.old(rotation, part.name).login, journal.rotated.get(part.name)
        lease = Lease.of(last.lease) if last else None
        if lease is None:
            raise RotationError(_unknown(login, f"login {login.username} is still valid"))
        _leases(part).end(lease, fresh=part.setting.rotator.fresh())
        return {"message": f"the lease of login {login.username} is revoked"}

    def issue(self, part: Part) -> Answer:
        journal, rotation, _item = part.setting.mine(part.name)
        issued = part.setting.rotator.issued(rotation)
        if issued.find(part.name) is None:
            self._make(part, rotation)
        lease = Lease(**issued.notes(part.name))
        ends = self._lengthened(part, lease)
        last = journal.rotated.get(part.name)
        notes = {"lease": {**vars(lease), "ends": ends}, "former": dict(last.lease) if last else {}}
        return {"message": f"Vault made a login that ends at {ends}", "notes": notes}

    def _make(self, part: Part, rotation: OpenRotation) -> None:
        """Makes a login once, and revokes a login that cannot be kept."""
        rotator, leases = part.setting.rotator, _leases(part)
        lease = leases.make(fresh=rotator.fresh())
        keep_or_undo(
            rotator,
            rotation,
            part.name,
            lease.login,
            undo=lambda: leases.end(lease.lease, fresh=WritePermission.uncontested()),
            undone="revoked the login that it had created",
            **vars(lease.lease),
        )

    @staticmethod
    def _lengthened(part: Part, lease: Lease) -> str:
        """Extends the lease beyond the catalog's maximum age. Returns its end. A later renewal would give no more."""
        credential = part.setting.catalog.credentials[part.name]
        days = credential_ages.limit_of(part.setting.catalog, credential)
        lease_seconds = max(days * DAY * 3 // 2, SHORTEST) if days else WITHOUT_LIMIT
        try:
            seconds = _leases(part).extended(lease, lease_seconds, fresh=part.setting.rotator.fresh())
        except NotFound:
            raise RotationError(
                "the login that Vault made for this rotation has expired, because the rotation was not continued "
                "in time; roll it back with -e rotation_abort=true, then rotate again"
            ) from None
        if seconds < SHORTEST:
            raise RotationError(
                f"its lease lasts {seconds} s at most, so a nightly run could miss its end; raise max_ttl of the role "
                f"(and of the engine) to {SHORTEST} s or more"
            )
        return timestamps.stamp(datetime.now(UTC) + timedelta(seconds=seconds))

    def test(self, part: Part) -> Answer:
        logins = rotated_logins(part.setting, part.name)
        stays = required(logins.stays)
        url = with_login(_url(part, logins), stays)
        state, message = self._tried(part, url, url)
        if state != ACCEPTED:
            raise RotationError(f"login {stays.username} was not accepted: {message}")
        return {"message": f"login {stays.username} works"}

    def revoke(self, part: Part) -> Answer:
        """Revokes the old login's lease, or in a rollback the new one's."""
        logins = rotated_logins(part.setting, part.name, part.pending_task)
        goes, stays, url = logins.goes, logins.stays, _url(part, logins)
        if goes is None or stays is None:
            return {"message": "no new login was made, so no login is revoked"}
        if goes.username == stays.username:
            raise RotationError("the old and the new login are the same login; nothing was changed")
        lease = _lease_of(part, logins)
        if lease:
            _leases(part).end(lease, fresh=part.setting.rotator.fresh())
        state, message = self._tried(part, with_login(url, stays), with_login(url, goes), sessions_of=goes.username)
        if state != REFUSED and not (logins.aborting and state == NEITHER):
            raise RotationError(message if lease else _unknown(goes, message))
        return {"message": f"login {goes.username} is {message}", "refusal": "rejected"}

    @staticmethod
    def _tried(part: Part, current: str, former: str, **extra: str | None) -> tuple[str, str]:
        target = {"credential": part.name, "server": kind_names.POSTGRESQL, **extra}
        entry = {**target, "current": current, "former": [former]}
        args = {"tries": [entry], "connect_timeout": CONNECT}
        tried = part.server.execute(revoked_logins_main, args=args, seconds=TRIES, packages=True)["tried"]
        return str(tried[part.name]["state"]), str(tried[part.name]["message"])


def _leases(part: Part) -> DatabaseLeases:
    options = {"engine": "database", **part.credential["options"]}
    for name in ("engine", "role"):
        if not fullmatch(r"[\w-]+([./][\w-]+)*", str(options[name]), ASCII):
            raise RotationError(f"credentials.{part.name}.options.{name} is not a name in Vault; correct it")
    client = part.setting.connection.store_client("vault")
    return DatabaseLeases(client, str(options["engine"]), str(options["role"]))


def _url(part: Part, logins: RotatedLogins) -> str:
    """The stored URL. Raises RotationError if its address is not the catalog's."""
    catalog, stored = part.setting.catalog, logins.stored
    wrong = server_addresses.leads_elsewhere(catalog, catalog.credentials[part.name], stored.locations)
    if wrong or not stored.url:
        no_url = f"no location of the credential is a URL of its server; add one to credentials.{part.name}.appears_in"
        raise RotationError(f"{part.name}: {wrong or no_url}")
    return stored.url


def _lease_of(part: Part, logins: RotatedLogins) -> Lease | None:
    """Lease of the login to revoke; None if no rotation made this login."""
    if logins.aborting:
        return Lease.of(part.setting.rotator.issued(logins.rotation).notes(part.name))
    noted = logins.task.notes if logins.task else logins.rotation.notes.get(part.name, {})
    return Lease.of(noted.get("former"))


def _unknown(login: Login, message: str) -> str:
    return (
        f"{message}. The journal has no lease of login {login.username}, because no rotation made this login; revoke "
        "it ('bao lease revoke ID', or DROP ROLE at the server), then run the same command again"
    )
