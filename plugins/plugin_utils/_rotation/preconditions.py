# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Blockers of rotating a credential, each with its remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    credential_graph,
    deliverable_values,
    kind_names,
    server_addresses,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import (
    Catalog,
    Credential,
    Place,
    labelled_names,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.credential_ages import (
    LONGEST_WAIT,
    revokes_later,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.credential_graph import StoredCredential
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import CURRENT, PENDING
from ansible_collections.watchparty.secrets.plugins.module_utils._core.secret_json import Holdings
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import command
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import (
    Kind,
    other_login,
    turn_of,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.plan_inputs import PlanInputs

_USES = frozenset({"sessions", "signing"})


def value_lines(*names: str) -> str:
    """The lines with which an operator supplies the credentials' new values, and their file, for a message."""
    lines = ", ".join(f"{name}: 'VALUE'" for name in names)
    return f"{lines} in -e rotation_values_file=FILE (mode 0600)"


def blockers(inputs: PlanInputs, stored: StoredCredential, places: Sequence[Place]) -> Iterator[str]:
    credential = stored.credential
    kind = inputs.kinds.get(credential.kind)
    if kind is None:
        yield (
            f"kind {credential.kind} does not exist; kinds are {', '.join(sorted(inputs.kinds))}, and your own "
            "are folders in rotation_kinds_path"
        )
        return
    yield from stored.problems
    yield from filter(None, [inputs.against.get(credential.name)])
    yield from _of_its_kind(inputs, kind, stored)
    yield from _mirrored(inputs, credential)
    for name in labelled_names(places):
        yield from _of_its_secret(inputs, name)


def _of_its_kind(inputs: PlanInputs, kind: Kind, stored: StoredCredential) -> Iterator[str]:
    credential = stored.credential
    missing = [name for name in kind.options if name not in credential.options]
    if missing:
        yield f"kind {kind.name} needs options.{', options.'.join(missing)}"
    if kind.value == "supplied":
        yield from _supplied(inputs, stored)
    if kind.needs_url and not stored.problems and stored.url is None:
        yield from stored.flaws or (no_address(credential),)
    if not stored.problems:
        wrong = server_addresses.leads_elsewhere(inputs.catalog, credential, stored.locations)
        yield from [wrong] if wrong else []
    if kind.needs_user and not stored.problems and stored.login.username is None:
        yield (
            "no place in the catalog holds its user name or id; add a setting to appears_in, such as one "
            "ending in ACCESS_KEY_ID"
        )
    if kind.needs_admin:
        yield from _administered(inputs, credential)
    if kind.alternates == "always" and not stored.problems:
        yield from _alternating(inputs, stored)
    if kind.alternates == "always" and not inputs.leak:
        yield from _in_use(inputs, credential)
    if kind.phases == 2:
        yield from _signing(inputs, stored)
    elif revokes_later(credential) and not stored.problems and not _is_kept(stored):
        yield (
            "a later run must revoke its old value (revoke_after), but only parameters hold it, and previous values of "
            f"parameters are not kept; store it in a secret too, or set revoke_after to {LONGEST_WAIT} at most"
        )
    if kind.name == kind_names.VALKEY_USER and ".cache.amazonaws.com" in (stored.url or ""):
        yield "its address is ElastiCache, which has no ACL SETUSER; use kind elasticache_auth_token"


def no_address(credential: Credential) -> str:
    return (
        "the address of its server is unknown: no URL contains the credential, and the catalog declares no "
        f"address; name the settings that hold the address: credentials.{credential.name}.parts: "
        "{host: …, port: …}"
    )


def _is_kept(stored: StoredCredential) -> bool:
    """Whether a secret's previous version will hold the old login."""
    labelled = [appearance for appearance in stored.appearances if appearance.spot.place.traits.has_labels]
    has_user = any(appearance.in_url or appearance.spot.is_user for appearance in labelled)
    is_in_url = any(appearance.spot.is_user or appearance.in_url for appearance in stored.appearances)
    return any(appearance.in_url or not appearance.spot.is_user for appearance in labelled) and (
        has_user or not is_in_url
    )


def _supplied(inputs: PlanInputs, stored: StoredCredential) -> Iterator[str]:
    credential = stored.credential
    supplied_login = inputs.supplied.get(credential.name)
    line = f"the line {value_lines(credential.name)}"
    if supplied_login is None and inputs.leak:
        yield f"its provider issues the new value; give it at the terminal, which asks you at the end, or by {line}"
    elif supplied_login is None:
        yield (
            f"its provider issues the new value; give it by {line}, or name the credential with -e "
            f"rotation_credentials={credential.name} to be asked"
        )
    elif supplied_login.username and not stored.problems and stored.login.username is None:
        yield (
            "the new value has a user name, and no place in the catalog holds a user name; add a setting to appears_in"
        )
    else:
        yield from filter(None, [in_use(credential, stored.login, supplied_login)])
        yield from _undeliverable(inputs.catalog, stored, supplied_login)


def _undeliverable(catalog: Catalog, stored: StoredCredential, login: Login) -> Iterator[str]:
    for appearance in stored.appearances:
        setting = appearance.spot.setting
        if setting and appearance.spot.place in setting.own_places:
            problem = deliverable_values.problem(catalog, setting, setting.name, appearance.rewritten(login))
            if problem:
                yield f"the new value of {setting.name} cannot be delivered: {problem}"


def not_to_be_given(catalog: Catalog, kinds: Mapping[str, Kind], names: Sequence[str]) -> str | None:
    """The problem with giving new values for these names; None if an operator supplies each.

    An unknown kind is accepted, because the plan reports it.
    """
    new_logins = {
        name: credential.kind
        for name, credential in catalog.credentials.items()
        if not _may_be_supplied(kinds, credential)
    }
    unknown = [_unknown(name, catalog) for name in names if name not in catalog.credentials]
    elsewhere = [f"{name} ({new_logins[name]})" for name in names if name in new_logins]
    if not unknown and not elsewhere:
        return None
    flag = len(elsewhere) == 1
    message = f"{', '.join(elsewhere)} need{'s' if flag else ''} no value from you, because a rotation makes it"
    supplied = ", ".join(sorted(set(catalog.credentials) - set(new_logins))) or "no credential"
    problem = "; ".join([*unknown, *([message] if elsewhere else [])])
    return f"{problem}. Correct the name or remove the line; values are needed for {supplied}"


def _may_be_supplied(kinds: Mapping[str, Kind], credential: Credential) -> bool:
    return credential.kind not in kinds or kinds[credential.kind].value == "supplied"


def _unknown(name: str, catalog: Catalog) -> str:
    close = difflib.get_close_matches(name, list(catalog.credentials), n=1)
    return f"{name} is not a credential of the catalog" + (f" (did you mean {close[0]}?)" if close else "")


def in_use(credential: Credential, old: Login, new_login: Login) -> str | None:
    if Login(new_login.username or old.username, new_login.password or old.password) != old:
        return None
    return "the given new value is the value in use; get a new one from the provider" + (
        f" at {credential.provider_url}" if credential.provider_url else ""
    )


def _administered(inputs: PlanInputs, credential: Credential) -> Iterator[str]:
    admin = inputs.catalog.credentials.get(credential.admin or credential.name)
    if admin is None or credential.admin is None:
        yield f"it has no administrator in the catalog; name one in credentials.{credential.name}.admin"
        return
    admin_credential = credential_graph.find(inputs.catalog, admin, inputs.contents)
    if admin_credential.problems or admin_credential.login.password is None:
        reason = "; ".join(admin_credential.problems) or "it has no password"
        yield f"its administrator {admin.name} cannot be read: {reason}"


def _alternating(inputs: PlanInputs, stored: StoredCredential) -> Iterator[str]:
    credential = stored.credential
    username = stored.login.username
    if username is None:
        yield "no place in the catalog holds its user name, which changes at each rotation; add a setting to appears_in"
    elif (
        credential.kind not in kind_names.TWO_USERS
        and not turn_of(username)
        and credential.name not in inputs.journal.prepared
    ):
        yield (
            f"role {username} owns the database objects, and its second login {other_login(username)} does not "
            "exist; run "
            f"ansible-playbook watchparty.secrets.rotation_prepare -e rotation_credentials={credential.name} once"
        )


def _in_use(inputs: PlanInputs, credential: Credential) -> Iterator[str]:
    """Blocker: the other login is still valid (revoke_after)."""
    for task in inputs.journal.pending_tasks.values():
        if task.credential == credential.name and task.act == "revoke":
            yield (
                f"its other login is still valid until {task.due} (revoke_after), and a rotation would change its "
                "password now; rotate after that time"
            )


def _signing(inputs: PlanInputs, stored: StoredCredential) -> Iterator[str]:
    credential = stored.credential
    where = f"credentials.{credential.name}"
    setting = inputs.catalog.settings.get(credential.fallbacks or "")
    if setting is None or setting.place is None or setting.name in credential.settings:
        yield (
            "its rotation would log all users out, because no setting lists previous keys; name one in "
            f"{where}.fallbacks (docs/how-to/declare-a-credential.md#django-secret_key)"
        )
    holdings = Holdings(inputs.contents)
    for place in credential_graph.fallback_places(inputs.catalog, credential):
        holdings.value(place, setting)
        if place.key is None:
            yield (
                f"{place} lists the previous keys. Without a previous key, its value would be empty, which AWS "
                "refuses; store the list in a key of a secret"
            )
        elif place.name not in inputs.contents.readings:
            yield f"{place}, which lists the previous keys, cannot be read; create it, or allow reading it"
    yield from holdings.problems
    if stored.places and not any(place.traits.has_labels for place in stored.places):
        yield (
            "only parameters hold it, and previous values of parameters are not kept; store it in a secret "
            "too, as a copy"
        )
    if "," in (stored.login.password or ""):
        yield "its value contains a comma, which a list of previous keys cannot hold; change it by hand once"
    others = sorted(set(credential.used_for) - _USES)
    if others:
        yield (
            f"its key is also used for {', '.join(others)}, which would be lost with the old key; use another key for "
            f"this purpose, and remove it from {where}.used_for"
        )
    if not credential.used_for:
        yield (
            f"the catalog does not say what it signs; list the purposes in {where}.used_for, such as [sessions, "
            "signing]"
        )


def _mirrored(inputs: PlanInputs, credential: Credential) -> Iterator[str]:
    names = credential_graph.mirrored_names(inputs.catalog, credential)
    if names and not (inputs.catalog.github and inputs.mirrors):
        yield needs_token(inputs.catalog, names)


def needs_token(catalog: Catalog, names: Sequence[str]) -> str:
    if catalog.github is None:
        return (
            f"GitHub holds it too ({', '.join(names)}), and the catalog names no repository; add github: "
            "{repository: OWNER/NAME}"
        )
    return (
        f"GitHub holds it too ({', '.join(names)}), and there is no token to send the new value; run "
        "export GITHUB_TOKEN=$(gh auth token), then run the same command again"
    )


def _of_its_secret(inputs: PlanInputs, name: str) -> Iterator[str]:
    described = inputs.descriptions.get(name)
    if described is None:
        return
    if described.rotation_enabled:
        yield (
            f"AWS itself rotates secret {name}; run aws secretsmanager cancel-rotate-secret --secret-id {name}, or "
            "let AWS alone rotate this credential"
        )
    pending = described.stages.get(PENDING)
    if pending and pending != described.stages.get(CURRENT):
        yield (
            f"secret {name} has a pending version {pending} of another writer; let the other writer finish, or remove "
            f"its label by '{command(name, 'takes_label_off')}'"
        )
