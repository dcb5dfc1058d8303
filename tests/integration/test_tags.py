# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A playbook that --tags would cut is refused, and asks AWS nothing. The test takes every playbook that there is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.integration.harness import Lab, Run, layout
from tests.unit.playbooks.variables import PLAYBOOKS

MORE = {
    "leak_response": ("-e", "leak_credentials=django_key"),
    "leak_alert": ("-e", "leak_credentials=django_key"),
    "rotation_prepare": ("-e", "rotation_credentials=database"),
}
"""What a playbook needs to come to the look at its tags."""
TAGGED = {"provision", "verify"}
"""Playbooks whose parts have tags."""


@pytest.fixture
def shop(lab: Lab) -> Lab:
    lab.add_hosts()
    lab.seed(layout())
    lab.host_vars["web1"]["ssh_host_keys"] = []
    return lab


def refused(lab: Lab, playbook: Path, *arguments: str) -> str:
    """What is wrong with the end of such a run, or an empty text."""
    done = lab.run(*MORE.get(playbook.stem, ()), *arguments, playbook=playbook)
    if done.code == 0:
        return f"{playbook.stem} {arguments}: exit code 0\n{done.output}"
    if "Nothing was read: --" not in done.text:
        return f"{playbook.stem} {arguments}: not refused\n{done.output}"
    return ""


def each(lab: Lab, playbooks: list[Path], *arguments: str) -> list[str]:
    with ThreadPoolExecutor(4) as pool:
        return [name for name in pool.map(lambda playbook: refused(lab, playbook, *arguments), playbooks) if name]


def test_every_playbook_refuses_a_tag_that_it_does_not_have(shop: Lab) -> None:
    since = shop.moto.count()
    assert each(shop, list(PLAYBOOKS), "--tags", "no_such_tag") == []
    assert shop.moto.operations(since=since) == []


@pytest.mark.slow
def test_every_playbook_refuses_to_leave_its_tasks_out(shop: Lab) -> None:
    untagged = [playbook for playbook in PLAYBOOKS if playbook.stem not in TAGGED]
    since = shop.moto.count()
    assert each(shop, untagged, "--skip-tags", "untagged") == []
    assert shop.moto.operations(since=since) == []


def test_provision_takes_its_own_parts(shop: Lab) -> None:
    done: Run = shop.run("--tags", "values,vaules", playbook="playbooks/provision.yml")
    assert done.code != 0
    message = "--tags vaules matches no part of this run. Its parts are access, values, mirror, github, hosts"
    assert f"Nothing was read: {message}" in done.text, done.output
    assert done.operations == []


def test_provision_refuses_to_leave_every_part_out(shop: Lab) -> None:
    """Each of its parts has a tag, and so has the first look at the tags."""
    done: Run = shop.run("--skip-tags", "tagged", playbook="playbooks/provision.yml")
    assert done.code != 0, done.output
    assert "Nothing was read: --skip-tags tagged skips every part of this run" in done.text, done.output
    assert done.operations == []


def test_verify_refuses_to_leave_every_check_out(shop: Lab) -> None:
    done: Run = shop.run("--skip-tags", "always", playbook="playbooks/verify.yml")
    assert done.code != 0, done.output
    assert "Nothing was read: --skip-tags always skips every part of this run" in done.text, done.output


def test_verify_takes_areas_as_tags(shop: Lab) -> None:
    report = shop.directory / "report"
    arguments = ("--tags", "contacts,drift", "--skip-tags", "drift", "-e", f"verify_report_path={report}")
    done: Run = shop.run(*arguments, playbook="playbooks/verify.yml")
    assert "1 fail, 0 not checked, 1 pass" in done.text, done.output
    assert [path.name for path in sorted(report.iterdir())] == ["partial.html", "partial.json", "partial.sarif"]
