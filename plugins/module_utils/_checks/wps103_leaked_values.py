# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No live secret value is in the repository or its history."""

from __future__ import annotations

from typing import Iterator

from ansible_collections.watchparty.secrets.plugins.module_utils._verification import (
    Check,
    Facts,
    Outcome,
    bad,
    good,
    unknown,
)


def look(facts: Facts) -> Iterator[Outcome]:
    found = facts.of("history")
    for one in found["findings"]:
        place = f"{one['path']}:{one['line']}" if one["line"] else one["path"]
        yield bad(one["words"], place, file=one["path"] if one["opens"] else "", line=max(one["line"], 1))
    for words in found["not_checked"]:
        yield unknown(words)
    if not found["findings"] and not found["not_checked"]:
        accepted = f"; {found['accepted']} accepted in the baseline" if found["accepted"] else ""
        yield good(f"none of {found['values']} values in {found['objects']} objects{accepted}")


CHECK = Check(
    id="WPS103",
    name="leaked-values",
    area="git",
    severity="high",
    title="No live secret value is in the repository or its history",
    reason="Whoever has a clone has the value, and a later commit that removes it changes nothing.",
    fix="Rotate what was found (leak_response.yml -e leaked=NAME); then see docs/scanning.md for the history.",
    look=look,
    needs=("history",),
)
