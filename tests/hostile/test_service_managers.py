# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An application owns what its manager of services reads, runs or answers. Nothing of that gets root's rights."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers import (
    registry,
    supervisor_config,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.interface import ServiceManager

APPLICATION = 65534
SV = """\
#!/bin/sh
# As sv does: the service's own check runs, and a letter goes to its control file.
for service in "$@"; do :; done
cd "$service" || exit 1
[ ! -x check ] || ./check
printf t > supervise/control || { echo "fail: $service: no control"; exit 1; }
"""
SPY = "#!/bin/sh\nid -u >> {log}\n"
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="files of several accounts need root")


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="watchparty-secrets-test-", dir="/opt"))
    made.chmod(0o755)
    (made / "log").touch()
    (made / "log").chmod(0o666)
    yield made
    shutil.rmtree(made)


def put(path: Path, text: str = "", uid: int = APPLICATION) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    os.chown(path, uid, uid)
    return str(path)


def manager(name: str, **declared: Any) -> ServiceManager:
    return registry.managers([], [{"service": "web", "manager": name, "units": ["web"], **declared}])[0]


def ran_as(folder: Path) -> set[str]:
    return set((folder / "log").read_text().split())


@pytest.mark.parametrize("name", ["compose.yaml", ".env"])
def test_a_compose_file_of_the_application(folder: Path, name: str) -> None:
    """Root's compose would start its containers with any right. In .env, COMPOSE_FILE names another compose file."""
    for file in ("compose.yaml", ".env"):
        put(folder / file, uid=APPLICATION if file == name else 0)
    program = put(folder / "docker", SPY.format(log=folder / "log"), 0)
    manager("compose", file=str(folder / "compose.yaml"), program=program).restart(20)
    assert ran_as(folder) == {str(APPLICATION)}


def test_a_manager_in_the_applications_environment(folder: Path) -> None:
    program = put(folder / "venv" / "bin" / "supervisorctl", SPY.format(log=folder / "log"))
    file = put(folder / "supervisord.conf", uid=0)
    manager("supervisor", file=file, program=program).restart(20)
    assert ran_as(folder) == {str(APPLICATION)}


def test_a_configuration_of_the_application(folder: Path) -> None:
    """Its section ctlplugin names code that supervisorctl imports."""
    program = put(folder / "supervisorctl", SPY.format(log=folder / "log"), 0)
    manager("supervisor", file=put(folder / "own" / "supervisord.conf"), program=program).restart(20)
    assert ran_as(folder) == {str(APPLICATION)}


def test_a_pipe_in_the_configuration(folder: Path) -> None:
    """Nothing waits for it, and a directory of many files is not read."""
    os.mkfifo(folder / "pipe.conf")
    for name, problem in (("pipe.conf", "is not a regular file"), ("many/*", "includes more than 200 files")):
        (folder / "many").mkdir(exist_ok=True)
        for number in range(201):
            (folder / "many" / f"{number}").touch()
        file = put(folder / "supervisord.conf", f"[include]\nfiles = {name}\n")
        with pytest.raises(HostError, match=problem):
            supervisor_config.sections(file)


@pytest.fixture
def service(folder: Path) -> Path:
    """A service of runit whose control directory is the application's."""
    place = folder / "services" / "web"
    for name in ("ok", "control", "status"):
        put(place / "supervise" / name)
    os.chown(place / "supervise", APPLICATION, APPLICATION)
    put(folder / "sv", SV, 0)
    return place


def runit(folder: Path) -> ServiceManager:
    return manager("runit", directory=str(folder / "services"), program=str(folder / "sv"))


def test_a_control_file_that_leads_to_a_file_of_roots(folder: Path, service: Path) -> None:
    target = Path(put(folder / "roots", "kept", 0))
    (service / "supervise" / "control").unlink()
    (service / "supervise" / "control").symlink_to(target)
    with pytest.raises(HostError, match="web could not be restarted: fail: "):
        runit(folder).restart(2)
    assert target.read_text() == "kept"


