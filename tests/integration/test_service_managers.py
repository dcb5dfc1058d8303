# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""supervisor, runit and docker compose as they are: restart, stop, state, and whose rights they get."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import accounts
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import managed_facts, unit_facts
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers import supervisor_config
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.interface import (
    ServiceManager,
    State,
)
from tests.integration import docker_engine
from tests.integration.harness import SERVICE, Lab, layout
from tests.integration.service_manager_lab import (
    MANAGERS,
    SLEEP,
    SUPERVISOR,
    call,
    declare,
    docker,
    manager,
    only,
    runit,
    supervisor,
)

APPLICATION = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="files of several accounts need root")
NOT_TWO = "test $GENERATION != 2"


@pytest.fixture
def folder() -> Iterator[Path]:
    made = tempfile.mkdtemp(prefix="watchparty-secrets-test-", dir="/opt" if os.geteuid() == 0 else None)
    os.chmod(made, 0o755)
    yield Path(made)
    shutil.rmtree(made)


@pytest.fixture(scope="module", autouse=True)
def engine_ends() -> Iterator[None]:
    yield
    docker_engine.stop()


@pytest.mark.parametrize("start", MANAGERS)
def test_restart_and_stop(folder: Path, start: Any) -> None:
    with start(folder) as made:
        (folder / ".env").write_text("KEY=one\n")
        made.restart(20)
        before = only(made.states())
        assert (before.unit, before.is_up) == ("web", True)
        asked = time.time()
        made.restart(20)
        after = only(made.states())
        assert after.is_up
        assert after.began is not None
        assert after.began > asked - 0.05
        made.stop(20)
        assert not only(made.states()).is_up
        made.restart(20)
        assert only(made.states()).is_up


@as_root
@pytest.mark.parametrize("start", MANAGERS)
def test_what_an_application_may_change_runs_as_the_application(folder: Path, start: Any) -> None:
    with start(folder, APPLICATION) as made:
        assert made.account.uid == APPLICATION
        (folder / ".env").write_text("KEY=one\n")
        made.restart(20)
        assert only(made.states()).is_up


def rows(made: ServiceManager) -> list[dict[str, Any]]:
    """What a verification sees, with values in place of fingerprints."""
    known = unit_facts.Known(["SECRET_*"], lambda _name, value: value, "/nonexistent/.env")
    rows, problems = managed_facts.units([made.declared], known, None)
    assert problems == []
    return rows


def test_a_program_of_supervisor_that_the_host_does_not_start(folder: Path) -> None:
    with supervisor(folder) as made:
        (row,) = rows(made)
        assert (row["starts"], row["enabled"]) == (False, "its autostart is false")
        (folder / "conf.d").mkdir()
        (folder / "conf.d" / "web.conf").write_text(
            "[program:web]\ncommand = sleep 600\nautostart = true ; a comment\n"
            "environment = SECRET_KEY=\"a,b%%\",OTHER='x',SECRET_HOME=%(ENV_HOME)s\n"
            "[group:shop]\nprograms = worker\n[program:worker]\ncommand = sleep 600\nenvironment = SECRET_KEY=c\n"
        )
        file = folder / "supervisord.conf"
        (folder / "conf.d" / "link.conf").symlink_to(folder / "conf.d" / "web.conf")
        everywhere = (
            "[include]\nfiles = conf.d/web.conf %(here)s/conf.d/l*.conf\n[supervisord]\nenvironment = SECRET_ALL=d\n"
        )
        file.write_text(file.read_text().replace("[supervisord]\n", everywhere))
        made.required([made.declared["program"], "-c", str(file), "update"], 20, "update")
        all_units = type(made)({**made.declared, "units": ["web", "shop:worker"]})
        all_units.restart(20)
        web, worker = rows(all_units)
        assert (web["starts"], web["enabled"], worker["starts"]) == (True, "", True)
        files = {entry["path"]: entry["values"] for entry in web["files"]}
        own = {"SECRET_KEY": "a,b%"}
        assert files == {f"{folder}/conf.d/{name}": own for name in ("link.conf", "web.conf")} | {
            str(file): {"SECRET_ALL": "d"}
        }
        assert {"SECRET_KEY": "c"} in [entry["values"] for entry in worker["files"]]
        assert web["held"]["SECRET_KEY"] == ["a,b%"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [("[program:web\n", "is not valid"), ("[program:web]\nenvironment = A='\n", "has no valid list")],
)
def test_a_configuration_of_supervisor_that_cannot_be_parsed(folder: Path, content: str, problem: str) -> None:
    with supervisor(folder) as made:
        Path(made.declared["file"]).write_text(content)
        with pytest.raises(HostError, match=problem):
            supervisor_config.environments(supervisor_config.sections(made.declared["file"]), "web")


