# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from bench import __main__ as bench
from bench import parts
from bench.figures import AllRuns, Figure, Measured
from bench.rounds import WITH, WITHOUT
from bench.run import Run
from sandbox.network import NONE, TYPICAL
from sandbox.process import SandboxError


def part(options: argparse.Namespace) -> tuple[AllRuns, list[Figure]]:
    runs = {network: {"ours 1": [Run(1.0)] * options.rounds} for network in parts.networks(options)}
    return runs, [Figure("ours", "≤ 1", {network: Measured("1.0 s") for network in runs})]


def failing(_options: argparse.Namespace) -> Any:
    raise SandboxError("moto did not start")


def test_every_run_and_figure_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = {"deploy": (part, lambda: None), "leak": (part, lambda: "there is no sshd")}
    monkeypatch.setattr(parts, "PARTS", fake)
    path = tmp_path / "build" / "bench.json"
    assert bench.main(["--rounds", "2", "--json", str(path)]) == 0
    output = capsys.readouterr().out
    assert "leak: not measured. there is no sshd." in output
    assert "with: network with round trip 30 ms, service time 12 ms, connection 60 ms" in output
    content = json.loads(path.read_text(encoding="utf-8"))
    assert {network: len(runs["ours 1"]) for network, runs in content["runs"]["deploy"].items()} == {
        WITHOUT: 2,
        WITH: 2,
    }
    assert content["figures"][0]["by_network"][WITH]["ours"] == "1.0 s"


def test_a_part_that_fails_is_an_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(parts, "PARTS", {"deploy": (failing, lambda: None)})
    assert bench.main(["--part", "deploy"]) == 1
    assert "moto did not start" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--hosts", "--rotation-hosts", "--rounds", "--credentials"])
def test_nothing_can_be_measured_on_no_host(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench.main([option, "0"])
    assert f"{option} must be at least 1" in capsys.readouterr().err


@pytest.mark.parametrize(("choice", "names"), [("both", [WITHOUT, WITH]), ("without", [WITHOUT]), ("with", [WITH])])
def test_the_networks(choice: str, names: list[str]) -> None:
    options = argparse.Namespace(network=choice, round_trip=30.0, service_time=12.0, connection=60.0)
    networks = parts.networks(options)
    assert list(networks) == names
    assert all(networks[name] == {WITHOUT: NONE, WITH: TYPICAL}[name] for name in names)
