# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The values that belong in GitHub, and the plan to send them: values in, a plan out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import (
    Catalog,
    Credential,
    Place,
    Setting,
    SettingRef,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.resolver import Resolution

SECRET, VARIABLE = "secret", "variable"
REPOSITORY, ENVIRONMENT, ORGANIZATION = "repository", "environment", "organization"
FROM_OPERATOR = "given"
"""The identity of a value that the operator gave. Such a value is always sent."""
FROM_OPERATOR_IF_MISSING = "first"
"""The identity of a value that the operator gave for a name without a value at GitHub."""
SEND, KEEP, MISSING, NOTE, FORGET, REMOVE, REFUSED, OBSOLETE = (
    "send",
    "keep",
    "missing",
    "note",
    "forget",
    "remove",
    "refused",
    "obsolete",
)
WRITES = (SEND, NOTE, FORGET, REMOVE)
UNHELD = "no store holds it: give its value"
LONGEST_RECORD = 2000


@dataclass(frozen=True, order=True)
class GithubTarget:
    """A secret or variable at GitHub."""

    kind: str
    scope: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name} ({self.scope})"


@dataclass(frozen=True)
class PresentEntry:
    """A secret or variable, as GitHub lists it."""

    updated_at: str
    value: str | None = field(default=None, repr=False)
    """The value of a variable. None for a secret."""
    seen: bool = True
    """Whether the repository may read it."""

    def unseen(self) -> PresentEntry:
        return replace(self, seen=False)


@dataclass(frozen=True)
class Sent:
    """The record of a value that was sent. It never holds the value, unless the value is of low sensitivity."""

    identity: str
    updated_at: str
    """GitHub's time of the write."""


@dataclass(frozen=True)
class GithubValue:
    """The value that a target must hold."""

    target: GithubTarget
    value: str | None = field(default=None, repr=False)
    identity: str | None = field(default=None, repr=False)
    """Shows whether the value is the one that was sent last. None if no such record may be kept."""
    source: str = ""
    """The origin of the value, or the reason why it is missing."""
    place: Place | None = None
    """The key of a secret. A new version of the secret may differ in other keys only."""

    def former_version(self, sent: Sent | None) -> str | None:
        """The version that was sent last. None if it is the present one, or if its key was another."""
        start = f"{self.place}@"
        if self.place is None or sent is None or sent.identity == self.identity or not sent.identity.startswith(start):
            return None
        return sent.identity[len(start) :]


@dataclass(frozen=True)
class FromInventory:
    value: str | None = field(default=None, repr=False)
    message: str = ""


@dataclass(frozen=True)
class SyncStep:
    target: GithubTarget
    act: str
    reason: str
    is_foreign: bool = False
    """Whether somebody other than the sync changed or deleted the entry at GitHub."""


def targets(
    catalog: Catalog, names: Sequence[str] = ()
) -> dict[GithubTarget, tuple[Setting | None, Credential | None]]:
    """Every secret and variable that the catalog assigns to GitHub. ``names`` are settings that patterns may match.

    Raises :class:`StoreError` for names that GitHub does not accept.
    """
    if catalog.github is None:
        return {}
    result: dict[GithubTarget, tuple[Setting | None, Credential | None]] = {}
    owners = {name: credential for credential in catalog.credentials.values() for name in credential.github}
    for setting in catalog.settings.values():
        if setting.github:
            all_names = [name for name in names if setting.matches(name)] if setting.is_pattern else [setting.name]
            for name in all_names:
                target = GithubTarget(setting.github, setting.github_scope or catalog.github.scope, _name(name))
                result[target] = (setting, owners.get(name))
    named = {target.name for target in result}
    for name, credential in owners.items():
        if _name(name) not in named:
            result[GithubTarget(SECRET, catalog.github.scope, _name(name))] = (None, credential)
    return dict(sorted(result.items()))


def _name(name: str) -> str:
    """The name in capitals, as GitHub lists it. GitHub's names are case-insensitive."""
    if name.upper().startswith("GITHUB_") or name[0].isdigit():
        raise StoreError(
            f"{name}: GitHub accepts no name that begins with GITHUB_ or a digit; sync it under another name"
        )
    return name.upper()


