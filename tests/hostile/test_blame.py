# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host that cannot be reached or checked fails, and the recap names that host and no other."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.integration.harness import Host, Lab, Run

VERIFY = "playbooks/verify.yml"


def verify(lab: Lab) -> Run:
    report = lab.directory / "report"
    return lab.run("-e", f"verify_report_path={report}", "-e", "verify_only=WPS201", playbook=VERIFY)


def blamed(run: Run, *hosts: str, web1: int = 0) -> None:
    failed = {name: run.result(name)["failed"] for name in ("web1", *hosts)}
    assert failed == {"web1": web1, **dict.fromkeys(hosts, 1)}, run.output


def directory(host: Host) -> None:
    host.env_file.unlink()
    host.env_file.mkdir()


def fifo(host: Host) -> None:
    host.env_file.unlink()
    os.mkfifo(host.env_file)


def link(host: Host) -> None:
    host.env_file.rename(host.directory / "elsewhere")
    host.env_file.symlink_to("elsewhere")


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        pytest.param(directory, "is not a regular file", marks=pytest.mark.long),
        (fifo, "is not a regular file"),
        pytest.param(link, "is a symbolic link", marks=pytest.mark.long),
    ],
)
def test_verify_fails_where_a_file_cannot_be_looked_at_or_a_host_not_be_reached(
    lab: Lab, replaced: Callable[[Host], None], message: str
) -> None:
    """Seen to end with exit code 0."""
    _web1, web2, _web3 = lab.add_hosts(3)
    lab.seed()
    lab.deploy("-e", "env_deploy_serial=100%")
    replaced(web2)
    away(lab, "web3")
    run = verify(lab)
    assert run.code == 2
    blamed(run, "web2", "web3", web1=1)  # where the report is made, which fails too
    assert f"web2 was not checked: {web2.env_file}: {message}" in run.text
    assert "web3 was not checked: " in run.text


def away(lab: Lab, name: str = "web2") -> None:
    if lab.connection["ansible_connection"] == "local":
        pytest.skip("no sshd: an unreachable host was not tested")
    lab.host_vars[name] |= {"ansible_host": "127.0.0.2", "ansible_port": 9, "ansible_ssh_retries": 0}


def test_verify_fails_where_no_host_can_be_reached(lab: Lab) -> None:
    lab.add_hosts(2)
    lab.seed()
    for name in ("web1", "web2"):
        away(lab, name)
    run = verify(lab)
    assert run.code == 2
    assert run.result("web1")["failed"] == run.result("web2")["failed"] == 1
    assert (lab.directory / "report" / "partial.json").exists(), "the report is written all the same"


def test_a_deploy_blames_the_host_that_was_lost(lab: Lab) -> None:
    """Seen to show failed=0 for it, and failed=1 for a healthy one."""
    lab.add_hosts(2)
    lab.seed()
    away(lab)
    run = lab.run("-e", "env_deploy_serial=100%")
    assert run.code == 2
    blamed(run, "web2")
    assert "The rollout stopped. web2: " in run.text


def test_a_deploy_blames_the_host_that_is_not_healthy(lab: Lab) -> None:
    _web1, web2 = lab.add_hosts(2)
    web2.behaves(g1="500")
    lab.seed()
    run = lab.run("-e", "env_deploy_serial=100%")
    assert run.code == 2
    blamed(run, "web2")
