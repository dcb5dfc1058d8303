# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a stage of a rotation does at stores, servers and providers. Hosts have no part in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import (
    context,
    host_acts,
    journal_entries,
    kind_acts,
    plan,
    state_machine,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.host_results import Hosts
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import DONE, VERBS, ServerPrograms
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.run import (
    AuditPort,
    Carried,
    Progress,
    RotationRun,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

REMOVING = ("revoke", "withdraw")
"""The stages before which every host is verified."""
LAST = ("record", "discard")
WARNING = "warning"


class StageActs:
    """The stages of one run."""

    def __init__(
        self,
        setting: RotationSetup,
        run: RotationRun,
        *,
        server: ServerPrograms,
        audit: AuditPort | None,
        progress: Progress,
        supplied: Callable[[], Mapping[str, Login]] = dict,
        carried: Carried | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.setting, self.run, self.server, self.audit = setting, run, server, audit
        self.progress, self.given, self.clock, self.sleep = progress, supplied, clock, sleep
        self.carried = carried or Carried(since=clock())
        self.now: dict[str, Any] = {}
        self.verification = Hosts((), {})

    def carry_out(self, stage: str) -> tuple[str, str]:
        """Everything of a stage that hosts have no part in."""
        if stage == "promote":
            return self._promote()
        if stage == "create":
            self._create()
        elif stage in REMOVING:
            self._require_verified()
            self._kinds("revoke", plan.ENDS if stage == "revoke" else plan.CHANGES)
        elif stage == "revoke_first":
            self._kinds("revoke", plan.CHANGES)
        elif stage == "set" and self.tests_at_once:
            self._kinds("set", plan.CHANGES, also="test")
        elif stage not in LAST:
            self._kinds(stage, plan.CHANGES)
        return state_machine.DONE, ""

    @property
    def tests_at_once(self) -> bool:
        """Whether the new values are tested at the stage that sets them. What is set on each host is tested there."""
        return not any(credential["kind"] == host_acts.SSH_KEY for credential in self.now["credentials"])

    def _create(self) -> None:
        if self.now["incident"]:
            with kind_acts.going_on(self.progress):
                self._kinds("block", plan.CHANGES if self.now["immediate"] else ())
            self._kinds("off", plan.CHANGES)
        self._kinds("issue", plan.CHANGES)
        began = self.clock()
        self.setting.rotator.create(self.setting.kinds, context.new_value, self.given())
        staged = _count(self.now["secrets"], "secret")
        self.progress("create", "", f"new values staged in {staged}", self.clock() - began)
        self._kinds("create", plan.CHANGES)

    def _promote(self) -> tuple[str, str]:
        began = self.clock()
        self.setting.known.forget()
        promotion = self.setting.rotator.promote(seconds=self.run.merge_seconds)
        self.carried.seen.sent = list(promotion.sent)
        if promotion.outcome == state_machine.DONE:
            self.progress("promote", "", f"AWSCURRENT in {_count(self.now['secrets'], 'secret')}", self.clock() - began)
            if promotion.message:
                self.progress(WARNING, "", promotion.message, 0)
        return promotion.outcome, promotion.message

    def _require_verified(self) -> None:
        gate = state_machine.Gate(hosts=self.run.hosts, verified=self.verification.verified, skipped=self.run.skipped)
        blockers = journal_entries.blockers(
            self.setting, gate, leaves_lost=self.run.leaves_lost, message=self.verification.message
        )
        self.carried.seen.behind = [host for host in self.run.hosts if host not in self.verification.verified]
        if not blockers:
            return
        keys = [credential["name"] for credential in self.now["credentials"] if credential["act"] == "renew"]
        but = f", except {', '.join(keys)} (the hosts verify with the old key until then)" if keys else ""
        self.say(f"skipped hosts, whose old values are about to be revoked{but}: {'; '.join(blockers)}")
        missing = set(self.run.hosts) - set(self.verification.verified) - set(self.run.skipped)
        if self.run.incident:
            journal_entries.note_left(self.setting, [host for host in self.run.hosts if host in missing])

    def parts(self, stage: str, acts: Sequence[str]) -> list[Mapping[str, Any]]:
        """The credentials that have something to do at a stage of their kind."""
        credentials = self.now["revoking" if stage == "revoke" else "credentials"]
        later = self._administrators if stage == "block" else set()
        due = (credential for credential in credentials if not credential["later"] and credential["name"] not in later)
        return [credential for credential in due if credential["act"] in acts and stage in credential["stages"]]

    @property
    def _administrators(self) -> set[str]:
        names = [credential["name"] for credential in self.now["credentials"]]
        return credential_graph.administrators(self.setting.catalog, names)

    def _kinds(self, stage: str, acts: Sequence[str], *, also: str = "") -> None:
        """Each credential's own act, in their order; the administrator's come last. ``also`` is a stage that follows.

        Raises RotationError that names every credential which failed, once all others are done that can be.
        """
        requests = kind_acts.asked({name: self.parts(name, acts) for name in (stage, also) if name})
        options = {**self.run.options, "known_addresses": self._known_addresses}
        for act, credential, answer, seconds in kind_acts.carried_out(self.setting, self.server, requests, options):
            name = credential["name"]
            self.carried.seen.notes.update({name: answer["notes"]} if answer.get("notes") else {})
            if act == "block":
                self.carried.seen.blocked.append(name)
            if act == "revoke" and self.now["incident"] and credential["built_in"]:
                self.carried.seen.refusals[name] = dict(answer)
            self.progress(VERBS[act], name, str(answer.get("message") or DONE[act]), seconds)
            for line in kind_acts.foothold_lines(answer):
                self.progress(WARNING, "", f"{name}: {line}", 0)

    @property
    def _known_addresses(self) -> list[str]:
        own = self.verification.addresses
        return [*own, *self.run.options.get("known_addresses", ()), "127.0.0.1", "::1"]

    def say(self, message: str) -> None:
        self.progress("", "", message, 0)


def _count(names: Sequence[str], noun: str) -> str:
    return f"{len(names)} {noun}{'' if len(names) == 1 else 's'}"
