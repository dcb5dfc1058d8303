# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No workflow has a password written in it."""

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
        if one["kind"] == "password":
            yield bad(one["words"], f"{one['file']}:{one['line']}", file=one["file"], line=one["line"])
    for file, problem in sorted(found["unread"].items()):
        yield unknown(problem, file)
    if not found["files"]:
        yield unknown("the repository has no workflows")
    elif not any(one["kind"] == "password" for one in found["findings"]) and not found["unread"]:
        yield good(f"none in {len(found['files'])} files")


CHECK = Check(
    id="WPS502",
    name="workflow-passwords",
    area="ci",
    severity="high",
    title="No workflow has a password written in it",
    reason="It is readable by everybody who can read the repository, in every fork, for good.",
    fix="Move it to a secret of the deployment environment, and rotate it: it is known.",
    look=look,
    needs=("workflows",),
)
