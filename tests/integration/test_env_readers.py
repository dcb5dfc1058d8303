# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalog names the programs that read the .env, once; every command goes by them."""

from __future__ import annotations

from tests.integration.harness import Lab, layout

KEY = "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n"
REMEDY = "set readers: [python_dotenv, shell, systemd, docker_compose] in the catalog"
VALIDATE, FETCH = "playbooks/validate.yml", "playbooks/fetch.yml"


def test_one_choice_of_readers(lab: Lab) -> None:
    """A key of several lines: refused by name before anything is sent, and delivered where its readers can read it."""
    (host,) = lab.add_hosts()
    lab.catalog["settings"]["LICENSE_TEXT"]["type"] = "pem"
    lab.seed(layout(token=lambda name: KEY if name == "LICENSE_TEXT" else f"{name.lower()}-value-" + "x" * 50))
    refused = lab.run(playbook=VALIDATE)
    assert refused.code != 0
    assert "LICENSE_TEXT: its value cannot be read back exactly by django_environ" in refused.text
    assert REMEDY in refused.text
    assert "Y2FuYXJ5" not in refused.output
    refused = lab.run("-e", "env_deploy_restart=false")
    assert refused.code != 0
    assert REMEDY in refused.text
    assert not host.env_file.exists()

    lab.catalog["environments"]["production"]["readers"] = ["python_dotenv", "shell", "systemd", "docker_compose"]
    path = lab.directory / "fetched.env"
    fetched = lab.run("-e", f"env_fetch_path={path}", playbook=FETCH)
    assert fetched.code == 0, fetched.output
    lab.deploy("-e", "env_deploy_restart=false")
    assert host.values()["LICENSE_TEXT"] == KEY
    valid = lab.run("-e", f"env_fetch_file={path}", playbook=VALIDATE)
    assert valid.code == 0, valid.output
    for run in (fetched, valid):
        assert "Y2FuYXJ5" not in run.output
