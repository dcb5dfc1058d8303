# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Nothing else in the repository looks like a secret."""

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
    found = facts.of("unknown_secrets")
    for one in found["findings"]:
        place = f"{one['path']}:{one['line']}" if one["line"] else one["path"]
        yield bad(one["words"], place, file=one["path"] if one["opens"] else "", line=max(one["line"], 1))
    for words in found["not_checked"]:
        yield unknown(words)
    if not found["findings"] and not found["not_checked"]:
        accepted = f"; {found['accepted']} accepted in the baseline" if found["accepted"] else ""
        yield good(f"gitleaks finds nothing{accepted}")


CHECK = Check(
    id="WPS104",
    name="unknown-secrets",
    area="git",
    severity="medium",
    title="Nothing else in the repository looks like a secret",
    reason="A secret that no catalog knows is not rotated, and nobody notices that it leaked.",
    fix="Rotate what is one and put it into the catalog; accept what is none in a baseline (docs/scanning.md).",
    look=look,
    needs=("unknown_secrets",),
)
