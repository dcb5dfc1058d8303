# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Nothing else in the repository looks like a secret."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import nothing_scanned
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.engine import Check

CHECK = Check(
    id="WPS104",
    name="unknown-secrets",
    area="git",
    severity="medium",
    title="Nothing else in the repository looks like a secret",
    reason="A secret that no catalog knows is not rotated, and nobody notices that it leaked.",
    fix="Rotate each and declare it in the catalog; accept the rest in a baseline (docs/how-to/scan-a-repository.md).",
    look=nothing_scanned("unknown_secrets", lambda _found: "gitleaks finds nothing"),
    needs=("unknown_secrets",),
)
