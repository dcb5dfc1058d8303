# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mistakes on a host, each with the check that finds it: how it is planted, and in which of its kind."""

from __future__ import annotations

import errno
import json
import os
import shlex
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host import processes, safe_files
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import (
    host_copies,
    journal_search,
    unit_facts,
)
from tests import planted
from tests.unit.plugins.modules.host_world import PASSWORD, SECRET_KEY, VALUES, HostWorld
from tests.unit.plugins.modules.planted_mistakes import (
    BELOW,
    CONTAINERS,
    COPY,
    COPY_ELSEWHERE,
    ELSEWHERE,
    FILE,
    FILE_MISTAKES,
    FILES,
    NAMES,
    OLD,
    OLDER,
    UNITS,
    Plant,
    is_found,
)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="root's files; not tested here: owners and access lists")


# --- copies: each container in each place -----------------------------------------------------------------------------


@planted.mistakes(COPY, planted.FOLDER, checks="WPS205", by="how")
@pytest.mark.parametrize("place", BELOW)
@pytest.mark.parametrize("how", CONTAINERS)
def test_a_copy_below_the_file(world: HostWorld, how: str, place: str) -> None:
    path = world.write(world.app / place, CONTAINERS[how])
    found = world.judged()
    assert list(found) == ["WPS205"]
    assert found["WPS205"][0].startswith(f"{path} (mode 0644) holds ")
    if place == BELOW[0]:
        assert world.mended() == {"WPS205"}


@planted.mistakes(COPY_ELSEWHERE, planted.FOLDER, checks="WPS208")
@pytest.mark.parametrize("place", ELSEWHERE)
def test_a_copy_where_copies_usually_are(world: HostWorld, place: str) -> None:
    content = CONTAINERS["tar.gz"] if place.endswith(".gz") else b"# x\n" + FILE.encode()
    path = world.write(place, content)
    found = world.judged()
    assert list(found) == ["WPS208"]
    assert found["WPS208"] == [f"{path} (mode 0644) holds DATABASE_PASSWORD, SECRET_KEY"]
    if place == ELSEWHERE[0]:
        assert world.mended() == {"WPS208"}


def test_a_copy_that_is_older_than_many_files_beside_it(world: HostWorld) -> None:
    os.utime(world.write("tmp/old", FILE), (1, 1))
    for number in range(60):
        world.write(f"tmp/{number}", "x")
    assert list(world.judged()) == ["WPS208"]


