# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check, Facts, Outcome, bad, good

LEAK = "ansible-playbook watchparty.secrets.leak_response {run}"
REPORT = "ansible-playbook watchparty.secrets.rotation_report {run}"


def look(facts: Facts) -> Iterator[Outcome]:
    journal = facts.of("journal")
    if journal["rotation"]:
        yield bad(f"{journal['rotation']} is open")
    if journal["incident"]:
        yield bad(f"leak {journal['incident']} is declared and not contained", command=LEAK)
    for message in journal["pending_tasks_due"]:
        yield bad(f"{message} is due")
    for message in journal["revocations"]:
        yield bad(message, command=REPORT)
    if not any(journal[name] for name in ("rotation", "incident", "pending_tasks_due", "revocations")):
        later = len(journal["pending_tasks"])
        yield good(f"nothing is open{f', {later} pending for later' if later else ''}")


CHECK = Check(
    id="WPS802",
    name="open-rotations",
    area="ages",
    severity="medium",
    title="No rotation or leak is open, and no pending task is due",
    reason="While a rotation is open, the old and the new value are valid.",
    fix=(
        "Continue a rotation: ansible-playbook watchparty.secrets.rotate. Continue a leak response: ansible-playbook "
        "watchparty.secrets.leak_response. To see who started it, and the values to revoke at a provider: "
        "ansible-playbook watchparty.secrets.rotation_report."
    ),
    command="ansible-playbook watchparty.secrets.rotate {run}",
    look=look,
    needs=("journal",),
)
