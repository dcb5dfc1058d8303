# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The stores, kinds and public summary of a rotation, for all its actions."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    blast_radius,
    catalog_parser,
    credential_graph,
    hosts_with_old_key,
    timestamps,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    JournalError,
    RotationError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal, OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.journal_store import NoJournal, journal_of
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.parameter_store import ParameterStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.secret_stores import secret_stores
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.version_cache import (
    Remembered,
    RememberedParameters,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import environment_summary, process_identity
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection, suit
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.controller_action import ControllerAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import key_pair
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import record as audit_record
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import sync
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import (
    incident_events,
    promotion,
    provider_revocations,
    state_machine,
    verification_targets,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as _plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ids import Who
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds import load_kinds
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.staging import Rotator

_LETTERS = string.ascii_letters
_ALPHABET = string.ascii_letters + string.digits + "-"

OPTIONS: dict[str, Any] = {
    "catalog": {"type": "dict", "required": True},
    "environment": {"type": "str", "required": True},
    "run": {"type": "str"},
    "kinds_path": {"type": "list", "elements": "path", "default": []},
}


def generate(length: int) -> str:
    """A value that is valid in URLs, RDS, ElastiCache and every dialect of .env, and is never taken for an option."""
    return secrets.choice(_LETTERS) + "".join(secrets.choice(_ALPHABET) for _at in range(length - 1))


def new_value(kind: Kind) -> str:
    return key_pair.new_private_key() if kind.form == "ssh_key" else generate(kind.length)


def now() -> datetime:
    return datetime.now(UTC)


def new_id() -> str:
    return f"r-{now():%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"


class RotationAction(ControllerAction):
    """Runs on the controller. Its result holds names, ids and messages, never a value."""

    name = ""
    options = {**aws_argument_spec(), **OPTIONS}
    checks_account = False
    """Whether to verify the AWS account; later tasks of the same run need not."""

    def result(self, args: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        return self.answer(prepared(self.name, args, check_account=self.checks_account), args, task_vars)

    def answer(self, setting: RotationSetup, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        raise NotImplementedError


def prepared(name: str, args: dict[str, Any], *, check_account: bool = False) -> RotationSetup:
    """The setup from the options that all actions of a rotation share."""
    connection = AwsConnection(name, args)
    connection.require_aws_sdk()
    catalog = catalog_parser.parse(args["catalog"], args["environment"])
    suit(connection, catalog, check_account=check_account)
    secrets_manager = Remembered(secret_stores(connection.store_client))
    parameters = RememberedParameters(ParameterStore(connection.store_client("ssm")))
    rotator = Rotator(
        catalog=catalog,
        secrets=secrets_manager,
        parameters=parameters,
        journal=journal_of(catalog, connection.store_client) or NoJournal(catalog.application, catalog.environment),
        mirror=sync.mirror(catalog, secrets_manager, parameters),
        me=Who(args.get("run") or secrets.token_hex(8), process_identity.me(), process_identity.holder()),
        clock=lambda: timestamps.stamp(now()),
    )
    return RotationSetup(catalog, load_kinds(args.get("kinds_path") or []), rotator, connection)


def summary(setting: RotationSetup, journal: Journal, rotation: OpenRotation) -> dict[str, Any]:
    """The summary of an open rotation for tasks. Raises RotationError if a credential cannot continue."""
    setting.rotator.require_known(rotation)
    require_kinds(setting, rotation)
    items = _plan.items_of(rotation.plan)
    changed = [item.credential for item in items if item.act in _plan.CHANGES]
    return {
        "id": rotation.id,
        "run": rotation.run,
        "step": rotation.step,
        "phase": rotation.phase,
        "number": journal.head,
        "since": rotation.since,
        "who": rotation.who,
        "reason": rotation.reason,
        "todo": list(state_machine.remaining(rotation)),
        "phases": int(rotation.plan.get("phases", 0)),
        "merged": list(filter(None, [promotion.merged_message(rotation.plan.get("merges", {}))])),
        "rolling": _plan.is_rolling(setting.catalog, items),
        "refused": dict(rotation.plan.get("refused", {})),
        "credentials": [item_summary(setting, item, rotation) for item in items],
        "revoking": [end for item in _ending(items) for end in _revoked_logins(setting, item, journal, rotation)],
        "opened": hosts_with_old_key.withheld(journal),
        "behind": sorted(rotation.behind),
        "record": record_of(setting, journal, rotation),
        "audit": audit_of(setting, journal),
        "together": (bool(rotation.plan.get("immediate")) and bool(taking_down(setting, changed)))
        or any(item.act == _plan.RENEW for item in items),
        "halts": bool(rotation.plan.get("immediate")) and any(item.act == _plan.RENEW for item in items),
        "services": environment_summary.services(setting.catalog),
        "incident": rotation.plan.get("incident", ""),
        "immediate": bool(rotation.plan.get("immediate")),
        "wait": 0 if rotation.aborting or rotation.plan.get("incident") else _plan.wait_of(setting.catalog, items),
        "parameters": sorted(rotation.plan.get("parameters", {})),
        "secrets": sorted(rotation.plan.get("secrets", {})),
    }


def open_summary(setting: RotationSetup, journal: Journal) -> dict[str, Any]:
    """The summary of the rotation whose entry was just written. Raises JournalError if the journal lacks it."""
    if journal.rotation is None:
        raise JournalError(
            "the journal lacks the rotation that was just written; check the journal's store, then run the "
            "same command again"
        )
    return summary(setting, journal, journal.rotation)


def require_kinds(setting: RotationSetup, rotation: OpenRotation) -> None:
    """Raises RotationError if a kind's folder was removed since the plan: its stages would be skipped."""
    for item in _plan.items_of(rotation.plan):
        if item.kind not in setting.kinds:
            raise RotationError(
                f"{item.credential}: the folder of its kind {item.kind} is missing, but {rotation} needs it; restore "
                "the folder, or give rotation_kinds_path as before"
            )


def audit_of(setting: RotationSetup, journal: Journal) -> dict[str, Any]:
    return {"wanted": bool(setting.catalog.audit_log), "head": dict(journal.audit)}


def taking_down(setting: RotationSetup, names: Sequence[str]) -> list[str]:
    """Credentials whose revocation before the deploy takes the application down."""
    credentials = setting.catalog.credentials
    kinds = {name: credentials[name].kind for name in names if name in credentials}
    return incident_events.taking_down(kinds, setting.kinds, blast_radius.read(setting.catalog))


def item_summary(setting: RotationSetup, item: _plan.Item, rotation: OpenRotation) -> dict[str, Any]:
    credential = setting.catalog.credentials[item.credential]
    answer = credential_summary(setting, item)
    later = item.act == _plan.ROTATE and not rotation.plan.get("incident") and _plan.revokes_later(credential)
    some = {"hosts": list(item.hosts), "hosts_with_old_key": list(rotation.hosts_with_old_key.get(item.credential, ()))}
    dropped = _dropped_from(setting, item, rotation)
    return {**answer, **some, "dropped_from": dropped, "later": rotation.step == "revoke" and later}


def _dropped_from(setting: RotationSetup, item: _plan.Item, rotation: OpenRotation) -> dict[str, str]:
    """Versions that hold the key to drop, by secret. Empty if the key signed no sessions."""
    credential = setting.catalog.credentials[item.credential]
    if item.act != _plan.DROP_FALLBACK or "sessions" not in credential.used_for:
        return {}
    names = {place.name for place in credential_graph.fallback_places(setting.catalog, credential)}
    return {name: version for name, version in rotation.plan.get("secrets", {}).items() if name in names}


def refused_at_end(setting: RotationSetup, rotation: OpenRotation, open_tasks: Mapping[str, Any]) -> list[str]:
    """Credentials whose old values were revoked and verified as rejected: neither with a task in ``open_tasks``, nor
    externally issued."""
    pending = {task["credential"] for task in open_tasks.values()}
    names = []
    for item in _plan.items_of(rotation.plan):
        removes = item.act in (_plan.ROTATE, _plan.REVOKE) and not item.hosts
        if item.act == _plan.RENEW or (removes and "revoke" in credential_summary(setting, item)["stages"]):
            names.append(item.credential)
    return [name for name in names if name not in pending]


def _ending(items: Sequence[_plan.Item]) -> list[_plan.Item]:
    """Items in the order of revocation. A dropped key's sessions are tried last, so that a failure keeps no other value
    valid."""
    return sorted(items, key=lambda item: item.act == _plan.DROP_FALLBACK)


def _revoked_logins(
    setting: RotationSetup, item: _plan.Item, journal: Journal, rotation: OpenRotation
) -> Iterator[dict[str, Any]]:
    """Values of a credential to revoke: previous values, then the old one. ``more`` is true after the first."""
    answer = item_summary(setting, item, rotation)
    pending_tasks = (
        []
        if rotation.aborting
        else [journal.pending_tasks[name] for name in item.former if name in journal.pending_tasks]
    )
    for pending_task in pending_tasks:
        yield {
            **answer,
            "pending_task": pending_task.id,
            "hosts": list(pending_task.hosts),
            "more": pending_task is not pending_tasks[0],
        }
    yield {**answer, "more": bool(pending_tasks)}


def credential_summary(setting: RotationSetup, item: _plan.Item) -> dict[str, Any]:
    """A credential, as acts of its kind get it."""
    credential = setting.catalog.credentials[item.credential]
    kind = setting.kinds.get(item.kind, Kind(item.kind))
    stages = verification_targets.stages(setting.catalog, credential, kind)
    if item.act == _plan.DROP_FALLBACK:
        stages = ["revoke"] if "dropped" in stages else []
    return {
        "name": item.credential,
        "kind": item.kind,
        "act": item.act,
        "built_in": not kind.folder,
        "stages": stages,
        "options": dict(credential.options),
        "provider_url": credential.provider_url,
    }


def check_summaries(setting: RotationSetup, plan: _plan.RotationPlan) -> list[dict[str, Any]]:
    """Summaries of credentials whose servers can be checked before the rotation."""
    credential_summaries = [credential_summary(setting, item) for item in plan.items if item.act in _plan.CHANGES]
    return [entry for entry in credential_summaries if "check" in entry["stages"]]


def record_of(setting: RotationSetup, journal: Journal, rotation: OpenRotation) -> dict[str, Any]:
    """The rotation's audit record."""
    items = _plan.items_of(rotation.plan)
    last = int(rotation.plan.get("phases", 0))
    numbers = rotation.plan.get("parameters", {})
    record: dict[str, Any] = {
        "rotation": rotation.id,
        "outcome": "rolled_back" if rotation.aborting else "completed",
        "who": rotation.who,
        "at": timestamps.stamp(now()),
        "started": rotation.since,
        "run": rotation.run,
        "journal": journal.head,
        "phases": last,
        "credentials": [item.credential for item in items],
        "kinds": {item.credential: item.kind for item in items},
        "services": sorted(setting.catalog.services),
        **({"unverified_hosts": sorted(rotation.behind)} if rotation.behind else {}),
        "skipped": {name: audit_record.plain(message) for name, message in rotation.plan.get("refused", {}).items()},
    }
    if rotation.aborting:
        return {**record, "reason": audit_record.plain(rotation.reason)}
    secrets = rotation.plan.get("secrets", {})
    pending = provider_revocations.pending(
        setting.catalog, rotation.id, rotation.plan, setting.kinds, now(), journal.incident
    )
    names = [task["credential"] for task in pending.values()]
    remaining = [
        f"{name}: its old value is to be revoked {provider_revocations.where(setting.catalog, name)}" for name in names
    ]
    return {
        **record,
        **({"pending_tasks": [audit_record.plain(name) for name in remaining]} if remaining else {}),
        **({"github": sorted(rotation.sent)} if rotation.sent else {}),
        "secrets": {
            name: {"from": base, "to": setting.rotator.target(rotation, name)} for name, base in secrets.items()
        },
        "parameters": {name: {"from": int(number), "to": int(number) + 1} for name, number in numbers.items()},
    }
