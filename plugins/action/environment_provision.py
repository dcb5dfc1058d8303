# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible import context

from ansible_collections.watchparty.secrets.plugins.module_utils._core import honeytokens
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import sync_plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import baseline_hint, operator_values
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import targets as provision_targets
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.alert_resources import AlertResources
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.apply import Provisioner
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.honeytoken_users import HoneytokenUsers
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.journal_bucket import JournalBucket
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.missing_part import MissingPart
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.plan import GENERATED, ProvisionPlan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.values_action import ValuesAction


class ActionModule(ValuesAction):
    """Makes the catalog's missing resources, schedules the deletion of secrets, or cancels it."""

    name = "watchparty.secrets.environment_provision"
    extra_options = {
        "state": {"type": "str", "choices": ["planned", "present", "absent", "restored"], "default": "present"},
        "secrets": {"type": "list", "elements": "str", "default": []},
        "complete": {"type": "bool", "default": True},
        "restore": {"type": "bool", "default": False},
        "exact": {"type": "bool", "default": False},
    }

    def answer(self, provisioner: Provisioner, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        state = args["state"]
        if state in ("absent", "restored"):
            return self._gone(provisioner, state, args["secrets"])
        catalog = provisioner.catalog
        form = provisioner.form("")
        operator_texts = unlike_literals(catalog, operator_values.given(args, task_vars, self._loader, catalog.readers))
        # Programs that read a .env would miss settings that only GitHub holds, so there it stays an error.
        away = [] if args["env_file"] else at_github(catalog, operator_texts)
        values = {name: text for name, text in operator_texts.items() if name not in away}
        extra = {
            "audit_log": dict(catalog.audit_log),
            "kms_key": form.key or "",
            "tags": dict(form.tags),
            "at_github": away,
        }
        steps = [*self._missing_journal(provisioner), *self._missing_alerts(provisioner)]
        if state == "planned":
            planned = self.written(provisioner, values, complete=False, only_plan=True, steps=steps)
            return {**planned, "changed": False, **extra}
        imported = bool(args["env_file"])
        written = self.written(provisioner, values, complete=args["complete"], imported=imported, steps=steps)
        return {**written, **extra, "baseline": self._baseline_hint(catalog)}

    def facts(self, plan: ProvisionPlan) -> dict[str, Any]:
        generated = sorted({fill.target for fill in plan.fills if fill.how == GENERATED})
        return {**super().facts(plan), "generated": generated, "absent": list(plan.absent), "empty": list(plan.empty)}

    def _baseline_hint(self, catalog: Catalog) -> str:
        if self._task.check_mode:
            return ""
        inventories = context.CLIARGS.get("inventory") or ()
        return baseline_hint.hint(
            catalog, lambda service: self.connection.bounded_client(service, baseline_hint.SECONDS), inventories
        )

    def _missing_journal(self, provisioner: Provisioner) -> list[MissingPart]:
        catalog, journal = provisioner.catalog, provisioner.journal
        if journal is None:
            return []
        client, tags = self.connection.store_client("s3"), provisioner.form("").tags
        bucket = JournalBucket(client, catalog, journal, tags)
        parts = bucket.missing()
        provisioner.makes_journal = bucket.lacks_journal
        return parts

    def _missing_alerts(self, provisioner: Provisioner) -> list[MissingPart]:
        catalog, connection = provisioner.catalog, self.connection
        if catalog.alerts is None:
            return []
        tags, region = provisioner.form("").tags, connection.store_client("sns").meta.region_name
        honeytoken_users = honeytokens.users(catalog)
        resources = AlertResources(connection.store_client, catalog, catalog.alerts, tags, region=region)
        users = HoneytokenUsers(connection.store_client("iam"), catalog, tags).missing() if honeytoken_users else ()
        return [*users, *resources.missing()]

    def _gone(self, provisioner: Provisioner, state: str, names: list[str]) -> dict[str, Any]:
        if self._task.check_mode:
            provisioner.require_ours(names)
            seen = provisioner.look()
            wanted = state == "absent"
            todo = [name for name in names if name in seen.kept and seen.kept[name].deleted != wanted]
        elif state == "absent":
            todo = provisioner.absent(names)
        else:
            todo = provisioner.restored(names)
        verb = "schedule the deletion of" if state == "absent" else "restore"
        return {"changed": bool(todo), "plan": [f"{verb} secret {name}" for name in todo]}


def at_github(catalog: Catalog, names: Iterable[str]) -> list[str]:
    """Names that only GitHub holds, because one file can serve both."""
    alone, known = sync_plan.names_without_store(catalog), provision_targets.targets(catalog)
    return [name for name in names if name.upper() in alone and name not in known]


def unlike_literals(catalog: Catalog, values: Mapping[str, str]) -> dict[str, str]:
    """Leaves out settings whose value is in the catalog, because a .env repeats them."""
    literals = {name: setting.literal for name, setting in catalog.settings.items() if setting.literal is not None}
    return {name: text for name, text in values.items() if literals.get(name) != text}
