# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""zizmor has no findings in the workflows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import nothing_scanned
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.engine import Check


def _clean(found: Mapping[str, Any]) -> str:
    config = f", with the repository's {found['config']}" if found.get("config") else ""
    return f"no findings in {found['files']} files{config}"


CHECK = Check(
    id="WPS508",
    name="zizmor",
    area="ci",
    severity="medium",
    title="zizmor has no findings in the workflows",
    reason="zizmor finds attacks that no other check covers, such as a title that becomes a command.",
    fix="See docs.zizmor.sh/audits for each finding. Accept one by the configuration of zizmor or a comment.",
    look=nothing_scanned("zizmor", _clean),
    needs=("zizmor",),
)