def test_a_search_without_root(world: HostWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files, folders and processes that the account may not read; what has ended meanwhile is not one."""
    refused = [world.write(f"var/backups/{name}", "x") for name in "abcde"]
    folder, gone = world.root / "home/ann", world.write("tmp/gone", "x")
    is_opened, is_listed = safe_files.opened, os.scandir

    def opened(at: safe_files.OpenPath) -> int:
        if Path(at.path) in refused:
            raise safe_files.NotReadable("x: cannot be read")
        if at.path == str(gone):
            raise FileNotFoundError(errno.ENOENT, "x")
        return is_opened(at)

    def scandir(path: Any) -> Any:
        if path == str(folder):
            raise PermissionError(errno.EACCES, "x")
        return is_listed(path)

    monkeypatch.setattr(safe_files, "opened", opened)
    monkeypatch.setattr(host_copies.os, "scandir", scandir)
    monkeypatch.setattr(processes, "hides_environment", lambda pid: pid == 7)
    world.processes[7] = {"words": "postgres", "user": "postgres"}
    found = world.judged()
    names = ", ".join(map(str, refused[:3]))
    assert found["WPS209"] == ["environment of process 7 (postgres): cannot be read"]
    assert found["WPS208"] in (
        [f"{names} and 3 more: cannot be read"],
        [f"{folder}, {refused[0]}, {refused[1]} and 3 more: cannot be read"],
    )
    monkeypatch.setattr(processes, "are_hidden", lambda: True)
    assert "processes of other accounts (hidepid)" in world.judged()["WPS209"][0]


@planted.mistakes(OLDER, planted.FOLDER, checks="WPS205")
@pytest.mark.parametrize("name", [*NAMES, "sub/.env", "sub/.env.old"])
def test_an_older_file(world: HostWorld, name: str) -> None:
    world.write(world.app / name, OLD)
    assert list(world.judged()) == ["WPS205"]


# --- one table for the rest -------------------------------------------------------------------------------------------


def unit(**over: str) -> Plant:
    def plant(world: HostWorld) -> None:
        world.unit.update(over)
        if over.get("MainPID") == "0":
            world.processes.clear()

    return plant


def process(**over: Any) -> Plant:
    return lambda world: world.processes[4242].update(over)


def other_file(content: str, *, ignores: str = "no") -> Plant:
    def plant(world: HostWorld) -> None:
        path = world.write("srv/other.env", content, mode=0o600)
        world.unit["EnvironmentFiles"] += f"\n{path} (ignore_errors={ignores})"

    return plant


def shown(pid: int, **over: Any) -> Plant:
    return lambda world: world.processes.update({pid: over})


def touched_back(world: HostWorld) -> None:
    """The same content as the stores', brought by ``rsync -t`` over another deploy's; the process is older."""
    world.text = world.text.replace(atomic_file.HEADER, "another header")
    world.env.write_text(world.text)
    os.utime(world.env, (1, 1))
    world.processes[4242]["began"] = time.time() - 600


def logged(text: str) -> Plant:
    return lambda world: world.journal.write_text(text)


def piped(world: HostWorld) -> None:
    os.mkfifo(world.root / "srv" / "pipe")
    world.unit["EnvironmentFiles"] += f"\n{world.root}/srv/pipe (ignore_errors=no)"


def worker(tree: str = "") -> Plant:
    def plant(world: HostWorld) -> None:
        world.write(f"cgroup{tree}/system.slice/shop.service/cgroup.procs", "4242\n4243\n")
        world.unit["ControlGroup"] = "/system.slice/shop.service"
        world.processes[4243] = {"environment": {**VALUES, "SECRET_KEY": "former"}, "words": "gunicorn: worker"}

    return plant


OTHER_FILES: dict[str, tuple[str, Plant]] = {
    "reads another file with previous values": ("WPS307", other_file(OLD)),
    "reads a second copy": ("WPS307 WPS208", other_file(f"SECRET_KEY='{SECRET_KEY}'\n")),
    "reads a file with another port": ("WPS307", other_file("PORT=9000\n", ignores="yes")),
}
MISTAKES: list[tuple[str, str, Plant]] = [
    # the unit
    ("masked", "WPS306", unit(LoadState="masked", UnitFileState="masked", MainPID="0", ActiveState="inactive")),
    ("gone", "WPS306", unit(LoadState="not-found", UnitFileState="", MainPID="0", ActiveState="inactive")),
    ("malformed", "WPS306", unit(LoadState="bad-setting", MainPID="0", ActiveState="inactive")),
    ("cannot be loaded", "WPS306", unit(LoadState="error", MainPID="0", ActiveState="inactive")),
    ("failed", "WPS306", unit(ActiveState="failed", SubState="failed", MainPID="0")),
    ("stopped", "WPS306", unit(ActiveState="inactive", SubState="dead", MainPID="0")),
    ("starts again and again", "WPS306", unit(ActiveState="activating", SubState="auto-restart", MainPID="0")),
    ("a job that failed", "WPS306", unit(Type="oneshot", ActiveState="inactive", Result="exit-code", MainPID="0")),
    *((f"at boot: {how}", "WPS306", unit(UnitFileState=how, WantedBy=""))
      for how in ("disabled", "linked", "static", "enabled-runtime", "masked-runtime", "indirect")),
    ("runs as root", "WPS202 WPS207", lambda world: (unit(User="")(world), process(user="root")(world))),
    ("runs as root although User= says otherwise", "WPS202 WPS207", process(user="root")),
    ("a drop-in with a previous key", "WPS307", unit(Environment="SECRET_KEY=old")),
    ("a drop-in with a previous key in quotes", "WPS307", unit(Environment='"SECRET_KEY=old key" LANG=C')),
    ("a drop-in with the present key", "WPS307", unit(Environment=f"SECRET_KEY={SECRET_KEY}")),
    ("a drop-in with another port", "WPS307", unit(Environment="PORT=9000")),
    *((name, checks, plant) for name, (checks, plant) in OTHER_FILES.items()),
    ("reads a file that is not there", "WPS307", unit(EnvironmentFiles="/nonexistent/env (ignore_errors=no)")),
    ("reads a file that cannot be parsed", "WPS307", other_file("PORT='x\n")),
    ("reads only another file", "WPS307",
     lambda world: (unit(EnvironmentFiles="")(world), other_file(OLD)(world))),
    # what runs
    ("runs with a previous key", "WPS303", process(environment={**VALUES, "SECRET_KEY": "former"})),
    ("runs with another port", "WPS303", process(environment={**VALUES, "PORT": "1"})),
    ("a worker runs with a previous key", "WPS303", worker()),
    *((f"a worker runs with a previous key below {tree}", "WPS303", worker(tree)) for tree in ("/unified", "/systemd")),
    ("is older than the deploy", "WPS303", process(began=time.time() - 600)),
    ("rsync -t over it", "WPS301 WPS303", touched_back),
    ("a value in its own arguments", "WPS209", process(words=f"gunicorn --key {SECRET_KEY}")),
    ("a value in another's arguments", "WPS209", shown(7, words=f"psql --password {PASSWORD}")),
    ("a value in a URL in arguments", "WPS209", shown(7, words=f"psql postgresql://a:{quote(PASSWORD, safe='')}@db")),
    ("a value in another's environment", "WPS209",
     shown(7, environment={"PGPASSWORD": PASSWORD}, words="cron", user="eve")),
    # the journal
    ("a value in the journal", "WPS210", logged(f"login with {PASSWORD}\n")),
    ("a value in a long journal", "WPS210", logged("x" * 3000000 + SECRET_KEY + "y" * 90)),
    ("a value in JSON in the journal", "WPS210", logged(json.dumps({"dsn": f"postgresql://{quote(PASSWORD)}@db"}))),
    ("journalctl fails", "WPS210", lambda world: world.program("journalctl", "exit 1")),
    ("systemd has not read a change", "WPS307", unit(NeedDaemonReload="yes")),
    ("reads a pipe", "WPS307", piped),
    ("wanted by nothing", "WPS306", unit(WantedBy="")),
]  # fmt: skip


@planted.mistakes(FILES, planted.FOLDER)
@pytest.mark.parametrize(("checks", "plant"), [row[1:] for row in FILE_MISTAKES], ids=[row[0] for row in FILE_MISTAKES])
def test_a_mistake_in_files(world: HostWorld, monkeypatch: pytest.MonkeyPatch, checks: str, plant: Plant) -> None:
    monkeypatch.chdir(world.root)
    plant(world)
    found = world.judged()
    assert is_found(checks, found), found
    assert world.mended() >= {*checks.split()} & {"WPS203"}


@planted.mistakes(UNITS, planted.FOLDER)
@pytest.mark.parametrize(("checks", "plant"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES])
def test_a_mistake_in_units_and_processes(world: HostWorld, checks: str, plant: Plant) -> None:
    plant(world)
    found = world.judged()
    assert is_found(checks, found), found


@pytest.mark.parametrize("plant", [plant for checks, plant in OTHER_FILES.values() if checks == "WPS307"])
def test_settings_of_another_file_are_removed_by_the_command(world: HostWorld, plant: Plant) -> None:
    plant(world)
    path = world.root / "srv/other.env"
    path.write_text("PORTS=1\n" + path.read_text())
    assert "WPS307" in world.mended()
    assert path.read_text() == "PORTS=1\n"


def test_a_setting_of_the_unit_is_removed_by_the_command(world: HostWorld) -> None:
    drop_in = world.write("etc/systemd/system/shop.service.d/x.conf", "[Service]\nEnvironment=LANG=C\n")
    drop_in.write_text(drop_in.read_text() + 'Environment="SECRET_KEY=old key"\nEnvironment=PORT=9000\n')
    world.unit["Environment"] = '"SECRET_KEY=old key" PORT=9000 LANG=C'
    (command,) = world.commands("WPS307")
    world.program("systemctl", f"echo $* >> {world.root}/asked; [ $1 != show ] || echo {drop_in}")
    subprocess.run(["/bin/sh", "-c", shlex.split(command)[-1]], check=True)
    assert drop_in.read_text() == "[Service]\nEnvironment=LANG=C\n"
    asked = (world.root / "asked").read_text().splitlines()
    assert asked[-2:] == ["daemon-reload", "restart -- shop.service"]


def test_a_service_of_root_gets_the_files_owner_by_the_command(world: HostWorld) -> None:
    unit(User="root")(world)
    (command,) = world.commands("WPS207")
    line = shlex.split(command)[-1].replace("/etc/", f"{world.root}/etc/")
    world.program("systemctl", "true")
    subprocess.run(["/bin/sh", "-c", line], check=True)
    assert (world.root / "etc/systemd/system/shop.service.d/user.conf").read_text() == "[Service]\nUser=nobody\n"


def test_systemd_does_not_answer(world: HostWorld) -> None:
    world.systemctl_code = 1
    found = world.judged()
    assert set(found) == {"WPS202", "WPS207", "WPS303", "WPS306", "WPS307"}, found
    assert found["WPS306"] == [
        "systemctl failed with exit code 1; run systemctl on the host, and check that systemd is its init"
    ]


@pytest.mark.parametrize(("script", "checks"), [("exec yes x", []), ("exec sleep 60", ["WPS210"])])
def test_a_journal_without_end(
    world: HostWorld, monkeypatch: pytest.MonkeyPatch, script: str, checks: list[str]
) -> None:
    monkeypatch.setattr(journal_search, "SECONDS", 1)
    world.program("journalctl", script)
    assert list(world.judged()) == checks


def test_an_accounts_systemd_that_answers_without_end(world: HostWorld) -> None:
    """Root asks it where the host's own knows none of the units."""
    world.unit["LoadState"] = "not-found"
    world.program("setpriv", "exec yes LoadState=loaded")
    assert world.judged()["WPS306"] == ["shop.service is not installed"]


def test_processes_whose_memory_is_held_up(world: HostWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe in their place: the unit's own environment, and another's arguments. The rest is looked at."""
    os.mkfifo(world.root / "pipe")
    world.processes[4343] = {"words": f"psql {PASSWORD}", "user": "ann"}

    def waits(wanted: int, name: str, pid: int, other: Any) -> Any:
        return (world.root / "pipe").read_bytes() if pid == wanted else world.processes[pid].get(name, other)

    monkeypatch.setattr(processes, "SECONDS", 0.3)
    monkeypatch.setattr(processes, "environment", lambda pid, _largest: waits(4242, "environment", pid, {}))
    monkeypatch.setattr(processes, "words", lambda pid: str(waits(4141, "words", pid, "x")).encode())
    world.processes[4141] = {}
    assert world.judged() == {
        "WPS209": ["process 4343 (psql) has DATABASE_PASSWORD in its arguments"],
        "WPS303": ["shop.service: the kernel did not show the environment of process 4242"],
    }
    del world.processes[4343]
    assert world.judged()["WPS209"] == [host_copies.SILENT % (4141, 4141)]
    os.close(os.open(world.root / "pipe", os.O_RDWR))  # ends all that wait, and waits for none of them


def test_a_unit_of_an_account_that_does_not_linger(
    world: HostWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root finds it at the systemd of the file's owner; it ends with that account's last session."""
    monkeypatch.setattr(unit_facts, "LINGERING", str(tmp_path / "linger"))
    shown = "\\n".join(f"{name}={value}" for name, value in world.unit.items())
    world.program("setpriv", f"printf '{shown}\\n'")
    world.unit["LoadState"] = "not-found"
    remedy = "shop.service does not start with the host (it is enabled, but its account does not linger)"
    assert world.judged() == {"WPS306": [remedy]}
    world.write("linger/nobody", "")
    assert world.judged() == {}
