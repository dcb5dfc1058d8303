# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No workflow uses static AWS keys."""

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
        if one["kind"] == "static-key":
            yield bad(one["words"], f"{one['file']}:{one['line']}", file=one["file"], line=one["line"])
    for file, problem in sorted(found["unread"].items()):
        yield unknown(problem, file)
    if not found["files"]:
        yield unknown("the repository has no workflows")
    elif not any(one["kind"] == "static-key" for one in found["findings"]) and not found["unread"]:
        yield good(f"none in {len(found['files'])} files")


CHECK = Check(
    id="WPS501",
    name="workflow-keys",
    area="ci",
    severity="high",
    title="No workflow uses static AWS keys",
    reason="A static key in CI is in every job's environment and in every action that the job runs.",
    fix="Use aws-actions/configure-aws-credentials with role-to-assume and id-token: write, then delete the key.",
    look=look,
    needs=("workflows",),
)
