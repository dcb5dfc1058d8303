# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compares what a host holds with what the stores hold, by fingerprints under one run's key. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any


def compared(expected: Mapping[str, str], held: Mapping[str, str], known: Sequence[str]) -> dict[str, Any]:
    """Names by what is wrong with them; ``known`` are the catalog's names and patterns."""
    both, additions = set(expected) & set(held), sorted(set(held) - set(expected))
    kept = [name for name in additions if any(fnmatchcase(name, pattern) for pattern in known)]
    return {
        "missing": sorted(set(expected) - set(held)),
        "differs": sorted(name for name in both if expected[name] != held[name]),
        "unknown": [name for name in additions if name not in kept],
        "gone": kept,
        "same": sum(expected[name] == held[name] for name in both),
    }
