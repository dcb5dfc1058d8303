# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parses the output of ``systemctl show``."""

from __future__ import annotations

from typing import Dict, List, Mapping

RUNNING = ("active", "reloading", "refreshing")


def shown(text: str) -> List[Dict[str, str]]:
    """Properties of each unit, in the order of ``systemctl show``. A repeated property has one value a line."""
    blocks = []
    for part in text.split("\n\n"):
        block: Dict[str, str] = {}
        for line in part.splitlines():
            name, equals, value = line.partition("=")
            if equals:
                block[name] = block[name] + "\n" + value if name in block else value
        blocks.append(block)
    return [block for block in blocks if block]


def is_up(unit: Mapping[str, str]) -> bool:
    """Whether the unit runs, or is a completed job."""
    if unit.get("ActiveState") in RUNNING:
        return True
    return unit.get("ActiveState") == "inactive" and unit.get("Type") == "oneshot" and unit.get("Result") == "success"
