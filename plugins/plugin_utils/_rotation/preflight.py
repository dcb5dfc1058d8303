# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks before any write whether servers would accept the plan."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError, one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.begin import begin
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds import stages_for
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import (
    NotReached,
    Part,
    ServerPrograms,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

PASSED_ON = ("gone_nodes", "values_file", "values_from")
"""Options of a run that acts and checks of kinds take."""


def begin_with_servers(
    setting: RotationSetup,
    args: Mapping[str, Any],
    task_vars: Mapping[str, Any],
    server: ServerPrograms,
    *,
    write: bool,
    journal: Journal | None = None,
) -> dict[str, Any]:
    """The result of :func:`begin`, planned with the servers' answers. Raises SecretsError."""
    since = time.time()
    preflight_args = {"spoiled": [], "preflight": True, **args, "against": {}, "unasked": ""}
    preflight_args["recorded"] = bool(args.get("audit_path"))
    result = begin(setting, preflight_args, task_vars, write=write, journal=journal)
    read = result.pop("read", None)
    if result.get("checks"):
        planning = replace(setting, plans_leak=bool(args["incident"]))
        against, unreachable = ask_servers(planning, result["checks"], server, args)
        if unreachable and write:
            against = dict.fromkeys((check["name"] for check in result["checks"]), unreachable)
        preflight_args.update(
            preflight=False,
            ask=not write and args["ask"],
            against=against,
            unasked=f"no server was asked: {unreachable}" if unreachable and not write else "",
        )
        result = {**begin(setting, preflight_args, task_vars, write=write, read=read), "against": against}
    return {**result, "since": since}


def ask_servers(
    setting: RotationSetup, checks: Sequence[Mapping[str, Any]], server: ServerPrograms, args: Mapping[str, Any]
) -> tuple[dict[str, str], str]:
    """Blockers from servers by credential, and why no server could be asked."""
    against = {}
    options = {name: args[name] for name in PASSED_ON if args.get(name) is not None}
    for kind, group in itertools.groupby(checks, key=lambda check: str(check["kind"])):
        parts = [Part(setting, server, credential, options) for credential in group]
        while parts:  # a kind without requests stops at the first refusal
            try:
                answers = stages_for(setting.kinds[kind]).carry_out([("check", part) for part in parts])
            except NotReached as error:
                return {}, str(error)
            for part, answer in zip(parts, answers, strict=False):
                if isinstance(answer, RotationError):
                    against[part.name] = one_line(answer)
            parts = parts[len(answers) :]
    return against, ""
