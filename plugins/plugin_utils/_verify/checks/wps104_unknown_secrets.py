# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import nothing_scanned
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import EDIT

CHECK = Check(
    id="WPS104",
    name="unknown-secrets",
    area="git",
    severity="medium",
    title="gitleaks finds no undeclared secret in the repository's history and index",
    reason="An undeclared secret is not rotated, and its leak goes unnoticed.",
    fix=(
        "The owner of each secret rotates it where it was issued, and declares it in the catalog. Accept false "
        "positives in a baseline (docs/how-to/scan-a-repository.md)."
    ),
    scope=(
        "What the rules of gitleaks recognize in commits and in staged changes.",
        "By the repository's .gitleaks.toml and .gitleaksignore, and comments gitleaks:allow, which accept findings.",
        "Not archives, unreachable commits, and changes that are not staged.",
    ),
    command=EDIT,
    look=nothing_scanned("unknown_secrets", lambda _found: "gitleaks finds nothing"),
    needs=("unknown_secrets",),
)
