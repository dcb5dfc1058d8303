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

FILE = "-e rotation_values_file=FILE (mode 0600)"
_USES = frozenset({"sessions", "signing"})


def blockers(
    ground: PlanInputs,
    credential: Credential,
    stored_credential: credential_graph.StoredCredential,
    places: Sequence[Place],
) -> Iterator[str]:
    kind = ground.kinds.get(credential.kind)
    if kind is None:
        yield (
            f"no kind {credential.kind} is there; kinds are {', '.join(sorted(ground.kinds))}, and your own are "
            "folders in rotation_kinds_path"
        )
        return
    yield from stored_credential.problems
    yield from filter(None, [ground.against.get(credential.name)])
    yield from _of_its_kind(ground, credential, kind, stored_credential)
    yield from _mirrored(ground, credential)
    for name in labelled_names(places):
        yield from _of_its_secret(ground, name)


def _of_its_kind(
    ground: PlanInputs, credential: Credential, kind: Kind, stored_credential: credential_graph.StoredCredential
) -> Iterator[str]:
    missing = [name for name in kind.options if name not in credential.options]
    if missing:
        yield f"kind {kind.name} needs options.{', options.'.join(missing)}"
    if kind.value == "supplied":
        yield from _supplied(ground, credential, stored_credential)
    if kind.needs_url and not stored_credential.problems and stored_credential.url is None:
        yield from stored_credential.flaws or (no_address(credential),)
    if not stored_credential.problems:
        yield from filter(
            None, [server_addresses.leads_elsewhere(ground.catalog, credential, stored_credential.locations)]
        )
    if kind.needs_user and not stored_credential.problems and stored_credential.login.username is None:
        yield "no place holds its user name or id; add one to appears_in, such as a setting ending in ACCESS_KEY_ID"
    if kind.needs_admin:
        yield from _administered(ground, credential)
    if kind.alternates == "always" and not stored_credential.problems:
        yield from _alternating(ground, credential, stored_credential)
    if kind.alternates == "always" and not ground.leak:
        yield from _in_use(ground, credential)
    if kind.phases == 2:
        yield from _signing(ground, credential, stored_credential)
    elif revokes_later(credential) and not stored_credential.problems and not _is_kept(stored_credential):
        yield (
            "it revokes after the rotation has ended, and what parameters held is not kept; let a secret hold it too, "
            f"or set revoke_after to {LONGEST_WAIT} at most"
        )
    if kind.name == kind_names.VALKEY_USER and ".cache.amazonaws.com" in (stored_credential.url or ""):
        yield "its address is ElastiCache, which has no ACL SETUSER; use kind elasticache_auth_token"


def no_address(credential: Credential) -> str:
    return (
        "its server's address is unknown: it appears in no URL, and the catalog declares none; name the settings that "
        f"hold it: credentials.{credential.name}.parts: {{host: …, port: …}}"
    )


def _is_kept(stored_credential: credential_graph.StoredCredential) -> bool:
    """Whether a secret's former version will tell what the old login was."""
    kept = [appearance for appearance in stored_credential.appearances if appearance.spot.place.traits.has_labels]
    has_user = any(appearance.in_url or appearance.spot.is_user for appearance in kept)
    held = any(appearance.spot.is_user or appearance.in_url for appearance in stored_credential.appearances)
    return any(appearance.in_url or not appearance.spot.is_user for appearance in kept) and (has_user or not held)


def _supplied(
    ground: PlanInputs, credential: Credential, stored_credential: credential_graph.StoredCredential
) -> Iterator[str]:
    given = ground.supplied.get(credential.name)
    if given is None and ground.leak:
        yield "its provider issues it; at a terminal its new value is asked for at the end, or give it by " + FILE
    elif given is None:
        yield (
            f"its provider issues it; give the new value by {FILE}, or name it with "
            f"-e rotation_credentials={credential.name} to be asked"
        )
    elif given.username and not stored_credential.problems and stored_credential.login.username is None:
        yield "the new value has a user name, and no place of the catalog holds one; add it to appears_in"
    else:
        yield from filter(None, [in_use(credential, stored_credential.login, given)])
        yield from _undeliverable(ground.catalog, stored_credential, given)


def _undeliverable(
    catalog: Catalog, stored_credential: credential_graph.StoredCredential, given: Login
) -> Iterator[str]:
    """A new value that no deploy could write."""
    for appearance in stored_credential.appearances:
        setting = appearance.spot.setting
        if setting and appearance.spot.place in credential_graph.own_places(setting):
            problem = deliverable_values.problem(catalog, setting, setting.name, appearance.rewritten(given))
            if problem:
                yield f"the new value of {setting.name} cannot be delivered: {problem}"


