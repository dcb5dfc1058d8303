# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Check,
    Facts,
    Outcome,
    bad,
    good,
    not_applicable,
    unknown,
)


def look(facts: Facts) -> Iterator[Outcome]:
    if facts.catalog.mirror is None:
        yield not_applicable("the catalog mirrors nothing (mirror)")
        return
    result = facts.of("mirror")
    for line in result["problems"]:
        yield unknown(line)
    for line in result["held"]:
        yield unknown("an open rotation writes it", f"parameter {line}")
    for line in result["differences"]:
        yield bad(f"not mirrored yet: {line}")
    for line in result["conflicts"]:
        yield bad(line)
    if not (result["differences"] or result["conflicts"]):
        yield good(f"{result['unchanged']} parameters hold what their secrets hold")


CHECK = Check(
    id="WPS305",
    name="mirrored-copies",
    area="drift",
    severity="high",
    title="Mirrored parameters hold the values of their secrets",
    reason="A reader of the parameter uses an old value, or a value that somebody else wrote.",
    fix=(
        "To show the differences: ansible-playbook watchparty.secrets.mirror --check. To write them, leave out "
        "--check. For a conflict see docs/how-to/mirror.md."
    ),
    command="ansible-playbook watchparty.secrets.mirror {run}",
    look=look,
    needs=("mirror",),
)