def test_a_service_of_runit_that_the_host_does_not_start(folder: Path) -> None:
    with runit(folder) as made:
        (row,) = rows(made)
        assert (row["starts"], row["enabled"]) == (True, "")
        (folder / "web" / "down").touch()
        (folder / "web" / "env").mkdir()
        (folder / "web" / "env" / "SECRET_KEY").write_text("from-env \nmore\n")
        (folder / "web" / "run").write_text(
            "#!/bin/sh\nexport SECRET_TOKEN='from run' PATH=/bin # SECRET_NOT=x\nSECRET_SHELL=$(cat x)\nexec true\n"
        )
        (row,) = rows(made)
        assert (row["starts"], row["enabled"]) == (False, f"{folder}/web/down exists")
        assert {entry["path"]: entry["values"] for entry in row["files"]} == {
            f"{folder}/web/run": {"SECRET_TOKEN": "from run"},
            f"{folder}/web/env": {"SECRET_KEY": "from-env"},
        }


def test_a_container_that_the_host_does_not_start(folder: Path) -> None:
    with docker(folder) as made:
        (folder / ".env").write_text("SECRET_KEY=one\n")
        made.restart(20)
        (row,) = rows(made)
        assert (row["starts"], row["enabled"]) == (False, "its restart policy is no")
        assert row["held"] == {"SECRET_KEY": ["one"]}
        environment = {"SECRET_KEY": "two=2"}
        web = docker_engine.service(SLEEP, restart="unless-stopped", environment=environment)
        declare(Path(made.declared["file"]), web)
        made.restart(20)
        (row,) = rows(made)
        assert (row["starts"], row["enabled"], row["held"]) == (True, "", {"SECRET_KEY": ["two=2"]})


@pytest.mark.parametrize("start", MANAGERS)
def test_a_unit_that_the_manager_does_not_know(folder: Path, start: Any) -> None:
    with start(folder) as made:
        unknown = type(made)({**made.declared, "units": ["none"]})
        with pytest.raises(HostError):
            unknown.restart(5)


def test_a_program_of_supervisor_that_does_not_start(folder: Path) -> None:
    with supervisor(folder) as made:
        broken = type(made)({**made.declared, "units": ["broken"]})
        with pytest.raises(HostError) as caught:
            broken.restart(20)
        message, _, command = str(caught.value).partition(". Its log: ")
        assert message == "broken could not be restarted: broken: ERROR (spawn error)"
        assert subprocess.run(shlex.split(command), capture_output=True, check=False).returncode == 0
        assert only(broken.states())[:3] == ("broken", False, "FATAL")
        several = type(made)({**made.declared, "units": ["web", "none"]})
        assert [(state.unit, state.exists) for state in several.states()] == [("web", True), ("none", False)]


def test_a_supervisor_that_does_not_run(folder: Path) -> None:
    (folder / "supervisord.conf").write_text(SUPERVISOR.format(folder=folder, command="true"))
    program = str(Path(sys.executable).with_name("supervisorctl"))
    made = manager(manager="supervisor", file=f"{folder}/supervisord.conf", program=program)
    for act in (made.states, lambda: made.restart(5)):
        with pytest.raises(HostError, match=r"supervisor|web could not be restarted: unix://.*no such file"):
            act()


def test_a_container_gets_the_new_file_and_is_asked_inside(folder: Path) -> None:
    with docker(folder) as started:
        made = type(started)({**started.declared, "health_command": ["sh", "-c", "test $KEY = two"]})
        (folder / ".env").write_text("KEY=one\n")
        made.restart(20)
        (folder / ".env").write_text("KEY=two\n")
        problem = made.health_problem("/", 20)
        assert problem == "services.web.health_command: exit code 1; its output is not shown"
        made.restart(20)
        assert made.health_problem("/", 20) == ""


