# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Carries a rotation on to the next tasks of its hosts, or to its end.

One call of :class:`Engine` does all work between two rollouts. ``state_machine`` defines the order of stages,
:meth:`Engine.carry_out` their work. ``next`` in the result is the work of hosts:

    deploy    deliver the prescribed versions           rollout
    deliver   the same again, before a revocation       rollout
    stop      stop services that a leaked signing key opens
    verify    compare each host with the journal        wait_seconds
    acts      a kind's act on each host                 acts
    sessions  try sessions that a dropped key signed    dropped, acts
    (empty)   the rotation has ended or stopped: see ``stopped``

``hosts_do`` names for each host the tasks to carry out now, ``later`` the batches of hosts that follow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    RotationError,
    SecretsError,
    counted,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import record as audit_record
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import (
    close,
    context,
    host_acts,
    journal_entries,
    kind_acts,
    plan,
    rollback,
    server_comparison,
    state_machine,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.host_results import (
    HOST_TASKS,
    Hosts,
    batches_of,
    first_tasks,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import (
    DONE,
    METHODS,
    ServerPrograms,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.run import (
    WARNING,
    AuditPort,
    Blocked,
    Progress,
    RotationRun,
    RunState,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

ROLLOUTS = ("deploy_1", "deploy_2", "abort")
REMOVING = ("revoke", "withdraw")
"""Stages before which every host is verified."""
LAST = ("record", "discard")


class Engine:
    def __init__(
        self,
        setting: RotationSetup,
        run: RotationRun,
        *,
        server: ServerPrograms,
        audit: AuditPort | None,
        progress: Progress,
        supplied: Callable[[], Mapping[str, Login]] = dict,
        state: RunState | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.setting, self.run, self.server, self.audit = setting, run, server, audit
        self.progress, self.supplied, self.clock, self.sleep = progress, supplied, clock, sleep
        self.state = state or RunState(since=clock())
        self.rotation: dict[str, Any] = {}
        """The open rotation, from ``context.summary``."""
        self.verification = Hosts((), {})

    def go_on(self, rotation: Mapping[str, Any]) -> dict[str, Any]:
        """Carries out stages until hosts have work or the rotation has ended."""
        self.rotation = dict(rotation)
        while stage := self._stage:
            due = self._for_hosts(stage) or self._carry_out(stage)
            if due:
                return due
        return self._next("")

    def resume(
        self, rotation: Mapping[str, Any], hosts: Hosts, results: Sequence[Mapping[str, Any]] = (), *, unread: str = ""
    ) -> dict[str, Any]:
        """Continues after the hosts' work. ``results`` and ``unread`` come from acts and sessions."""
        self.rotation = dict(rotation)
        work = rotation["next"]
        if rotation["later"] and hosts.may_go_on:
            return self._batch(work, rotation["later"])
        if work == "deploy":
            self._rolled_out(hosts)
        elif work == "verify" and self._unverified_hosts(hosts):
            self._record_time(work)
            return self._batch("await", [self._unverified_hosts(hosts)])
        elif work in ("verify", "await"):
            self.state.verified = True
            self.state.waited += self.clock() - self.state.since if work == "await" else 0
            self.verification = hosts
        elif work in ("acts", "sessions"):
            self.verification = hosts
            try:
                self._judge(self._stage, results, unread)
            except SecretsError as error:
                self._failed(self._stage, error)
        return self.go_on(self.rotation)

    def _rolled_out(self, hosts: Hosts) -> None:
        self.state.rolled = True
        self.state.notes.healthy_at = hosts.healthy_at
        if hosts.outcome == state_machine.DONE and hosts.message:
            self._say(f"unreachable hosts: {hosts.message}")
        self._advance(self._stage, hosts.outcome, hosts.message)

    def _unverified_hosts(self, hosts: Hosts) -> list[str]:
        """Unverified hosts to wait for. In a leak, all other work is done by now."""
        return [name for name in self._hosts if name not in hosts.verified] if self.rotation["wait_seconds"] else []

    @property
    def _stage(self) -> str:
        return next(iter(self.rotation.get("todo", ())), "")

    # What hosts do

    def _for_hosts(self, stage: str) -> dict[str, Any] | None:
        """Work of hosts before or in this stage, or None."""
        if stage == "create" and self.rotation["incident"] and self.rotation["immediate"]:
            self.setting.rotator.note_disabling([part["name"] for part in self.parts("block", plan.CHANGES)])
        due = host_acts.due(self, stage) if stage == "create" else None
        if due and due.fields["acts"]:
            return self._for_acts(due)
        if stage == "revoke_first" and self.rotation["halts"] and "stop" not in self.state.acted:
            self.state.acted += ("stop",)
            return self._next("stop")
        if stage in ROLLOUTS:
            return None if host_acts.needs_no_rollout(self) else self._rollout(stage)
        if stage in REMOVING and not (self.state.verified or host_acts.needs_no_rollout(self)):
            self._wait()
            if self._is_to_be_delivered:
                self.state.rolled = True
                return self._next("deliver", serial=self.run.serial)
            return self._next("verify", wait_seconds=self._wait_left if stage == "revoke" else 0)
        return None

    def _rollout(self, stage: str) -> dict[str, Any]:
        if stage == "abort":
            self.setting.known.forget()
            for message in ("hosts get the old values again", *rollback.undo(self.setting.rotator)):
                self.progress("abort", "", message, 0)
        together, rolling = self.rotation["together"], self.rotation["rolling"]
        at_once = (stage == "deploy_1" and together) or (stage == "deploy_2" and not rolling)
        return self._next("deploy", serial=("100%",) if at_once else self.run.serial)

    @property
    def _is_to_be_delivered(self) -> bool:
        """Whether to deliver to hosts that an earlier run left out, or that are new. A run that has deployed stops
        instead: the operator must look at a host that changed since."""
        return not self.run.incident and self.rotation["phases"] > 0 and not self.state.rolled

    def _wait(self) -> None:
        """Waits before hosts are verified, because a revocation needs a recent verification."""
        seconds = float(self.rotation["wait"])
        seconds = min(seconds, self._wait_left) if self.run.incident else seconds
        if self.state.rested or not seconds:
            return
        self._rest(seconds)
        self.state.rested = True
        self.state.waited += seconds if self.run.incident else 0

    def _rest(self, seconds: float) -> None:
        self.progress("wait", "", f"{seconds:.0f} s until the old values are removed", 0)
        self.sleep(seconds)

    @property
    def _wait_left(self) -> float:
        return max(self.run.wait_seconds - self.state.waited, 0)

    def _next(
        self, work: str, *, hosts: Sequence[str] | None = None, serial: Sequence[Any] = ("100%",), **extra: Any
    ) -> dict[str, Any]:
        chosen = self._hosts if hosts is None else list(dict.fromkeys(hosts))
        if not work or not chosen:
            return {**self.rotation, "next": "", "tasks": "end", "hosts_do": {}, "later": []}
        self.rotation.update(extra, rollout=str(self.rotation["number"]))
        batch = self._batch(work, batches_of(chosen, serial))
        is_whole = {*self.run.targeted_hosts, *self.run.reachable} <= {*chosen} and not batch["later"]
        return {**batch, "tasks": first_tasks(work, is_whole=is_whole)}

    @property
    def _hosts(self) -> list[str]:
        return [name for name in self.run.targeted_hosts if name not in self.rotation.get("opened", ())]

    def _batch(self, work: str, batches: Sequence[Sequence[str]]) -> dict[str, Any]:
        hosts_do = {name: HOST_TASKS[work] if name in batches[0] else "wait" for name in self.run.targeted_hosts}
        later = [list(batch) for batch in batches[1:]]
        return {**self.rotation, "next": work, "tasks": "batch", "hosts_do": hosts_do, "later": later}

    # What a stage does

    def _carry_out(self, stage: str) -> dict[str, Any] | None:
        """Carries out a stage and advances. Returns work of hosts in between, or None."""
        outcome, message = state_machine.DONE, ""
        try:
            if "controller" not in self.state.acted:
                outcome, message = self.carry_out(stage)
                self.state.acted += ("controller",)
            due = host_acts.due(self, stage)
            while due and not due.fields["acts"]:
                self._judge(stage, (), "")
                due = host_acts.due(self, stage)
            if due:
                return self._for_acts(due)
            if stage in LAST:
                self._end()
                return None
        except (SecretsError, AnsibleError) as error:
            self._failed(stage, error)
            return None
        self._advance(stage, outcome, message)
        return None

    def _for_acts(self, due: host_acts.Due) -> dict[str, Any]:
        return self._next(due.work, hosts=[act["host"] for act in due.fields["acts"]], **due.fields)

    def carry_out(self, stage: str) -> tuple[str, str]:
        """Carries out the controller's part of a stage. Returns the outcome and a message."""
        if stage == "promote":
            return self._promote()
        if stage == "create":
            self._create()
        elif stage in REMOVING:
            self._require_verified()
            self._kinds("revoke", plan.ENDS if stage == "revoke" else plan.CHANGES)
        elif stage == "revoke_first":
            self._kinds("revoke", plan.CHANGES)
        elif stage == "set" and self._tests_at_once:
            self._kinds("set", plan.CHANGES, also="test")
        elif stage not in LAST:
            self._kinds(stage, plan.CHANGES)
        return state_machine.DONE, ""

    @property
    def _tests_at_once(self) -> bool:
        """Whether stage set also tests the new values. Hosts test SSH keys later."""
        return not any(credential["kind"] == host_acts.SSH_KEY for credential in self.rotation["credentials"])

    def _create(self) -> None:
        if self.rotation["incident"]:
            with kind_acts.going_on(self.progress):
                self._kinds("block", plan.CHANGES if self.rotation["immediate"] else ())
            self._kinds("off", plan.CHANGES)
        self._kinds("issue", plan.CHANGES)
        began = self.clock()
        self.setting.rotator.create(self.setting.kinds, context.new_value, self.supplied())
        secrets = counted(len(self.rotation["secrets"]), "secret")
        self.progress("create", "", f"new values staged in {secrets}", self.clock() - began)
        self._kinds("create", plan.CHANGES)

    def _promote(self) -> tuple[str, str]:
        began = self.clock()
        self.setting.known.forget()
        promotion = self.setting.rotator.promote(seconds=self.run.merge_seconds)
        self.state.notes.sent = list(promotion.sent)
        if promotion.outcome == state_machine.DONE:
            secrets = counted(len(self.rotation["secrets"]), "secret")
            self.progress("promote", "", f"AWSCURRENT in {secrets}", self.clock() - began)
            if promotion.message:
                self.progress(WARNING, "", promotion.message, 0)
        return promotion.outcome, promotion.message

    def _require_verified(self) -> None:
        """Raises RotationError if hosts that are not skipped may still use a value to revoke."""
        run, verified = self.run, self.verification.verified
        missing = [host for host in run.hosts if host not in verified and host not in run.skipped]
        self.setting.rotator.holding()
        blocker = state_machine.unverified(missing)
        if missing and not run.leaves_lost:
            raise RotationError(f"nothing was revoked: {blocker}. {self.verification.message}".rstrip(". "))
        self.state.notes.behind = [host for host in run.hosts if host not in verified]
        if not missing:
            return
        keys = [credential["name"] for credential in self.rotation["credentials"] if credential["act"] == plan.RENEW]
        but = f" (except {', '.join(keys)}: these hosts accept the old key until their next deploy)" if keys else ""
        self._say(f"old values are revoked now, although hosts were skipped{but}: {blocker}")
        if run.incident:
            journal_entries.note_skipped(self.setting, missing)

    def parts(self, stage: str, acts: Sequence[str]) -> list[Mapping[str, Any]]:
        """Credentials whose kind acts at a stage."""
        credentials = self.rotation["revoking" if stage == "revoke" else "credentials"]
        names = [credential["name"] for credential in self.rotation["credentials"]]
        later = credential_graph.administrators(self.setting.catalog, names) if stage == "block" else set()
        due = (credential for credential in credentials if not credential["later"] and credential["name"] not in later)
        return [credential for credential in due if credential["act"] in acts and stage in credential["stages"]]

    def _kinds(self, stage: str, acts: Sequence[str], *, also: str = "") -> None:
        """Carries out each credential's act, administrators last. ``also`` is a stage that follows.

        Raises RotationError that names every failed credential.
        """
        requests = kind_acts.requests_of({name: self.parts(name, acts) for name in (stage, also) if name})
        known = [*self.verification.addresses, *self.run.options.get("known_addresses", ()), "127.0.0.1", "::1"]
        options = {**self.run.options, "known_addresses": known}
        for act, credential, answer, seconds in kind_acts.carry_out(self.setting, self.server, requests, options):
            name = credential["name"]
            self.state.notes.notes.update({name: answer["notes"]} if answer.get("notes") else {})
            if act == "block":
                self.state.notes.blocked.append(name)
            if act == "revoke" and self.rotation["incident"] and credential["built_in"]:
                self.state.notes.refusals[name] = dict(answer)
            self.progress(METHODS[act], name, str(answer.get("message") or DONE[act]), seconds)
            for line in kind_acts.foothold_lines(answer):
                self.progress(WARNING, "", f"{name}: {line}", 0)

    def _judge(self, stage: str, results: Sequence[Mapping[str, Any]], unread: str) -> None:
        judged = host_acts.judge(self, stage, results, unread)
        for message in judged.messages:
            self._say(message)
        self.state.lines += judged.lines
        self.state.notes.hosts_with_old_key.update(judged.hosts_with_old_key)
        self.state.notes.refusals.update(judged.refusals)
        if judged.blocked:
            raise Blocked(judged.blocked)
        if judged.failed:
            raise RotationError(judged.failed)

    def _say(self, message: str) -> None:
        self.progress("", "", message, 0)

    def _failed(self, stage: str, error: Exception) -> None:
        self._say(f"{stage}: {error}")
        is_blocked = stage in REMOVING or isinstance(error, Blocked)
        self._advance(stage, state_machine.BLOCKED if is_blocked else state_machine.FAILED, f"{stage}: {error}")

    def _advance(self, stage: str, outcome: str, message: str) -> None:
        tested = stage == "set" and self._tests_at_once
        decision, summary = journal_entries.advance(self.setting, outcome, message, self.state.notes, is_tested=tested)
        self._replace_summary(summary)
        if decision.way == state_machine.STOP:
            self.rotation.update(todo=[], stopped=decision.message)
        self.state.verified, self.state.acted = False, ()
        self._record_time(stage)

    def _replace_summary(self, summary: Mapping[str, Any]) -> None:
        """Replaces the summary, but keeps fields that only this run knows."""
        self.rotation = {**summary, **{name: self.rotation[name] for name in ("refused", "revocations")}}

    def _end(self) -> None:
        """Removes staged versions while the record is written, then closes the rotation."""
        if self.audit is not None:
            self.audit.open()
        rotator = self.setting.rotator
        rotator.holding()
        lines = server_comparison.rotated(self.setting, self.server, self.rotation)
        self.state.lines += lines
        acts: list[Callable[[], Any]] = [lambda: rollback.tidy(rotator), lambda: self._record(lines)]
        _none, recorded = rotator.secrets.side_by_side(acts)
        self.close(recorded)

    def _record(self, comparison: Sequence[str]) -> Mapping[str, Any]:
        """Writes the audit record. Returns the answer of :class:`AuditPort`."""
        if self.audit is None:
            return {}
        hosts = [host for host in self.run.hosts if host not in self.rotation["behind"]]
        notes = {"notes": [audit_record.plain(line) for line in comparison]} if comparison else {}
        return self.audit.recorded({**self.rotation["record"], "hosts": hosts, **notes}, self.rotation["audit"]["head"])

    def close(self, recorded: Mapping[str, Any]) -> None:
        """Appends the last entry."""
        step = self.rotation["step"]
        closing = {"audit": recorded.get("head") or {}, "unrecorded": recorded.get("against") or ""}
        self.state.unannounced += recorded.get("unannounced", ())
        summary = journal_entries.appended(self.setting, lambda: close.closed(self.setting, closing))
        self._replace_summary(summary)
        self.rotation.update(revocations=summary["revocations"], recorded=recorded.get("where") or "")
        self._record_time(step)

    def _record_time(self, stage: str) -> None:
        began, self.state.since = self.state.since, self.clock()
        self.state.seconds.append((stage, self.state.since - began))
