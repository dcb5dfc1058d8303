# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Previous values: their state by the stores and the journal, what can be tried, and where. Pure.

Only a :class:`Try` holds values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    credential_graph,
    kind_names,
    server_addresses,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Credential
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import CONFIRM, Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import (
    AWS,
    DJANGO,
    POSTGRESQL,
    SSH,
    TRIED_AT,
    VALKEY,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login, with_login
from ansible_collections.watchparty.secrets.plugins.module_utils._host.revoked_logins import ACCEPTED, REFUSED, UNTRIED

BY_SERVERS, BY_HOSTS, BY_SESSIONS, BY_AWS = "servers", "hosts", "sessions", "aws"
BY = {
    **dict.fromkeys((POSTGRESQL, VALKEY, *kind_names.TWO_USERS.values()), BY_SERVERS),
    SSH: BY_HOSTS,
    DJANGO: BY_SESSIONS,
    AWS: BY_AWS,
}
"""Place of a try: servers from one application host, every host, the application, or the controller."""
VALUES = 3
"""Limit of tried passwords of a server's login: some servers lock a login after a few failures."""
EXEMPT = "exempt"
"""State without a try: no value, a value that is valid by plan, or one that only its provider could reject."""


@dataclass(frozen=True)
class Try:
    """A credential whose previous values can be tried where its current value is used."""

    credential: str
    server: str
    current: Any = field(repr=False)
    """URL with the application's login, private key, access key as a Login, or signing key."""
    former: tuple[Any, ...] = field(repr=False)
    """The same for each previous value."""
    user: str = ""
    """User that an SSH key logs in as, if not Ansible's own."""
    address: Mapping[str, Any] = field(default_factory=dict)
    """Server address, if the catalog declares it and the URLs do not."""

    @property
    def by(self) -> str:
        return BY[self.server]

    @property
    def data(self) -> dict[str, Any]:
        return {
            "credential": self.credential,
            "server": self.server,
            "current": self.current,
            "former": list(self.former),
            "user": self.user,
            "address": dict(self.address),
        }


@dataclass(frozen=True)
class NotTried:
    """Reason for not trying a credential's previous values."""

    message: str
    exempt: bool = False


NONE_KEPT = NotTried("no previous value of it is kept", exempt=True)


@dataclass(frozen=True)
class Versions:
    """Current and previous contents of the stores, and the journal."""

    now: Contents
    before: Contents
    journal: Journal = field(default_factory=Journal)
    older: tuple[Contents, ...] = ()
    """Contents before that, newest first; only of servers' logins."""
    unread: str = ""
    """Reasons why some older contents could not be read."""


def at_servers(credential: Credential) -> bool:
    """Whether a host tries it at a server."""
    return BY.get(TRIED_AT.get(credential.kind, "")) == BY_SERVERS


def states(catalog: Catalog, read: Versions, values: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """State and message by credential. ``by`` says where it can be tried; the message holds until then."""
    result: dict[str, dict[str, Any]] = {}
    for name, credential in catalog.credentials.items():
        old = credential_graph.find(catalog, credential, read.before)
        if not _formers(catalog, credential, read):
            result[name] = verdict(EXEMPT, NONE_KEPT.message)
        elif TRIED_AT.get(credential.kind) == DJANGO and old.login.password is not None:
            attempt = _try(catalog, credential, read)
            result[name] = _signing(credential, values, old.login.password, read.journal, attempt)
        else:
            result[name] = _login(catalog, credential, read)
        if read.unread and at_servers(credential):
            result[name]["unread"] = read.unread
    return result


def tries(catalog: Catalog, read: Versions) -> list[Try]:
    """Tries, with values."""
    all_tries = (_try(catalog, credential, read) for credential in catalog.credentials.values())
    return [item for item in all_tries if isinstance(item, Try)]


def _formers(catalog: Catalog, credential: Credential, read: Versions) -> list[tuple[str, list[str]]]:
    """Previous passwords, newest first, each with the users of its time."""
    current = credential_graph.find(catalog, credential, read.now).login
    result: dict[str, list[str]] = {}
    for contents in (read.before, *(read.older if at_servers(credential) else ())):
        stored = credential_graph.find(catalog, credential, contents)
        for password in _passwords(stored):
            if password != current.password:
                result.setdefault(password, []).extend(_users(stored))
    return list(result.items())


def former_passwords(catalog: Catalog, credential: Credential, read: Versions) -> list[str]:
    return [password for password, _users in _formers(catalog, credential, read)]


def _try(catalog: Catalog, credential: Credential, read: Versions) -> Try | NotTried:
    why = _planned(credential, read.journal)
    if why:
        return why
    server = TRIED_AT.get(credential.kind)
    if server is None:
        return NotTried(f"credentials of the kind {credential.kind} are not tried by this check", exempt=True)
    current = credential_graph.find(catalog, credential, read.now)
    if current.problems or current.login.password is None:
        return NotTried(f"its current value cannot be read: {'; '.join(current.problems) or 'no place holds it'}")
    formers = _formers(catalog, credential, read)
    if server in kind_names.TWO_USERS.values():
        return _at_declared_server(catalog, credential, server, current.login, formers)
    if BY[server] != BY_SERVERS:
        return _try_of_key(credential, server, current.login, formers)
    if current.url is None:
        return NotTried("it appears in no URL, so its server is unknown", exempt=credential.server is not None)
    wrong = server_addresses.leads_elsewhere(catalog, credential, current.locations)
    if wrong:
        return NotTried(wrong)
    return _try_or_none_kept(Try(credential.name, server, current.url, _urls(current.url, current.login, formers)))


def _urls(url: str, current: Login, formers: Sequence[tuple[str, list[str]]]) -> tuple[str, ...]:
    """``url`` with each previous password, for its users and the current user."""
    return tuple(
        dict.fromkeys(
            with_login(url, Login(user, password))
            for password, users in formers[:VALUES]
            for user in dict.fromkeys((*users, current.username))
        )
    )


def _at_declared_server(
    catalog: Catalog, credential: Credential, server: str, current: Login, formers: Sequence[tuple[str, list[str]]]
) -> Try | NotTried:
    """Try at the declared address, where rotations log in too. URLs only carry the logins."""
    if not current.username:
        return NotTried("its current value cannot be read: the stores have no user name of it")
    try:
        _admin, declared = server_addresses.required_server(catalog, credential)
        address = server_addresses.of_driver(declared, kind_names.PORTS[server])
    except SecretsError as error:
        return NotTried(str(error))
    if server == kind_names.RABBITMQ:
        address = server_addresses.of_amqp(address, credential.options)
    url = with_login(f"{server}://@{server_addresses.own_endpoint(declared, server)}", current)
    return _try_or_none_kept(Try(credential.name, server, url, _urls(url, current, formers), address=address))


def _try_of_key(
    credential: Credential, server: str, current: Login, formers: Sequence[tuple[str, list[str]]]
) -> Try | NotTried:
    """Try without a URL: of keys. Access keys need their ID too."""
    if server != AWS:
        user = str(credential.options.get("user") or "") if server == SSH else ""
        return _try_or_none_kept(
            Try(credential.name, server, current.password, tuple(password for password, _ in formers), user)
        )
    pairs = [Login(user, password) for password, users in formers for user in users]
    if formers and not pairs:
        return NotTried("the previous access key was not tried, because the stores do not hold its access key ID")
    return _try_or_none_kept(Try(credential.name, server, current, tuple(pairs)))


def _try_or_none_kept(attempt: Try) -> Try | NotTried:
    return attempt if attempt.former else NONE_KEPT


def _passwords(stored_credential: credential_graph.StoredCredential) -> list[str]:
    """Passwords of all places, which may have been written at different times."""
    passwords = [
        appearance.login.password
        for appearance in stored_credential.appearances
        if appearance.in_url or not appearance.spot.is_user
    ]
    return list(dict.fromkeys(password for password in passwords if password))


def _users(stored_credential: credential_graph.StoredCredential) -> list[str]:
    usernames = [
        appearance.login.username
        for appearance in stored_credential.appearances
        if appearance.in_url or appearance.spot.is_user
    ]
    return list(dict.fromkeys(username for username in usernames if username))


def verdict(state: str, message: str, **extra: Any) -> dict[str, Any]:
    return {"state": state, "message": message, **extra}


def _signing(
    credential: Credential, values: Mapping[str, str], old: str, journal: Journal, item: Try | NotTried
) -> dict[str, Any]:
    """State by the stores' contents; a Try asks the application too."""
    fallback_keys = [part.strip() for part in values.get(credential.fallbacks or "", "").split(",")]
    due = [
        pending_task.due
        for pending_task in journal.pending_tasks.values()
        if pending_task.credential == credential.name
    ]
    if old not in fallback_keys:
        message = "the previous key is not among the fallbacks, so nothing that it signed is accepted"
        if isinstance(item, Try):
            return verdict(REFUSED, message, by=BY_SESSIONS)
        return verdict(REFUSED, f"{message}; no session was tried: {item.message}")
    if due:
        return verdict(EXEMPT, f"the previous key verifies until {min(due)}, as planned")
    return verdict(ACCEPTED, f"the previous key is still in {credential.fallbacks}, and no pending task removes it")


def _planned(credential: Credential, journal: Journal) -> NotTried | None:
    """Reason, if the previous value is or may still be valid."""
    name, page = credential.name, credential.provider_url
    later = [pending_task for pending_task in journal.pending_tasks.values() if pending_task.credential == name]
    planned = [pending_task.due for pending_task in later if pending_task.act != CONFIRM]
    if planned:
        return NotTried(f"the previous value stays valid until {min(planned)}, as planned", exempt=True)
    if later:
        at, where = max(pending_task.due for pending_task in later), f"at {page}" if page else "where it was issued"
        return NotTried(
            f"no confirmation yet that the previous value, replaced at {at}, was revoked {where}. Confirm it: "
            f"ansible-playbook watchparty.secrets.rotate -e rotation_revoked={name}"
        )
    open_one = journal.rotation
    if open_one is not None and name in (open_one.plan.get("credentials") or ()):
        return NotTried(f"{open_one} is open, and both values are valid until it ends", exempt=True)
    return None


def _login(catalog: Catalog, credential: Credential, read: Versions) -> dict[str, Any]:
    result = _try(catalog, credential, read)
    if isinstance(result, Try):
        return verdict(UNTRIED, "the previous value was not tried", by=result.by)
    why = _planned(credential, read.journal)
    last = read.journal.rotated.get(credential.name)
    if why:
        return verdict(EXEMPT if why.exempt else UNTRIED, why.message)
    if last is None:
        return verdict(UNTRIED, f"{result.message}, and the journal has no rotation of this credential")
    state = EXEMPT if result.exempt else UNTRIED
    if credential.kind == kind_names.EXTERNAL:
        return verdict(state, f"{result.message}; rotation {last.rotation} replaced it at {last.at}")
    return verdict(
        state, f"{result.message}; rotation {last.rotation} verified the rejection before it ended at {last.at}"
    )
