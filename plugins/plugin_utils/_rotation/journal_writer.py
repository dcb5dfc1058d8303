# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes a rotation's steps to the journal: its holder, and the versions that deploys must use."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Overtaken, RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import DISABLING
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal, OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import PENDING, Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import of_name
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.journal_store import JournalStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import resources as access_resources
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as _plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ids import (
    MERGED,
    Who,
    label,
    phases_of,
    version_id,
)

LONGEST_REASON = 600
"""Maximum characters of a reason: a rollback may have one from each of many hosts."""


class JournalWriter:
    def __init__(self, *, catalog: Catalog, journal: JournalStore, me: Who, clock: Callable[[], str]) -> None:
        self.catalog = catalog
        self.me = me
        self.clock = clock
        self.journal = journal
        self._last: Journal | None = None
        """The journal as this process last wrote it, or read it while holding the rotation."""

    def tags(self) -> Mapping[str, str]:
        """The environment's tags. Raises PolicyError for a tag that AWS refuses."""
        return access_resources.tags(self.catalog) if self.catalog.aws else {}

    def look(self) -> Journal:
        return self.journal.read()

    def mine(self) -> tuple[Journal, OpenRotation]:
        """The journal and this run's rotation, read now. Raises :class:`Overtaken` if another run continues."""
        self._last = None
        journal = self.look()
        rotation = self._held(journal)
        self._last = journal
        return journal, rotation

    def holding(self) -> tuple[Journal, OpenRotation]:
        """The same as this process last read or wrote it: for reads, and for writes that are refused if late.

        An entry is appended only to that version, AWS moves a label only from the named version, and a server refuses
        an older number. Any other write needs :meth:`fresh`.
        """
        if self._last is None:
            return self.mine()
        return self._last, self._held(self._last)

    def fresh(self) -> WritePermission:
        """Reads the journal and permits one write that is carried out however late. Raises :class:`Overtaken`."""
        self.mine()
        return WritePermission()

    def is_over(self, rotation: str, last_steps: Collection[str] = ("record", "discard")) -> bool:
        """Whether the rotation has ended, or is at one of its last steps. Reads the journal."""
        still = self.look().rotation
        return still is None or still.id != rotation or still.step in last_steps

    def note(self, credential: str, notes: Mapping[str, str]) -> None:
        """Writes notes to the journal that the next act would lose. Raises :class:`Overtaken`."""
        journal, rotation = self.mine()
        self.append(journal, rotation.id, rotation.step, phase=rotation.phase, notes={credential: dict(notes)})

    def note_disabling(self, names: Collection[str]) -> None:
        """Records the leak's values that the next act may disable: a run that is killed then records nothing."""
        journal, rotation = self.mine()
        events = {f"{DISABLING}/{name}": self.clock() for name in names}
        incident = journal.incident
        if incident is None or rotation.plan.get("incident") != incident.id:
            return
        if not events.keys() <= incident.events.keys():
            self.append(journal, rotation.id, rotation.step, phase=rotation.phase, events=events)

    def _held(self, journal: Journal) -> OpenRotation:
        rotation = journal.rotation
        if rotation is None:
            raise Overtaken("another run ended this rotation")
        if rotation.run != self.me.run:
            raise Overtaken(f"another run took {rotation} over")
        self.require_known(rotation)
        return rotation

    def require_known(self, rotation: OpenRotation) -> None:
        missing = sorted(set(rotation.plan.get("credentials", {})) - set(self.catalog.credentials))
        if missing:
            raise RotationError(
                f"the catalog no longer declares {', '.join(missing)}; restore the entry, and remove it only after "
                f"{rotation} has ended"
            )

    def append(self, journal: Journal, rotation: str, step: str, **extra: Any) -> Journal:
        """Appends one entry, which only one process can do. Returns the new journal."""
        entry = {
            "rotation": rotation,
            "step": step,
            "who": self.me.who,
            "at": self.clock(),
            "run": self.me.run,
            **{name: value for name, value in extra.items() if value not in (None, {}, [], "")},
        }
        self._last = None
        self._last = self.journal.append(journal, entry)
        return self._last

    def open(self, journal: Journal, rotation: str, plan: _plan.RotationPlan, contents: Contents) -> Journal:
        """Begins a rotation at its first step. Pins the snapshot that deploys use until the new one exists."""
        names = [name for name in contents.readings if of_name(name).has_labels]
        prescribes = {
            "secrets": {name: contents.readings[name].version for name in sorted(names)},
            "parameters": dict(plan.parameters),
        }
        extra = {"plan": plan.entry(), "prescribes": prescribes, "holder": dict(self.me.holder)}
        return self.append(journal, rotation, "create" if plan.phases else "revoke", **extra)

    def take(self, journal: Journal, rotation: OpenRotation, **extra: Any) -> Journal:
        """Makes this run the holder of the rotation."""
        extra = {"phase": rotation.phase, "holder": dict(self.me.holder), **extra}
        return self.append(journal, rotation.id, rotation.step, **extra)

    def advance(self, step: str, *, phase: int = 0, since: Journal | None = None, **extra: Any) -> Journal:
        """Begins the next step, and prescribes versions for deploys.

        ``since`` saves a read: the journal as this run last saw it. An entry is appended only to that version.
        """
        journal = since or self.holding()[0]
        rotation = self._held(journal)
        prescribed: dict[str, Any] = {}
        if step == "deploy" or (step == "abort" and phase):
            prescribed = {"secrets": self.pins(rotation, phase), "overlay": self._overlay(rotation, phase)}
        elif step in ("promote", "revoke") and rotation.plan.get("phases"):
            prescribed = self.new(rotation, written=step == "revoke")
        elif step == "abort":
            prescribed = self.old(rotation)
        if prescribed:
            extra["prescribes"] = prescribed
        extra["reason"] = _cut(extra.get("reason", ""))
        return self.append(journal, rotation.id, step, phase=phase, **extra)

    def old(self, rotation: OpenRotation) -> dict[str, Any]:
        """The snapshot before the rotation, as an entry prescribes it."""
        return {
            "secrets": {**rotation.secrets, **rotation.plan.get("secrets", {})},
            "parameters": dict(rotation.plan.get("parameters", {})),
        }

    def new(self, rotation: OpenRotation, *, written: bool) -> dict[str, Any]:
        """The snapshot after the rotation. Its parameters are ``written`` once promoted."""
        last = int(rotation.plan["phases"])
        pins = {"secrets": self.pins(rotation, last)}
        if not written:
            return {**pins, "overlay": self._overlay(rotation, last)}
        numbers = rotation.plan.get("parameters", {})
        return {**pins, "parameters": {name: int(number) + 1 for name, number in numbers.items()}}

    def pins(self, rotation: OpenRotation, phase: int) -> dict[str, str]:
        """Version ids by secret in a phase."""
        changed = {name: self.version(rotation, name, phase) for name in rotation.plan.get("secrets", {})}
        return {**rotation.secrets, **changed}

    @staticmethod
    def version(rotation: OpenRotation, secret: str, phase: int) -> str:
        """The version for hosts in a phase."""
        return version_id(rotation.id, secret, phase)

    @staticmethod
    def target(rotation: OpenRotation, secret: str) -> str:
        """The version that the promotion makes current: the last phase's, or its merge with other writers' changes."""
        merges = rotation.plan.get("merges", {}).get(secret, 0)
        return version_id(rotation.id, secret, *((MERGED, merges) if merges else (int(rotation.plan["phases"]),)))

    def ours(self, rotation: OpenRotation, name: str) -> set[str]:
        staged = {self.version(rotation, name, phase) for phase in phases_of(rotation)}
        merges = range(rotation.plan.get("merges", {}).get(name, 0))
        return staged | {version_id(rotation.id, name, MERGED, merge + 1) for merge in merges}

    def labelled(self, rotation: OpenRotation, name: str) -> set[tuple[str, str]]:
        """Labels that the rotation may have put on versions. AWS describes a new label with a delay."""
        base, ours = rotation.plan["secrets"][name], self.ours(rotation, name)
        results = {(label(rotation, phase), self.version(rotation, name, phase)) for phase in phases_of(rotation)}
        if rotation.plan.get("merges", {}).get(name):
            results.add((f"{rotation.id}-{MERGED}", self.target(rotation, name)))
        if rotation.aborting:
            results |= {
                (f"{rotation.id}-abort", version_id(rotation.id, name, "abort", suffix)) for suffix in (base, *ours)
            }
        return results | ({(PENDING, self.target(rotation, name))} if phases_of(rotation) else set())

    def logins_secret(self, rotation: OpenRotation) -> str:
        """Name of the secret with every new login. Its creation fixes all values derived from them."""
        return f"{self.catalog.rotation_logins}/{rotation.id}"

    def overlay_secret(self, rotation: OpenRotation) -> str:
        """Name of the secret with the parameters' next values, for hosts and deploys."""
        return f"{self.catalog.rotation_secret}/{rotation.id}"

    @staticmethod
    def overlaid(rotation: OpenRotation) -> list[str]:
        """Parameters that hosts read from the overlay."""
        unread = rotation.plan.get("unread", ())
        return [name for name in rotation.plan.get("parameters", {}) if name not in unread]

    def _overlay(self, rotation: OpenRotation, phase: int) -> dict[str, Any] | None:
        if not self.overlaid(rotation):
            return None
        name = self.overlay_secret(rotation)
        return {"secret": name, "version": version_id(rotation.id, name), "phase": phase}


def _cut(message: str) -> str:
    return message if len(message) <= LONGEST_REASON else message[: LONGEST_REASON - 3] + "..."
