# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the journal takes every entry of a rotation and the audit log its record, known before the first entry: each
is made, and none is kept.

What does not fit would leave the rotation open at its step, with no way to close it.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any, Callable, Mapping, Optional, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._audit_log import _audit
from ansible_collections.watchparty.secrets.plugins.module_utils._errors import AuditError, JournalError, RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._journal import Journal, OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._leaks import _impact, _leak_steps
from ansible_collections.watchparty.secrets.plugins.module_utils._rotations import _mirror, _rotation, _steps
from ansible_collections.watchparty.secrets.plugins.module_utils._rotations._kinds import Kind
from ansible_collections.watchparty.secrets.plugins.module_utils._rotations._rotation import Ground, Plan, Wish
from ansible_collections.watchparty.secrets.plugins.module_utils._rotations._rotator_steps import LONGEST_REASON, Steps
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.base import Contents


def noise(length: int, *seed: str) -> str:
    """Characters that nothing compresses to less than half; nor does it with the words that they stand for."""
    return "".join(hashlib.sha256(repr((at, seed)).encode()).hexdigest() for at in range(length // 64 + 1))[:length]


LAST = _audit.Head(10**9, noise(64))
SPARE = noise(200)
"""Added to each entry: another one may take over, and what it is called is not known."""
Ending = Callable[[Journal, OpenRotation], Mapping[str, Any]]
"""What the closing entry of a rotation carries."""
Record = Callable[[Journal, OpenRotation], Mapping[str, Any]]
"""What the audit log is given of a rotation."""


class Rehearsal(Steps):
    """The entries of one rotation, kept nowhere. ``behind`` are the hosts that it leaves behind."""

    def __init__(self, rotator: Steps, behind: Sequence[str] = ()) -> None:
        super().__init__(catalog=rotator.catalog, parameters=rotator.parameters, me=rotator.me, clock=rotator.clock)
        self._behind = behind

    def _kept(self, number: int, entry: Mapping[str, Any]) -> str:
        return self._log.text(number, {**entry, "nonce": SPARE})

    def goes(
        self,
        journal: Journal,
        rotation: str,
        plan: Plan,
        contents: Contents,
        kinds: Mapping[str, Kind],
        ending: Ending,
        record: Optional[Record] = None,
    ) -> None:
        """Raises :class:`JournalError` for the first entry that does not fit, :class:`RotationError` for a record, and
        PolicyError for a tag that AWS refuses."""
        self.tags()
        opened = self.open(journal, rotation, plan, contents)
        merged = {**_of(opened).plan, "merges": dict.fromkeys(plan.secrets, 99)}
        journal = self.append(opened, rotation, "create", plan=merged)
        back = self.advance("abort", phase=min(plan.phases, 1), reason=noise(LONGEST_REASON), since=journal)
        # Where passwords overlap, a session of each server is noted: of which start of the server, and its number.
        known = {name for name, kind in kinds.items() if kind.alternates == "if_suffixed"}
        noted = [item.credential for item in plan.items if item.kind in known]
        tokens = {item.credential: {"alive": [""]} for item in plan.items if item.kind == _leak_steps.OUTLIVED}
        notes = {name: {"a-server:6379": f"{SPARE[:40]}/{noise(6, name)}"} for name in noted}
        for stage in _steps.stages(plan.phases, immediate=plan.immediate):
            step, _underscore, phase = stage.partition("_")
            more: dict[str, Any] = {"notes": notes, "behind": self._behind if step == "record" else []}
            if step == "retire":
                more["sent"] = list(_mirror.names_of(self.catalog, plan.entry()))
            if journal.incident is not None:
                at, reads = self.clock(), _impact.read(self.catalog)
                seen = _leak_steps.events(_of(journal), step, kinds, at, journal.incident, reads=reads, first=at)
                seen.update(_leak_steps.outlived(seen, tokens))
                shown = {event: noise(40, event) for event in seen if event.startswith("refused/")}
                shown.update({event: noise(100, event) for event in seen if event.startswith("outlived/")})
                more.update(events=seen, evidence=shown)
            journal = self.advance(step, phase=int(phase or 0), since=journal, **more)
        self.append(journal, rotation, "closed", **ending(journal, _of(journal)))
        if record:
            for end in (journal, back):
                self._require_recordable(record(end, _of(end)))

    def _require_recordable(self, record: Mapping[str, Any]) -> None:
        own = {"application": self.catalog.application, "environment": self.catalog.environment}
        try:
            _audit.following({**record, **own}, LAST)
        except AuditError as error:
            raise RotationError(
                f"nothing was begun: how it ends could not be recorded. {error}\n"
                "rename what these fields hold (docs/audit.md lists them), then start again"
            ) from None


def _of(journal: Journal) -> OpenRotation:
    if journal.rotation is None:
        raise JournalError("a rotation that was just begun is not in the journal")
    return journal.rotation


def fitting(ground: Ground, wish: Wish, plan: Plan, goes: Callable[[Plan], None]) -> Plan:
    """As much of the plan as the journal takes, from its beginning; what is left is named. Raises
    :class:`RotationError` where the operator chose what to rotate together, or where not even one credential fits.
    """
    if not plan.items or _fits(plan, goes):
        return plan
    fewest, most = 0, len(plan.items)
    while most - fewest > 1:
        middle = (fewest + most) // 2
        fewest, most = (middle, most) if _fits(_first(ground, plan, middle), goes) else (fewest, middle)
    left = [item.credential for item in plan.items[fewest:]]
    if not fewest:
        raise RotationError(
            f"{', '.join(left)}: the journal's entries would hold more than a parameter takes with one of them alone; "
            f"let environment {ground.catalog.environment} have fewer secrets"
        )
    found = _first(ground, plan, fewest)
    if wish.leak:
        why = "the journal takes no more at once; start the same command again once these are replaced"
        return replace(found, left=dict.fromkeys(left, why))
    if wish.names or wish.force:
        fit = ",".join(item.credential for item in found.items)
        raise RotationError(
            f"{', '.join(left)}: the journal takes no more than {fewest} of these at once; rotate those first "
            f"(-e credential={fit}), then the others"
        )
    later = dict.fromkeys(left, "the journal takes no more at once; it is left for the next run")
    return replace(found, passed_over={**plan.passed_over, **later})


def _fits(plan: Plan, goes: Callable[[Plan], None]) -> bool:
    try:
        goes(plan)
    except JournalError:
        return False
    return True


def _first(ground: Ground, plan: Plan, count: int) -> Plan:
    pinned = _rotation.pinned(ground, plan.items[:count], plan.refused, plan.passed_over)
    return replace(pinned, incident=plan.incident, immediate=plan.immediate)
