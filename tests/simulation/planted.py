# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bugs, each a switch: the simulation has to find every one of them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import journal as _journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    AlreadyExists,
    Overtaken,
    SecretsError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import CURRENT
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import main as env_file_main
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import mark as env_file_mark
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import Store, VersionedStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import rollback as rotation_rollback
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.engine import Engine
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ids import MERGED, version_id
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.journal_writer import JournalWriter
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import KindStages, NotReached
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.staging import Rotator
from tests.fakes.memory_stores import MemoryJournal
from tests.simulation.glue import Now
from tests.simulation.hosts import Host
from tests.simulation.world import LOGINS, OVERLAYS, World

Patch = Callable[[Any, str, Any], None]


def restart_by_change(patch: Patch) -> None:
    """Services restart when the file changed, whatever the mark says."""
    deliver = env_file_main.deliver

    def by_change(module: Any, env: Any, wanted: Any) -> dict[str, Any]:
        result = deliver(module, env, wanted)
        return {**result, "restart_needed": result["changed"], "healthy": not result["changed"]}

    patch(env_file_main, "deliver", by_change)


def no_compare_and_swap(patch: Patch) -> None:
    """A label moves from wherever it is."""

    def promote(
        self: Any, name: str, *, to: str, instead_of: str | None, label: str = CURRENT, known: bool = False
    ) -> None:
        holder = self.describe(name).stages.get(label)
        if holder != to:
            self._move(name, label, to=to, off=holder)

    patch(VersionedStore, "promote", promote)


def no_second_proof(patch: Patch) -> None:
    """What was verified at the rollout is taken to be so at the removal."""
    patch(Engine, "_require_verified", lambda _self: None)


def close_before_confirm(patch: Patch) -> None:
    """The journal is closed before the audit record is seen to be there."""

    def end(engine: Engine) -> None:
        engine.close({})
        name = engine.rotation["id"]
        assert engine.audit is not None
        engine.audit.recorded({"rotation": name}, {})

    patch(Engine, "_end", end)


def gather_without_pending_tasks(patch: Patch) -> None:
    """Entries go before another one says all that they said."""
    base = _journal.base_entry
    patch(_journal, "base_entry", lambda journal: {**base(journal), "pending_tasks": {}})


def stale_head(patch: Patch) -> None:
    """The journal as it was read is taken for the newest: what is written rests on no condition."""

    def append(self: Any, journal: Any, entry: Any) -> Any:
        wanted = _journal.following(journal, {"nonce": Now.world.token(), **entry})
        _content, version = self._load()
        return replace(wanted, version=self._replace(self.content(wanted), version))

    patch(MemoryJournal, "append", append)


def abort_without_copy(patch: Patch) -> None:
    """AWSCURRENT moves back to the very version that was planned from, so a late promotion still fits."""

    def move_back(rotator: Any, rotation: Any, _contents: Any, name: str, base: str) -> None:
        current = rotator.secrets.describe(name).stages[CURRENT]
        if current in rotator.ours(rotation, name):
            rotator.secrets.promote(name, to=base, instead_of=current)

    patch(rotation_rollback, "_move_back", move_back)


def abort_without_a_look(patch: Patch) -> None:
    """An abort changes a version that is not its own by the journal as it saw that last."""
    move_back = rotation_rollback._move_back

    def without_a_look(rotator: Any, *given: Any) -> None:
        rotator.mine = rotator.holding
        try:
            move_back(rotator, *given)
        finally:
            del rotator.mine

    patch(rotation_rollback, "_move_back", without_a_look)


def write_beside_others(patch: Patch) -> None:
    """A module that writes a host's file does not keep other runs from it meanwhile."""
    patch(Host, "alone", lambda _self: contextlib.nullcontext())


def proof_by_snapshot(patch: Patch) -> None:
    """A late proof counts for its snapshot, whoever wrote that again meanwhile."""
    record = env_file_mark.Mark.record_healthy
    patch(
        env_file_mark.Mark,
        "record_healthy",
        lambda self, snapshot, found, _delivery=None: record(self, snapshot, found),
    )