def not_to_be_given(catalog: Catalog, kinds: Mapping[str, Kind], names: Sequence[str]) -> str | None:
    """What is wrong with giving new values of these names; None where each is one that the operator supplies.

    A kind that is not there counts as one that may be: the plan says what is wrong with it.
    """
    made = {
        name: credential.kind
        for name, credential in catalog.credentials.items()
        if not _may_be_supplied(kinds, credential)
    }
    unknown = [_unknown(name, catalog) for name in names if name not in catalog.credentials]
    elsewhere = [f"{name} ({made[name]})" for name in names if name in made]
    if not unknown and not elsewhere:
        return None
    flag = len(elsewhere) == 1
    message = f"{', '.join(elsewhere)} {'gets its' if flag else 'get their'} new value{'' if flag else 's'} without you"
    supplied = ", ".join(sorted(set(catalog.credentials) - set(made))) or "no credential"
    problem = "; ".join([*unknown, *([message] if elsewhere else [])])
    return f"{problem}. Correct the name or take the line out; values are given for {supplied}"


def _may_be_supplied(kinds: Mapping[str, Kind], credential: Credential) -> bool:
    return credential.kind not in kinds or kinds[credential.kind].value == "supplied"


def _unknown(name: str, catalog: Catalog) -> str:
    close = difflib.get_close_matches(name, list(catalog.credentials), n=1)
    return f"{name} is not a credential of the catalog" + (f" (did you mean {close[0]}?)" if close else "")


def in_use(credential: Credential, old: Login, given: Login) -> str | None:
    """The blocker if the given new value is the one in use."""
    if Login(given.username or old.username, given.password or old.password) != old:
        return None
    return "the new value that was given is the one in use; get a new one from the provider" + (
        f" at {credential.provider_url}" if credential.provider_url else ""
    )


def _administered(ground: PlanInputs, credential: Credential) -> Iterator[str]:
    admin = ground.catalog.credentials.get(credential.admin or credential.name)
    if admin is None or credential.admin is None:
        yield f"its administrator is not declared; name it in credentials.{credential.name}.admin"
        return
    held = credential_graph.find(ground.catalog, admin, ground.contents)
    if held.problems or held.login.password is None:
        yield f"its administrator {admin.name} cannot be read: {'; '.join(held.problems) or 'it has no password'}"


def _alternating(
    ground: PlanInputs, credential: Credential, stored_credential: credential_graph.StoredCredential
) -> Iterator[str]:
    username = stored_credential.login.username
    if username is None:
        yield "no place holds its user name, which alternates; add one to appears_in"
    elif not turn_of(username) and credential.name not in ground.journal.prepared:
        yield (
            f"its login owns everything and has no second one ({other_login(username)}) beside it; run "
            f"watchparty.secrets.rotation_prepare -e rotation_credentials={credential.name} once"
        )


def _in_use(ground: PlanInputs, credential: Credential) -> Iterator[str]:
    """A login whose turn would come before its former value was to go."""
    for task in ground.journal.pending_tasks.values():
        if task.credential == credential.name and task.act == "revoke":
            yield (
                f"its other login is to be revoked at {task.due} (revoke_after) and would get a new password now; "
                "rotate it once that is done"
            )


def _signing(
    ground: PlanInputs, credential: Credential, stored_credential: credential_graph.StoredCredential
) -> Iterator[str]:
    where = f"credentials.{credential.name}"
    setting = ground.catalog.settings.get(credential.fallbacks or "")
    if setting is None or setting.place is None or setting.name in credential.settings:
        yield f"without a setting of former keys everybody would be logged out; name one in {where}.fallbacks"
    holdings = Holdings(ground.contents)
    for place in credential_graph.fallback_places(ground.catalog, credential):
        holdings.value(place, setting)
        if place.key is None:
            yield f"{place} cannot be empty, and without former keys it is; keep them in a key of a secret"
        elif place.name not in ground.contents.readings:
            yield f"{place}, which lists former keys, cannot be read"
    yield from holdings.problems
    if stored_credential.places and not any(place.traits.has_labels for place in stored_credential.places):
        yield "it is in parameters alone, whose former values are not kept; keep it in a secret too, as a copy"
    if "," in (stored_credential.login.password or ""):
        yield "it has a comma in it, so a list of former keys cannot hold it; change it by hand once"
    others = sorted(set(credential.used_for) - _USES)
    if others:
        yield f"{', '.join(others)} would be lost with the old key; give that a key of its own ({where}.used_for)"
    if not credential.used_for:
        yield f"nothing says what it is used for; list it in {where}.used_for, such as [sessions, signing]"


def _mirrored(ground: PlanInputs, credential: Credential) -> Iterator[str]:
    names = credential_graph.mirrored_names(ground.catalog, credential)
    if names and ground.catalog.github is None:
        yield f"GitHub holds it too ({', '.join(names)}); name the repository in github.repository of the catalog"
    elif names and not ground.mirrors:
        yield (
            f"GitHub holds it too ({', '.join(names)}), and no token is there to send it; set GITHUB_TOKEN, GH_TOKEN "
            "or GITHUB_TOKEN_FILE"
        )


def _of_its_secret(ground: PlanInputs, name: str) -> Iterator[str]:
    described = ground.descriptions.get(name)
    if described is None:
        return
    if described.rotation_enabled:
        yield f"AWS rotates secret {name} itself; cancel that (cancel-rotate-secret), or leave the credential to it"
    pending = described.stages.get(PENDING)
    if pending and pending != described.stages.get(CURRENT):
        yield (
            f"secret {name} has a pending version {pending} that is not of this rotation; finish it, or take its label "
            f"off by '{command(name, 'takes_label_off')}'"
        )
