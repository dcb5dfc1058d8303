# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which rotation a run begins or goes on with, and what its plan is. Writes the first entries of the journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
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
    resume,
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
    """Plans, and with ``write`` opens the rotation or goes on with the open one.

    What must be known first is returned instead: ``looks`` at hosts, ``needs`` of the operator, ``checks`` of servers,
    with what was ``read`` before: nothing is read again for it. A rotation is opened only after the journal that it was
    planned from. Raises SecretsError.
    """
    journal = read.journal if read else journal or setting.first_look()
    resume.require_open(journal, args["resume"], back=args["abort"])
    if journal.rotation is not None:
        return _go_on(setting, args, task_vars, journal, journal.rotation, write=write)
    over = resume.over(journal, args)
    if over:
        return {"changed": False, "nothing": True, "messages": [over]}
    if journal.incident is not None:
        journal = replace(journal, incident=journal.incident.without(args["spoiled"]))
    plan, read, answer = _considered(setting, args, task_vars, journal, write=write, read=read)
    contents = read.contents
    if "looks" in answer or (answer["needs"] and args["ask"] and write):
        return {"changed": False, "nothing": True, **answer}
    if plan.items:
        resolver.resolve(setting.catalog, contents).require_deliverable()
    checks = context.check_summaries(setting, plan) if args["preflight"] else []
    if checks:
        return {"changed": False, "nothing": True, "checks": checks, "read": read, **answer}
    for name in read.late if write else ():
        setting.rotator.secrets.delete(name)
    if not plan.items:
        return {"changed": False, "nothing": True, **answer}
    if not write:
        return {"changed": True, "nothing": False, "diff": plan_text.diff(answer["plan"]), **answer}
    rotation_id = context.new_id()
    opened = setting.rotator.open(journal, rotation_id, plan, contents)
    return {"changed": True, "nothing": False, **answer, "rotation": context.open_summary(setting, opened)}


def _considered(
    setting: RotationSetup,
    args: Mapping[str, Any],
    task_vars: Mapping[str, Any],
    journal: Journal,
    *,
    write: bool,
    beside: plan_after_open_rotation.AfterOpenRotation | None = None,
    read: plan_reader.Read | None = None,
) -> tuple[rotation_plan.RotationPlan, plan_reader.Read, dict[str, Any]]:
    """A plan, its inputs, and its summary."""
    wish = rotation_plan.RotationRequest(tuple(args["credentials"]), args["force"], args["incident"], args["immediate"])
    supplied_logins = supplied_values.for_credentials(setting, args, task_vars)
    read = read or plan_reader.read(setting, journal, None if beside else wish)
    contents, descriptions = read.contents, dict(read.descriptions)
    if beside is not None:
        journal, descriptions = beside.journal, beside.described(descriptions)

    def planned(ground: plan_inputs.PlanInputs) -> rotation_plan.RotationPlan:
        if beside is None:
            return plan_reader.planned(setting, ground, wish, args["seen"])
        return beside.planned(
            lambda rotation_request: plan_reader.planned(setting, ground, rotation_request, args["seen"]), wish
        )

    ground = plan_inputs.PlanInputs(
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
        former=plan_reader.former(setting, journal, wish.names if wish.leak else None),
        parameters_key=plan_reader.parameters_key(setting, contents, descriptions),
        stored=read.stored,
    )
    plan = planned(ground)
    needs = [
        name for name in wish.names if name in plan.refused and supplied_values.is_asked(setting, name, supplied_logins)
    ]
    if needs and args["ask"] and not write:
        ground = replace(
            ground, supplied={**supplied_logins, **{name: Login(None, context.generate(32)) for name in needs}}
        )
        plan = planned(ground)
    if plan.items:
        _rehearse(setting, args, journal, plan, contents)
    looks = ssh_key.looks(setting, plan)
    hosts = args["hosts"] if args["targeted_hosts"] is None else args["targeted_hosts"]
    data = plan_text.described(setting.catalog, plan, [host for host in hosts if host not in args["skipped"]])
    is_shown = bool(write and args["incident"])  # by the leak response, for all its waves
    spoken = plan_text.summary(data, read.late, places=not is_shown)
    spoken += plan_text.elsewhere(plan, args["hosts"], hosts, args["skipped"])
    spoken += [
        (
            f"{name}: this run asks for its new value at the terminal; without a terminal, give it by -e "
            "rotation_values_file=FILE"
        )
        for name in needs
        if name in data["credentials"]
    ]
    answer: dict[str, Any] = {"plan": data, "messages": spoken, "needs": needs}
    answer["refused"] = data["refused"]
    changing = [item.credential for item in plan.items if item.act in rotation_plan.CHANGES]
    answer["takes_down"] = context.taking_down(setting, changing)
    answer["is_seen"] = args["seen"] is not None
    answer["pages"] = {name: setting.catalog.credentials[name].provider_url or "" for name in needs}
    answer["audit"] = context.audit_of(setting, journal)
    answer["warnings"] = [args["unasked"]] if args["unasked"] else []
    answer["revocations"] = provider_revocations.waiting(setting.catalog, journal)
    if args["seen"] is None and looks:
        answer["looks"] = looks
    return plan, read, answer


