# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Differences from the baseline on hosts that a leaked SSH key opens, as possible footholds. They stop no response.

A finding that the search by time has too counts once, and keeps the search's command, which removes a key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline, timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError, one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import (
    RecordedServer,
    ServerDifference,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import host_inventory
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import inventory_request
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import host_footholds
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.host_footholds import Answers, FirstLook
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context as rotation_context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.compared_servers import baseline_of_run
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.known_keys import known_ssh_keys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

Answer = Mapping[str, Any]


def request(setting: RotationSetup, journal: Journal, impact: Mapping[str, Any]) -> dict[str, str]:
    """The encrypted request to hosts. Empty if no SSH key leaked or no host has a baseline."""
    baseline = baseline_of_run(setting) if host_footholds.keys_of(impact) else None
    hosts = inventory_request.recorded_hosts(baseline)
    if baseline is None or not hosts:
        return {}
    try:
        contents = setting.known.contents or Contents()
        keys = known_ssh_keys(setting.catalog, setting.rotator.secrets, contents, journal)
    except SecretsError as error:
        Display().warning(f"the catalog's SSH keys are reported as unknown on hosts: {one_line(error)}")
        keys = []
    return inventory_request.request(baseline.key, hosts, keys)


def add_differences(setting: RotationSetup, answers: Answers, impact: Mapping[str, Any]) -> dict[str, Answer]:
    """The answers, with differences from the baseline among their footholds."""
    keys = host_footholds.keys_of(impact)
    if not any("inventory" in answer for answer in answers.values()):
        return dict(answers)
    baseline = baseline_of_run(setting)
    sources = baseline.sources if baseline else {}
    return {host: with_differences(host, answer, sources, keys) for host, answer in answers.items()}


def first_look(setting: RotationSetup, answers: Answers, impact: Mapping[str, Any]) -> FirstLook:
    """Hosts' answers before the first act."""
    keys, at = host_footholds.keys_of(impact), timestamps.stamp(rotation_context.now())
    return FirstLook(add_differences(setting, answers, impact), keys, at)


def with_differences(
    host: str, answer: Answer, sources: Mapping[str, RecordedServer], keys: Sequence[str]
) -> dict[str, Any]:
    """``keys`` are the leaked SSH keys. A host answers only for itself."""
    result = {name: value for name, value in answer.items() if name != "inventory"}
    inventory, source = answer.get("inventory"), sources.get(inventory_request.place(host))
    if inventory is None or source is None or not keys:
        return result
    if inventory["problems"]:
        problem = f"not compared with its baseline: {'; '.join(inventory['problems'])}"
        return {**result, "unfinished": "; ".join(filter(None, (answer.get("unfinished", ""), problem)))}
    footholds = [dict(entry) for entry in answer.get("footholds", ())]
    credential = next((entry["credential"] for entry in footholds if entry["credential"] in keys), keys[0])
    reading, day = server_baseline.reading_of(inventory), f"the baseline of {source.day}"
    texts = []
    for item in server_baseline.compare(inventory_request.place(host), source, reading):
        same = next((entry for entry in footholds if _is_same(item, entry)), None)
        if same and item.state != server_baseline.REMOVED:
            same["text"] = _noted(same["text"], f", not as in {day}")
        elif item.state != server_baseline.REMOVED:
            texts.append(_text(item, day))
    reasons = inventory["unread"]
    unread = server_baseline.unread(source, reading)
    texts += [f"{kind}: not compared with {day}: {reasons.get(kind, 'cannot be read')}" for kind in unread]
    footholds += [{"credential": credential, "text": text, "key": "", "file": ""} for text in texts]
    return {**result, "footholds": footholds, "baseline": f"baseline of {source.day}"}


def _text(item: ServerDifference, day: str) -> str:
    """The difference with the baseline's date and the removing command, without start times: the response itself
    restarts listening services, and a text with a new time would be a new foothold."""
    subject = f"{item.kind} {item.name}"
    text = f"{subject} is not in {day}" + (f" ({item.facts})" if item.facts else "")
    if item.state == server_baseline.CHANGED:
        text = f"{subject} is not as in {day}: {item.facts or 'none'}, was {item.before or 'none'}"
    since = f", written {item.since}" if item.since and item.kind not in server_baseline.PASSING else ""
    return text + since + (f": {item.undo}" if item.undo else "")


def _is_same(item: ServerDifference, entry: Mapping[str, str]) -> bool:
    """Whether the search by time has the same item."""
    if item.kind == host_inventory.KEY:
        return item.name == f"{entry['key']} in {entry['file']}"
    if item.kind == host_inventory.MEMBER:
        return item.name == f"{entry['account']} in {entry['group']}"
    if item.kind in (host_inventory.ACCOUNT, host_inventory.PASSWORD):
        return item.name == entry["account"] and not entry["group"]
    return item.name == entry["file"] and not entry["key"]


def _noted(text: str, note: str) -> str:
    """The text with a note before the command, which comes last."""
    before, colon, command = text.rpartition(": ")
    return text if note in text else f"{before}{note}{colon}{command}" if colon else f"{text}{note}"
