# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import nothing_scanned
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import EDIT

CHECK = Check(
    id="WPS103",
    name="leaked-values",
    area="git",
    severity="high",
    title="No current or previous value is in the repository's history or files",
    reason="Everyone with a clone can read the value, also after a later commit removes it.",
    fix=(
        "Replace the value: ansible-playbook watchparty.secrets.leak_response -e leak_credentials=NAME. For the "
        "history see docs/how-to/scan-a-repository.md."
    ),
    scope=(
        "Not values of low sensitivity, placeholders, values under 8 characters, and common words and numbers.",
        "Not files that git ignores, and branches and pull requests that this clone never fetched.",
        "Archives that the scan recognizes and cannot open are not checked.",
    ),
    command=EDIT,
    look=nothing_scanned("history", lambda result: f"none of {result['values']} values in {result['objects']} objects"),
    needs=("history",),
)