def _rehearse(
    setting: RotationSetup,
    args: Mapping[str, Any],
    journal: Journal,
    plan: rotation_plan.RotationPlan,
    contents: Contents,
) -> None:
    """Raises where the journal would not take all of the plan's entries, or the audit log its record."""
    behind = [name for name in args["hosts"] if name in args["skipped"]]
    audit = {"number": journal.head, "digest": "0" * 64}

    def ending(then: Journal, rotation: OpenRotation) -> dict[str, Any]:
        return close.ending(setting, then, rotation, audit)

    def record(then: Journal, rotation: OpenRotation) -> dict[str, Any]:
        hosts = [name for name in args["hosts"] if name not in behind]
        return {**context.record_of(setting, then, rotation), "hosts": hosts, "unverified_hosts": behind}

    # After a leak containment comes first.
    is_recorded = (args["recorded"] or setting.catalog.audit_log) and not args["incident"]
    function = record if is_recorded else None
    rehearsal = dry_run.Rehearsal(setting.rotator, behind)
    rehearsal.goes(journal, context.new_id(), plan, contents, setting.kinds, ending, function)


def _require_holder_gone(args: Mapping[str, Any], rotation: OpenRotation) -> None:
    if args["resume"] in (rotation.id, "any") or process_identity.is_gone(rotation.holder):
        return
    raise JournalError(
        f"{rotation} is open, and its process may still be running. If that process has ended, take the "
        f"rotation over by the same command with -e rotation_resume={rotation.id}; to abort it instead, add "
        "-e rotation_abort=true"
    )


def _require_return(rotation: OpenRotation) -> None:
    if state_machine.is_past_return(rotation):
        past = "promotion" if rotation.step in ("revoke", "record") else "revocation of old values"
        raise RotationError(
            f"{rotation} is past its {past}, so the old value may be revoked and no abort is possible; finish "
            "it: run the same command without -e rotation_abort"
        )


def _continuation(args: Mapping[str, Any], rotation: OpenRotation) -> list[str]:
    way = "is rolled back" if args["abort"] or rotation.step in state_machine.BACKWARD else "continues"
    names = ", ".join(rotation.plan.get("credentials", {})) or "no credential"
    messages = [
        f"{rotation} was not finished; it {way} from its last step",
        f"it rotates {names}; no other rotation starts before it ends",
    ]
    if rotation.step in ("revoke", "withdraw") and rotation.plan.get("phases") and not args["incident"]:
        messages.append("hosts that are not verified get the new values before any old value is revoked")
    return messages


def _leak_of(args: Mapping[str, Any], journal: Journal) -> Any:
    return journal.incident.id if args["incident"] and journal.incident else args["incident"]