def overlay_first(patch: Patch) -> None:
    """What hosts are given is made before the logins that it must follow from."""
    create = VersionedStore.create

    def both(self: Any, name: str, content: str, *, version: str, **form: Any) -> None:
        phases = json.loads(content)["phases"] if name.startswith(LOGINS) else []
        rotation = name.rpartition("/")[2]
        own = f"{OVERLAYS}{rotation}"
        if any(phases):
            text = json.dumps({"phases": phases}, sort_keys=True)
            with contextlib.suppress(AlreadyExists):
                create(self, own, text, version=version_id(rotation, own), **form)
        create(self, name, content, version=version, **form)

    patch(VersionedStore, "create", both)
    patch(Rotator, "_create_overlay", lambda _self, _rotation, _values: None)


def overlay_by_the_maker_alone(patch: Patch) -> None:
    """Whoever finds the logins made does not look whether hosts were given anything."""
    make, lay_over = Rotator._make, Rotator._create_overlay

    def made(self: Any, rotation: Any, *given: Any) -> Any:
        values = make(self, rotation, *given)
        lay_over(self, rotation, values)
        return values

    patch(Rotator, "_make", made)
    patch(Rotator, "_create_overlay", lambda _self, _rotation, _values: None)


def merge_without_reading(patch: Patch) -> None:
    """Over what somebody wrote goes what was staged before."""

    def stage(self: Any, rotation: Any) -> None:
        for name in rotation.plan.get("merges", {}):
            before = self.version(rotation, name, int(rotation.plan["phases"]))
            text = self.secrets.read([name], pins={name: before}).readings[name].value
            self.secrets.stage(name, text, version=self.target(rotation, name), label=f"{rotation.id}-{MERGED}")

    patch(Rotator, "_stage_merges", stage)


def stale_read_for_the_newest(patch: Patch) -> None:
    """What a read does not show is taken not to be there, though the journal or AWS says that it is."""
    patch(Store, "read_known", lambda self, names, *, pins: self.read(names, pins=pins))


def cached_look(patch: Patch) -> None:
    """What has no condition is written by the journal as it was seen some time ago."""

    def fresh(self: Any) -> WritePermission:
        self.holding()
        return WritePermission()

    patch(JournalWriter, "fresh", fresh)


def entry_of_another_run(patch: Patch) -> None:
    """An older run takes the entry that begins several acts for its own, and carries them out beside the newer one."""

    def held(_self: Any, journal: Any) -> Any:
        if journal.rotation is None:
            raise Overtaken("it was ended by another run")
        return journal.rotation

    patch(JournalWriter, "_held", held)


def swallowed_failure(patch: Patch) -> None:
    """Of writes that are sent at once, one that fails is not noticed."""

    together = World.side_by_side

    def swallowing(act: Any) -> Any:
        def carry_out() -> Any:
            with contextlib.suppress(SecretsError):
                return act()

        is_write = isinstance(act, partial) and act.func.__name__ in ("stage", "_create_overlay", "discard")
        return carry_out if is_write else act

    patch(World, "side_by_side", lambda self, acts: together(self, [swallowing(act) for act in acts]))


def half_done(patch: Patch) -> None:
    """A host that is lost while it sets and tests new values is taken to have done both."""
    carry_out = KindStages.carry_out

    def carried_out(self: Any, asked: Any) -> Any:
        try:
            return carry_out(self, asked)
        except NotReached:
            if asked[0][0] != "set":
                raise
            return [{} for _one in asked]

    patch(KindStages, "carry_out", carried_out)


BUGS = {
    function.__name__: function
    for function in (
        restart_by_change,
        no_compare_and_swap,
        no_second_proof,
        close_before_confirm,
        gather_without_pending_tasks,
        stale_head,
        abort_without_copy,
        abort_without_a_look,
        write_beside_others,
        proof_by_snapshot,
        overlay_first,
        overlay_by_the_maker_alone,
        merge_without_reading,
        stale_read_for_the_newest,
        cached_look,
        entry_of_another_run,
        swallowed_failure,
        half_done,
    )
}


@contextlib.contextmanager
def planted(name: str) -> Iterator[None]:
    """The code with that bug in it."""
    kept: list[tuple[Any, str, Any]] = []

    def patch(place: Any, attribute: str, value: Any) -> None:
        kept.append((place, attribute, getattr(place, attribute)))
        setattr(place, attribute, value)

    BUGS[name](patch)
    try:
        yield
    finally:
        for place, attribute, value in reversed(kept):
            setattr(place, attribute, value)
