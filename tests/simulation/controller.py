# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""rotate.yml and deploy.yml, play by play: the order of tasks is theirs, the decisions are the real code's."""

from __future__ import annotations

from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import SecretsError
from tests.simulation.glue import Ended, Hands
from tests.simulation.hosts import Host, Unreachable
from tests.simulation.scheduler import Process
from tests.simulation.world import World


class Rollout:
    """env_deploy on every host, batch by batch, as the role does it."""

    def __init__(
        self, hosts: list[Host], snapshot: dict[str, Any], *, at_once: bool, leaves_lost: bool = False
    ) -> None:
        self.snapshot = snapshot
        self.leaves_lost = leaves_lost
        self.batches = [hosts] if at_once else [hosts[:1], *([one] for one in hosts[1:])]
        self.failures: dict[str, str] = {}
        self.recoveries: dict[str, str] = {}
        self.lost: set[str] = set()

    def run(self) -> Rollout:
        for batch in self.batches:
            if set(self.failures) - (self.lost if self.leaves_lost else set()):
                break
            self._batch([one for one in batch if one])
        return self

    def _batch(self, batch: list[Host]) -> None:
        delivered = {host: self._try(host, "deliver", lambda: host.deliver(self.snapshot)) for host in batch}  # noqa: B023
        todo = [host for host, file in delivered.items() if file is not None and not file.get("proven")]
        for stage in ("restart", "health", "prove"):
            for host in todo:
                if host.name not in self.failures:
                    self._try(host, stage, lambda: self._stage(host, stage, delivered[host]))  # noqa: B023 - at once
        for host, file in delivered.items():
            if host.name in self.failures and file is not None:
                self._restore(host, file)

    def _stage(self, host: Host, stage: str, file: dict[str, Any]) -> None:
        if stage == "restart":
            host.restart()
        elif stage == "prove":
            host.prove(self.snapshot, file["delivery"])
        elif not host.healthy():
            raise SecretsError("not healthy")

    def _try(self, host: Host, stage: str, act: Any) -> Any:
        try:
            return act()
        except Unreachable as error:
            self.lost.add(host.name)
            self.failures[host.name] = f"{stage}: {error}"
        except SecretsError as error:
            self.failures[host.name] = f"{stage}: {error}"
        return None

    def _restore(self, host: Host, file: dict[str, Any]) -> None:
        try:
            if host.restore(self.snapshot, file["delivery"])["restored"]:
                host.restart()
                if not host.healthy():
                    raise SecretsError("not healthy on the last proven file either")
            self.recoveries[host.name] = "the last proven file is back"
        except (SecretsError, Unreachable) as error:
            self.recoveries[host.name] = f"NOT HEALTHY: {error}"

    @property
    def outcome(self) -> str:
        if not self.failures:
            return "done"
        return "failed" if set(self.failures) - self.lost else "lost"

    @property
    def words(self) -> str:
        every = [*self.failures.items(), *self.recoveries.items()]
        return ". ".join(f"{host}: {words}" for host, words in every)


