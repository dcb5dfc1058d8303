# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a verification makes of one server's answer."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from functools import partial
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import RecordedServer
from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import FAIL
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import (
    baseline_rows,
    check_helpers,
    server_commands,
    server_logins_results,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import CheckResult
from tests import planted
from tests.unit.plugins.plugin_utils._verify import pasted_commands, verify_facts

NOTHING: dict[str, Any] = {
    **{name: {} for name in ("left_out", "users", "databases", "tags")},
    **{name: [] for name in ("own_administrators", "own", "honeytokens")},
    **dict.fromkeys(("unjudged", "baseline_problem", "administrator_problem"), ""),
    "administrator": "dba",
    "source": None,
}


def judged(server: str, answer: Mapping[str, Any], *checks: str) -> dict[str, list[str]]:
    """Evidence of the checks that fail a run with this answer. Each of its credentials is the catalog's."""
    expected = {"s": {**NOTHING, "server": server, "credentials": [*answer["rights"]]}}
    rows = server_logins_results.merged(expected, {"inspected": {"s": answer}})
    return verify_facts.judged(*checks, servers={**rows, "baseline": []})


def removals(
    server: Mapping[str, Any], address: str, recorded: RecordedServer, inventory: Mapping[str, Any]
) -> list[list[str]]:
    """Words of the commands that a verification prints for differences from the baseline."""
    command_for = partial(server_commands.removing, address, server)
    rows = list(baseline_rows.differences("s", recorded, inventory, "entries", command_for))
    (check,) = verify_check.chosen(["WPS1103"])
    results = [CheckResult(check, tuple(check_helpers.outcomes(rows)))]
    assert pasted_commands.flaws(results) == []
    assert [*planted.found(results)] == ["WPS1103"] * any(row["state"] == FAIL for row in rows)
    return [shlex.split(command) for _check, command in pasted_commands.commands(results)]
