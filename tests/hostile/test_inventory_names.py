# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An inventory that sets every short name that a playbook takes from the command line: none of them acts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integration.harness import Lab, Run, layout
from tests.unit.playbooks.variables import read_from_the_command_line

HARMFUL: dict[str, Any] = {
    "leak_confirm": "yes",
    "set_deploy": True,
    "leak_credentials": "database",
    "leak_containment": "immediate",
    "import_values": True,
    "set_force": True,
    "verify_only": "WPS101",
    "rotation_credentials": "django_key",
    "set_names": "API_TOKEN",
    "leak_compromised_hosts": "web1",
}
"""The other names get the path of a folder that does not exist."""


@pytest.fixture
def hostile(lab: Lab) -> Lab:
    lab.add_hosts(2)
    lab.seed(layout())
    lab.moto.client("logs").create_log_group(logGroupName="/shop/audit")
    lab.catalog["credentials"] = {
        "django_key": {"kind": "django_secret_key", "appears_in": [{"setting": "SECRET_KEY"}]},
    }
    names = read_from_the_command_line()
    assert set(HARMFUL) <= names
    for host in lab.hosts:
        lab.host_vars[host.name].update({name: HARMFUL.get(name, "/of/the/inventory") for name in names})
    return lab


def stores(lab: Lab) -> dict[str, str]:
    """The version in force of each secret."""
    client = lab.moto.client("secretsmanager")
    names = [item["Name"] for item in client.list_secrets()["SecretList"]]
    return {name: client.get_secret_value(SecretId=name)["VersionId"] for name in names}


def run(lab: Lab, playbook: str, *arguments: str) -> Run:
    return lab.run(*(part for argument in arguments for part in ("-e", argument)), playbook=f"playbooks/{playbook}.yml")


def test_a_leak_response_is_not_confirmed(hostile: Lab) -> None:
    before = stores(hostile)
    done = run(
        hostile, "leak_response", "leak_credentials=django_key", f"leak_report_path={hostile.directory / 'reports'}"
    )
    assert done.code != 0
    assert "confirm on the command line: -e leak_confirm=yes" in done.text, done.output
    assert stores(hostile) == before
    assert not [*(hostile.directory / "reports").iterdir()]


def test_a_setting_is_set_and_not_deployed(hostile: Lab) -> None:
    value = hostile.directory / "value"
    value.touch(mode=0o600)
    value.write_text("a-new-licence\n", encoding="utf-8")
    done = run(hostile, "set", "set_names=LICENSE_TEXT", f"set_value_file={value}")
    assert done.code == 0, done.output
    assert "LICENSE_TEXT" in done.text
    assert not any(host.env_file.exists() for host in hostile.hosts)
    refused = run(hostile, "set", "set_names=SECRET_KEY", f"set_value_file={value}")
    assert refused.code != 0
    assert "rotation_credentials=django_key -e rotation_force=true, or" in refused.text, refused.output


def test_a_scan_and_a_verification_look_where_they_are_sent(hostile: Lab, tmp_path: Path) -> None:
    (tmp_path / "log").write_text("nothing here\n", encoding="utf-8")
    scanned = run(hostile, "scan", f"scan_paths={tmp_path / 'log'}")
    assert scanned.code == 0, scanned.output
    verified = run(hostile, "verify", f"verify_report_path={tmp_path / 'report'}")
    assert "WPS304" in verified.output, "verify_only=WPS101 of the inventory counted"
    assert "/of/the/inventory" not in scanned.output + verified.output


def test_an_impact_is_of_what_is_named(hostile: Lab) -> None:
    done = run(hostile, "impact", "leak_credentials=django_key")
    assert done.code == 0, done.output
    assert "django_key" in done.text
    assert "database" not in done.text


def test_an_import_needs_its_file_named(hostile: Lab) -> None:
    done = run(hostile, "import")
    assert done.code != 0
    assert "/of/the/inventory" not in done.output
