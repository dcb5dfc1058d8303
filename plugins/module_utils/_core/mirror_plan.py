# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan of the mirror: parameters to write and to delete, and conflicts with other writers.

The playbook, the Lambda function and the check share it. A parameter's description names the secret's version, and the
parameter's version at the time of writing: that shows every later write.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Collection, Dict, List, Mapping, Optional, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Place
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.secret_json import Holdings
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER, SSM

REPORT, OVERWRITE = "report", "overwrite"
PARAMETER_BYTES = 4096
"""Limit of the free tier."""
LONGEST_DESCRIPTION = 1024
_MARK = re.compile(
    r"Copy of ([^\x00-\x1f\x7f-\x9f]+), version ([!-~]+), "
    r"written as version ([0-9]{1,9}) by watchparty\.secrets\.mirror"
)
"""Excludes control characters, because others may write descriptions, which messages repeat."""


@dataclass(frozen=True)
class MirrorMark:
    """The mark that the mirror writes into a parameter's description, in the same call as the value."""

    source: str
    version: str
    """Version of the secret."""
    number: int
    """Version of the parameter."""

    def __str__(self) -> str:
        mark = f"Copy of {self.source}, version {self.version}, written as version {self.number}"
        return f"{mark} by watchparty.secrets.mirror"

    @classmethod
    def of(cls, description: str) -> Optional[MirrorMark]:
        """The mark in a description. None for a parameter that the mirror did not write."""
        match = _MARK.fullmatch(description)
        return cls(match[1], match[2], int(match[3])) if match else None


@dataclass(frozen=True)
class WantedCopy:
    """The wanted content of a parameter."""

    parameter: str
    setting: str
    source: Place
    version: str
    value: str = field(repr=False)
    secure: bool = True

    def mark(self, number: int) -> MirrorMark:
        return MirrorMark(str(self.source), self.version, number)


@dataclass(frozen=True)
class PresentCopy:
    """The present content of a parameter."""

    parameter: str
    value: str = field(repr=False)
    number: int
    secure: bool
    mark: Optional[MirrorMark] = None
    tier: str = "Standard"

    @property
    def is_untouched(self) -> bool:
        """Whether the mirror wrote the current version."""
        return self.mark is not None and self.mark.number == self.number


@dataclass(frozen=True)
class MirrorPut:
    copy: WantedCopy
    reason: str
    before: Optional[PresentCopy] = None

    def __str__(self) -> str:
        return (
            f"parameter {self.copy.parameter} gets {self.copy.source}, version {self.copy.version}, as "
            f"{self.copy.setting} ({self.reason})"
        )


@dataclass(frozen=True)
class MirrorDelete:
    copy: PresentCopy
    reason: str

    def __str__(self) -> str:
        return f"parameter {self.copy.parameter} is deleted ({self.reason})"


@dataclass(frozen=True)
class MirrorSources:
    copies: Mapping[str, WantedCopy]
    unknown: Mapping[str, str] = field(default_factory=dict)
    """Setting by parameter whose source could not be read. The mirror leaves them unchanged."""
    named: Tuple[str, ...] = ()
    """Parameters and patterns that the catalog uses otherwise. The mirror deletes none of them."""
    problems: Tuple[str, ...] = ()


@dataclass(frozen=True)
class MirrorPlan:
    puts: Tuple[MirrorPut, ...] = ()
    deletes: Tuple[MirrorDelete, ...] = ()
    conflicts: Tuple[str, ...] = ()
    held: Tuple[str, ...] = ()
    """Parameters that an open rotation writes itself."""
    unchanged: int = 0

    @property
    def lines(self) -> List[str]:
        """A line for each act, without a value."""
        return [str(act) for act in (*self.puts, *self.deletes)]

    @property
    def differences(self) -> List[str]:
        """Lines of the acts that change a value, and not only a mark."""
        writes = [write for write in self.puts if write.before is None or write.before.value != write.copy.value]
        return [str(act) for act in (*writes, *self.deletes)]


def pairs(catalog: Catalog) -> Dict[str, Tuple[str, Place]]:
    """Setting and source in Secrets Manager, by parameter."""
    if catalog.mirror is None:
        return {}
    return {
        copy.name: (setting.name, setting.place)
        for setting in catalog.settings.values()
        if setting.place and setting.place.store == SECRETS_MANAGER
        for copy in setting.copies
        if copy.store == SSM
    }


def regions(catalog: Catalog) -> Tuple[str, ...]:
    """The environment's own region as an empty text, and those of replicas."""
    mirrored = catalog.mirror is not None and catalog.mirror.replicas and catalog.aws is not None
    return ("", *(catalog.aws.replicas if mirrored and catalog.aws else ()))


def sources(catalog: Catalog, contents: Contents) -> MirrorSources:
    """The wanted content of each parameter, from the read secrets."""
    holdings, copies, unknown, problems = Holdings(contents), {}, {}, []
    for parameter, (name, place) in pairs(catalog).items():
        setting, reading = catalog.settings[name], contents.readings.get(place.name)
        value = holdings.value(place, setting)
        if reading is None or holdings.is_broken(place):
            unknown[parameter] = name
        elif value:
            copy = WantedCopy(parameter, name, place, reading.version, value, setting.sensitivity != "low")
            wrong = _unfit(copy)
            problems += [f"{name}: {place}: {wrong}"] if wrong else []
            unknown.update({parameter: name} if wrong else {})
            copies.update({} if wrong else {parameter: copy})
    problems += [*_unread(contents, pairs(catalog)), *holdings.problems]
    return MirrorSources(copies, unknown, _named(catalog), tuple(dict.fromkeys(problems)))


