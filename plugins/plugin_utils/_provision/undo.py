# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The undo of a setting: its previous value, and the reasons that forbid its return."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Credential
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound, ProvisionError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal, Rotated
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import (
    DENIED,
    PREVIOUS,
    Contents,
    Reading,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.secret_json import Holdings
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import first_date, set_plan, targets
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.apply import Provisioner, StoreState
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.plan import ProvisionInputs, ProvisionPlan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.targets import ValueTarget
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ids import version_id
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.rotated_elsewhere import ELSEWHERE

NO_OTHER = "the previous version holds the same value, because a later write changed another setting of this secret"


@dataclass(frozen=True)
class Undone:
    """The present and the previous value of a setting."""

    target: ValueTarget
    before: str = field(repr=False)
    after: str = field(repr=False)
    to: Reading = field(repr=False)

    def __str__(self) -> str:
        written = f", written {self.to.written}" if self.to.written else ""
        return f"undo {self.target.name}: back to version {self.to.version} of {self.target.places[0]}{written}"


@dataclass(frozen=True)
class Undo:
    """The settings to undo, as one look found them."""

    settings: tuple[Undone, ...]

    @property
    def values(self) -> dict[str, str]:
        return {item.target.name: item.after for item in self.settings}

    def plan(self, ground: ProvisionInputs) -> ProvisionPlan:
        """Plans the undo. A value that somebody has changed since the look is a problem."""
        holdings = Holdings(ground.contents)
        moved = [
            f"{item.target.name}: somebody changed it meanwhile; run the same command again to undo that change"
            for item in self.settings
            if holdings.value(item.target.places[0], item.target.setting) not in (item.before, item.after)
        ]
        return ProvisionPlan(problems=tuple(moved)) if moved else set_plan.plan(replace(ground, anyway=False))


def wanted(provisioner: Provisioner, names: Sequence[str], seen: StoreState) -> Undo:
    """Reads the previous values. Raises ProvisionError with every conflict."""
    known, chosen, problems = targets.chosen(provisioner.catalog, dict.fromkeys(names, ""))
    problems += [problem for name in chosen for problem in _conflicts(provisioner, seen.journal, known[name])]
    if problems:
        raise ProvisionError(problems)
    results = [_undone(provisioner, seen.contents, seen.journal, known[name]) for name in chosen]
    refused = [item for item in results if isinstance(item, str)]
    if refused:
        raise ProvisionError(refused)
    return Undo(tuple(item for item in results if isinstance(item, Undone)))


def _set(target: ValueTarget) -> str:
    return f"store the value that you want: ansible-playbook watchparty.secrets.set -e set_names={target.name}"


def _conflicts(provisioner: Provisioner, journal: Journal, target: ValueTarget) -> Iterator[str]:
    if journal.incident:
        yield f"{target.name}: leak {journal.incident.id} is open, so a previous value may have leaked; {_set(target)}"
    catalog = provisioner.catalog
    for credential in _credentials(catalog, target):
        name = credential.name
        if not set(target.places).isdisjoint(credential_graph.fallback_places(catalog, credential)):
            yield (
                f"{target.name}: lists previous keys of credential {name}, and an undo would make a revoked key valid "
                f"again; {_set(target)}"
            )
        elif set_plan.conflicts(catalog, provisioner.kinds, replace(target, credential=name), anyway=False):
            yield (
                f"{target.name}: belongs to credential {name}, whose previous value a rotation revokes; run "
                f"ansible-playbook watchparty.secrets.rotate -e rotation_credentials={name} -e rotation_force=true"
            )


def _credentials(catalog: Catalog, target: ValueTarget) -> list[Credential]:
    """Every credential with a value in the target's places. A place can hold several credentials."""
    return [
        credential
        for credential in catalog.credentials.values()
        if not set(target.places).isdisjoint(credential_graph.changed_places(catalog, credential))
    ]


def _undone(provisioner: Provisioner, contents: Contents, journal: Journal, target: ValueTarget) -> Undone | str:
    """The undo of a setting, or the reason against it as text."""
    place, holdings = target.places[0], Holdings(contents)
    before = holdings.value(place, target.setting)
    if before is None:
        return f"{target.name}: has no value in {place}; {_set(target)}"
    apart = [copy for copy in target.places if holdings.value(copy, target.setting) not in (None, before)]
    if apart:
        return f"{target.name}: {apart[0]} has another value than {place}, as after a killed run; {_set(target)}"
    previous = _previous(provisioner, contents, target)
    if isinstance(previous, str):
        return f"{target.name}: {previous}; {_set(target)}"
    after = Holdings(Contents({place.name: previous})).value(place, target.setting)
    if after is None:
        return f"{target.name}: version {previous.version} of {place} has no value; {_set(target)}"
    if after == before:
        return f"{target.name}: {NO_OTHER}; {_set(target)}"
    for credential in _credentials(provisioner.catalog, target):
        last = journal.rotated.get(credential.name)
        if last and _is_replaced(previous, contents.readings[place.name], last):
            return (
                f"{target.name}: rotation {last.rotation} replaced its previous value at {last.at}, so that value is "
                "revoked or will be; run "
                f"ansible-playbook watchparty.secrets.rotate -e rotation_credentials={credential.name} "
                "-e rotation_force=true"
            )
    return Undone(target, before, after, previous)


def _is_replaced(previous: Reading, now: Reading, last: Rotated) -> bool:
    """Whether the previous value may be from before the last rotation.

    A rotation is recorded after the versions that it wrote.
    """
    own = {version_id(last.rotation, previous.name, phase) for phase in (1, 2)}
    if last.rotation == first_date.STEP or previous.version in own:
        return False
    # The clock of the operator's machine can be slow, and a rotation elsewhere is dated before the write of its value.
    return now.version in own or last.rotation == ELSEWHERE or last.at >= previous.written


def _previous(provisioner: Provisioner, contents: Contents, target: ValueTarget) -> Reading | str:
    place = target.places[0]
    if not place.traits.has_labels:
        return _earlier(provisioner, contents.readings[place.name])
    answer = provisioner.secrets.read([place.name], stages={place.name: PREVIOUS})
    failure = answer.failures.get(place.name)
    if failure is None:
        return answer.readings[place.name]
    if failure.reason == DENIED:
        return f"its previous version cannot be read, as after a leak ({failure.detail})"
    return f"{place} has no previous version"


def _earlier(provisioner: Provisioner, now: Reading) -> Reading | str:
    """The newest version with another value. A change of the key or the description writes the same value again."""
    try:
        history = provisioner.parameters.history(now.name)
    except NotFound:
        history = []
    others = (reading for reading in reversed(history) if reading.value != now.value)
    return next(others, f"parameter {now.name} has no other value in its history")
