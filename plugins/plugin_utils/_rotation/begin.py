# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Begins or continues a rotation: makes its plan and writes the journal's first entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import resolver
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import JournalError, RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal, OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import process_identity
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import (
    close,
    context,
    dry_run,
    incident_events,
    open_rotation,
    plan_after_open_rotation,
    plan_inputs,
    plan_reader,
    plan_text,
    provider_revocations,
    redeclaration,
    ssh_key,
    state_machine,
    supplied_values,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as rotation_plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


def begin(
    setting: RotationSetup,
    args: Mapping[str, Any],
    task_vars: Mapping[str, Any],
    *,
    write: bool,
    journal: Journal | None = None,
    read: plan_reader.Read | None = None,
) -> dict[str, Any]:
    """Plans a rotation, and with ``write`` opens it or continues the open one. Raises SecretsError.

    Returns open questions instead: ``looks`` at hosts, ``needs`` of the operator, ``checks`` of servers. ``read`` is
    the data of such a call, which is not read again. The rotation is opened only if the journal did not change since
    the plan.
    """
    start = Start(setting, args, task_vars, write)
    journal = read.journal if read else journal or setting.first_look()
    _require_open(journal, args["resume"], back=args["abort"])
    if journal.rotation is not None:
        return start.continued(journal, journal.rotation)
    if args["abort"]:
        return _nothing("no rotation is open; there is nothing to abort")
    if args["resume"] in _ended(journal):
        return _nothing(
            f"rotation {args['resume']} has already ended; to start another rotation, leave rotation_resume out"
        )
    if journal.incident is not None:
        journal = replace(journal, incident=journal.incident.without(args["spoiled"]))
    return start.opened(journal, read)


def _nothing(message: str) -> dict[str, Any]:
    return {"changed": False, "nothing": True, "messages": [message]}


def _require_open(journal: Journal, named: str, *, back: bool) -> None:
    """Raises RotationError if the operator named a rotation that is neither open nor just ended."""
    rotation = journal.rotation
    if not named or named == "any" or (rotation and rotation.id == named):
        return
    if rotation is None and (back or named in _ended(journal)):
        return  # a run that is killed at its very end is started again with the same options
    raise RotationError(
        f"rotation_resume: {named} is not the open rotation. To continue {rotation}, give -e "
        f"rotation_resume={rotation.id}"
        if rotation
        else f"rotation_resume: rotation {named} is not open. To start a new one, leave rotation_resume out. To list "
        "the recent ones: ansible-playbook watchparty.secrets.rotation_report"
    )


def _ended(journal: Journal) -> set[str]:
    """Ids of known ended rotations."""
    return {*journal.ended, *(rotated.rotation for rotated in journal.rotated.values())}


@dataclass(frozen=True)
class Start:
    """The inputs of a run. Changes nothing without ``write``."""

    setting: RotationSetup
    args: Mapping[str, Any]
    task_vars: Mapping[str, Any]
    write: bool

    # A new rotation

    def opened(self, journal: Journal, read: plan_reader.Read | None) -> dict[str, Any]:
        plan, read, answer = self._considered(journal, read=read)
        if "looks" in answer or (answer["needs"] and self.args["ask"] and self.write):
            return {"changed": False, "nothing": True, **answer}
        if plan.items:
            resolver.resolve(self.setting.catalog, read.contents).require_deliverable()
        checks = context.check_summaries(self.setting, plan) if self.args["preflight"] else []
        if checks:
            return {"changed": False, "nothing": True, "checks": checks, "read": read, **answer}
        for name in read.late if self.write else ():
            self.setting.rotator.secrets.delete(name)
        if not plan.items:
            return {"changed": False, "nothing": True, **answer}
        if not self.write:
            return {"changed": True, "nothing": False, "diff": plan_text.diff(answer["plan"]), **answer}
        journal = self.setting.rotator.open(journal, context.new_id(), plan, read.contents)
        return {"changed": True, "nothing": False, **answer, "rotation": context.open_summary(self.setting, journal)}

    def _considered(
        self,
        journal: Journal,
        *,
        beside: plan_after_open_rotation.AfterOpenRotation | None = None,
        read: plan_reader.Read | None = None,
    ) -> tuple[rotation_plan.RotationPlan, plan_reader.Read, dict[str, Any]]:
        setting, args = self.setting, self.args
        request = rotation_plan.RotationRequest(
            tuple(args["credentials"]), args["force"], args["incident"], args["immediate"]
        )
        supplied_logins = supplied_values.for_credentials(setting, args, self.task_vars)
        read = read or plan_reader.read(setting, journal, None if beside else request)
        contents, descriptions = read.contents, dict(read.descriptions)
        if beside is not None:
            journal, descriptions = beside.journal, beside.described(descriptions)

        def planned(inputs: plan_inputs.PlanInputs) -> rotation_plan.RotationPlan:
            by_request = partial(plan_reader.planned, setting, inputs, seen=args["seen"])
            return by_request(request) if beside is None else beside.planned(by_request, request)

        inputs = plan_inputs.PlanInputs(
            catalog=setting.catalog,
            journal=journal,
            contents=contents,
            kinds=setting.kinds,
            now=context.now(),
            descriptions=descriptions,
            supplied=supplied_logins,
            against=args["against"],
            mirrors=setting.rotator.mirror is not None,
            leak=bool(args["incident"]),
            former=plan_reader.former(setting, journal, request.names if request.leak else None),
            parameters_key=plan_reader.parameters_key(setting, contents, descriptions),
            stored=read.stored,
        )
        plan = planned(inputs)
        needs = [
            name
            for name in request.names
            if name in plan.refused and supplied_values.is_asked(setting, name, supplied_logins)
        ]
        if needs and args["ask"] and not self.write:
            answers = {name: Login(None, context.generate(32)) for name in needs}
            plan = planned(replace(inputs, supplied={**supplied_logins, **answers}))
        if plan.items:
            self._rehearse(journal, plan, contents)
        return plan, read, self._summary(journal, plan, read, needs)

    def _summary(
        self, journal: Journal, plan: rotation_plan.RotationPlan, read: plan_reader.Read, needs: list[str]
    ) -> dict[str, Any]:
        setting, args = self.setting, self.args
        targeted = args["hosts"] if args["targeted_hosts"] is None else args["targeted_hosts"]
        data = plan_text.described(setting.catalog, plan, [host for host in targeted if host not in args["skipped"]])
        is_shown = bool(self.write and args["incident"])  # by the leak response, for all its waves
        changing = [item.credential for item in plan.items if item.act in rotation_plan.CHANGES]
        looks = ssh_key.looks(setting, plan) if args["seen"] is None else []
        return {
            "plan": data,
            "messages": [
                *plan_text.summary(data, read.late, places=not is_shown),
                *plan_text.elsewhere(plan, args["hosts"], targeted, args["skipped"]),
                *plan_text.questions(name for name in needs if name in data["credentials"]),
            ],
            "needs": needs,
            "refused": data["refused"],
            "takes_down": context.taking_down(setting, changing),
            "is_seen": args["seen"] is not None,
            "pages": self._pages(needs),
            "audit": context.audit_of(setting, journal),
            "warnings": [args["unasked"]] if args["unasked"] else [],
            "revocations": provider_revocations.waiting(setting.catalog, journal),
            **({"looks": looks} if looks else {}),
        }

    def _pages(self, names: list[str]) -> dict[str, str]:
        return {name: self.setting.catalog.credentials[name].provider_url or "" for name in names}

    def _rehearse(self, journal: Journal, plan: rotation_plan.RotationPlan, contents: Contents) -> None:
        """Raises SecretsError if the journal would refuse an entry of the plan, or the audit log its record."""
        setting, hosts = self.setting, self.args["hosts"]
        behind = [name for name in hosts if name in self.args["skipped"]]
        audit = {"number": journal.head, "digest": "0" * 64}

        def ending(then: Journal, rotation: OpenRotation) -> dict[str, Any]:
            return close.ending(setting, then, rotation, audit)

        def record(then: Journal, rotation: OpenRotation) -> dict[str, Any]:
            reached = [name for name in hosts if name not in behind]
            return {**context.record_of(setting, then, rotation), "hosts": reached, "unverified_hosts": behind}

        # After a leak containment comes first.
        is_recorded = (self.args["recorded"] or setting.catalog.audit_log) and not self.args["incident"]
        rehearsal = dry_run.Rehearsal(setting.rotator, behind)
        rehearsal.goes(
            journal, context.new_id(), plan, contents, setting.kinds, ending, record if is_recorded else None
        )

    # The open rotation

    def continued(self, journal: Journal, rotation: OpenRotation) -> dict[str, Any]:
        """Continues the open rotation with ``write``. Returns messages about it."""
        setting, args = self.setting, self.args
        self._require_holder_gone(rotation)
        back = args["abort"] and rotation.step not in state_machine.BACKWARD
        if back:
            _require_return(rotation)
        context.require_kinds(setting, rotation)
        if not (args["incident"] or journal.incident):
            self._require_copies(rotation, back=back)
        messages = self._continuation(rotation)
        changed, more_messages = self._after_leak(journal, rotation)
        messages += more_messages
        if not self.write:
            extra = self._planned_beside(journal, changed or rotation) if self._leak(journal) else {"takes_down": []}
            messages += extra.pop("messages", [])
            summary = context.summary(setting, journal, changed or rotation)
            return {**extra, "changed": True, "nothing": False, "messages": messages, "rotation": summary}
        supplied_logins = {} if back else supplied_values.for_credentials(setting, args, self.task_vars)
        needs = [] if back else supplied_values.wanted_again(setting, rotation, supplied_logins)
        if needs and args["ask"]:
            answer = {"messages": messages, "needs": needs, "pages": self._pages(needs)}
            return {"changed": False, "nothing": True, **answer}
        journal = setting.rotator.take(journal, changed or rotation, **({"plan": changed.plan} if changed else {}))
        if back:
            phase, reason = state_machine.way_back(rotation), "the operator asked for it"
            journal = setting.rotator.advance("abort", phase=phase, reason=reason, since=journal)
        summary = context.open_summary(setting, journal)
        return {"changed": True, "nothing": False, "messages": messages, "rotation": summary}

    def _require_holder_gone(self, rotation: OpenRotation) -> None:
        if self.args["resume"] in (rotation.id, "any") or process_identity.is_gone(rotation.holder):
            return
        raise JournalError(
            f"{rotation} is open, and its process may still be running. If that process has ended, run the same "
            f"command with -e rotation_resume={rotation.id} to continue the rotation. To abort the rotation, also add "
            "-e rotation_abort=true"
        )

    def _continuation(self, rotation: OpenRotation) -> list[str]:
        is_back = self.args["abort"] or rotation.step in state_machine.BACKWARD
        names = ", ".join(rotation.plan.get("credentials", {})) or "no credential"
        messages = [
            f"{rotation} was not finished; it {'is rolled back' if is_back else 'continues'} from its last step",
            f"it rotates {names}; no other rotation starts before it ends",
        ]
        if rotation.step in ("revoke", "withdraw") and rotation.plan.get("phases") and not self.args["incident"]:
            messages.append("hosts that are not verified get the new values before any old value is revoked")
        return messages

    def _leak(self, journal: Journal) -> str:
        """The id of the leak that this run answers."""
        incident: str = self.args["incident"]
        return journal.incident.id if incident and journal.incident else incident

    def _after_leak(self, journal: Journal, rotation: OpenRotation) -> tuple[OpenRotation | None, list[str]]:
        """The open rotation as the leak changes it, or None if unchanged; and messages."""
        setting, reached = self.setting, self.args["reached"]
        if self.args["abort"]:
            return None, []
        messages = []
        joined = redeclaration.joined(rotation, self._leak(journal), reached)
        if joined:
            former = plan_reader.former(setting, journal, reached)
            joined = redeclaration.with_former(joined, setting.catalog, setting.kinds, journal, former)
            messages.append(
                "the rotation replaces a leaked credential, so it is now part of the leak response: it revokes the old "
                "values at its end and does not wait for revoke_after"
            )
        hastened = incident_events.hastened(joined or rotation) if self.args["immediate"] else None
        if hastened:
            messages.append(
                "the rotation was graceful; from now on it revokes the old values before it deploys the new values"
            )
        return hastened or joined, messages

    def _planned_beside(self, journal: Journal, rotation: OpenRotation) -> dict[str, Any]:
        """The leak's own plan after the open rotation has ended."""
        setting = self.setting
        then = plan_after_open_rotation.declared(journal, self.args)
        ending = close.ending(setting, then, rotation, {})
        after = plan_after_open_rotation.beside(setting, then, rotation, self.args, ending)
        _plan, _read, answer = self._considered(journal, beside=after)
        ends = open_rotation.ends(setting.catalog, setting.kinds, rotation, back=after.back)
        return {
            **answer,
            "messages": [*answer["messages"], *after.messages],
            "takes_down": [*context.taking_down(setting, ends["removes"]), *answer["takes_down"]],
            "revocations": provider_revocations.waiting(setting.catalog, journal),
            "ends": ends,
        }

    def _require_copies(self, rotation: OpenRotation, *, back: bool) -> None:
        """Raises RotationError if values must still be synced to GitHub and cannot be."""
        if back or rotation.step in state_machine.BACKWARD:
            ahead = rotation.promoted and (back or rotation.step == "abort")
        else:
            ahead = rotation.step not in ("revoke", "record")
        against = self.setting.rotator.against_copies(rotation, {}) if ahead else ""
        if against:
            raise RotationError(f"{rotation} cannot continue: {against}. Nothing was changed; the rotation stays open")


def _require_return(rotation: OpenRotation) -> None:
    if state_machine.is_past_return(rotation):
        past = "promotion" if rotation.step in ("revoke", "record") else "revocation of old values"
        raise RotationError(
            f"{rotation} is past its {past}, so the old value may be revoked and no abort is possible; finish "
            "it: run the same command without -e rotation_abort"
        )
