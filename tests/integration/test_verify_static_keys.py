# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""WPS403 at an IAM whose keys are as old as they need to be."""

from __future__ import annotations

import json

import pytest

from tests import planted
from tests.integration.harness import Lab
from tests.integration.verify_lab import VERIFY, outcomes
from tests.unit.plugins.plugin_utils._verify import pasted_commands

pytestmark = pytest.mark.slow


@planted.mistakes("AWS, by a whole run", planted.PLAYBOOK, planted.AWS, rows={"a static key of 90 days": "WPS403"})
def test_old_static_keys(lab: Lab) -> None:
    lab.add_hosts(1)
    iam = lab.moto.client("iam")
    kept = {}
    for name, days in (("young", 89.9), ("old", 90.1), ("idle", 400)):
        with lab.moto.days_ago(days):
            iam.create_user(UserName=name)
            kept[name] = iam.create_access_key(UserName=name)["AccessKey"]
    iam.update_access_key(UserName="idle", AccessKeyId=kept["idle"]["AccessKeyId"], Status="Inactive")

    def verified() -> tuple[int, dict[str, tuple[str, str]]]:
        report = lab.directory / "report"
        run = lab.run("-e", json.dumps({"verify_report_path": str(report), "verify_only": "WPS403"}), playbook=VERIFY)
        result = json.loads((report / "partial.json").read_text())
        for item in kept.values():
            assert item["SecretAccessKey"] not in run.output + json.dumps(result)
        return run.code, {
            outcome["place"]: (outcome["status"], outcome["message"]) for outcome in outcomes(result, "WPS403")
        }

    ids = {name: f"…{item['AccessKeyId'][-4:]}" for name, item in kept.items()}
    code, result = verified()
    planted.ended(code)
    assert result == {
        "user young": ("pass", f"key {ids['young']} is 89 days old, never used"),
        "user old": ("fail", f"key {ids['old']} is 90 days old, never used"),
        "user idle": ("pass", f"key {ids['idle']} is 400 days old, never used, inactive"),
    }
    report = json.loads((lab.directory / "report" / "partial.json").read_text())
    (command,) = {outcome["command"] for outcome in outcomes(report, "WPS403") if outcome["status"] == "fail"}
    pasted_commands.run_aws(command, lab.moto.client)
    code, result = verified()
    assert (code, {how for how, _words in result.values()}) == (0, {"pass"})
    for name in kept:
        iam.delete_access_key(UserName=name, AccessKeyId=kept[name]["AccessKeyId"])
    assert verified() == (0, {"": ("pass", "no keys in 3 users")})