def _after_leak(
    setting: RotationSetup, args: Mapping[str, Any], journal: Journal, rotation: OpenRotation
) -> tuple[OpenRotation | None, list[str]]:
    """What a leak makes of the open rotation, if it changes it; and the messages about that."""
    if args["abort"]:
        return None, []
    messages = []
    joined = redeclaration.joined(rotation, _leak_of(args, journal), args["reached"])
    if joined:
        former = plan_reader.former(setting, journal, args["reached"])
        joined = redeclaration.with_former(joined, setting.catalog, setting.kinds, journal, former)
        messages.append(
            "the rotation replaces a leaked credential, so it is now part of the leak response: it revokes the old "
            "values at its end and does not wait for revoke_after"
        )
    hastened = incident_events.hastened(joined or rotation) if args["immediate"] else None
    if hastened:
        messages.append(
            "the rotation was graceful; from now on it revokes the old values before it deploys the new values"
        )
    return hastened or joined, messages


def _go_on(
    setting: RotationSetup,
    args: Mapping[str, Any],
    task_vars: Mapping[str, Any],
    journal: Journal,
    rotation: OpenRotation,
    *,
    write: bool,
) -> dict[str, Any]:
    """The messages about an unfinished rotation, and its next entry if this run may go on with it."""
    _require_holder_gone(args, rotation)
    back = args["abort"] and rotation.step not in state_machine.BACKWARD
    if back:
        _require_return(rotation)
    context.require_kinds(setting, rotation)
    if not (args["incident"] or journal.incident):
        _require_copies(setting, rotation, back=back)
    messages = _continuation(args, rotation)
    changed, more_messages = _after_leak(setting, args, journal, rotation)
    messages += more_messages
    if not write:
        leak = _leak_of(args, journal)
        extra = _planned_beside(setting, args, task_vars, journal, changed or rotation) if leak else {"takes_down": []}
        messages += extra.pop("messages", [])
        summary = context.summary(setting, journal, changed or rotation)
        return {**extra, "changed": True, "nothing": False, "messages": messages, "rotation": summary}
    supplied_logins = {} if back else supplied_values.for_credentials(setting, args, task_vars)
    wanted = [] if back else supplied_values.wanted_again(setting, rotation, supplied_logins)
    if wanted and args["ask"]:
        pages = {name: setting.catalog.credentials[name].provider_url or "" for name in wanted}
        return {"changed": False, "nothing": True, "messages": messages, "needs": wanted, "pages": pages}
    if changed:
        open_rotation = setting.rotator.take(journal, changed, plan=changed.plan)
    else:
        open_rotation = setting.rotator.take(journal, rotation)
    if back:
        phase = state_machine.way_back(rotation)
        open_rotation = setting.rotator.advance(
            "abort", phase=phase, reason="the operator asked for it", since=open_rotation
        )
    return {
        "changed": True,
        "nothing": False,
        "messages": messages,
        "rotation": context.open_summary(setting, open_rotation),
    }


def _planned_beside(
    setting: RotationSetup,
    args: Mapping[str, Any],
    task_vars: Mapping[str, Any],
    journal: Journal,
    rotation: OpenRotation,
) -> dict[str, Any]:
    """The leak's own plan, as it will be once the open rotation is finished or aborted."""
    then = plan_after_open_rotation.declared(journal, args)
    after = plan_after_open_rotation.beside(setting, then, rotation, args, close.ending(setting, then, rotation, {}))
    _plan, _read, answer = _considered(setting, args, task_vars, journal, write=False, beside=after)
    ends = open_rotation.ends(setting.catalog, setting.kinds, rotation, back=after.back)
    return {
        **answer,
        "messages": [*answer["messages"], *after.messages],
        "takes_down": [*context.taking_down(setting, ends["removes"]), *answer["takes_down"]],
        "revocations": provider_revocations.waiting(setting.catalog, journal),
        "ends": ends,
    }


def _require_copies(setting: RotationSetup, rotation: OpenRotation, *, back: bool) -> None:
    """What GitHub holds too must still be sent there: that it can be is known before anything goes on."""
    if back or rotation.step in state_machine.BACKWARD:
        ahead = rotation.promoted and (back or rotation.step == "abort")
    else:
        ahead = rotation.step not in ("revoke", "record")
    against = setting.rotator.against_copies(rotation, {}) if ahead else ""
    if against:
        raise RotationError(f"{rotation} cannot continue: {against}. Nothing was changed; the rotation stays open")
