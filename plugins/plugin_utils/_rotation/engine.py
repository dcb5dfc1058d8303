# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rotation from where the journal stands to what its hosts have to do next, or to its end.

Everything between two rollouts is one call of :class:`Engine`. What the hosts have to do is in its result as ``next``:

    deploy    deliver what the journal prescribes             rollout
    deliver   the same once more, before a value is removed   rollout
    stop      stop what a leaked signing key opens
    verify    compare each host with what is prescribed       wait_seconds
    acts      a kind's act on each host                       acts
    sessions  try sessions that a dropped key signed          dropped, acts
    (empty)   the rotation has ended, or stands still: see ``stopped``

``hosts_do`` names for each host the tasks to carry out now, ``later`` the batches of hosts that follow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError, SecretsError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import close as _close
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import (
    host_acts,
    journal_entries,
    rollback,
    state_machine,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.host_results import (
    HOST_TASKS,
    Hosts,
    batches_of,
    first_tasks,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.run import (
    Blocked,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.stage_acts import LAST, REMOVING, StageActs

ROLLOUTS = ("deploy_1", "deploy_2", "abort")


class Engine(StageActs):
    """The state machine of one run."""

    def go_on(self, rotation: Mapping[str, Any]) -> dict[str, Any]:
        """Carries out stage by stage, until hosts have something to do or the rotation has ended.

        Also after what is prescribed was delivered once more, and after what a leaked key opens was stopped.
        """
        self.now = dict(rotation)
        while True:
            stage = self._stage
            if not stage:
                return self._next("")
            due = self._for_hosts(stage)
            if due:
                return due
            due = self._carry_out(stage)
            if due:
                return due

    def resume(
        self,
        rotation: Mapping[str, Any],
        hosts: Hosts,
        results: Sequence[Mapping[str, Any]] = (),
        *,
        unread: str = "",
    ) -> dict[str, Any]:
        """After hosts did what the last segment named. ``results`` and ``unread`` are those of acts and sessions."""
        self.now = dict(rotation)
        work = rotation["next"]
        if rotation["later"] and hosts.may_go_on:
            return self._batch(work, rotation["later"])
        if work == "deploy":
            self._rolled_out(hosts)
        elif work == "verify" and self._away(hosts):
            self._took(work)
            return self._batch("await", [self._away(hosts)])
        elif work in ("verify", "await"):
            self._verified(hosts, waited=work == "await")
        elif work in ("acts", "sessions"):
            self.verification = hosts
            self._judge(results, unread)
        return self.go_on(self.now)

    def _rolled_out(self, hosts: Hosts) -> None:
        self.carried.rolled = True
        self.carried.seen.healthy_at = hosts.healthy_at
        if hosts.outcome == state_machine.DONE and hosts.message:
            self.say(f"unreachable hosts: {hosts.message}")
        self._advance(self._stage, hosts.outcome, hosts.message)

    def _away(self, hosts: Hosts) -> list[str]:
        """The hosts that are not verified and may be waited for: after a leak everything else is done by now."""
        return [name for name in self._here if name not in hosts.verified] if self.now["wait_seconds"] else []

    def _verified(self, hosts: Hosts, *, waited: bool) -> None:
        self.carried.verified = True
        self.carried.waited += self.clock() - self.carried.since if waited else 0
        self.verification = hosts

    @property
    def _stage(self) -> str:
        return next(iter(self.now.get("todo", ())), "")

    def _for_hosts(self, stage: str) -> dict[str, Any] | None:
        """What hosts have to do before, or as, this stage."""
        if stage == "revoke_first" and self.now["halts"] and "stop" not in self.carried.acted:
            self._did("stop")
            return self._next("stop")
        if stage in ROLLOUTS:
            return None if host_acts.needs_no_rollout(self) else self._rollout(stage)
        if stage in REMOVING and not (self.carried.verified or host_acts.needs_no_rollout(self)):
            self._wait()
            if self._is_to_be_delivered:
                self.carried.rolled = True
                return self._next("deliver", serial=self.run.serial)
            return self._next("verify", wait_seconds=self._wait_left if stage == "revoke" else 0)
        return None

    def _rollout(self, stage: str) -> dict[str, Any]:
        if stage == "abort":
            self.setting.known.forget()
            for message in rollback.undo(self.setting.rotator):
                self.say(message)
        at_once = (stage == "deploy_1" and self.now["together"]) or (stage == "deploy_2" and not self.now["rolling"])
        return self._next("deploy", serial=("100%",) if at_once else self.run.serial)

    @property
    def _is_to_be_delivered(self) -> bool:
        """Hosts that an earlier run left out, or that came since. A run that has deployed itself stops instead: what
        somebody changed on a host meanwhile is to be looked at."""
        return not self.run.incident and self.now["phases"] > 0 and not self.carried.rolled

    def _wait(self) -> None:
        """Before the hosts are verified: a verification must not be older than what follows from it."""
        seconds = float(self.now["wait"])
        seconds = min(seconds, self._wait_left) if self.run.incident else seconds
        if self.carried.rested or not seconds:
            return
        self._rest(seconds)
        self.carried.rested = True
        self.carried.waited += seconds if self.run.incident else 0

    def _rest(self, seconds: float) -> None:
        self.progress("wait", "", f"{seconds:.0f} s until the old values are removed", 0)
        self.sleep(seconds)

    @property
    def _wait_left(self) -> float:
        return max(self.run.wait_seconds - self.carried.waited, 0)

    def _carry_out(self, stage: str) -> dict[str, Any] | None:
        """The stage, and what follows from its outcome; or what hosts have to do in between."""
        outcome, message = state_machine.DONE, ""
        try:
            if "controller" not in self.carried.acted:
                outcome, message = self.carry_out(stage)
                self._did("controller")
            due = host_acts.due(self, stage)
            while due and not due.more["acts"]:
                self._judged(stage, (), "")
                due = host_acts.due(self, stage)
            if due:
                hosts = [act["host"] for act in due.more["acts"]]
                return self._next(due.what, hosts=hosts, **due.more)
            if stage in LAST:
                self.end()
                return None
        except (SecretsError, AnsibleError) as error:
            self._failed(stage, error)
            return None
        self._advance(stage, outcome, message)
        return None

    def _did(self, part: str) -> None:
        self.carried.acted = (*self.carried.acted, part)

    def _judge(self, results: Sequence[Mapping[str, Any]], unread: str) -> None:
        stage = self._stage
        try:
            self._judged(stage, results, unread)
        except SecretsError as error:
            self._failed(stage, error)

    def _judged(self, stage: str, results: Sequence[Mapping[str, Any]], unread: str) -> None:
        judged = host_acts.judged(self, stage, results, unread)
        for message in judged.messages:
            self.say(message)
        self.carried.lines += judged.lines
        self.carried.seen.hosts_with_old_key.update(judged.hosts_with_old_key)
        self.carried.seen.refusals.update(judged.refusals)
        if judged.blocked:
            raise Blocked(judged.blocked)
        if judged.failed:
            raise RotationError(judged.failed)

    # Entries of the journal

    def _failed(self, stage: str, error: Exception) -> None:
        self.say(f"{stage}: {error}")
        is_blocked = stage in REMOVING or isinstance(error, Blocked)
        self._advance(stage, state_machine.BLOCKED if is_blocked else state_machine.FAILED, f"{stage}: {error}")

    def _advance(self, stage: str, outcome: str, message: str) -> None:
        is_tested = stage == "set" and self.tests_at_once
        advanced = journal_entries.advance(self.setting, outcome, message, self.carried.seen, is_tested=is_tested)
        self.now = {**advanced.rotation, "refused": self.now["refused"], "revocations": self.now["revocations"]}
        if advanced.way == state_machine.STOP:
            self.now.update(todo=[], stopped=advanced.message)
        self.carried.verified, self.carried.acted = False, ()
        self._took(stage)

    def end(self) -> None:
        """What the rotation staged goes beside its record; the journal forgets it once both are done."""
        if self.audit is not None:
            self.audit.open()
        self.setting.rotator.holding()
        acts: list[Callable[[], Mapping[str, Any]]] = [self._tidied, self.record]
        _tidied, recorded = self.setting.rotator.secrets.side_by_side(acts)
        self.close(recorded)

    def _tidied(self) -> Mapping[str, Any]:
        rollback.tidy(self.setting.rotator)
        return {}

    def record(self) -> Mapping[str, Any]:
        """What became of the record, as :class:`AuditPort` has it."""
        if self.audit is None:
            return {}
        hosts = [host for host in self.run.hosts if host not in self.now["behind"]]
        return self.audit.recorded({**self.now["record"], "hosts": hosts}, self.now["audit"]["head"])

    def close(self, recorded: Mapping[str, Any]) -> None:
        """The last entry."""
        step, refused = self.now["step"], self.now["refused"]
        closing = {"audit": recorded.get("head") or {}, "unrecorded": recorded.get("against") or ""}
        self.carried.unannounced += recorded.get("unannounced", ())
        result = journal_entries.appended(self.setting, lambda: _close.closed(self.setting, closing))
        self.now = {**result["rotation"], "refused": refused, "revocations": result["revocations"]}
        self.now["recorded"] = recorded.get("where") or ""
        self._took(step)

    def _took(self, stage: str) -> None:
        at = self.clock()
        self.carried.seconds.append((stage, at - self.carried.since))
        self.carried.since = at

    def _next(
        self, work: str, *, hosts: Sequence[str] | None = None, serial: Sequence[Any] = ("100%",), **extra: Any
    ) -> dict[str, Any]:
        chosen = self._here if hosts is None else list(dict.fromkeys(hosts))
        if not work or not chosen:
            return {**self.now, "next": "", "tasks": "end", "hosts_do": {}, "later": []}
        self.now.update(extra, rollout=str(self.now["number"]))
        batch = self._batch(work, batches_of(chosen, serial))
        is_whole = {*self.run.targeted_hosts, *self.run.reachable} <= {*chosen} and not batch["later"]
        return {**batch, "tasks": first_tasks(work, is_whole=is_whole)}

    @property
    def _here(self) -> list[str]:
        return [name for name in self.run.targeted_hosts if name not in self.now.get("opened", ())]

    def _batch(self, work: str, batches: Sequence[Sequence[str]]) -> dict[str, Any]:
        hosts_do = {name: HOST_TASKS[work] if name in batches[0] else "wait" for name in self.run.targeted_hosts}
        later = [list(batch) for batch in batches[1:]]
        return {**self.now, "next": work, "tasks": "batch", "hosts_do": hosts_do, "later": later}
