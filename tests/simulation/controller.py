# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""rotate.yml and deploy.yml: the engine is the real one, and the rollouts between its calls are played here."""

from __future__ import annotations

from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.host_results import Hosts
from tests.simulation.glue import Hands
from tests.simulation.hosts import Host, Unreachable
from tests.simulation.scheduler import Process
from tests.simulation.world import World


class Rollout:
    """env_deploy on every host, batch by batch, as the role does it."""

    def __init__(self, snapshot: dict[str, Any], *, name: str = "", leaves_lost: bool = False) -> None:
        self.snapshot, self.leaves_lost = snapshot, leaves_lost
        self.name = name
        self.failures: dict[str, str] = {}
        self.recoveries: dict[str, str] = {}
        self.lost: set[str] = set()

    def run(self, hosts: list[Host]) -> Rollout:
        """One host after the other, until one fails, as deploy.yml does."""
        for host in hosts:
            if not self.failures:
                self.deliver([host])
        return self

    def deliver(self, batch: list[Host]) -> None:
        delivered = {host: self._try(host, "deliver", lambda: host.deliver(self.snapshot)) for host in batch}  # noqa: B023
        todo = [host for host, file in delivered.items() if file is not None and not file.get("healthy")]
        for stage in ("restart", "health", "verify"):
            for host in todo:
                if host.name not in self.failures:
                    self._try(host, stage, lambda: self._stage(host, stage, delivered[host]))  # noqa: B023 - at once
        for host, file in delivered.items():
            if host.name in self.failures and file is not None:
                self._restore(host, file)

    def _stage(self, host: Host, stage: str, file: dict[str, Any]) -> None:
        if stage == "restart":
            host.restart()
        elif stage == "verify":
            host.record_healthy(self.snapshot, file["delivery"])
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
                    raise SecretsError("not healthy on the last healthy file either")
            self.recoveries[host.name] = "the last healthy file is back"
        except (SecretsError, Unreachable) as error:
            self.recoveries[host.name] = f"NOT HEALTHY: {error}"

    @property
    def hosts(self) -> Hosts:
        """What the role leaves of each host."""
        result = {
            name: {
                "env_deploy_failure": {
                    "rollout": self.name,
                    "reason": message,
                    "lost": name in self.lost,
                    "recovery": self.recoveries.get(name, ""),
                }
            }
            for name, message in self.failures.items()
        }
        return Hosts(list(self.failures), result, rollout=self.name, leaves_lost=self.leaves_lost)

    @property
    def message(self) -> str:
        return self.hosts.message


class Rotate:
    """One run of rotate.yml."""

    def __init__(self, world: World, process: Process, **options: Any) -> None:
        self.world = world
        self.hands = Hands(world, process, **options)
        self.messages: list[str] = []
        """What somebody else wrote and an abort left alone, or could not keep from being written over."""
        self.engine = self.hands.engine(self.messages.append)
        self.rollout = Rollout({})

    def run(self) -> str:
        try:
            begun = self.hands.begin()
            if begun["nothing"]:
                return "nothing: " + "; ".join(begun["messages"])
            result = self.engine.go_on({"refused": {}, "revocations": [], **begun["rotation"]})
            while result["next"]:
                result = self._hosts(result)
        except SecretsError as error:
            return f"error: {type(error).__name__}: {error}"
        except Unreachable as error:
            return f"error: unreachable: {error}"
        return "; ".join([self._outcome(result), *self.messages])

    def _outcome(self, result: dict[str, Any]) -> str:
        if result.get("closed"):
            return f"closed at {result['step']}: {result.get('reason') or 'complete'}"
        if not result.get("stopped"):
            raise AssertionError(f"the run ends at {result.get('step')} and does not say what it waits for")
        return f"stopped at {result['step']}: {result['stopped']}"

    def _hosts(self, result: dict[str, Any]) -> dict[str, Any]:
        """What the plays between two calls of the engine do."""
        hosts = [self.world.hosts[name] for name, tasks in result["hosts_do"].items() if tasks != "wait"]
        if result["tasks"] == "rollout" or result["tasks"].endswith("_all"):
            lost = result["next"] == "deliver"
            self.rollout = Rollout(self.hands.snapshot(), name=result["rollout"], leaves_lost=lost)
        if result["next"] == "verify":
            return self.engine.resume(result, self._verification(hosts, self.rollout.snapshot))
        self.rollout.deliver(hosts)
        return self.engine.resume(result, self.rollout.hosts)

    def _verification(self, hosts: list[Host], snapshot: dict[str, Any]) -> Hosts:
        answers: dict[str, dict[str, Any]] = {}
        for host in hosts:
            try:
                answers[host.name] = {"secret_rotate_verification": host.deliver(snapshot, check=True)}
            except (SecretsError, Unreachable) as error:
                self.world.scheduler.say("not verified:", error)
        return Hosts(list(self.world.hosts), answers)


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
        rollout = Rollout(snapshot).run(list(world.hosts.values()))
        return f"deployed: {rollout.hosts.outcome}: {rollout.message}"

    return body
