# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The stages of a rotation, as a kind carries them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Protocol

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError, SecretsError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import STAGES, Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

BEFORE: Mapping[str, Sequence[str]] = {"create": (), "set": ("create",), "test": ("create", "set"), "revoke": ()}
"""Stages whose results may be undone too, if somebody interferes with the stage of the key."""
DISABLED = "the leaked login of {} was disabled first; the application cannot log in until it has the new value"
DISABLING = ("block", "revoke")
"""Stages that disable old values."""
Answer = Mapping[str, Any]
"""The result of an act: names, counts and messages; never a value."""


class NotReached(RotationError):
    """Raised if the rotation host is unreachable; another host can replace it."""


class Interfered(RotationError):
    """Raised if the holder of a leaked login may have made an act fail. It may succeed once the login is disabled."""


class ServerPrograms(Protocol):
    """Runs programs of this collection on the rotation host."""

    def run(self, module: str, **options: Any) -> Answer:
        """Raises RotationError, or NotReached if the host is unreachable."""

    def execute(
        self, program: ModuleType, *, args: Mapping[str, Any], seconds: float, packages: bool = False
    ) -> Answer:
        """Runs a program that is not a module, for at most ``seconds``. ``packages``: whether it imports the host's
        packages. Raises as ``run`` does."""

    def run_each(self, module: str, acts: Sequence[Mapping[str, Any]]) -> list[Answer | RotationError]:
        """Answers for each of these options, in one execution. Options may name an earlier act as ``needs``.

        Raises NotReached if the host is unreachable: some acts are possibly done.
        """


@dataclass(frozen=True)
class StageRequest:
    """The state of a module at a stage, and its options."""

    state: str
    options: Sequence[str] = ()
    """Names of the operator's options that the module gets."""
    by_pending_task: bool = False
    """Whether the module gets the pending task's id."""
    noted: str = ""
    """Key of the answer that the journal keeps as the credential's notes."""


@dataclass(frozen=True)
class Part:
    """A credential in a rotation."""

    setting: RotationSetup
    server: ServerPrograms
    credential: Mapping[str, Any]
    """Name, act, options and pending task, from the rotation's summary."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of the operator, such as known_addresses."""

    @property
    def name(self) -> str:
        return str(self.credential["name"])

    @property
    def pending_task(self) -> str:
        return str(self.credential.get("pending_task") or "")

    def on_server(self, module: str, state: str, *names: str, **extra: Any) -> Answer:
        """Runs the module in that state for this credential, with the operator's options ``names``."""
        operator_options = {name: self.options[name] for name in names if name in self.options}
        return self.server.run(module, credential=self.name, state=state, **operator_options, **extra)


class KindStages:
    """Stages of a kind. A stage whose method is not overridden is skipped.

    Each may be repeated: after a killed run, the whole stage is carried out again.
    """

    kind: Kind
    module: str = ""
    """Module of this collection that carries out the ``requests``."""
    sessions: str = ""
    """Module that lists sessions at the server; empty if none does."""
    ways_in: tuple[str, str] | None = None
    """Texts: where a leak response looks for footholds, and where not. ``{}`` is the credential, then the time."""
    ways_in_compared: tuple[str, str] | None = None
    """The same texts for a server with a baseline."""
    requests: Mapping[str, StageRequest] = {}
    """Requests by stage. Those of many credentials are one execution."""

    def carry_out(self, requests: Sequence[tuple[str, Part]]) -> list[Answer | RotationError]:
        """Answers for each stage and credential, in order. Raises NotReached.

        Without ``requests``, stops at the first failure, unless the stage disables old values: one that stays must not
        keep another. A later stage of a credential needs the earlier stage.
        """
        if self.requests:
            return self._requested(requests)
        results: list[Answer | RotationError] = []
        for stage, part in requests:
            try:
                results.append(getattr(self, METHODS[stage])(part))
            except NotReached:
                raise
            except SecretsError as error:
                results.append(RotationError(str(error)))
                if stage not in DISABLING:
                    break
        return results

    def _requested(self, requests: Sequence[tuple[str, Part]]) -> list[Answer | RotationError]:
        answers = self._answers(requests)
        for at, ((stage, part), problem) in enumerate(zip(requests, answers, strict=True)):
            if isinstance(problem, Interfered) and stage in BEFORE:
                again = [(name, other) for name, other in requests[at:] if other.name == part.name]
                answers[at : at + len(again)] = self._once_disabled(again, problem)
        return answers

    def _once_disabled(self, requests: Sequence[tuple[str, Part]], problem: Interfered) -> list[Answer | RotationError]:
        """Disables the leaked login, then repeats acts of one credential."""
        stage, part = requests[0]
        part.setting.rotator.note_disabling([part.name])
        before = [("block", part), *((name, part) for name in BEFORE[stage] if name in self.requests)]
        answers = self._answers([*before, *requests])
        disabled = "" if isinstance(answers[0], RotationError) else f". {DISABLED.format(part.name)}"
        errors = [str(answer) for answer in answers if isinstance(answer, RotationError)]
        if errors:
            return [RotationError(f"{problem}{disabled}. {errors[0]}")] * len(requests)
        successes = [answer for answer in answers[len(before) :] if not isinstance(answer, RotationError)]
        return [{**successes[0], "message": f"{problem}{disabled}"}, *successes[1:]]

    def _answers(self, requests: Sequence[tuple[str, Part]]) -> list[Answer | RotationError]:
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
        """Asks before any write whether the server would accept the rotation."""
        raise NotImplementedError

    def block(self, part: Part) -> Answer:
        """Disables the old value and ends its sessions, as the first act of immediate containment."""
        raise NotImplementedError

    def switch_off(self, part: Part) -> Answer:
        """Disables a leaked value that could read new values, before these exist."""
        raise NotImplementedError

    def issue(self, part: Part) -> Answer:
        """Requests the new value from a provider."""
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
        """Tries old values that a provider should have revoked."""
        raise NotImplementedError


METHODS: Mapping[str, str] = {
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
"""The method of each stage. The stage revoke_first carries out revoke before the rollout."""
DONE: Mapping[str, str] = {
    "block": "the leaked login is blocked",
    "off": "switched off",
    "issue": "issued by its provider",
    "create": "the server is ready for it",
    "set": "the new value is valid beside the old one",
    "test": "the new value logs in",
    "revoke": "the old value is rejected",
}
"""Default messages of stages."""


def stages_of(acts: type[KindStages]) -> tuple[str, ...]:
    return tuple(
        name
        for name in STAGES
        if name in acts.requests
        or (name in METHODS and getattr(acts, METHODS[name]) is not getattr(KindStages, METHODS[name]))
    )
