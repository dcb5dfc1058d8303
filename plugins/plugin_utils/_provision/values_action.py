# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The base of the actions that write values into the stores. Results hold names, places and words, never a value."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ansible.utils.display import Display
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    catalog_parser,
    fingerprints,
    timestamps,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ProvisionError
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.journal_store import journal_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import process_identity
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.access_propagation import access_wait
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection, suit
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.controller_action import ControllerAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import first_date, operator_values
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import plan as _plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.apply import (
    Provisioner,
    StoreState,
    WriteOptions,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.aws_stores import (
    MakingParameters,
    require_key,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.making_stores import making_stores
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.missing_part import MissingPart
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.plan import ProvisionInputs, ProvisionPlan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.writes import CREATE, Fill
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.context import new_value
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds import load_kinds

OPTIONS: dict[str, Any] = {
    "catalog": {"type": "dict", "required": True},
    "environment": {"type": "str", "required": True},
    "kinds_path": {"type": "list", "elements": "path", "default": []},
    "kms_key": {"type": "str"},
    "advanced_tier": {"type": "bool", "default": False},
    "adopt": {"type": "bool", "default": False},
    **operator_values.OPTIONS,
}


class ValuesAction(ControllerAction):
    """Runs in the controller's process. Values are read inside it, and are never returned."""

    name = ""
    options = {**aws_argument_spec(), **OPTIONS}
    forms = True
    """Whether existing secrets get the key, tags and other properties that the catalog asks for."""
    planner: Callable[[ProvisionInputs], ProvisionPlan] = staticmethod(_plan.plan)

    def result(self, args: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._prepared(args, task_vars)
        for note in answer.get("notes", ()):
            Display().warning(note)
        if not self._task.diff:
            answer.pop("diff", None)
        return answer

    def _prepared(self, args: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        self.wait = access_wait()
        connection = AwsConnection(self.name, args, wait=self.wait)
        connection.require_aws_sdk()
        catalog = catalog_parser.parse(args["catalog"], args["environment"])
        suit(connection, catalog)
        require_region(connection.region, catalog)
        write_options = WriteOptions(
            adopt=args["adopt"],
            restore=args.get("restore", False),
            advanced=args["advanced_tier"],
            anyway=args.get("anyway", False),
            exact=args.get("exact", False),
            key=args["kms_key"],
            forms=self.forms,
        )
        provisioner = Provisioner(
            catalog=catalog,
            secrets=making_stores(connection.store_client),
            parameters=MakingParameters(connection.store_client("ssm")),
            journal=journal_of(catalog, connection.store_client),
            kinds=load_kinds(args["kinds_path"]),
            generate=new_value,
            write_options=write_options,
            planner=self.planner,
        )
        self.connection = connection
        return self.answer(provisioner, args, task_vars)

    def answer(self, provisioner: Provisioner, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def facts(self, plan: ProvisionPlan) -> dict[str, Any]:
        pages = {name: page for name, page in plan.asks.items() if page}
        return {"asks": list(plan.asks), "pages": pages, "notes": list(plan.notes)}

    def seen(self, provisioner: Provisioner) -> StoreState:
        return self.wait.until_granted(provisioner.look, lambda seen: seen.contents.denials)

    def written(
        self,
        provisioner: Provisioner,
        values: Mapping[str, str],
        *,
        complete: bool,
        only_plan: bool = False,
        imported: bool = False,
        steps: Sequence[MissingPart] = (),
        seen: StoreState | None = None,
    ) -> dict[str, Any]:
        """Carries a plan out, unless in check mode. Returns its summary. Raises ProvisionError before any write.

        ``steps`` are carried out first, after all checks have passed.
        """
        seen = seen or self.seen(provisioner)
        outlook = provisioner.outlook(values, seen)
        plan = outlook.plan
        if plan.problems:
            raise ProvisionError(plan.problems)
        first = [step.message for step in steps]
        messages = [*first, *outlook.messages]
        answer = {"changed": bool(messages), **self.facts(plan), "plan": messages, "diff": diff(plan.fills)}
        if only_plan or self._task.check_mode:
            return answer
        if complete and plan.asks:
            raise ProvisionError(
                [
                    f"{name}: has no value; answer when asked, or give -e provision_values_file=FILE"
                    for name in plan.asks
                ]
            )
        form = provisioner.form("")
        if form.key and (any(write.act == CREATE and write.secure for write in plan.writes) or outlook.reforms):
            require_key(self.connection.store_client("kms"), form.key)
        for step in steps:
            step.act()
        provisioner.makes_journal = False
        if not outlook.messages:
            return answer
        changes = provisioner.apply(values, outlook)
        new = first_date.new_credentials(provisioner.catalog, plan.fills, imported=imported)
        at = timestamps.stamp(datetime.now(UTC))
        note = first_date.record(provisioner.journal, new, who=process_identity.me(), at=at)
        return {**answer, "plan": [*first, *changes], "notes": [*provisioner.notes, *([note] if note else [])]}


def require_region(region: str | None, catalog: Catalog) -> None:
    if catalog.region and region != catalog.region:
        message = f"the region in use is {region}, and the catalog expects {catalog.region}"
        raise ProvisionError([f"{message}; set AWS_REGION={catalog.region}, or correct region in the catalog"])


def diff(fills: Iterable[Fill]) -> dict[str, str]:
    """Places with fingerprints of their values. Only fingerprints of the same run can be compared."""
    key = secrets.token_bytes(16)
    before, after = [], []
    for fill in sorted(fills, key=lambda fill: str(fill.place)):
        if fill.before is not None:
            before.append(f"{fill.place} fingerprint {fingerprint(key, fill.before)}")
        after.append(f"{fill.place} fingerprint {fingerprint(key, fill.text)}")
    return {"before": _lines(before), "after": _lines(after)}


def fingerprint(key: bytes, text: str) -> str:
    return fingerprints.of_value(key, text, digits=fingerprints.SHORT)


def _lines(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