def _named(catalog: Catalog) -> Tuple[str, ...]:
    places = [place for owner in catalog.settings.values() for place in owner.places]
    places += [place for credential in catalog.credentials.values() for place in credential.places]
    return tuple({place.name for place in places if place.store == SSM} - set(pairs(catalog)))


def _unread(contents: Contents, wanted: Mapping[str, Tuple[str, Place]]) -> List[str]:
    lines = []
    for failure in contents.failures.values():
        names = sorted({name for name, place in wanted.values() if place.name == failure.name})
        remedy = (
            "The mirror does not change the parameters of these settings. Restore or provision the secret, allow the "
            "run to read the secret, or remove the settings from copies and mirror in the catalog"
        )
        lines += [f"{', '.join(names)}: {failure}. {remedy}"] if names else []
    return lines


def _unfit(copy: WantedCopy) -> str:
    """The reason why Parameter Store cannot hold the value. Empty if it can."""
    size = len(copy.value.encode())
    if size > PARAMETER_BYTES:
        return f"has {size:,} bytes, but {copy.parameter} accepts {PARAMETER_BYTES:,}; do not mirror the setting"
    if "{{" in copy.value:
        return f"holds {{{{, which Parameter Store refuses in {copy.parameter}; do not mirror the setting"
    mark = copy.mark(1)
    if len(str(mark)) > LONGEST_DESCRIPTION or MirrorMark.of(str(mark)) != mark:
        return f"has a name that does not fit into the description of {copy.parameter}; do not mirror the setting"
    return ""


def plan(
    wanted: MirrorSources,
    present: Mapping[str, PresentCopy],
    *,
    rotating: Collection[str] = (),
    conflict: str = REPORT,
) -> MirrorPlan:
    """The acts that make ``present`` equal to ``wanted``. Excludes ``rotating``, which an open rotation writes."""
    puts: List[MirrorPut] = []
    deletes: List[MirrorDelete] = []
    conflicts: List[str] = []
    same = 0
    for name, copy in wanted.copies.items():
        if name in rotating:
            continue
        reason, drift = _due(copy, present.get(name))
        if drift and (conflict == REPORT or _is_other_type(copy, present.get(name))):
            conflicts.append(f"{copy.setting}: parameter {name} {drift}")
        elif reason or drift:
            puts.append(MirrorPut(copy, reason or "overwrites it", present.get(name)))
        else:
            same += 1
    for name, parameter in present.items():
        if parameter.mark is None or name in rotating or _is_kept(wanted, name):
            continue
        if parameter.is_untouched or conflict == OVERWRITE:
            deletes.append(MirrorDelete(parameter, f"{parameter.mark.source} is no longer mirrored there"))
        else:
            conflicts.append(f"parameter {name} is no longer mirrored, and {_changed(parameter)}; {_OR_OVERWRITE}")
    return MirrorPlan(
        puts=tuple(sorted(puts, key=lambda write: write.copy.parameter)),
        deletes=tuple(sorted(deletes, key=lambda delete: delete.copy.parameter)),
        conflicts=tuple(sorted(conflicts)),
        held=tuple(sorted(name for name in {*wanted.copies, *wanted.unknown} if name in rotating)),
        unchanged=same,
    )


def _is_kept(wanted: MirrorSources, name: str) -> bool:
    return (
        name in wanted.copies or name in wanted.unknown or any(fnmatchcase(name, pattern) for pattern in wanted.named)
    )


_OR_OVERWRITE = "move the change into the secret, or give -e mirror_conflict=overwrite"


def _due(copy: WantedCopy, present_copy: Optional[PresentCopy]) -> Tuple[str, str]:
    """The reason to write the parameter, or the conflict with another writer's change."""
    if present_copy is None:
        return "is new", ""
    if _is_other_type(copy, present_copy):
        types = ("String", "SecureString")
        return "", (
            f"is a {types[present_copy.secure]}, but must be a {types[copy.secure]}, and AWS cannot change the type; "
            f"delete it by 'aws ssm delete-parameter --name {copy.parameter}', then run again"
        )
    if present_copy.value == copy.value:
        ours = (
            present_copy.is_untouched and present_copy.mark is not None and present_copy.mark.source == str(copy.source)
        )
        return "" if ours else "already holds the value; it gets the mark of a copy", ""
    if present_copy.is_untouched:
        return "the secret changed", ""
    problem = _changed(present_copy) if present_copy.mark else "was not written by the mirror, and holds another value"
    return "", f"{problem}; {_OR_OVERWRITE}"


def _is_other_type(copy: WantedCopy, present_copy: Optional[PresentCopy]) -> bool:
    return present_copy is not None and present_copy.secure != copy.secure


def _changed(present_copy: PresentCopy) -> str:
    number = present_copy.mark.number if present_copy.mark else 0
    return f"was changed by another writer (version {present_copy.number}; the mirror wrote {number})"


def too_many_deletes(catalog: Catalog, plan_: MirrorPlan, allowed: Optional[int]) -> str:
    """The reason why the deletions are refused. Empty if allowed. ``allowed`` is the operator's limit."""
    limit = allowed if allowed is not None else (catalog.mirror.deletes if catalog.mirror else 0)
    count = len(plan_.deletes)
    if count <= limit:
        return ""
    return (
        f"{count} parameters would be deleted, but only {limit} may be; read the list with --check, then "
        f"give -e mirror_deletes={count}"
    )


def as_data(plan_: MirrorPlan, region: str = "") -> Dict[str, Any]:
    where = f" in {region}" if region else ""
    return {
        "plan": [line + where for line in plan_.lines],
        "differences": [line + where for line in plan_.differences],
        "conflicts": [line + where for line in plan_.conflicts],
        "held": [line + where for line in plan_.held],
        "unchanged": plan_.unchanged,
    }