def wanted_values(
    catalog: Catalog,
    resolution: Resolution,
    contents: Contents,
    inventory: Mapping[str, FromInventory],
    values: Mapping[str, str],
    first: Mapping[str, str] | None = None,
) -> list[GithubValue]:
    """The value that each target must hold. Raises :class:`StoreError` for a given value that has another source.

    ``first`` are values for names that only GitHub holds. They are sent only if GitHub has no value yet.
    """
    alone = names_without_store(catalog)
    beginnings = {_name(name): value for name, value in (first or {}).items() if _name(name) in alone}
    result = targets(catalog, list(resolution.values))
    unknown = sorted({_name(name) for name in values} - {target.name for target in result})
    if unknown:
        raise StoreError(
            f"{', '.join(unknown)}: a value was given, but the catalog syncs no such name to GitHub; "
            "correct the name, or write github: secret at the setting"
        )
    by_name = {_name(name): value for name, value in values.items()}
    copies = []
    for target, (setting, credential) in result.items():
        wanted_value = _wanted_value(catalog, target, setting, credential, resolution, contents, inventory)
        if target.name in by_name:
            if wanted_value.identity is not None or wanted_value.value is not None:
                raise StoreError(
                    f"{target.name}: a value was given, but it comes from {wanted_value.source}; change it there and "
                    "sync again"
                )
            wanted_value = GithubValue(target, by_name[target.name], FROM_OPERATOR, "the value that was given")
        elif target.name in beginnings:
            wanted_value = GithubValue(
                target, beginnings[target.name], FROM_OPERATOR_IF_MISSING, "the value that was given"
            )
        copies.append(wanted_value)
    return copies


def names_without_store(catalog: Catalog) -> frozenset[str]:
    """Names whose values only GitHub holds."""
    result = targets(catalog).items()
    return frozenset(target.name for target, (setting, credential) in result if not _has_source(setting, credential))


def _has_source(setting: Setting | None, credential: Credential | None) -> bool:
    if setting is not None and (setting.inventory or setting.rendered or setting.is_pattern):
        return True
    return credential is not None and bool(credential.places or credential.settings)


def _wanted_value(
    catalog: Catalog,
    target: GithubTarget,
    setting: Setting | None,
    credential: Credential | None,
    resolution: Resolution,
    contents: Contents,
    inventory: Mapping[str, FromInventory],
) -> GithubValue:
    if setting is not None and setting.inventory:
        declared = inventory.get(setting.name, FromInventory(None, "the inventory was not read"))
        source = declared.message or f"variable {setting.inventory} of the inventory"
        return GithubValue(target, declared.value, _plain(declared.value, setting.sensitivity), source)
    if setting is not None and (setting.rendered or setting.is_pattern):
        return _resolved(catalog, target, setting, resolution, contents)
    if credential is not None and (credential.places or credential.settings):
        return _of_credential(catalog, target, credential, contents)
    return GithubValue(target, source=UNHELD)


def _resolved(
    catalog: Catalog, target: GithubTarget, setting: Setting, resolution: Resolution, contents: Contents
) -> GithubValue:
    origins = [origin for origin in resolution.origins if _name(origin.setting) == target.name]
    value = next((value for name, value in resolution.values.items() if _name(name) == target.name), None)
    if value is None or value == "" or not origins:
        return GithubValue(target, source="the stores hold no value for it")
    (origin,) = origins
    if origin.source == "catalog":
        return GithubValue(target, value, _plain(value, setting.sensitivity), "the catalog")
    if origin.source == "composed":
        return GithubValue(target, value, _versions(_parts(catalog, setting), contents), "the places it is composed of")
    place = Place(origin.source, origin.name, origin.key)
    return GithubValue(target, value, f"{place}@{origin.version}", str(place), place if place.key is not None else None)


def _of_credential(catalog: Catalog, target: GithubTarget, credential: Credential, contents: Contents) -> GithubValue:
    stored_credential = credential_graph.find(catalog, credential, contents)
    if stored_credential.problems or stored_credential.login.password is None:
        return GithubValue(
            target, source=f"credential {credential.name}: {'; '.join(stored_credential.problems) or 'it has no value'}"
        )
    places = sorted({appearance.spot.place for appearance in stored_credential.appearances}, key=str)
    return GithubValue(
        target, stored_credential.login.password, _versions(places, contents), f"credential {credential.name}"
    )


def _parts(catalog: Catalog, setting: Setting) -> Iterator[Place]:
    for part in setting.compose.parts if setting.compose else ():
        if isinstance(part, Place):
            yield part
        elif isinstance(part, SettingRef):
            yield from catalog.settings[part.name].places


def _versions(places: Sequence[Place] | Iterator[Place], contents: Contents) -> str | None:
    known = sorted(
        {f"{place}@{contents.readings[place.name].version}" for place in places if place.name in contents.readings}
    )
    return "; ".join(known) or None


def _plain(value: str | None, sensitivity: str) -> str | None:
    """The identity of a value without a version: the value itself, if its sensitivity is low."""
    if value is None or sensitivity != "low" or len(value) > LONGEST_RECORD:
        return None
    return f"value {value}"


def plan(
    wanted: Sequence[GithubValue],
    present: Mapping[GithubTarget, PresentEntry],
    sent: Mapping[GithubTarget, Sent],
    *,
    prune: bool,
    readers: Mapping[str, Sequence[str]],
    same: Collection[GithubTarget] = (),
) -> list[SyncStep]:
    """The steps, in order: a value is removed only after its replacement was sent.

    ``readers`` are the places in workflows that still read a target, by its :func:`reading`. ``same`` are targets whose
    secret has a new version that differs in other keys only.
    """
    steps = [
        _step_for_wanted(
            wanted_value, present.get(wanted_value.target), sent.get(wanted_value.target), wanted_value.target in same
        )
        for wanted_value in wanted
    ]
    return steps + [
        _step_for_obsolete(github_target, present, prune, readers) for github_target in obsolete_targets(wanted, sent)
    ]


