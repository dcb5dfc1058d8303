# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compares hosts' answers with their baseline. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import (
    ServerBaseline,
    ServerDifference,
    ServerReading,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import NOT_CHECKED, Row, row
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import start_files
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import host_answer
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.inventory_request import place
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import baseline_rows, finding_command

NOUN = "accounts, keys, start files and listeners"
BY_HAND = tuple(remedy.partition(" ")[0] + " " for remedy in (start_files.EDIT, start_files.REINSTALL))
Answers = Mapping[str, Mapping[str, Any]]
"""Results of host_check or host_evidence, by host."""


def rows(host: str, answer: Mapping[str, Any], baseline: ServerBaseline | None, problem: str) -> list[Row]:
    """``problem`` says why the baseline cannot be read."""
    source = baseline.sources.get(place(host)) if baseline else None
    if source is None:
        return [baseline_rows.unrecorded(host, problem)]
    if _problem(answer):
        return [row(NOT_CHECKED, host, _problem(answer))]
    compared = baseline_rows.differences(place(host), source, answer["inventory"], NOUN, _command)
    return [{**item, "place": host} for item in compared]


def _command(difference: ServerDifference) -> str:
    """Command to run on the host, which named it. Empty if a person must act."""
    return "" if difference.undo.startswith(BY_HAND) else finding_command.on_host(difference.undo)


def readings_of(answers: Answers) -> tuple[dict[str, ServerReading], list[str], list[str]]:
    """Readings by host, messages for unread kinds, and problems of hosts without a reading."""
    readings: dict[str, ServerReading] = {}
    unread: dict[str, list[str]] = {}
    problems: list[str] = []
    for host, answer in answers.items():
        why = _problem(answer)
        if why:
            problems.append(f"{place(host)}: {why}")
            continue
        readings[place(host)] = server_baseline.reading_of(answer["inventory"])
        for kind, reason in sorted(answer["inventory"]["unread"].items()):
            unread.setdefault(f"{kind}: not recorded: {reason}", []).append(host)
    lines = [f"{', '.join(map(place, hosts))}: {line}" for line, hosts in unread.items()]
    return readings, lines, problems


def _problem(answer: Mapping[str, Any]) -> str:
    if answer.get("unreachable"):
        return f"cannot be reached: {host_answer.printable(one_line(str(answer.get('msg') or 'no answer')))}"
    if "inventory" not in answer:
        return host_answer.printable(one_line(str(answer.get("msg") or "no answer")))
    return "; ".join(answer["inventory"]["problems"])
