# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stages, promotes and removes a rotation's versions in the stores.

Each act can be repeated; a late act is harmless or refused. Uses stores only by their interface, so that a simulation
can drive this code.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_ages, credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    AlreadyExists,
    Conflict,
    NotFound,
    Overtaken,
    RotationError,
    SecretsError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal, OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import (
    CURRENT,
    PENDING,
    Contents,
    Description,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import command
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import Form
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import new_values, promotion
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as _plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ids import (
    MERGED,
    Values,
    is_label,
    label,
    phases_of,
    version_id,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.promotion import Promotion
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.store_reads import StoreReads

MERGE_SECONDS = 120.0
"""Default seconds for which a promotion merges other writers' changes."""
PAUSE, LONGEST_PAUSE = 0.5, 8.0
"""Seconds between two tries, from the second on: AWS keeps some hundred versions of a secret."""


class Rotator(StoreReads):
    """The acts of one process on the stores, and on the journal that permits them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._opened = ""
        """Id of a rotation that this process began, and no other process has changed yet."""
        self._staged_for: OpenRotation | None = None
        """The rotation whose versions were staged since its last entry. Its next entry shows whether it is open."""

    def open(self, journal: Journal, rotation: str, plan: _plan.RotationPlan, contents: Contents) -> Journal:
        opened = super().open(journal, rotation, plan, contents)
        self._opened = rotation
        return opened

    def append(self, journal: Journal, rotation: str, step: str, **extra: Any) -> Journal:
        try:
            after = super().append(journal, rotation, step, **extra)
        except Overtaken:
            self.confirm()
            raise
        self._staged_for = None
        return after

    def confirm(self) -> None:
        """Removes versions staged since the last entry, if another run has ended the rotation; then raises
        :class:`Overtaken`.

        Called if no further entry follows, or one was refused.
        """
        if self._staged_for is not None:
            self._clear_if_over(self._staged_for)

    def issued(self, rotation: OpenRotation) -> new_values.Issued:
        form = self._form(rotation, "What a provider made for a rotation that has not ended")
        return new_values.Issued(self.secrets, self.logins_secret(rotation), rotation.id, form)

    def _form(self, rotation: OpenRotation, description: str) -> Form:
        """Description, key and tags of the rotation's own secrets."""
        return Form(description, rotation.plan.get("key"), self.tags())

    # The acts

    def create(
        self, kinds: Mapping[str, Kind], generate: Callable[[Kind], str], supplied: Mapping[str, Login]
    ) -> Values:
        """Makes the new values once, and stages them in one new version per secret and phase."""
        _journal_now, rotation = self.holding()
        with self.cleared_if_late(rotation, looks=False):
            contents = self.old_contents(rotation)

            def login(item: _plan.Item) -> Login:
                return self._login(rotation, item, contents, kinds[item.kind], generate, supplied)

            values = self._made_before(rotation) or self._make(rotation, contents, login)
            self._stage(rotation, contents, values)
            return values

    def _made_before(self, rotation: OpenRotation) -> Values | None:
        opened, self._opened = self._opened, ""
        if rotation.id != opened:
            with suppress(NotFound):
                return self.values(rotation)
        return None

    def _make(self, rotation: OpenRotation, contents: Contents, login: Callable[[_plan.Item], Login]) -> Values:
        items = _plan.items_of(rotation.plan)
        logins = {item.credential: login(item) for item in items}
        phases = []
        for phase in phases_of(rotation):
            changed = _plan.edits(self.catalog, items, contents, logins, phase)
            texts = {name: contents.readings[name].value for name in rotation.plan["parameters"]}
            phases.append({**texts, **credential_graph.contents_with(contents, changed)[1]})
        document = {"credentials": {name: vars(login) for name, login in logins.items()}, "phases": phases}
        own, text = self.logins_secret(rotation), new_values.written(document, rotation.plan["secrets"], contents)
        version, description = version_id(rotation.id, own), "New logins of a rotation that has not ended"
        try:
            self.secrets.create(own, text, version=version, form=self._form(rotation, description))
        except AlreadyExists:
            return self.values(rotation, made=True)  # another run of this rotation made them first
        return Values(logins, phases, version)

    def _login(
        self,
        rotation: OpenRotation,
        item: _plan.Item,
        contents: Contents,
        kind: Kind,
        generate: Callable[[Kind], str],
        supplied: Mapping[str, Login],
    ) -> Login:
        if item.act == _plan.DROP_FALLBACK:
            return new_values.former_login(self.catalog, self.secrets, self.holding()[0], item)
        stored = credential_graph.find(self.catalog, self.catalog.credentials[item.credential], contents)
        if kind.is_issued:
            return stored.login if item.act == _plan.REVOKE else self.issued(rotation).take(item.credential)
        return new_values.login_for(kind, stored, supplied.get(item.credential), generate)

    def _stage(self, rotation: OpenRotation, contents: Contents, values: Values) -> None:
        phases = phases_of(rotation)
        staged = [self._texts(rotation, contents, values, phase) for phase in phases]

        def stage(name: str, base: str) -> None:
            for phase, texts in zip(phases, staged, strict=True):
                version = self.version(rotation, name, phase)
                self.secrets.stage(name, texts[name], version=version, label=label(rotation, phase))
            self._mark_pending(rotation, name, base)
            self._clear_ended(rotation, name)

        acts: list[Callable[[], None]] = [partial(self._create_overlay, rotation, values)]
        acts += [partial(stage, name, base) for name, base in rotation.plan["secrets"].items()]
        self.secrets.side_by_side(acts)

    def _texts(self, rotation: OpenRotation, contents: Contents, values: Values, phase: int) -> dict[str, str]:
        """The text of each secret of the plan in that phase."""
        edits = _plan.edits(self.catalog, _plan.items_of(rotation.plan), contents, values.credentials, phase)
        changed = credential_graph.contents_with(contents, edits)[0]
        return {name: changed.get(name, contents.readings[name].value) for name in rotation.plan["secrets"]}

    def _create_overlay(self, rotation: OpenRotation, values: Values) -> None:
        """Creates the overlay from the logins' secret alone, so that every run creates the same."""
        names = self.overlaid(rotation)
        if not names:
            return
        own = self.overlay_secret(rotation)
        phases = [{name: phase[name] for name in names} for phase in values.phases]
        text = json.dumps({"phases": phases}, sort_keys=True)
        version, description = version_id(rotation.id, own), "What parameters hold after a rotation that goes on"
        self.secrets.create(own, text, version=version, form=self._form(rotation, description))

    @contextmanager
    def cleared_if_late(self, rotation: OpenRotation, *, looks: bool = True) -> Iterator[None]:
        """Removes versions staged in its body if another run has ended the rotation: they would block the next one.

        Without ``looks``, the next entry tells this, unless something failed.
        """
        failure: SecretsError | None = None
        try:
            yield
        except SecretsError as error:
            failure = error
        if failure is None and not looks:
            self._staged_for = rotation
            return
        self._clear_if_over(rotation)
        if failure is not None:
            raise failure

    def _clear_if_over(self, rotation: OpenRotation) -> None:
        if self.is_over(rotation.id):
            self.clear(rotation, late=True)
            raise Overtaken("another run ended this rotation, so this run removed the values that it had staged")

    def clear(self, rotation: OpenRotation, *, late: bool = False) -> None:
        """Removes every label of the rotation, and its own secrets."""
        asks = late or rotation.aborting or bool(rotation.plan.get("merges"))
        names = list(rotation.plan.get("secrets", {}))
        results = self.secrets.side_by_side([partial(self._labels, rotation, name, asks=asks) for name in names])
        acts: list[Callable[[], None]] = [
            partial(self.secrets.discard, name, version=version, labels=[stage])
            for name, labels in zip(names, results, strict=False)
            for stage, version in sorted(labels)
        ]
        acts.append(partial(self.issued(rotation).forget, rotation.plan))
        if self.overlaid(rotation):
            acts.append(partial(self.secrets.delete, self.overlay_secret(rotation)))
        self.secrets.side_by_side(acts)
        self.secrets.delete(self.logins_secret(rotation))

    def _labels(self, rotation: OpenRotation, name: str, *, asks: bool) -> set[tuple[str, str]]:
        """Labels of this rotation in a secret; if it ``asks``, also labels that a run has put elsewhere."""
        own_labels = self.labelled(rotation, name)
        if not asks:
            return own_labels
        ours = self.ours(rotation, name)
        return own_labels | {
            (stage, version)
            for stage, version in self.secrets.describe(name).stages.items()
            if (stage == PENDING and version in ours) or is_label(stage, rotation, others=False)
        }

    def _clear_ended(self, rotation: OpenRotation, name: str) -> None:
        """Removes labels that late requests of ended rotations put on versions."""
        for stage, version in sorted(self._described(name).stages.items()):
            if is_label(stage, rotation, others=True) and not is_label(stage, rotation, others=False):
                self.secrets.discard(name, version=version, labels=[stage])

    def _described(self, name: str) -> Description:
        """The description from this process's plan, else the present one."""
        return self.described.get(name) or self.secrets.describe(name)

    def _mark_pending(self, rotation: OpenRotation, name: str, base: str) -> None:
        """Puts AWSPENDING on the new version, for AWS's own rotation and for people."""
        target = self.target(rotation, name)
        descriptions = [self.described[name]] if name in self.described else []

        def marked() -> SecretsError | None:
            described = descriptions.pop() if descriptions else self.secrets.describe(name)
            holder = described.stages.get(PENDING)
            if described.stages.get(CURRENT) == target or holder == target:
                return None
            if holder is not None and holder not in (base, *self.ours(rotation, name)):
                return RotationError(
                    f"secret {name} has a pending version {holder} of another writer; let the writer "
                    f"finish, or remove its label by '{command(name, 'takes_label_off')}'"
                )
            try:
                self.secrets.promote(name, to=target, instead_of=holder, label=PENDING, known=True)
            except Conflict as error:  # the description was stale
                return error
            return None

        refusal = self.secrets.settling.until(marked, lambda error: error is None)
        if refusal is not None:
            raise refusal

    def promote(self, *, seconds: float = MERGE_SECONDS) -> Promotion:
        """Moves AWSCURRENT in every secret, only from the planned version; then writes the parameters.

        Other writers' changes of other keys are merged, for at most ``seconds``. Without a leak, nothing moves if
        GitHub cannot be synced.
        """
        journal, rotation = self.holding()
        against = "" if journal.incident else self.against_copies(rotation, self.logins(rotation))
        if against and self.mine()[0].incident is None:  # a leak that was declared meanwhile waits for no copy
            return Promotion("blocked", message=f"nothing was promoted: {against}")
        began, pause, rested, settled = self._time(), 0.0, True, False
        while True:
            self._stage_merges(rotation)
            current = self._current(list(rotation.plan["secrets"]))
            states = {name: self._state(rotation, name, version) for name, version in current.items()}
            unready = promotion.taken(states)
            if unready and not settled:  # this read may be older than the plan
                self.secrets.settling.wait()
                settled = True
                continue
            if unready:
                return unready
            moved = {name: current[name] for name, state in states.items() if state == "moved"}
            if not moved and self._moved_all(rotation, states, current):
                return self._parameters(rotation)
            if self._time() - began > seconds:
                return promotion.outwritten(rotation.plan.get("merges", {}), moved or current, seconds)
            if moved and rested:
                rotation, rested = self._rebased(moved), False
            else:  # another write: the next merge reads after the pause
                self.sleep(pause)
                pause, rested = min(2 * pause + PAUSE, LONGEST_PAUSE), True

    def _time(self) -> float:
        return credential_ages.moment(self.clock()).timestamp()

    def _current(self, names: Sequence[str]) -> dict[str, str]:
        """Current versions by secret, read now. Raises :class:`NotFound` for a missing secret."""
        contents = self.secrets.read(names)
        for name in names:
            if name not in contents.readings:
                raise NotFound(f"{contents.failures[name]}; its rotation cannot be promoted")
        return {name: contents.readings[name].version for name in names}

    def _moved_all(self, rotation: OpenRotation, states: Mapping[str, str], current: Mapping[str, str]) -> bool:
        """Moves AWSCURRENT in ready secrets. Returns False if another writer wrote since the comparison."""

        def moved(name: str, base: str) -> bool:
            if current[name] == self.target(rotation, name):
                return True
            try:
                self.secrets.promote(name, to=self.target(rotation, name), instead_of=base, known=True)
            except Conflict:
                return False
            return True

        ready = {name: base for name, base in rotation.plan["secrets"].items() if states[name] == "ready"}
        return all(self.secrets.side_by_side([partial(moved, name, base) for name, base in ready.items()]))

    def _state(self, rotation: OpenRotation, name: str, current: str) -> str:
        """The state "ready", "over" (another writer kept the promoted values), "moved" or "taken"."""
        base = rotation.plan["secrets"][name]
        if current in (base, self.target(rotation, name)):
            return "ready"
        now = self.secrets.read_known([name], pins={name: current})
        items = _plan.items_of(rotation.plan)
        if promotion.is_over(self.catalog, items, self.values(rotation).credentials, now):
            return "over"
        before = self.secrets.read_known([name], pins={name: base})
        return "moved" if promotion.is_untouched(self.catalog, items, name, before, now) else "taken"

    def _rebased(self, moved: Mapping[str, str]) -> OpenRotation:
        """Records other writers' versions as the new base. Hosts get those changes by the next deploy."""
        journal, rotation = self.mine()
        before = rotation.plan.get("merges", {})
        merges = {**before, **{name: before.get(name, 0) + 1 for name in moved}}
        plan = {**rotation.plan, "secrets": {**rotation.plan["secrets"], **moved}, "merges": merges}
        return self._held(self.append(journal, rotation.id, rotation.step, plan=plan, phase=rotation.phase))

    def _stage_merges(self, rotation: OpenRotation) -> None:
        """Stages the last phase over other writers' versions, or finds it staged."""
        merges = rotation.plan.get("merges", {})
        if not merges:
            return
        with self.cleared_if_late(rotation):
            texts = self._texts(rotation, self.old_contents(rotation), self.values(rotation), phases_of(rotation)[-1])
            for name in merges:
                merged = f"{rotation.id}-{MERGED}"
                self.secrets.stage(name, texts[name], version=self.target(rotation, name), label=merged)

    def _parameters(self, rotation: OpenRotation) -> Promotion:
        planned = rotation.plan.get("parameters", {})
        texts = self.values(rotation).phases[-1] if planned else {}
        numbers = {
            name: self.overwrite(name, texts[name], instead_of=int(number), fresh=self.fresh())
            for name, number in planned.items()
        }
        sent, message = self.send_copies(rotation, self.logins(rotation))
        merged = promotion.merged_message(rotation.plan.get("merges", {}))
        return Promotion("done", parameters=numbers, message="; ".join(filter(None, [message, merged])), sent=sent)

    def overwrite(self, name: str, value: str, *, instead_of: int, fresh: WritePermission) -> int:
        """Writes a parameter, whoever wrote it meanwhile. Returns its new version."""
        fresh.spend()
        return self.parameters.overwrite(name, value, instead_of=instead_of)
