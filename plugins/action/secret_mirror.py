# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import CatalogError, ProvisionError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.mirror_plan import OVERWRITE, REPORT
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import mirror_run
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_action import AwsAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection, suit
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.values_action import (
    fingerprint,
    require_region,
)


class ActionModule(AwsAction):
    """Runs on the controller, in process. Returns names and versions, but no values."""

    name = "watchparty.secrets.secret_mirror"
    extra_options = {
        "catalog": {"type": "dict", "required": True},
        "environment": {"type": "str", "required": True},
        "conflict": {"type": "str", "choices": [REPORT, OVERWRITE], "default": REPORT},
        "deletes": {"type": "int"},
    }

    def perform(self, connection: AwsConnection, args: Mapping[str, Any]) -> dict[str, Any]:
        catalog = catalog_parser.parse(args["catalog"], args["environment"])
        require_mirror(catalog)
        suit(connection, catalog)
        require_region(connection.region, catalog)
        state = mirror_run.read(catalog, connection.client_in, conflict=args["conflict"])
        problems = [*state.sources.problems, *state.guarded(args["deletes"])]
        if problems:
            raise ProvisionError(problems)
        for line in state.report["held"]:
            Display().warning(f"parameter {line} was not changed: {state.journal.rotation} is open and writes it")
        answer = {"changed": state.changed, **state.report}
        del answer["problems"]  # any has failed the task
        if self._task.diff:
            answer["diff"] = diff(state)
        if not self._task.check_mode:
            mirror_run.apply(state, connection.client_in)
        return answer


def require_mirror(catalog: Catalog) -> None:
    if catalog.mirror is None:
        raise CatalogError(
            ["mirror: is missing; add mirror: {} for parameters in copies, or mirror: {groups: {GROUP: PATH}}"]
        )


def diff(state: mirror_run.MirrorState) -> dict[str, str]:
    """Parameters with fingerprints that show equal values, only within this run."""
    key = secrets.token_bytes(16)
    before, after = [], []
    for region, plan in state.plans.items():
        where = f" in {region}" if region else ""
        for write in plan.puts:
            name = f"parameter {write.copy.parameter}{where}"
            before += [f"{name} fingerprint {fingerprint(key, write.before.value)}"] if write.before else []
            after.append(f"{name} fingerprint {fingerprint(key, write.copy.value)}")
        before += [f"parameter {deletion.copy.parameter}{where}" for deletion in plan.deletes]
    return {"before": "".join(f"{line}\n" for line in before), "after": "".join(f"{line}\n" for line in after)}