class Rotate:
    """One run of rotate.yml."""

    def __init__(self, world: World, process: Process, **options: Any) -> None:
        self.world = world
        self.hands = Hands(world, process, **options)
        self.now: dict[str, Any] = {}
        self.notes: dict[str, Any] = {}
        self.rolled = False
        self.told: list[str] = []
        """What somebody else wrote and an abort left alone, or could not keep from being written over."""

    def run(self) -> str:
        try:
            begun = self.hands.begin(preflight=True)
            if begun.get("checks"):
                begun = self.hands.begin(against=self._against(begun["checks"]))
            if begun.get("nothing"):
                return "nothing: " + "; ".join(begun["said"])
            self.now = begun["rotation"]
            self._stages("create", "set", "test", "revoke")
            self._rollout("deploy_1", at_once=bool(self.now.get("together")))
            self._rollout("deploy_2", at_once=not self.now.get("rolling"))
            self._stages("promote")
            self._removal("retire", "record")
            self._rollout("abort")
            self._rollout("abort")
            self._removal("withdraw", "discard")
        except SecretsError as error:
            return f"error: {type(error).__name__}: {error}"
        except Unreachable as error:
            return f"error: unreachable: {error}"
        return "; ".join([self._outcome(), *self.told])

    def _against(self, checks: list[dict[str, Any]]) -> dict[str, str]:
        """What the servers say before anything is written, as preflight.yml gathers it."""
        against = {}
        for credential in checks:
            try:
                self.hands.kind(credential, "check")
            except Unreachable as error:
                return dict.fromkeys((one["name"] for one in checks), str(error))
            except SecretsError as error:
                against[credential["name"]] = str(error)
        return against

    def _outcome(self) -> str:
        if self.now.get("closed"):
            return f"closed at {self.now['step']}: {self.now.get('reason') or 'complete'}"
        if not self.now.get("stopped"):
            raise AssertionError(f"the run ends at {self.now.get('step')} and does not say what it waits for")
        return f"stopped at {self.now['step']}: {self.now['stopped']}"

    @property
    def _current(self) -> str:
        return next(iter(self.now.get("todo", [])), "")

    def _stages(self, *stages: str, proof: dict[str, dict[str, Any]] | None = None) -> None:
        if self._current not in stages:
            return
        for stage in stages:
            if self._current == stage:
                self._stage(stage, proof or {})

    def _stage(self, stage: str, proof: dict[str, dict[str, Any]]) -> None:
        more: dict[str, Any] = {}
        try:
            done = self._carried_out(stage, proof)
            if stage == "promote":
                more = {"outcome": done["outcome"], "words": done["words"]}
        except (SecretsError, Ended) as error:
            more = {"outcome": "blocked" if stage in ("retire", "withdraw") else "failed", "words": f"{stage}: {error}"}
        else:
            if stage in ("record", "discard"):
                return
        self._advance(**more)

    def _carried_out(self, stage: str, proof: dict[str, dict[str, Any]]) -> dict[str, Any]:
        hands = self.hands
        if stage == "promote":
            return hands.version("promoted")
        if stage == "create":
            self._kinds("issue")
            hands.version("staged")
            self._kinds("create")
        elif stage in ("set", "test"):
            self._kinds(stage)
        elif stage in ("retire", "withdraw"):
            self._gate(proof)
            self._kinds("retire", acts=("rotate", "renew", "retire") if stage == "retire" else ("rotate",))
        else:
            self.end()
        return {}

    def end(self) -> None:
        """Tidies up, writes the audit record and sees it there, then closes the journal and trims it."""
        self.hands.version("discarded")
        self.record()
        self.close()

    def record(self) -> None:
        self.world.act("record", self.now["id"], lambda: self.world.audit.add(self.now["id"]))

    def close(self) -> None:
        self.hands.rotation("closed")
        self.now = {**self.now, "todo": [], "closed": True}

    def _kinds(self, stage: str, acts: tuple[str, ...] = ("rotate",)) -> None:
        for credential in self.now["retiring" if stage == "retire" else "credentials"]:
            if credential["act"] in acts and stage in credential["stages"] and not credential["later"]:
                note = self.hands.kind(credential, stage)
                if stage == "set" and note:
                    self.notes[credential["name"]] = note

    def _gate(self, proof: dict[str, dict[str, Any]]) -> None:
        proven = [host for host, one in proof.items() if not one["restart_needed"] and not one["changed"]]
        objections = self.hands.rotation("gated", hosts=list(self.world.hosts), proven=proven)["objections"]
        if objections:
            raise Ended("nothing was removed: " + "; ".join(objections))

    def _advance(self, outcome: str = "done", words: str = "") -> None:
        done = self.hands.rotation("advanced", outcome=outcome, words=words, notes=self.notes)
        self.now = done["rotation"]
        if done["way"] == "stop":
            self.now = {**self.now, "todo": [], "stopped": done["words"]}

    def _rollout(self, stage: str, *, at_once: bool = False) -> None:
        if self._current != stage:
            return
        if stage == "abort":
            self.told += self.hands.version("restored")["told"]
        snapshot = self.hands.snapshot()
        rollout = Rollout(list(self.world.hosts.values()), snapshot, at_once=at_once).run()
        self.rolled = True
        self._advance(rollout.outcome, rollout.words)

    def _removal(self, *stages: str) -> None:
        if self._current != stages[0]:
            self._stages(*stages)
            return
        snapshot = self.hands.snapshot()
        if self.now["phases"] and not self.rolled:
            Rollout(list(self.world.hosts.values()), snapshot, at_once=False, leaves_lost=True).run()
        proof = {}
        for host in self.world.hosts.values():
            try:
                proof[host.name] = host.deliver(snapshot, check=True)
            except (SecretsError, Unreachable) as error:
                self.world.scheduler.say("not proven:", error)
        self._stages(*stages, proof=proof)


def rotate(world: World, **options: Any) -> Any:
    """The body of a process that runs rotate.yml."""
    return lambda process: Rotate(world, process, **options).run()


def deploy(world: World) -> Any:
    """The body of a process that runs deploy.yml."""

    def body(process: Process) -> str:
        try:
            snapshot = Hands(world, process).snapshot()
        except SecretsError as error:
            return f"error: {type(error).__name__}: {error}"
        rollout = Rollout(list(world.hosts.values()), snapshot, at_once=False).run()
        return f"deployed: {rollout.outcome}: {rollout.words}"

    return body
