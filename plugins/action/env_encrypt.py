# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import counted
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import encrypted_file, environment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.access_propagation import access_wait
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_action import AwsAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import encrypted_history

OPTIONS: dict[str, Any] = {
    "catalog": {"type": "dict", "required": True},
    "environment": {"type": "str", "required": True},
    "path": {"type": "path"},
    "new_key": {"type": "bool", "default": False},
    "only_present": {"type": "bool", "default": False},
    "replaced": {"type": "list", "elements": "str", "default": []},
}


class ActionModule(AwsAction):
    """Reads the stores and writes the file in one task, so that no value leaves this process."""

    name = "watchparty.secrets.env_encrypt"
    extra_options = OPTIONS

    def perform(self, connection: AwsConnection, args: Mapping[str, Any]) -> dict[str, Any]:
        catalog = catalog_parser.parse(args["catalog"], args["environment"])
        if args["only_present"] and not encrypted_file.is_present(catalog, args["path"]):
            return {"changed": False, "commits": [], "summary": _absent(catalog, args)}
        path = encrypted_file.path_of(catalog, args["path"])
        request = environment.ReadRequest(args["catalog"], args["environment"])
        keys = encrypted_file.kms_keys(catalog, connection)
        check = bool(self._task.check_mode)
        # Read under the file's lock: a slower run would restore older values.
        with encrypted_file.held(path, write=not check) as file:
            current = environment.read(request, connection, access_wait())
            values = current.resolution.require_deliverable().values
            present = file.found.content if file.found else None
            plan = encrypted_file.plan(
                present, path, values, catalog, current.journal.head, keys, new_key=args["new_key"]
            )
            if plan.changed and not check:
                file.write(encrypted_file.content(plan, keys))
        old = encrypted_history.old_values(path, _settings_of(catalog, args["replaced"]))
        answer: dict[str, Any] = {
            "changed": plan.changed,
            "path": path,
            "added": plan.added,
            "updated": plan.updated,
            "removed": plan.removed,
            "new_key": plan.file_key is None,
            "journal": current.journal.head,
            "notes": [*current.warnings, *old.notes],
            "commits": old.commits,
            "summary": _summary(plan, path, check=check),
        }
        return {**answer, "diff": encrypted_file.diff(plan, path)} if self._task.diff else answer


def _absent(catalog: Catalog, args: Mapping[str, Any]) -> str:
    file = args["path"] or (catalog.encrypted_env.file if catalog.encrypted_env else "")
    anew = " -e encrypt_new_key=true" if args["new_key"] else ""
    remedy = f"If another machine has the file, run ansible-playbook watchparty.secrets.env_encrypt{anew} there"
    return file and f"{file} is not on this machine, so it was not renewed. {remedy}"


def _settings_of(catalog: Catalog, credentials: Sequence[str]) -> set[str]:
    """Settings that hold one of the credentials, also as a part."""
    chosen = [catalog.credentials[name] for name in credentials if name in catalog.credentials]
    places = {spot.place for credential in chosen for spot in credential_graph.spots(catalog, credential)}
    named = {setting for credential in chosen for setting in credential.settings}
    return named | {setting.name for setting in catalog.settings.values() if places & {*setting.places}}


def _summary(plan: encrypted_file.EncryptedEnvPlan, path: str, *, check: bool) -> str:
    if not plan.changed:
        return f"{path} is unchanged: {counted(len(plan.values), 'setting')}"
    named = {"added": plan.added, "updated": plan.updated, "removed": plan.removed}
    changes = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in named.items() if names)
    if plan.file_key is None:
        changes = f"all {len(plan.values)} settings are encrypted under a new file key"
    verb = "would be written" if check else "is written"
    if not changes:
        change = (
            "the file key is encrypted again" if plan.wrapped_key is None else f"its journal number is {plan.journal}"
        )
        changes = f"{change}, and no value changed"
    return f"{path} {verb}; {changes}"
