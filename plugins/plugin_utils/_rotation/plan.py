# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan of a rotation: changes, places, order, rollouts and refused credentials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    credential_ages,
    credential_graph,
    timestamps,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core import journal as _journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Credential, Place
from ansible_collections.watchparty.secrets.plugins.module_utils._core.credential_ages import revokes_later
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import named
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import CONFIRM, Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.secret_json import Holdings
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import record as audit_record
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import (
    pending_tasks as rotation_pending_tasks,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import preconditions
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import (
    Kind,
    other_login,
    turn_of,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.plan_inputs import PlanInputs

ROTATE, RENEW = "rotate", "renew"
DROP_FALLBACK, REVOKE = _journal.DROP_FALLBACK, _journal.REVOKE
"""Renew: a signing key that leaked is replaced in one phase, and no previous key is kept."""
CHANGES = (ROTATE, RENEW)
ENDS = (*CHANGES, REVOKE, DROP_FALLBACK)
"""The acts that end a previous value."""


@dataclass(frozen=True)
class RotationRequest:
    names: tuple[str, ...] = ()
    """Credentials; empty for all."""
    force: bool = False
    """Whether to rotate regardless of age."""
    leak: str = ""
    """Id of the incident that requires the rotation, which then keeps no old value."""
    immediate: bool = False
    """Whether to revoke old values before the deploy."""


@dataclass(frozen=True)
class Item:
    """A credential in a rotation."""

    credential: str
    kind: str
    act: str = ROTATE
    reason: str = ""
    phases: int = 1
    places: tuple[Place, ...] = ()
    pending_task: str | None = None
    issued: bool = False
    """Whether a provider makes the new value."""
    hosts: tuple[str, ...] = ()
    """Hosts that the item is limited to; empty for all."""
    former: tuple[str, ...] = ()
    """Pending tasks whose previous values are revoked along with its own; after a leak only."""
    user: str = ""
    """IAM user of an access key."""

    def entry(self) -> dict[str, Any]:
        """The item as the journal keeps it."""
        data: dict[str, Any] = {"kind": self.kind, "act": self.act, "phases": self.phases}
        extra = {"pending_task": self.pending_task, "issued": self.issued, "hosts": list(self.hosts)}
        extra |= {"former": list(self.former), "user": self.user}
        return {**data, **{name: value for name, value in extra.items() if value}}


@dataclass(frozen=True)
class RotationPlan:
    items: tuple[Item, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    """Reasons by credential."""
    passed_over: Mapping[str, str] = field(default_factory=dict)
    """Reasons why credentials are not rotated, by credential."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Present version of each secret that changes."""
    parameters: Mapping[str, int] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    """Parameters that no setting reads, such as an administrator's. Hosts do not get them."""
    key: str | None = None
    """KMS key of the rotation's own secrets; None for AWS's own key."""
    incident: str = ""
    immediate: bool = False

    @property
    def phases(self) -> int:
        return max((item.phases for item in self.items), default=0)

    def entry(self) -> dict[str, Any]:
        return {
            **({"incident": self.incident} if self.incident else {}),
            **({"immediate": True} if self.immediate else {}),
            "credentials": {item.credential: item.entry() for item in self.items},
            "secrets": dict(self.secrets),
            "parameters": dict(self.parameters),
            **({"unread": list(self.unread)} if self.unread else {}),
            **({"key": self.key} if self.key else {}),
            "phases": self.phases,
            "refused": {
                name: message if len(message) <= 160 else message[:157] + "..."
                for name, message in self.refused.items()
            },
        }


def items_of(entry: Mapping[str, Any]) -> tuple[Item, ...]:
    """Items of a journal's plan, in order. A renamed kind has its new name."""
    return tuple(
        Item(name, **{**item, "kind": audit_record.word(item["kind"]), **_tuples(item)})
        for name, item in entry.get("credentials", {}).items()
    )


def _tuples(item: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(item.get(name, ())) for name in ("hosts", "former")}


def plan(inputs: PlanInputs, request: RotationRequest) -> RotationPlan:
    """Plans a rotation. Pure. Raises :class:`RotationError` for an unknown name."""
    unknown = sorted(set(request.names) - set(inputs.catalog.credentials))
    if unknown:
        declared = ", ".join(sorted(inputs.catalog.credentials)) or "none"
        raise RotationError(f"{', '.join(unknown)}: is not a credential of the catalog; choose from {declared}")
    items: list[Item] = []
    refused: dict[str, str] = {}
    passed: dict[str, str] = {}
    owners: dict[Place, str] = {}
    for credential in _ordered(inputs.catalog):
        if request.names and credential.name not in request.names:
            continue
        since = inputs.stored.get(credential.name, "")
        age = credential_ages.age_of(inputs.catalog, credential, inputs.journal, inputs.now, since)
        if request.leak and is_replaced(inputs.journal, credential.name):
            passed[credential.name] = "replaced since the leak was declared"
            continue
        if not (age.due or request.force or request.leak):
            passed[credential.name] = age.message
            continue
        stored = credential_graph.find(inputs.catalog, credential, inputs.contents)
        kind = inputs.kinds.get(credential.kind, Kind(credential.kind))
        places = stored.places + (
            credential_graph.fallback_places(inputs.catalog, credential) if kind.phases == 2 else ()
        )
        problems = list(preconditions.blockers(inputs, stored, places))
        problems += [
            f"{place} also belongs to credential {owners[place]}; give each credential its own place"
            for place in places
            if place in owners
        ]
        if problems:
            refused[credential.name] = "; ".join(dict.fromkeys(problems))
            continue
        owners.update(dict.fromkeys(places, credential.name))
        items.append(_item(credential, kind, request, age, places))
    busy = {item.credential for item in items}
    if request.leak:
        items = [_with_former(inputs, item) for item in items]
        items += _on_skipped_hosts(inputs, request, busy)
        passed = {name: why for name, why in passed.items() if name not in {item.credential for item in items}}
    else:
        items += _pending_tasks(inputs, request, busy, owners, refused)
    return replace(pinned(inputs, items, refused, passed), incident=request.leak, immediate=request.immediate)


def is_replaced(journal: Journal, name: str) -> bool:
    """Whether the leak response has replaced the credential by a value that cannot have leaked, and left no pending
    revocation."""
    incident, last = journal.incident, journal.rotated.get(name)
    pending_names = {
        task.credential for task in journal.pending_tasks.values() if task.act != CONFIRM and not task.hosts
    }
    if incident is None or last is None or name in pending_names or last.incident != incident.id:
        return False
    return named(last.rotation, name) not in incident.spoiled


def _item(
    credential: Credential, kind: Kind, request: RotationRequest, age: credential_ages.Age, places: tuple[Place, ...]
) -> Item:
    act, phases = ROTATE, kind.phases
    reason = age.message if age.due else f"forced ({age.message})"
    if request.leak:
        act, phases = RENEW if kind.phases == 2 else ROTATE, 1
        reason = "it leaked, or a leaked credential reveals it"
    return Item(credential.name, credential.kind, act, reason, phases, places, issued=kind.is_issued)


def _ordered(catalog: Catalog) -> list[Credential]:
    """Credentials in the catalog's order, administrators last."""
    admins = {credential.admin for credential in catalog.credentials.values() if credential.admin}
    return sorted(catalog.credentials.values(), key=lambda credential: credential.name in admins)


def _pending_tasks(
    inputs: PlanInputs, request: RotationRequest, busy: set[str], owners: Mapping[Place, str], refused: dict[str, str]
) -> Iterator[Item]:
    for task in credential_ages.due_pending_tasks(inputs.journal, inputs.now):
        if task.credential in busy or (request.names and task.credential not in request.names):
            continue
        blocker = rotation_pending_tasks.blocker(inputs.catalog, inputs.kinds, task, inputs.former.get(task.id))
        if blocker:
            refused[task.credential] = "; ".join(filter(None, [refused.get(task.credential), blocker]))
            continue
        credential = inputs.catalog.credentials[task.credential]
        places = credential_graph.fallback_places(inputs.catalog, credential) if task.act == DROP_FALLBACK else ()
        if owners.keys() & places:
            continue  # another credential's rotation writes there; the next one finds what that leaves
        reason = {
            DROP_FALLBACK: "its previous key is due to be dropped",
            REVOKE: "its previous value is due to be revoked",
        }
        yield Item(
            credential=task.credential,
            kind=credential.kind,
            act=task.act,
            reason=f"{reason[task.act]} (since {task.due})",
            phases=1 if task.act == DROP_FALLBACK else 0,
            places=places,
            pending_task=task.id,
        )


def _with_former(inputs: PlanInputs, item: Item) -> Item:
    """Adds previous values that wait for a later revocation: one of them may have leaked."""
    results = rotation_pending_tasks.revocable(
        inputs.catalog, inputs.kinds, inputs.journal, item.credential, inputs.former
    )
    return replace(item, former=results)


def _on_skipped_hosts(inputs: PlanInputs, request: RotationRequest, busy: set[str]) -> Iterator[Item]:
    """Revocations on hosts that the incident's earlier runs could not reach."""
    for task in sorted(inputs.journal.pending_tasks.values(), key=lambda task: task.id):
        credential = inputs.catalog.credentials.get(task.credential)
        if task.hosts and credential is not None and task.credential in request.names and task.credential not in busy:
            busy = busy | {task.credential}
            reason = f"its leaked key is still authorized on {', '.join(task.hosts)}"
            item = Item(task.credential, credential.kind, REVOKE, reason, 0, pending_task=task.id, hosts=task.hosts)
            former = _with_former(inputs, item).former
            yield replace(item, former=tuple(other for other in former if other != task.id))


def pinned(
    inputs: PlanInputs, items: Sequence[Item], refused: Mapping[str, str], passed: Mapping[str, str]
) -> RotationPlan:
    secrets: dict[str, str] = {}
    parameters: dict[str, int] = {}
    for place in (place for item in items for place in item.places):
        reading = inputs.contents.readings.get(place.name)
        if reading is None:
            continue
        if place.traits.has_labels:
            secrets[place.name] = reading.version
        else:
            parameters[place.name] = int(reading.version)
    return RotationPlan(
        tuple(items),
        refused,
        passed,
        dict(sorted(secrets.items())),
        dict(sorted(parameters.items())),
        unread=tuple(name for name in sorted(parameters) if not _is_read(inputs.catalog, name)),
        key=inputs.key(secrets),
    )


def _is_read(catalog: Catalog, parameter: str) -> bool:
    read = ((setting, place) for setting in catalog.settings.values() for place in setting.places)
    return any(
        fnmatchcase(parameter, place.name) if setting.is_pattern else parameter == place.name for setting, place in read
    )


def places_of(catalog: Catalog, credential: Credential, item: Item) -> tuple[Place, ...]:
    """Every place that the item may change."""
    appears = tuple(spot.place for spot in credential_graph.spots(catalog, credential)) if item.act in CHANGES else ()
    return appears + credential_graph.fallback_places(catalog, credential)


def edits(
    catalog: Catalog, items: Sequence[Item], contents: Contents, values: Mapping[str, Login], phase: int
) -> credential_graph.Edits:
    """Changes in a phase, counted from 1, to the stores' contents before the rotation."""
    result: dict[Place, str] = {}
    for item in items:
        credential = catalog.credentials[item.credential]
        if item.act == DROP_FALLBACK:
            result.update(_without(catalog, credential, contents, values[item.credential]))
        elif item.act == ROTATE and item.phases == 2:
            result.update(_signing_edits(catalog, credential, contents, values[item.credential], phase))
        elif item.act in CHANGES:
            result.update(credential_graph.find(catalog, credential, contents).edits(values[item.credential]))
            result.update(_listed(catalog, credential, []) if item.act == RENEW else {})
    return result


def _signing_edits(
    catalog: Catalog, credential: Credential, contents: Contents, new: Login, phase: int
) -> credential_graph.Edits:
    stored = credential_graph.find(catalog, credential, contents)
    first = new.password if phase == 1 else stored.login.password
    keys = [first or "", *(key for key in _fallbacks(catalog, credential, contents) if key != first)]
    changed = _listed(catalog, credential, keys)
    return changed if phase == 1 else {**changed, **stored.edits(new)}


def _without(catalog: Catalog, credential: Credential, contents: Contents, old: Login) -> credential_graph.Edits:
    before = _fallbacks(catalog, credential, contents)
    former_keys = [key for key in before if key != old.password]
    return _listed(catalog, credential, former_keys) if former_keys != before else {}


def _fallbacks(catalog: Catalog, credential: Credential, contents: Contents) -> list[str]:
    setting = catalog.settings.get(credential.fallbacks or "")
    texts = (
        Holdings(contents).value(place, setting) for place in credential_graph.fallback_places(catalog, credential)
    )
    return [key for key in (next((text for text in texts if text), "") or "").split(",") if key]


def _listed(catalog: Catalog, credential: Credential, keys: Sequence[str]) -> credential_graph.Edits:
    return dict.fromkeys(credential_graph.fallback_places(catalog, credential), ",".join(keys))


def pending_tasks(
    catalog: Catalog,
    rotation: str,
    plan: Mapping[str, Any],
    now: datetime,
    notes: Mapping[str, Any] | None = None,
    promoted: str = "",
) -> dict[str, Any]:
    """Pending tasks of the rotation, for its closing entry."""
    result: dict[str, Any] = {}
    for item in items_of(plan):
        credential = catalog.credentials[item.credential]
        copies = {
            name: plan["secrets"][name]
            for name in credential_graph.secrets_of(catalog, credential)
            if name in plan["secrets"]
        }
        later = {"credential": item.credential, "rotation": rotation, "secrets": copies}
        if item.act == ROTATE and item.phases == 2:
            due = now + timedelta(seconds=credential.fallback_seconds)
            result[f"{rotation}/{item.credential}"] = {**later, "act": DROP_FALLBACK, "due": timestamps.stamp(due)}
        elif item.act == ROTATE and revokes_later(credential) and not plan.get("incident"):
            due = now + timedelta(seconds=credential.revoke_after)
            noted = (notes or {}).get(item.credential)
            later |= {**({"notes": noted} if noted else {}), **({"promoted": promoted} if promoted else {})}
            result[f"{rotation}/{item.credential}"] = {**later, "act": REVOKE, "due": timestamps.stamp(due)}
    return result


def is_rolling(catalog: Catalog, items: Sequence[Item]) -> bool:
    """Whether the second phase may go host by host: the application keeps sessions that either key signed."""
    signing = [catalog.credentials[item.credential] for item in items if item.phases == 2]
    return all(credential.options.get("rolling") is True for credential in signing)


def wait_of(catalog: Catalog, items: Sequence[Item]) -> int:
    """Seconds that the rotation waits before it revokes old values, without a leak."""
    credentials = [catalog.credentials[item.credential] for item in items if item.act == ROTATE]
    return max((credential.revoke_after for credential in credentials if not revokes_later(credential)), default=0)


def new_login(kind: Kind, stored: credential_graph.StoredCredential, password: str | None) -> Login:
    """The login that takes the stored one's place."""
    username = stored.login.username
    if kind.alternates == "always" or (kind.alternates == "if_suffixed" and turn_of(username)):
        username = other_login(username)
    return Login(username, password)
