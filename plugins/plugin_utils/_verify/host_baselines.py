# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hosts and their baseline: which are asked, and what came of their answers. Pure.

A host answers only for itself: its place in the baseline is its name in the inventory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import (
    ServerBaseline,
    ServerReading,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import NOT_CHECKED, Row, row
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import host_answer, seal
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import baseline_rows

_PLACE = "host "
NOUN = "accounts, keys, start files and listeners"
Answers = Mapping[str, Mapping[str, Any]]
"""By host what host_check or host_evidence returned."""


def place(host: str) -> str:
    return f"{_PLACE}{host}"


def host_of(place: str) -> str:
    """Empty for the place of anything else."""
    return place[len(_PLACE) :] if place.startswith(_PLACE) else ""


def recorded_hosts(baseline: ServerBaseline | None) -> list[str]:
    return sorted(filter(None, map(host_of, baseline.sources))) if baseline else []


def request(key: str, hosts: Sequence[str] | None, known_keys: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """What the tasks on hosts get, encrypted; of no ``hosts`` all."""
    return seal.sealed(key=key, hosts=hosts, known_keys=list(known_keys))


def options(request: Mapping[str, Any], host: str, user: str | None) -> dict[str, Any]:
    """What the program on a host is sent; ``user`` is whom Ansible logs in as."""
    asked = seal.opened(request)
    if not asked.get("key") or (asked["hosts"] is not None and host not in asked["hosts"]):
        return {"inventory_key": "", "inventory_known": []}
    keys = [{**key, "account": key["account"] or user or ""} for key in asked["known_keys"]]
    return {"inventory_key": asked["key"], "inventory_known": keys}


def rows(host: str, answer: Mapping[str, Any], baseline: ServerBaseline | None, problem: str) -> list[Row]:
    """``problem`` says why the baseline cannot be read."""
    source = baseline.sources.get(place(host)) if baseline else None
    if source is None:
        return [baseline_rows.unrecorded(host, problem)]
    if _problem(answer):
        return [row(NOT_CHECKED, host, _problem(answer))]
    compared = baseline_rows.compared(place(host), source, answer["inventory"], NOUN)
    return [{**item, "place": host} for item in compared]


def readings_of(answers: Answers) -> tuple[dict[str, ServerReading], list[str], list[str]]:
    """What each host showed, what of it could not be read, and why others showed nothing."""
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
