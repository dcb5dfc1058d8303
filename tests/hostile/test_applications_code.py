# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An application owns its virtual environment and its checkout. Neither runs as root, nor gets a password of others."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.integration.rotation_lab import RotationLab, rotation_lab, sentences

APPLICATION = 65534
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="files of several accounts need root; no application ran as root"),
]
SPY = """\
#!/bin/sh
id -u >> {log}
tee -a {log} | exec {python} "$@"
"""


@pytest.fixture(scope="module")
def lab(connection: Mapping[str, Any]) -> Iterator[RotationLab]:
    with rotation_lab(connection, hosts=1) as made:
        made.ready()
        yield made


@pytest.fixture
def spy(lab: RotationLab) -> Iterator[Path]:
    """The application's interpreter, which keeps what it is sent; the inventory becomes root for deploys."""
    place = lab.directory / "venv" / "bin" / "python"
    place.parent.mkdir(parents=True)
    log = place.with_name("log")
    log.touch()
    place.write_text(SPY.format(log=log, python=lab.host_vars["web1"]["rotation_python"]))
    place.chmod(0o755)
    for path in (place, log, place.parent, place.parent.parent):
        os.chown(path, APPLICATION, APPLICATION)
    kept = dict(lab.host_vars["web1"])
    lab.host_vars["web1"].update(rotation_python=str(place), ansible_become=True)
    yield log
    lab.host_vars["web1"] = kept
    for path in (place, log):
        path.unlink()
    place.parent.rmdir()
    place.parent.parent.rmdir()


@pytest.fixture
def checkout() -> Iterator[Path]:
    """A checkout with packages of its own, which write down the account that imports them."""
    with tempfile.TemporaryDirectory(dir="/opt", prefix="watchparty-secrets-test-") as made:
        package = Path(made, "django")
        package.mkdir()
        Path(made, "log").touch()
        (package / "__init__.py").write_text(f"import os\nopen('{made}/log', 'a').write(str(os.geteuid()))\n")
        for path in (Path(made), Path(made, "log"), package, package / "__init__.py"):
            os.chown(path, APPLICATION, APPLICATION)
        yield Path(made)


def test_its_interpreter_gets_no_administrators_password(lab: RotationLab, spy: Path) -> None:
    run = lab.rotate("-e", "rotation_credentials=database,cache", "-e", "rotation_force=true", "--check")
    assert run.code != 0
    assert spy.read_text() == ""
    sentences(run, f"{spy.parent.parent}: Another account may change it")
    sentences(run, "Set rotation_python to an interpreter that belongs to root")


ENDING = """
- hosts: app_hosts
  gather_facts: false
  tasks:
    - watchparty.secrets.django_sessions:
        chdir: {checkout}
        settings_module: settings
        python: {python}
      vars: {variables}
      become: false
"""
ACCOUNT = """
        ansible_become: "{{ (hostvars[inventory_hostname] | watchparty.secrets.application_account).become }}"
        ansible_become_user: "{{ (hostvars[inventory_hostname] | watchparty.secrets.application_account).user }}"
"""


@pytest.mark.parametrize(
    ("variables", "account"), [("{}", ""), (ACCOUNT, str(APPLICATION))], ids=["root", "its account"]
)
def test_its_code_does_not_run_as_root(lab: RotationLab, checkout: Path, variables: str, account: str) -> None:
    """Its code is imported where sessions are ended; a keyword loses against the inventory's ansible_become."""
    kept = dict(lab.host_vars["web1"])
    lab.host_vars["web1"].update(ansible_become=True, env_deploy_owner="nobody")
    del lab.host_vars["web1"]["django_become_user"]
    playbook = checkout / "ending.yml"
    playbook.write_text(ENDING.format(checkout=checkout, python="/usr/bin/python3", variables=variables))
    places = {"ANSIBLE_COLLECTIONS_PATH": str(lab.root / "playbooks" / "collections")}
    try:
        run = lab.run(playbook=playbook, environment=places)
    finally:
        lab.host_vars["web1"] = kept
    assert run.code != 0, "its Django does nothing"
    assert (checkout / "log").read_text() == account
    if variables == "{}":
        sentences(run, "the application's own code would run as root. Set django_become_user")