def test_a_check_of_the_application(folder: Path, service: Path) -> None:
    put(service / "check", SPY.format(log=folder / "log"))
    runit(folder).stop(2)
    assert ran_as(folder) == {str(APPLICATION)}


def test_a_service_that_other_accounts_may_change(folder: Path, service: Path) -> None:
    (service / "supervise").chmod(0o777)
    with pytest.raises(HostError, match=r"other accounts may write to .*/supervise \(mode 0777\)"):
        runit(folder).restart(2)


@pytest.mark.parametrize(("pid", "is_up"), [("1", True), ("0", True), ("999999999", False)])
def test_a_process_of_another_account(folder: Path, service: Path, pid: str, is_up: bool) -> None:
    """Its environment would be compared, and it would pass for the application's own."""
    put(folder / "sv", f"#!/bin/sh\necho 'run: web: (pid {pid}) 3s'\n", 0)
    (state,) = runit(folder).states()
    assert (state.is_up, state.pid, state.began) == (is_up, 0, None)


@pytest.mark.parametrize(
    "script",
    [
        "while :; do printf 'canary canary canary'; done",
        "sleep 600 & sleep 600",
        "(setsid sleep 120; echo late) & exit 1",
        r"printf 'fail: \033[2J\033]0;canary\007\342\200\256 name\n'; exit 1",
    ],
    ids=["endless", "silent", "holds the output", "escapes"],
)
def test_what_it_answers_is_bounded_and_printable(folder: Path, service: Path, script: str) -> None:
    put(folder / "sv", f"#!/bin/sh\n{script}\n", 0)
    began, made = time.monotonic(), runit(folder)
    made.seconds = 1
    for act in (made.states, lambda: made.stop(1)):
        with pytest.raises(HostError) as raised:
            act()
        assert str(raised.value).isprintable()
        assert len(str(raised.value)) < 400
    assert time.monotonic() - began < 60


def test_a_command_that_names_a_file_of_the_application(folder: Path) -> None:
    script = put(folder / "restart", SPY.format(log=folder / "log"))
    for restart in ([script], ["sh", script]):
        manager("command", restart=restart).restart(20)
    assert ran_as(folder) == {str(APPLICATION)}


def test_a_file_that_the_application_makes_between_the_check_and_the_run(folder: Path) -> None:
    put(folder / "own" / "other")
    os.chown(folder / "own", APPLICATION, APPLICATION)
    for path in ("own/restart", "own/none/restart"):
        made = manager("command", restart=["sh", f"{folder}/{path}"])
        assert made.account.uid == APPLICATION


def test_a_file_of_the_application_inside_a_word(folder: Path) -> None:
    script = put(folder / "restart", SPY.format(log=folder / "log"))
    for restart in (["env", f"X={script}", script], ["sh", "-c", f"{script}; true"], ["true", f"--file={script}"]):
        assert manager("command", restart=restart).account.uid == APPLICATION


def test_a_pid_file_of_the_application_names_only_its_own_process(folder: Path) -> None:
    """Else another account's environment would be compared."""
    file = put(folder / "pid", str(os.getpid()))
    (state,) = manager("command", restart=["true"], pid_file=file).states()
    assert (state.is_up, state.pid, state.began) == (False, 0, None)


def test_a_service_that_ignores_the_request_to_stop(folder: Path, service: Path) -> None:
    put(folder / "sv", f"#!/bin/sh\necho $3 >> {folder}/log\n[ $3 = stop ]\n", 0)
    runit(folder).stop(2)
    assert ran_as(folder) == {"force-stop", "stop"}


def test_the_applications_path_and_environment_are_not_roots(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(folder / "true", SPY.format(log=folder / "log"))
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    manager("command", restart=["true"]).restart(20)
    assert ran_as(folder) == set()
