# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import zizmor_finds
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.checks.wps504_workflow_pins import (
    AUDITS as PINS,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.checks.wps505_workflow_target import (
    AUDITS as TRIGGERS,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import EDIT

CHECK = Check(
    id="WPS508",
    name="zizmor",
    area="ci",
    severity="medium",
    title="zizmor has no other findings in the workflows",
    reason="zizmor finds attacks that no other check covers, such as a title that becomes a command.",
    fix="See docs.zizmor.sh/audits for each finding. Accept a finding by the configuration of zizmor or a comment.",
    scope=("By the repository's configuration of zizmor and comments in workflows, which accept findings.",),
    command=EDIT,
    look=zizmor_finds(but=(*PINS, *TRIGGERS)),
    needs=("zizmor",),
)
