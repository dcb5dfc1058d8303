# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a kind of credential does at each stage of a rotation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Protocol

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError, SecretsError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import STAGES, Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

DISABLING = ("block", "revoke")
"""The stages at which old values go."""
Answer = Mapping[str, Any]
"""What came of an act: names, counts and words; never a value."""


class NotReached(RotationError):
    """Raised where the rotation host cannot be reached; another one can do it."""


class ServerPrograms(Protocol):
    """Runs programs of this collection on the rotation host."""

    def run(self, module: str, **options: Any) -> Answer:
        """Raises RotationError, or its subclass NotReached where that host cannot be reached."""

    def execute(
        self, program: ModuleType, *, args: Mapping[str, Any], seconds: float, packages: bool = False
    ) -> Answer:
        """Runs a program that is not a module. ``seconds`` is how long it may take, ``packages`` whether it imports
        what is installed there. Raises as ``run`` does."""

    def run_each(self, module: str, acts: Sequence[Mapping[str, Any]]) -> list[Answer | RotationError]:
        """What came of each of these options, in one execution. One may name an earlier one that it ``needs``.

        Raises NotReached where the host cannot be reached: any of them may be done then.
        """


@dataclass(frozen=True)
class StageRequest:
    """The state of a module at a stage, and its options."""

    state: str
    options: Sequence[str] = ()
    """Of the operator's options those that it takes."""
    by_pending_task: bool = False
    """Whether it gets the id of the pending task that it carries out."""
    noted: str = ""
    """What of the answer is kept in the journal as the credential's notes."""


@dataclass(frozen=True)
class Part:
    """One credential in a rotation."""

    setting: RotationSetup
    server: ServerPrograms
    credential: Mapping[str, Any]
    """Name, act, options and pending task, as the plan's items are shown."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The operator's, such as known_addresses."""

    @property
    def name(self) -> str:
        return str(self.credential["name"])

    @property
    def pending_task(self) -> str:
        return str(self.credential.get("pending_task") or "")

    def on_server(self, module: str, state: str, *names: str, **extra: Any) -> Answer:
        """The module in that state for this credential; ``names`` are options of the operator that it takes."""
        operator_options = {name: self.options[name] for name in names if name in self.options}
        return self.server.run(module, credential=self.name, state=state, **operator_options, **extra)


class Acts:
    """The verbs of a kind. One that is not overridden has nothing to do at its stage.

    Each may be repeated: a run that is killed in between carries out the whole stage once more.
    """

    kind: Kind
    module: str = ""
    """Of this collection, which carries out the ``requests``."""
    sessions: str = ""
    """The module that tells who is logged in at its server; empty where none does."""
    ways_in: tuple[str, str] | None = None
    """What a leak response looks at for other ways in, and what it does not. ``{}`` is the credential, then when."""
    ways_in_compared: tuple[str, str] | None = None
    """The same of a server whose baseline was recorded."""
    requests: Mapping[str, StageRequest] = {}
    """By stage. The acts of many credentials at one stage, or at two, are one execution."""

    def carry_out(self, requests: Sequence[tuple[str, Part]]) -> list[Answer | RotationError]:
        """What came of each stage of each credential, in this order. Raises NotReached.

        Without requests, up to the first failure, except where old values go: one that stays must not keep another.
        A stage that follows another one of the same credential needs that one.
        """
        if self.requests:
            return self._requested(requests)
        results: list[Answer | RotationError] = []
        for stage, part in requests:
            try:
                results.append(getattr(self, VERBS[stage])(part))
            except NotReached:
                raise
            except SecretsError as error:
                results.append(RotationError(str(error)))
                if stage not in DISABLING:
                    break
        return results

    def _requested(self, requests: Sequence[tuple[str, Part]]) -> list[Answer | RotationError]:
        acts: list[dict[str, Any]] = []
        last: dict[tuple[str, str], int] = {}
        for stage, part in requests:
            request, about = self.requests[stage], (part.name, part.pending_task)
            options = {name: part.options[name] for name in request.options if name in part.options}
            if request.by_pending_task:
                options["pending_task"] = part.pending_task
            needs = {"needs": last[about]} if about in last else {}
            acts.append({"credential": part.name, "state": request.state, **options, **needs})
            last[about] = len(acts) - 1
        answers = requests[0][1].server.run_each(self.module, acts)
        return [
            answer if isinstance(answer, RotationError) else self._noted(self.requests[stage], answer)
            for (stage, _part), answer in zip(requests, answers, strict=True)
        ]

    @staticmethod
    def _noted(request: StageRequest, answer: Answer) -> Answer:
        return {**answer, "notes": answer.get(request.noted)} if request.noted else answer

    def check(self, part: Part) -> Answer:
        """Before anything is written: asks whether the server would accept the rotation."""
        raise NotImplementedError

    def block(self, part: Part) -> Answer:
        """After a leak with immediate containment, first of all: disables the old value and ends its sessions."""
        raise NotImplementedError

    def switch_off(self, part: Part) -> Answer:
        """After a leak, before new values exist: disables a value that could read them."""
        raise NotImplementedError

    def issue(self, part: Part) -> Answer:
        """Has a provider make the new value."""
        raise NotImplementedError

    def create(self, part: Part) -> Answer:
        """Prepares the server for the new value."""
        raise NotImplementedError

    def set(self, part: Part) -> Answer:
        """Makes the new value valid beside the old one. ``notes`` of the answer are kept in the journal."""
        raise NotImplementedError

    def test(self, part: Part) -> Answer:
        raise NotImplementedError

    def revoke(self, part: Part) -> Answer:
        """Revokes the old value and verifies that it is rejected; in a rollback, the new one."""
        raise NotImplementedError

    def verify_revoked(self, part: Part) -> Answer:
        """Tries old values that a provider was to revoke."""
        raise NotImplementedError


VERBS: Mapping[str, str] = {
    "check": "check",
    "block": "block",
    "off": "switch_off",
    "issue": "issue",
    "create": "create",
    "set": "set",
    "test": "test",
    "revoke": "revoke",
    "revoked": "verify_revoked",
}
"""The verb of each stage. The stage revoke_first carries out revoke before the rollout."""
DONE: Mapping[str, str] = {
    "block": "the leaked login is blocked",
    "off": "switched off",
    "issue": "issued by its provider",
    "create": "the server is ready for it",
    "set": "the new value is valid beside the old one",
    "test": "the new value logs in",
    "revoke": "the old value is rejected",
}
"""What each stage does, where its module has no message."""


def stages_of(acts: type[Acts]) -> tuple[str, ...]:
    return tuple(
        name
        for name in STAGES
        if name in acts.requests or (name in VERBS and getattr(acts, VERBS[name]) is not getattr(Acts, VERBS[name]))
    )
