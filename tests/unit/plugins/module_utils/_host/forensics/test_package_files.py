# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which files are as their package has them. dpkg's records are files; rpm's answer is played."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.bounded_command import CommandOutput
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import package_files

PATHS = ["/etc/a", "/etc/b", "/etc/c"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    for path in PATHS:
        (tmp_path / path[1:]).write_text(path)
    return tmp_path


def test_rpm(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "usr/lib/sysimage/rpm").mkdir(parents=True)
    digests = {path: hashlib.sha256(path.encode()).hexdigest() for path in PATHS[:2]}
    installed = int(time.time())
    lines = [f"{digests['/etc/a']} /etc/a", f"{digests['/etc/a']} /etc/b", "file /etc/c is not owned by any package"]

    def output(command: list[str], **_how: object) -> CommandOutput:
        if command == [*package_files.RPM_OWNERS, *PATHS]:
            return CommandOutput(1, f"{installed} a-1.x\n{installed} a-1.x\n{lines[2]}\n".encode(), False)
        assert command == [*package_files.RPM, "a-1.x"], "each package is asked once"
        return CommandOutput(0, "\n".join([str(installed), *lines[:2]]).encode(), False)

    monkeypatch.setattr(package_files.bounded_command, "output", output)
    assert package_files.unchanged(PATHS, [], str(root)) == {"/etc/a"}
    assert package_files.unchanged(PATHS, [], str(root), since=installed) == {"/etc/a"}
    assert package_files.unchanged(PATHS, [], str(root), since=installed + 1) == set()
    assert package_files.owned(PATHS, str(root)) == {"/etc/a", "/etc/b"}, "whatever they hold"
    installed -= 1000
    assert package_files.unchanged(PATHS, [], str(root), since=installed) == set(), "changed after the installation"


@pytest.mark.parametrize("is_cut", [False, True])
@pytest.mark.parametrize("cut_off", [package_files.RPM_OWNERS, package_files.RPM])
def test_rpm_that_does_not_answer(
    root: Path, monkeypatch: pytest.MonkeyPatch, cut_off: tuple[str, ...], *, is_cut: bool
) -> None:
    (root / "var/lib/rpm").mkdir(parents=True)

    def output(command: list[str], **_how: object) -> CommandOutput:
        is_short = tuple(command[: len(cut_off)]) == cut_off
        return CommandOutput(None if is_short and not is_cut else 0, b"1700000000 a-1.x\n", is_short and is_cut)

    monkeypatch.setattr(package_files.bounded_command, "output", output)
    short: list[str] = []
    package_files.unchanged(PATHS, short, str(root))
    package_files.unchanged(PATHS, short, str(root))
    assert short == [package_files.UNANSWERED]


def test_ucf_and_a_package_manager_that_is_not_there(root: Path) -> None:
    assert package_files.unchanged(PATHS, [], str(root)) == set()
    (root / "var/lib/ucf").mkdir(parents=True)
    (root / "var/lib/ucf/hashfile").write_text(f"{hashlib.md5(b'/etc/a').hexdigest()}  /etc/a\n")
    assert package_files.unchanged(PATHS, [], str(root)) == {"/etc/a"}


def test_a_package_that_tells_no_digests(root: Path) -> None:
    info = root / "var/lib/dpkg/info"
    info.mkdir(parents=True)
    for name, text in {"a.list": "/.\n/etc/a\n", "b.list": "/etc/b\n", "b.md5sums": f"{'0' * 32}  etc/b\n"}.items():
        (info / name).write_text(text)
    assert package_files.unchanged(PATHS, [], str(root)) == set()
    assert package_files.unchanged(PATHS, [], str(root), by_name=True) == {"/etc/a"}
    (root / "var/lib/dpkg/status").write_text(f"Conffiles:\n /etc/a {'0' * 32}\n")
    assert package_files.unchanged(PATHS, [], str(root), by_name=True) == set(), "of a configuration file dpkg has it"


def test_rpm_that_has_no_digest_of_a_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as one that the package makes later: its name is enough only if the package has no digests at all."""
    (root / "var/lib/rpm").mkdir(parents=True)
    answer = b"1700000000\n%s /etc/a\n /etc/b\n1700000000\n /etc/c\n"
    answers = [b"1700000000 a-1.x\n", answer % hashlib.sha256(b"/etc/a").hexdigest().encode()]
    monkeypatch.setattr(
        package_files.bounded_command, "output", lambda *_args, **_how: CommandOutput(0, answers.pop(0), False)
    )
    assert package_files.unchanged(PATHS, [], str(root), by_name=True) == {"/etc/a", "/etc/c"}


def test_what_changed_after_its_package_was_installed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """chmod u+s changes the kernel's time of a file."""
    info = root / "var/lib/dpkg/info"
    info.mkdir(parents=True)
    (info / "a.md5sums").write_text(f"{hashlib.md5(b'/etc/a').hexdigest()}  etc/a\n")
    (info / "a.list").write_text("/etc/a\n")
    since = (root / "etc/a").stat().st_ctime
    assert package_files.unchanged(PATHS, [], str(root), since=since) == {"/etc/a"}
    monkeypatch.setattr(package_files, "SLACK", -0.02)
    time.sleep(0.05)
    (root / "etc/a").chmod(0o4755)
    assert package_files.unchanged(PATHS, [], str(root), since=since) == set()
    assert package_files.unchanged(PATHS, [], str(root)) == {"/etc/a"}, "where no time counts"


def test_what_is_no_file_has_no_digest(root: Path) -> None:
    """A pipe would wait for somebody."""
    (root / "var/lib/ucf").mkdir(parents=True)
    empty = hashlib.md5(b"").hexdigest()
    (root / "var/lib/ucf/hashfile").write_text("".join(f"{empty}  {path}\n" for path in PATHS))
    for path in PATHS:
        (root / path[1:]).unlink()
    os.mkfifo(root / "etc/a")
    (root / "etc/b").symlink_to("/dev/null")
    assert package_files.unchanged(PATHS, [], str(root)) == set()


def test_a_host_that_forbids_md5(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "var/lib/ucf").mkdir(parents=True)
    (root / "var/lib/ucf/hashfile").write_text(f"{'0' * 32}  /etc/a\n")

    def forbidden(**_options: object) -> None:
        raise ValueError("disabled for FIPS")

    monkeypatch.setattr(package_files.hashlib, "md5", forbidden)
    short: list[str] = []
    assert package_files.unchanged(PATHS, short, str(root)) == {"/etc/a"}, "not comparable"
    assert short == [package_files.UNCOMPARED]


def test_names_that_stand_for_the_same_file(root: Path) -> None:
    """/usr/etc is not /etc."""
    info = root / "var/lib/dpkg/info"
    info.mkdir(parents=True)
    (root / "usr/bin").mkdir(parents=True)
    (root / "bin").symlink_to("usr/bin")
    (root / "usr/bin/x").write_text("x")
    lines = [
        f"{hashlib.md5(text.encode()).hexdigest()}  {name}" for text, name in (("x", "bin/x"), ("/etc/a", "usr/etc/a"))
    ]
    (info / "a.list").write_text("/.\n")
    (info / "a.md5sums").write_text("\n".join(lines))
    both = ["/bin/x", "/usr/bin/x"]
    assert package_files.unchanged([*both, *PATHS], [], str(root)) == set(both)
