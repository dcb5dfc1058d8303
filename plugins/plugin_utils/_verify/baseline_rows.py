# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rows of state, place and message for differences from a baseline. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import (
    RecordedServer,
    ServerDifference,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import (
    FAIL,
    NOT_APPLICABLE,
    NOT_CHECKED,
    PASS,
    Row,
    row,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import finding_command

UNRECORDED = "no baseline was recorded; record one with ansible-playbook watchparty.secrets.baseline"

LIST = "ansible-playbook watchparty.secrets.baseline {run} --check"


def unrecorded(place: str, problem: str, otherwise: str = UNRECORDED) -> Row:
    """``problem`` says why the baseline cannot be read."""
    return row(NOT_CHECKED if problem else NOT_APPLICABLE, place, problem or otherwise)


def differences(
    place: str,
    source: RecordedServer,
    inventory: Mapping[str, Any],
    noun: str,
    command_for: Callable[[ServerDifference], str] = lambda item: finding_command.literal(shlex.split(item.undo)),
) -> Iterator[Row]:
    """``noun`` names the counted entries. ``command_for`` makes the command that removes an addition; may be empty."""
    reading, reasons = server_baseline.reading_of(inventory), inventory.get("unread", {})
    differences = server_baseline.compare(place, source, reading)
    for difference in differences[: server_baseline.MOST_NAMED]:
        command = command_for(difference) if difference.undo else ""
        finding = (difference._replace(undo="") if command else difference).finding
        yield {
            **row(FAIL, place, f"{finding} (baseline of {source.day}, id {difference.id})"),
            "command": command or LIST,
        }
    if len(differences) > server_baseline.MOST_NAMED:
        message = server_baseline.MORE % (len(differences) - server_baseline.MOST_NAMED)
        yield {**row(FAIL, place, message), "command": LIST}
    for kind in server_baseline.unread(source, reading):
        reason = f": {reasons[kind]}" if kind in reasons else ""
        yield row(NOT_CHECKED, place, f"{kind}: could be read on {source.day}, and cannot be read now{reason}")
    if not differences:
        yield row(PASS, place, f"{len(reading.entries)} {noun} as on {source.day}")