def test_a_container_of_another_command(folder: Path) -> None:
    """``docker compose run`` leaves a container of the same service."""
    with docker(folder) as made:
        (folder / ".env").touch()
        made.restart(20)
        call([*made._compose(), "run", "web", "true"])
        assert only(made.states()).is_up
        assert len(rows(made)) == 1


def test_a_container_whose_program_ends_or_is_missing(folder: Path) -> None:
    with docker(folder) as made:
        (folder / ".env").touch()
        declare(Path(made.declared["file"]), docker_engine.service(["false"], restart="always"))
        made.restart(20)
        time.sleep(0.5)
        assert not only(made.states()).is_up
        declare(Path(made.declared["file"]), docker_engine.service(["/none"]))
        with pytest.raises(HostError, match="docker compose up: exit code 1; its output is not shown"):
            made.restart(20)
        assert only(made.states())[:3] == ("web", False, "created")


def test_a_container_that_was_not_created(folder: Path) -> None:
    with docker(folder) as made:
        (folder / ".env").touch()
        assert only(made.states()) == State("web", is_up=False, text="not created", exists=False)


def test_the_account_of_root_files(folder: Path) -> None:
    with docker(folder) as made:
        assert made.account == accounts.named(str(os.geteuid()))


LOOK_AND_STOP = """
- hosts: app_hosts
  gather_facts: false
  vars:
    ansible_pipelining: true
    its: "{{ env_snapshot.services | watchparty.secrets.deploy_services(env_deploy_services) }}"
  tasks:
    - watchparty.secrets.env_snapshot: {catalog: "{{ secrets_catalog }}", environment: production}
      register: env_snapshot
      run_once: true
    - watchparty.secrets.host_check:
        path: "{{ env_deploy_path }}"
        managed: "{{ its.services.managed }}"
      register: looked
    - ansible.builtin.assert:
        that:
          - (looked.units | length, looked.units[0].is_up, looked.units[0].old) == (1, true, false)
          - looked.health_commands | rejectattr('problem', 'eq', '') | length == 0
    - ansible.builtin.import_role: {name: watchparty.secrets.env_deploy, tasks_from: stop.yml}
"""


def test_a_deploy_its_rollback_and_a_stop(lab: Lab) -> None:
    """With a supervisor on one host and compose on the other. Neither is healthy on the second file."""
    hosts = lab.add_hosts(2, env_deploy_health_retries=20, env_deploy_health_delay=0.2)
    for host in hosts:
        del lab.host_vars[host.name]["env_deploy_restart_command"]
        lab.host_vars[host.name]["env_deploy_services"] = [host.name]
    first, second = ([sys.executable, "-IS", str(SERVICE), "run", str(host.directory)] for host in hosts)
    with supervisor(hosts[0].directory, command=first) as one, docker(hosts[1].directory, command=second) as two:
        declared = {"web1": dict(one.declared), "web2": {**two.declared, "health_command": ["sh", "-c", NOT_TWO]}}
        for service in declared.values():
            del service["service"]
        lab.catalog["services"] = declared
        lab.seed()
        lab.deploy()
        hosts[0].behaves(g2="500")
        lab.seed(layout("2"))
        run = lab.run("-e", "env_deploy_serial=100%")
        assert run.code != 0
        for name, problem in (("web1", "HTTP 500"), ("web2", "services.web2.health_command: exit code 1")):
            assert re.search(rf"{name}: .{{,99}}{problem}.{{,99}}; the last healthy .env was restored", run.text)
        assert "value-of-generation" not in run.output
        for host in hosts:
            host.assert_healthy("1")
            assert host.restarts == 3
        hosts[0].behaves()
        declared["web2"]["health_command"] = ["true"]
        lab.deploy("-e", "env_deploy_serial=100%")
        for host in hosts:
            host.assert_healthy("2")
        (lab.directory / "stop.yml").write_text(LOOK_AND_STOP)
        run = lab.run(playbook=lab.directory / "stop.yml")
        assert run.code == 0, run.output
        assert [host.healthy() for host in hosts] == [False, False]
