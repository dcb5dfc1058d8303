# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hosts are recorded once, and verify compares them in the execution that it makes anyway."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.harness import Lab, layout
from tests.integration.verify_lab import VERIFY, outcomes

pytestmark = pytest.mark.slow
BASELINE = "playbooks/baseline.yml"


def verified(lab: Lab, name: str) -> list[dict[str, Any]]:
    report = lab.directory / name
    lab.run("-e", f"verify_report_path={report}", "-e", "verify_only=host-baseline", playbook=VERIFY)
    return outcomes(json.loads((report / "partial.json").read_text(encoding="utf-8")), "WPS211")


def test_hosts_are_recorded_and_compared(lab: Lab) -> None:
    lab.add_hosts(2)
    lab.seed(layout())
    lab.deploy()
    before = verified(lab, "before")
    assert [(outcome["status"], outcome["place"]) for outcome in before] == [
        ("not applicable", "web1"),
        ("not applicable", "web2"),
    ]
    assert "watchparty.secrets.baseline" in before[0]["message"]
    run = lab.run("--limit", "web1", playbook=BASELINE)
    assert "1 host: " in run.output
    lab.deploy("-e", "env_deploy_force=true")
    after = verified(lab, "after")
    assert {outcome["place"]: outcome["status"] for outcome in after}["web2"] == "not applicable"
    # The host is this machine, on which other tests listen.
    changed = [outcome["message"] for outcome in after if outcome["status"] == "fail"]
    assert [message for message in changed if not message.startswith("listener ")] == []
