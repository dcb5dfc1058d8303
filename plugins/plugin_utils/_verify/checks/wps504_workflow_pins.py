# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import PASS, Check, Facts, Outcome
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import no_workflow, zizmor_finds
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import EDIT

AUDITS = ("unpinned-uses", "unpinned-images")


def look(facts: Facts) -> Iterator[Outcome]:
    yield from zizmor_finds(AUDITS)(facts)
    images = list(no_workflow("unpinned")(facts))
    yield from (image for image in images if image.status != PASS)


CHECK = Check(
    id="WPS504",
    name="workflow-pins",
    area="ci",
    severity="medium",
    title="Actions are pinned to a commit, and images to a digest",
    reason="An attacker who takes over an action or image can move its tag. The new code runs with the job's secrets.",
    fix=(
        "Write uses: owner/action@<40 hex digits> # v1.2.3, and image: name@sha256:<digest>. Dependabot keeps "
        "actions current."
    ),
    scope=(
        "By the repository's configuration of zizmor and comments in workflows, which accept findings.",
        "Not images that a script pulls.",
    ),
    command=EDIT,
    look=look,
    needs=("zizmor", "workflows"),
)
