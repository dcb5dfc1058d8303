# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Actions are pinned to a commit."""

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
    found = facts.of("workflows")
    for one in found["findings"]:
        if one["kind"] == "unpinned":
            yield bad(one["words"], f"{one['file']}:{one['line']}", file=one["file"], line=one["line"])
    for file, problem in sorted(found["unread"].items()):
        yield unknown(problem, file)
    if not found["files"]:
        yield unknown("the repository has no workflows")
    elif not any(one["kind"] == "unpinned" for one in found["findings"]) and not found["unread"]:
        yield good(f"none in {len(found['files'])} files")


CHECK = Check(
    id="WPS504",
    name="workflow-pins",
    area="ci",
    severity="medium",
    title="Actions are pinned to a commit",
    reason="A tag can be moved by whoever takes over the action, and then runs with this job's secrets.",
    fix="Write uses: owner/action@<40 hex digits> # v1.2.3; Dependabot keeps them current.",
    look=look,
    needs=("workflows",),
)