def obsolete_targets(wanted: Sequence[GithubValue], sent: Mapping[GithubTarget, Sent]) -> list[GithubTarget]:
    """Targets that were sent once, but that the catalog no longer has."""
    return sorted(set(sent) - {wanted_value.target for wanted_value in wanted})


def _step_for_wanted(
    wanted_value: GithubValue, present: PresentEntry | None, sent: Sent | None, same: bool
) -> SyncStep:
    if wanted_value.value is None:
        text = "and GitHub has none either" if present is None else "so GitHub keeps its value"
        return SyncStep(wanted_value.target, MISSING if present is None else KEEP, f"{wanted_value.source}, {text}")
    if wanted_value.identity == FROM_OPERATOR_IF_MISSING and present is not None:
        return SyncStep(wanted_value.target, KEEP, "no store holds it, so GitHub keeps its value")
    why = _why(wanted_value, present, sent, same)
    if why:
        foreign = wanted_value.identity != FROM_OPERATOR and _changed_elsewhere(present, sent)
        return SyncStep(wanted_value.target, SEND, why, foreign)
    if sent is None or (sent.identity != wanted_value.identity and wanted_value.identity is not None):
        return SyncStep(
            wanted_value.target,
            NOTE,
            f"GitHub already holds the value; the record of the sync {'is older' if sent else 'is missing'} and "
            "is written",
        )
    return SyncStep(wanted_value.target, KEEP, "GitHub holds the value that was sent last")


def _changed_elsewhere(present: PresentEntry | None, sent: Sent | None) -> bool:
    if present is None:
        return sent is not None
    if not present.seen:
        return False
    return present.value is None if sent is None else present.updated_at != sent.updated_at


def _why(wanted_value: GithubValue, present: PresentEntry | None, sent: Sent | None, same: bool) -> str:
    """The reason to send the value. Empty if it need not be sent."""
    if wanted_value.identity == FROM_OPERATOR:
        return "a value was given"
    if present is None:
        return "GitHub has none" if sent is None else "was sent before, and somebody deleted it at GitHub"
    if not present.seen:
        return "the organisation does not share it with the repository"
    if present.value is not None:  # a variable can be read back
        if present.value == wanted_value.value:
            return ""
        changed = sent is not None and sent.updated_at != present.updated_at
        return (
            f"somebody changed it at {present.updated_at}"
            if changed
            else f"GitHub holds another value than {wanted_value.source}"
        )
    if sent is None:
        return f"somebody else created it at {present.updated_at}, or an earlier sync was interrupted"
    if present.updated_at != sent.updated_at:
        return f"somebody changed it at {present.updated_at}, or an earlier sync was interrupted"
    if wanted_value.identity is None:
        return f"it is unknown whether {wanted_value.source} has changed, because no record of this value is kept"
    return "" if same or sent.identity == wanted_value.identity else f"{wanted_value.source} has changed"


def _step_for_obsolete(
    target: GithubTarget,
    present: Mapping[GithubTarget, PresentEntry],
    prune: bool,
    readers: Mapping[str, Sequence[str]],
) -> SyncStep:
    if target not in present:
        return SyncStep(target, FORGET, "the catalog no longer names it, and GitHub has none")
    if not prune:
        return SyncStep(target, OBSOLETE, "the catalog no longer names it; -e github_prune=true removes it")
    reading_places = readers.get(reading(target))
    if reading_places:
        return SyncStep(target, REFUSED, f"the catalog no longer names it, but it is read: {'; '.join(reading_places)}")
    return SyncStep(target, REMOVE, "the catalog no longer names it")


def shared_names(catalog: Catalog, others: Sequence[Catalog]) -> list[str]:
    """Names that two environments would overwrite for each other, in words."""
    if catalog.github is None:
        return []
    mine = {github_target for github_target in targets(catalog) if github_target.scope != ENVIRONMENT}
    results = []
    for other in others:
        if other.github is None or (other.github.repository, other.github.api_url) != (
            catalog.github.repository,
            catalog.github.api_url,
        ):
            continue
        both = sorted(mine & set(targets(other)))
        if both:
            results.append(
                f"{', '.join(target.name for target in both)}: {catalog.environment} and "
                f"{other.environment} would write to the same place in {catalog.github.repository}; set "
                f"github.scope or github_scope to environment, or environments.{other.environment}.github to null"
            )
    return results


def reading(target: GithubTarget) -> str:
    """The target's name in a workflow, such as ``secrets.NAME``."""
    return f"{'secrets' if target.kind == SECRET else 'vars'}.{target.name}"
