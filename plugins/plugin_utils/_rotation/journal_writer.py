# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rotation's steps in the journal: who goes on with it, and which versions each step prescribes to deploys."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Overtaken, RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal, OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import PENDING, Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import of_name
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.journal_store import JournalStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import Fresh
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
"""Characters that an entry keeps of a reason: a rollback may have a reason from each of many hosts."""


class JournalWriter:
    def __init__(self, *, catalog: Catalog, journal: JournalStore, me: Who, clock: Callable[[], str]) -> None:
        self.catalog = catalog
        self.me = me
        self.clock = clock
        self.journal = journal
        self._last: Journal | None = None
        """The journal as this process last wrote it, or saw that it holds the rotation."""

    def tags(self) -> Mapping[str, str]:
        """The environment's tags. Raises PolicyError for one that AWS refuses."""
        return access_resources.tags(self.catalog) if self.catalog.aws else {}

    def look(self) -> Journal:
        return self.journal.read()

    def mine(self) -> tuple[Journal, OpenRotation]:
        """The journal and this run's rotation, looked at now. Raises :class:`Overtaken` if another run goes on."""
        self._last = None
        journal = self.look()
        rotation = self._held(journal)
        self._last = journal
        return journal, rotation

    def holding(self) -> tuple[Journal, OpenRotation]:
        """The same as this process last saw or wrote it: for reads, and for what a late run is refused.

        An entry is appended to that version alone, AWS moves a label from the version that is named, and a server
        refuses an older number. What has no such condition needs :meth:`fresh`.
        """
        if self._last is None:
            return self.mine()
        return self._last, self._held(self._last)

    def fresh(self) -> Fresh:
        """Looks, and permits one write that would be carried out however late. Raises :class:`Overtaken`."""
        self.mine()
        return Fresh()

    def is_over(self, rotation: str, last_steps: Collection[str] = ("record", "discard")) -> bool:
        """Whether the rotation has ended, or another run is at one of its last steps. Looks at the journal."""
        still = self.look().rotation
        return still is None or still.id != rotation or still.step in last_steps

    def note(self, credential: str, notes: Mapping[str, str]) -> None:
        """Keeps in the journal, at once, what is lost with the next act. Raises :class:`Overtaken`."""
        journal, rotation = self.mine()
        self.append(journal, rotation.id, rotation.step, phase=rotation.phase, notes={credential: dict(notes)})

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
        """The journal with one more entry; only one process can append it."""
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
        """Begins a rotation, and its first step: pins the snapshot that deploys use until the new one is there."""
        names = [name for name in contents.readings if of_name(name).has_labels]
        prescribes = {
            "secrets": {name: contents.readings[name].version for name in sorted(names)},
            "parameters": dict(plan.parameters),
        }
        extra = {"plan": plan.entry(), "prescribes": prescribes, "holder": dict(self.me.holder)}
        return self.append(journal, rotation, "create" if plan.phases else "revoke", **extra)

    def take(self, journal: Journal, rotation: OpenRotation, **extra: Any) -> Journal:
        """Makes this run the one that goes on with the rotation."""
        extra = {"phase": rotation.phase, "holder": dict(self.me.holder), **extra}
        return self.append(journal, rotation.id, rotation.step, **extra)

    def advance(self, step: str, *, phase: int = 0, since: Journal | None = None, **extra: Any) -> Journal:
        """Begins the next step; what deploys have to use from now on is decided here.

        ``since`` saves a look: the journal as this run found or left it. An entry is appended to that version alone.
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
        """The snapshot planned from, as an entry prescribes it."""
        return {
            "secrets": {**rotation.secrets, **rotation.plan.get("secrets", {})},
            "parameters": dict(rotation.plan.get("parameters", {})),
        }

    def new(self, rotation: OpenRotation, *, written: bool) -> dict[str, Any]:
        """The snapshot that it leads to; its parameters are ``written`` once it is promoted."""
        last = int(rotation.plan["phases"])
        pins = {"secrets": self.pins(rotation, last)}
        if not written:
            return {**pins, "overlay": self._overlay(rotation, last)}
        numbers = rotation.plan.get("parameters", {})
        return {**pins, "parameters": {name: int(number) + 1 for name, number in numbers.items()}}

    def pins(self, rotation: OpenRotation, phase: int) -> dict[str, str]:
        """Version id by secret in that phase."""
        changed = {name: self.version(rotation, name, phase) for name in rotation.plan.get("secrets", {})}
        return {**rotation.secrets, **changed}

    @staticmethod
    def version(rotation: OpenRotation, secret: str, phase: int) -> str:
        """The version that hosts are given in that phase."""
        return version_id(rotation.id, secret, phase)

    @staticmethod
    def target(rotation: OpenRotation, secret: str) -> str:
        """The version that the promotion makes current: the last phase's, or the same over what others wrote since."""
        merges = rotation.plan.get("merges", {}).get(secret, 0)
        return version_id(rotation.id, secret, *((MERGED, merges) if merges else (int(rotation.plan["phases"]),)))

    def ours(self, rotation: OpenRotation, name: str) -> set[str]:
        staged = {self.version(rotation, name, phase) for phase in phases_of(rotation)}
        merges = range(rotation.plan.get("merges", {}).get(name, 0))
        return staged | {version_id(rotation.id, name, MERGED, merge + 1) for merge in merges}

    def labelled(self, rotation: OpenRotation, name: str) -> set[tuple[str, str]]:
        """The labels that it may have put on versions: what was put just now is not described at once."""
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
        """The name of the secret that holds every new login. To create it decides what all else is derived from."""
        return f"{self.catalog.rotation_logins}/{rotation.id}"

    def overlay_secret(self, rotation: OpenRotation) -> str:
        """The name of the secret that holds what parameters will hold, for hosts and deploys."""
        return f"{self.catalog.rotation_secret}/{rotation.id}"

    @staticmethod
    def overlaid(rotation: OpenRotation) -> list[str]:
        """The parameters that hosts are given from there."""
        unread = rotation.plan.get("unread", ())
        return [name for name in rotation.plan.get("parameters", {}) if name not in unread]

    def _overlay(self, rotation: OpenRotation, phase: int) -> dict[str, Any] | None:
        if not self.overlaid(rotation):
            return None
        name = self.overlay_secret(rotation)
        return {"secret": name, "version": version_id(rotation.id, name), "phase": phase}


def _cut(message: str) -> str:
    return message if len(message) <= LONGEST_REASON else message[: LONGEST_REASON - 3] + "..."
