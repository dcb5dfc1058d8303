# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Figures, from runs that were not run."""

from __future__ import annotations

import pytest

from bench import figures
from bench.figures import Figure, Measured
from bench.rounds import WITH, WITHOUT
from bench.run import Run


def run(seconds: float, *, calls: int = 0, depth: int = 0, processor: float = 1.0, **plays: float) -> Run:
    return Run(seconds, plays=plays, calls={"GetParameter": calls}, depth=depth, processor=processor)


def deploys(*sizes: int, rounds: int = 3) -> dict[str, list[Run]]:
    runs = {f"{kind} {size}": [run(5.0, calls=4)] * rounds for kind in ("deploy", "rival") for size in sizes}
    for size in sizes:
        runs[f"deploy {size}"] = [
            Run(1.0, plays={"Deploy to hosts in batches": 0.5}, calls={"GetParameter": 4})
        ] * rounds
        runs[f"ping {size}"] = [Run(1.0, plays={"Ping": 1.0})] * rounds
        runs[f"plain_ssh {size}"] = [Run(0.5)] * rounds
    return runs


def by_name(results: list[Figure]) -> dict[str, Figure]:
    return {figure.name: figure for figure in results}


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    runs = {WITHOUT: {"a 1": [run(1), run(9), run(4)], "b 1": [run(2), run(10), run(2)]}}
    figure = figures.timed("a : b", runs, ("a 1", "b 1"), 0.9)
    assert figure.by_network[WITHOUT] == Measured("4.0 s", "2.0 s", 0.9, True)


def test_rounds_without_a_partner_are_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        figures.timed("a : b", {WITHOUT: {"a 1": [run(1)] * 2, "b 1": [run(1)]}}, ("a 1", "b 1"), None)


def test_a_goal_may_be_another_one_with_the_network() -> None:
    runs = {network: {"rotation 3": [run(11)], "script 3": [run(10)]} for network in (WITHOUT, WITH)}
    figure = figures.timed("rotation", runs, ("rotation 3", "script 3"), (1.0, 1.2))
    assert figure.goal == "≤ 1 / ≤ 1.2"
    assert [figure.by_network[network].reached for network in (WITHOUT, WITH)] == [False, True]


@pytest.mark.parametrize(("hosts", "many"), [(1, 0), (1, 100), (20, 0), (20, 100), (20, 20)])
def test_deploys_to_any_number_of_hosts(hosts: int, many: int) -> None:
    sizes = sorted({1, hosts, *([many] if many else [])})
    runs = {WITHOUT: deploys(*sizes), WITH: deploys(*sizes)}
    deploy_figures = figures.deploy_figures(runs, hosts=hosts, many=many, secrets=2, parameters=11)
    names = [figure.name for figure in deploy_figures]
    for size in sizes:
        assert names.count(f"deploy to {size} host{'s' if size > 1 else ''} : rival's playbook") == 1
    assert all(
        figure.by_network[network].reached is not False for figure in deploy_figures for network in (WITHOUT, WITH)
    )


def test_the_calls_of_a_deploy_are_what_the_stores_need() -> None:
    runs = {WITHOUT: deploys(1)}
    runs[WITHOUT]["deploy 1"] = [Run(1.0, plays={"Deploy to hosts in batches": 0.5}, calls={"GetParameter": 5})] * 3
    runs[WITHOUT]["per_setting 1"] = [run(9, calls=14)]
    name = by_name(figures.deploy_figures(runs, hosts=1, many=0, secrets=2, parameters=11))
    assert name["AWS calls, hosts: 1"].by_network[WITHOUT] == Measured("5", "4", None, False)
    assert name["AWS calls with a lookup a setting"].by_network[WITHOUT].rival == "14 a host"


def rotations(hosts: int) -> dict[str, list[Run]]:
    return {
        f"rotation {hosts}": [run(9, calls=60, depth=41, processor=4), run(9, calls=61, depth=40, processor=6)],
        f"script {hosts}": [run(10, calls=11, depth=9, processor=5), run(9, calls=11, depth=9, processor=6)],
    }


