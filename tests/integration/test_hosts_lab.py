# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The test hosts themselves: separate machines as far as SSH and systemd can tell, and gone without a trace."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.hosts import Fleet, Plan, why_not
from sandbox.hosts._names import Names
from sandbox.process import REPOSITORY, wait_until

pytestmark = [
    pytest.mark.hosts,
    pytest.mark.skipif(bool(why_not()), reason=f"{why_not()}: no deploy to real hosts was tested"),
]


@pytest.fixture(scope="module", params=["systemd", "plain"])
def fleet(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with Fleet(tmp_path_factory.mktemp("fleet"), Plan(count=2, kind=request.param)) as up:
        yield up


def leftovers(names: Names) -> list[str]:
    """Everything on this machine that still bears the fleet's name."""
    links = json.loads(subprocess.check_output(["ip", "-json", "link"]))
    ifnames = [link["ifname"] for link in links if link["ifname"].startswith(names.bridge)]
    ifnames += [str(path) for path in Path("/run/netns").glob(f"{names.bridge}-*")]
    ifnames += [str(group) for group in names.cgroups() if group.exists()]
    ifnames += [str(path) for path in Path("/run/systemd/nspawn").glob(f"*/{names.bridge}-*")]
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    ifnames += [mount for mount in mounts if str(names.scratch) in mount]
    ifnames += [str(names.scratch)] if names.scratch.exists() else []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        ifnames += [command.replace("\0", " ")] if str(names.scratch) in command else []
    return ifnames


def test_ssh_reaches_each_host_by_its_pinned_key(fleet: Fleet) -> None:
    for name in fleet.machines:
        answer = fleet.ssh(name, "hostname && sudo -n id -un")
        assert answer.stdout.split() == [name, "root"], answer.stderr


def test_a_host_with_another_key_is_refused(fleet: Fleet) -> None:
    pinned = fleet.names.known_hosts.read_text(encoding="ascii")
    first, second = fleet.machines.values()
    swapped = pinned.replace(first.address, "x").replace(second.address, first.address).replace("x", second.address, 1)
    fleet.names.known_hosts.write_text(swapped, encoding="ascii")
    try:
        answer = fleet.ssh(first.name, "true")
    finally:
        fleet.names.known_hosts.write_text(pinned, encoding="ascii")
    assert answer.returncode == 255
    assert "Host key verification failed" in answer.stderr


def test_systemd_runs_with_no_failed_unit(fleet: Fleet) -> None:
    if fleet.plan and fleet.plan.kind != "systemd":
        pytest.skip("a plain host has no systemd")
    for name in fleet.machines:
        assert fleet.run(name, ["systemctl", "is-system-running"]).stdout.strip() == "running"


def test_a_host_sees_nothing_of_the_machine_it_stands_on(fleet: Fleet) -> None:
    seen = fleet.run("app1", ["ls", "-A", "/root", "/home", "/srv", "/mnt", "/media", "/var/log"], check=False).stdout
    assert not (fleet.root("app1") / str(REPOSITORY).lstrip("/")).exists()
    assert not (fleet.root("app1") / str(fleet.names.state).lstrip("/")).exists()
    assert str(Path.home().name) != "root" or ".bashrc" not in seen
    assert fleet.run("app1", ["touch", "/opt/watchparty/venv/x"], check=False).returncode != 0


def test_what_a_host_writes_is_its_own(fleet: Fleet) -> None:
    fleet.run("app1", ["sh", "-c", "echo here > /srv/watchparty/file"])
    assert fleet.run("app2", ["cat", "/srv/watchparty/file"], check=False).returncode == 1
    assert (fleet.disk("app1") / "srv/watchparty/file").read_text(encoding="utf-8") == "here\n"
    assert not Path("/srv/watchparty/file").exists()


def test_ansible_reaches_all_with_the_inventory(fleet: Fleet) -> None:
    ansible = Path(sys.executable).parent / "ansible"
    if not ansible.exists():
        pytest.skip("no ansible beside this Python")
    answer = subprocess.run(
        [ansible, "--inventory", fleet.inventory, "app_hosts", "--module-name", "ping"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.stdout.count("pong") == 2, answer.stdout + answer.stderr


@pytest.mark.parametrize("kind", ["systemd", "plain"])
def test_down_leaves_nothing(tmp_path: Path, kind: str) -> None:
    fleet = Fleet(tmp_path, Plan(count=2, kind=kind))
    fleet.up()
    assert leftovers(fleet.names)
    Fleet.load(tmp_path).down()
    assert leftovers(fleet.names) == []
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_start_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    names = Names.of(tmp_path)
    command = [sys.executable, "-m", "sandbox.hosts", "up", "--count", "2", "--services", "--state", str(tmp_path)]
    starting = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.DEVNULL)
    half = lambda: any((names.scratch / "services").glob("*/data"))  # noqa: E731
    assert wait_until(lambda: half() or starting.poll() is not None, seconds=60, interval=0.01)
    assert half(), "it ended by itself"
    starting.send_signal(number)
    starting.wait(timeout=30)
    if number == signal.SIGKILL:
        assert leftovers(names)
        subprocess.run([*command[:3], "down", "--state", str(tmp_path)], cwd=REPOSITORY, check=True)
    assert leftovers(names) == []


def test_a_start_that_fails_says_why_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.hosts._machine.PLAIN", "exit 3")
    fleet = Fleet(tmp_path, Plan(count=2, kind="plain"))
    with pytest.raises(Exception, match="app1 ended while it started"):
        fleet.up()
    assert leftovers(fleet.names) == []
