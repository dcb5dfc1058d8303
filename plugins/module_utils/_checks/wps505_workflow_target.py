# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""pull_request_target never meets secrets or a fork's code."""

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
        if one["kind"] == "target":
            yield bad(one["words"], f"{one['file']}:{one['line']}", file=one["file"], line=one["line"])
    for file, problem in sorted(found["unread"].items()):
        yield unknown(problem, file)
    if not found["files"]:
        yield unknown("the repository has no workflows")
    elif not any(one["kind"] == "target" for one in found["findings"]) and not found["unread"]:
        yield good(f"none in {len(found['files'])} files")


CHECK = Check(
    id="WPS505",
    name="workflow-target",
    area="ci",
    severity="high",
    title="pull_request_target never meets secrets or a fork's code",
    reason="It runs with the repository's secrets for anybody's pull request.",
    fix="Use pull_request, or take secrets, write permissions and the checkout of the head out of the job.",
    look=look,
    needs=("workflows",),
)