@pytest.mark.parametrize("hosts", [1, 3])
def test_a_rotation(hosts: int) -> None:
    runs = {WITHOUT: {**rotations(1), **rotations(hosts)}, WITH: {**rotations(1), **rotations(hosts)}}
    result = by_name(figures.rotation_figures(runs, hosts=hosts))
    entry = {name: figure.by_network[WITH] for name, figure in result.items()}
    assert entry[f"rotation on {hosts} hosts : expert's script"] == Measured("9.0 s", "9.5 s", 0.95, True)
    assert entry["its processor time, all sides"] == Measured("5.0 s", "5.5 s", 0.9)
    assert entry["AWS calls of a rotation"] == Measured("61", "11", None, True)
    assert entry["their sequential depth"] == Measured("41", "9", None, False)
    assert ("AWS calls, hosts: 1" in entry) == (hosts != 1)


def test_a_leak_response() -> None:
    runs = {
        WITHOUT: {
            "leak 20": [run(22, contained=10.0)],
            "leak_script 20": [run(5, contained=5.0)],
            "leak_of_all 20": [run(30, contained=13.0)],
        }
    }
    name = by_name(figures.leak_figures(runs, hosts=20))
    assert name["time to contain on 20 hosts : expert's script"].by_network[WITHOUT].ratio == 2.0
    assert name["whole leak response : expert's script"].by_network[WITHOUT].reached is False
    assert name["time to contain everything : one credential"].by_network[WITHOUT].reached is True


def test_many_credentials() -> None:
    runs = {WITHOUT: {"rotation_of_many 3": [run(60, calls=401)], "rotation_of_one 3": [run(10, calls=70)]}}
    name = by_name(figures.many_figures(runs, hosts=3, count=50))
    assert name["rotation of 50 credentials on 3 hosts : of one"].by_network[WITHOUT].reached is True
    assert name["AWS calls for 50 credentials"].by_network[WITHOUT].reached is False


def test_reading_a_playbook() -> None:
    playbooks = {"deploy.yml": 1.2, "rotate.yml": 1.5, "leak_response.yml": 4.0, "empty.yml": 1.0}
    runs = {WITHOUT: {name: [run(seconds, processor=seconds)] for name, seconds in playbooks.items()}}
    result = by_name(figures.reading_figures(runs))
    measured = result["reading leak_response.yml beyond an empty playbook"].by_network[WITHOUT]
    assert (measured.ours, measured.reached) == ("3.0 s (processor 3.0 s)", False)


@pytest.mark.parametrize("rival", [True, False])
def test_a_scan(rival: bool) -> None:
    runs = {"scan": [run(7, memory=216)], "grep": [run(150, memory=9)]}
    if rival:
        runs["gitleaks"] = [run(255, memory=175)]
    name = by_name(figures.scan_figures({WITHOUT: runs}))
    assert ("scan of a history : gitleaks" in name) == rival
    assert name["its memory, with git's"].by_network[WITHOUT] == Measured(
        "216 MB", "175 MB" if rival else "", None, True
    )


def test_one_execution_on_a_host() -> None:
    runs = {"host_check": [run(3, processor=2)], "host_check before": [run(2, processor=1)]}
    time, processor = figures.host_figures({WITHOUT: runs}, "c0ffee")
    assert (time.name, time.by_network[WITHOUT]) == (
        "host_check on one host : commit c0ffee",
        Measured("3.0 s", "2.0 s", 1.5, True),
    )
    assert processor.by_network[WITHOUT] == Measured("2.00 s", "1.00 s", 2.0, False)


def test_the_table_has_a_group_of_columns_for_each_network() -> None:
    figure = Figure(
        "a : b", "≤ 1", {WITHOUT: Measured("1 s", "2 s", 0.5, True), WITH: Measured("3 s", "2 s", 1.5, False)}
    )
    other = Figure("count", "", {WITHOUT: Measured("7")})
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in figures.table([figure, other]).splitlines()
    ]
    assert lines[0] == ["figure", "without: ours", "rival", "ratio", "with: ours", "rival", "ratio", "goal", "reached"]
    assert lines[2] == ["a : b", "1 s", "2 s", "0.50", "3 s", "2 s", "1.50", "≤ 1", "yes / no"]
    assert lines[3] == ["count", "7", "", "", "", "", "", "", ""]
    assert figures.table([other]).splitlines()[0].count("rival") == 1
