# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No workflow prints a secret."""

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
        if one["kind"] == "echo":
            yield bad(one["words"], f"{one['file']}:{one['line']}", file=one["file"], line=one["line"])
    for file, problem in sorted(found["unread"].items()):
        yield unknown(problem, file)
    if not found["files"]:
        yield unknown("the repository has no workflows")
    elif not any(one["kind"] == "echo" for one in found["findings"]) and not found["unread"]:
        yield good(f"none in {len(found['files'])} files")


CHECK = Check(
    id="WPS503",
    name="workflow-echo",
    area="ci",
    severity="high",
    title="No workflow prints a secret",
    reason="GitHub masks a secret as it is stored; encoded, cut or put together with others it is not masked.",
    fix="Hand the secret to the program by env:, and print nothing of it.",
    look=look,
    needs=("workflows",),
)
