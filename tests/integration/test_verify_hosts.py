# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""verify.yml on hosts that do not answer, and on many."""

from __future__ import annotations

import json
import re

import pytest

from sandbox.faults import Fault
from sandbox.process import wait_until
from tests import planted
from tests.integration import harness
from tests.integration.fake_service import ended
from tests.integration.harness import Lab, layout
from tests.integration.verify_lab import VERIFY, statuses

pytestmark = pytest.mark.slow
UNREADABLE = {
    "a host that refuses connections": "WPS201",
    "a host whose connection hangs": "WPS201",
    "AWS denies DescribeSecret": "WPS1002",
    "AWS denies ListUsers": "WPS403",
}


@planted.mistakes("Hosts and AWS, by a whole run", planted.PLAYBOOK, rows=UNREADABLE, number=1)
def test_what_cannot_be_read_is_said(lab: Lab) -> None:
    """A lost host, one that hangs, and what the role may not read: not checked, never passed."""
    lab.add_hosts(3)
    lab.seed(layout())
    lab.deploy("-e", "env_deploy_serial=100%")
    lab.host_vars["web2"] |= {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 9}
    hangs = lab.directory / "hangs"
    hangs.write_text(f"#!/bin/sh\necho $$ > {lab.directory}/pid\nexec sleep 300\n")
    hangs.chmod(0o700)
    lab.host_vars["web3"] |= {"ansible_connection": "ssh", "ansible_ssh_executable": str(hangs)}
    lab.moto.set_faults(Fault(effect="deny", operation="DescribeSecret"), Fault(effect="deny", operation="ListUsers"))
    report = lab.directory / "report"
    run = lab.run("-e", f"verify_report_path={report}", "-e", "verify_budget=20", playbook=VERIFY)
    assert wait_until(lambda: ended(int((lab.directory / "pid").read_text())), seconds=60), "no connection is left"
    lab.moto.set_faults()
    planted.ended(run.code)
    result = json.loads((report / "verify.json").read_text())
    how = {check["id"]: check for check in result["checks"]}
    assert how["WPS201"]["status"] == "not checked"
    assert [(outcome["status"], outcome["place"]) for outcome in how["WPS201"]["outcomes"]] == [
        ("not checked", "web2"),
        ("not checked", "web3"),
        ("pass", "web1"),
    ]
    assert "cannot be reached" in how["WPS201"]["outcomes"][0]["message"]
    assert "-e verify_budget=SECONDS" in how["WPS201"]["outcomes"][1]["message"]
    assert "not reached: web2, web3" in run.output
    assert how["WPS1002"]["status"] == "not checked"
    assert "allow secretsmanager:DescribeSecret" in how["WPS1002"]["outcomes"][0]["message"]
    assert how["WPS403"]["status"] == "not checked"
    assert "iam:ListUsers" in how["WPS403"]["outcomes"][0]["message"]
    assert run.output.count("cannot be reached") == 1, "a long reason is reported once"


def test_twenty_hosts_take_one_execution_each_and_no_more_calls_than_two(lab: Lab) -> None:
    calls = {}
    for count in (2, 20):
        harness.reset(lab.moto)
        lab.add_hosts(count - len(lab.hosts))
        lab.seed()
        lab.deploy("-e", "env_deploy_serial=100%", "-f", "20")
        report = lab.directory / f"report-{count}"
        run = lab.run("-vvv", "-f", "20", "-e", f"verify_report_path={report}", playbook=VERIFY)
        how = statuses(json.loads((report / "verify.json").read_text()))
        assert how["WPS201"] == how["WPS301"] == how["WPS601"] == "pass"
        calls[count] = sorted(run.operations)
        executed = re.findall(r"^<(\S+)> (?:SSH: EXEC|EXEC) .*-c ", run.output, re.MULTILINE)
        assert len(executed) == count, run.output[:3000]
    assert calls[20] == calls[2]
