# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Figures of the runs: one a line, ours and the rival's, without and with a network, and the goal."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.rounds import WITH, WITHOUT, Runs
from bench.run import Run

HOST_GOAL = 1.5
PROCESSOR = "its processor time, all sides"
AllRuns = Mapping[str, Runs]
"""Runs by network: without, with."""


@dataclass(frozen=True)
class Measured:
    ours: str
    rival: str = ""
    ratio: float | None = None
    reached: bool | None = None


@dataclass(frozen=True)
class Figure:
    """A line of the table."""

    name: str
    goal: str
    by_network: Mapping[str, Measured]


def figure(name: str, goal: str, runs: AllRuns, measure: Callable[[Runs], Measured]) -> Figure:
    return Figure(name, goal, {network: measure(entry) for network, entry in runs.items()})


def seconds(runs: Sequence[Run], play: str = "") -> float:
    return statistics.median(run.plays[play] if play else run.seconds for run in runs)


Value = Callable[[Run], float]


def ratio(ours: Sequence[Run], rival: Sequence[Run], mine: Value, theirs: Value) -> float:
    """The median of each round's ratio: other load on the machine affects both sides of a round."""
    return statistics.median(mine(run) / theirs(other) for run, other in zip(ours, rival, strict=True))


def timed(
    name: str,
    runs: AllRuns,
    kinds: tuple[str, str],
    goal: float | tuple[float, float] | None,
    plays: tuple[str, str] = ("", ""),
) -> Figure:
    """Time compared with the rival's. *kinds* are names of runs; *goal* may differ with the network."""
    goals = goal if isinstance(goal, tuple) else (goal, goal)
    most = dict(zip((WITHOUT, WITH), goals, strict=True))

    def measure(network: str, entry: Runs) -> Measured:
        ours, rival = entry[kinds[0]], entry[kinds[1]]
        share = ratio(ours, rival, lambda run: seconds([run], plays[0]), lambda run: seconds([run], plays[1]))
        limit = most[network]
        return Measured(
            f"{seconds(ours, plays[0]):.1f} s",
            f"{seconds(rival, plays[1]):.1f} s",
            share,
            None if limit is None else share <= limit,
        )

    message = " / ".join(dict.fromkeys(f"≤ {limit:g}" for limit in goals if limit is not None))
    return Figure(name, message, {network: measure(network, entry) for network, entry in runs.items()})


def processed(name: str, runs: AllRuns, kinds: tuple[str, str]) -> Figure:
    """Processor time on all sides, which depends less on other load."""

    def measure(entry: Runs) -> Measured:
        ours, rival = entry[kinds[0]], entry[kinds[1]]
        mine, theirs = (statistics.median(map(processor, kind)) for kind in (ours, rival))
        return Measured(f"{mine:.1f} s", f"{theirs:.1f} s", ratio(ours, rival, processor, processor))

    return figure(name, "", runs, measure)


def counted(
    name: str, runs: AllRuns, kinds: tuple[str, str], count: Callable[[Run], int], goal: int | None = None
) -> Figure:
    """The largest count of all rounds."""

    def measure(entry: Runs) -> Measured:
        ours, rival = (max(count(run) for run in entry[kind]) for kind in kinds)
        return Measured(str(ours), str(rival), reached=None if goal is None else ours <= goal)

    return figure(name, "" if goal is None else f"≤ {goal}", runs, measure)


def calls(run: Run) -> int:
    return sum(run.calls.values())


def depth(run: Run) -> int:
    return run.depth


def connections(run: Run) -> int:
    return run.connections


def processor(run: Run) -> float:
    return run.processor


def deploy_figures(runs: AllRuns, *, hosts: int, many: int, secrets: int, parameters: int) -> list[Figure]:
    """Deploys compared with the rival's playbook. The needed calls are those of the stores, and one for the journal."""
    goals = {1: 0.5, 20: 0.33, 100: 0.25}
    sizes = sorted({1, hosts, *([many] if many else [])})
    figures = []
    for size in sizes:
        kinds = f"deploy {size}", f"rival {size}"
        title = f"deploy to {size} host{'s' if size > 1 else ''} : rival's playbook"
        figures += [timed(title, runs, kinds, goals.get(size)), processed(PROCESSOR, runs, kinds)]
    delivery = ("Deploy to hosts in batches", "Ping"), ("Deploy to hosts in batches", "")
    figures += [
        timed(f"its delivery play, {hosts} hosts : ping", runs, (f"deploy {hosts}", f"ping {hosts}"), 1.3, delivery[0]),
        timed("the same : parallel plain ssh", runs, (f"deploy {hosts}", f"plain_ssh {hosts}"), 3.0, delivery[1]),
    ]
    if many:
        grown = (f"deploy {many}", f"deploy {hosts}")
        figures.append(timed(f"deploy to {many} hosts : to {hosts}", runs, grown, 1.1 * many / hosts))
    # The bench's catalog names no account, which would cost another call.
    needed = -(-secrets // 20) + max(1, -(-parameters // 10)) + 1
    for size in sizes:
        figures.append(counted(f"AWS calls, hosts: {size}", runs, (f"deploy {size}", f"rival {size}"), calls, needed))
    each = calls(runs[WITHOUT]["per_setting 1"][0]) if "per_setting 1" in runs.get(WITHOUT, {}) else None
    if each is not None:
        figures.append(Figure("AWS calls with a lookup a setting", "", {WITHOUT: Measured("", f"{each} a host")}))
    return figures


def rotation_figures(runs: AllRuns, *, hosts: int) -> list[Figure]:
    """A rotation compared with the expert's script."""
    kinds = f"rotation {hosts}", f"script {hosts}"
    figures = [
        timed(f"rotation on {hosts} hosts : expert's script", runs, kinds, (1.0, 1.2)),
        processed(PROCESSOR, runs, kinds),
        counted("AWS calls of a rotation", runs, kinds, calls, 70),
        counted("their sequential depth", runs, kinds, depth, 40),
        counted("connections to AWS", runs, kinds, connections),
    ]
    if hosts != 1:
        figures.insert(3, counted("AWS calls, hosts: 1", runs, ("rotation 1", "script 1"), calls))
    return figures


def leak_figures(runs: AllRuns, *, hosts: int) -> list[Figure]:
    """Whole runs, from the command to the post-mortem, and the time to contain that the run itself reports."""
    kinds = f"leak {hosts}", f"leak_script {hosts}"
    clock = ("contained", "contained")
    return [
        timed(f"time to contain on {hosts} hosts : expert's script", runs, kinds, 1.5, clock),
        timed("whole leak response : expert's script", runs, kinds, 2.5),
        processed(PROCESSOR, runs, kinds),
        counted("AWS calls of a leak response", runs, kinds, calls),
        counted("their sequential depth", runs, kinds, depth),
        counted("connections to AWS", runs, kinds, connections),
        timed("time to contain everything : one credential", runs, (f"leak_of_all {hosts}", kinds[0]), 2.0, clock),
    ]


def many_figures(runs: AllRuns, *, hosts: int, count: int) -> list[Figure]:
    """Many credentials in one run, compared with one."""
    kinds = f"rotation_of_many {hosts}", f"rotation_of_one {hosts}"
    return [
        timed(f"rotation of {count} credentials on {hosts} hosts : of one", runs, kinds, 8.0),
        processed(PROCESSOR, runs, kinds),
        counted(f"AWS calls for {count} credentials", runs, kinds, calls, 400),
        counted("their sequential depth", runs, kinds, depth),
        counted("connections to AWS", runs, kinds, connections),
    ]


def reading_figures(runs: AllRuns) -> list[Figure]:
    """Time that Ansible needs to read a playbook, beyond an empty one."""
    goals = {"leak_response": 0.5}
    figures = []
    for name in ("leak_response", "rotate", "deploy"):
        title = f"reading {name}.yml beyond an empty playbook"
        figures.append(_beyond(title, runs, (f"{name}.yml", "empty.yml"), goals.get(name)))
    return figures


def _beyond(name: str, runs: AllRuns, kinds: tuple[str, str], most: float | None) -> Figure:
    def measure(entry: Runs) -> Measured:
        pairs = list(zip(entry[kinds[0]], entry[kinds[1]], strict=True))
        taken = statistics.median(run.seconds - empty.seconds for run, empty in pairs)
        spent = statistics.median(run.processor - empty.processor for run, empty in pairs)
        reached = None if most is None else taken <= most
        return Measured(f"{taken:.1f} s (processor {spent:.1f} s)", reached=reached)

    return figure(name, "" if most is None else f"≤ {most:g} s", runs, measure)


def scan_figures(runs: AllRuns) -> list[Figure]:
    """A search of a history: time compared with gitleaks and grep, and memory of all processes."""

    def memory(entry: Runs) -> Measured:
        most = max(run.plays["memory"] for run in entry["scan"])
        theirs = max((run.plays["memory"] for run in entry.get("gitleaks", ())), default=None)
        return Measured(f"{most:.0f} MB", "" if theirs is None else f"{theirs:.0f} MB", reached=most < 512)

    figures = [timed("scan of a history : git log -p, grep -F", runs, ("scan", "grep"), None)]
    if "gitleaks" in runs[WITHOUT]:
        figures.insert(0, timed("scan of a history : gitleaks", runs, ("scan", "gitleaks"), 1.0))
    return [*figures, figure("its memory, with git's", "< 512 MB", runs, memory)]


def host_figures(runs: AllRuns, before: str) -> list[Figure]:
    """An execution on a host, compared with another commit's."""
    kinds = ("host_check", "host_check before")

    def processor(entry: Runs) -> Measured:
        ours, theirs = (entry[kind] for kind in kinds)
        share = ratio(ours, theirs, lambda run: run.processor, lambda run: run.processor)
        spent = [statistics.median(run.processor for run in side) for side in (ours, theirs)]
        return Measured(f"{spent[0]:.2f} s", f"{spent[1]:.2f} s", share, share <= HOST_GOAL)

    title = f"host_check on one host : commit {before}"
    return [timed(title, runs, kinds, HOST_GOAL), figure("its processor time", f"≤ {HOST_GOAL:g}", runs, processor)]


def scale_figures(runs: AllRuns) -> list[Figure]:
    """A controller's needs for each size."""
    return [Figure(name, "", {WITHOUT: Measured(size_of(run))}) for name, (run,) in runs[WITHOUT].items()]


def size_of(run: Run) -> str:
    sizes = (run.plays[name] for name in ("memory", "journal", "written", "audit"))
    text = "{:.0f} MiB; journal {:.0f} KiB, {:.0f} KiB written; audit log {:.0f} KiB".format(*sizes)
    return f"{run.seconds:.1f} s, {run.processor:.1f} s of the controller's cores, {calls(run)} calls, {text}"


def table(figures: Sequence[Figure]) -> str:
    """A table in Markdown, with a group of columns for each network."""
    networks = [name for name in (WITHOUT, WITH) if any(name in item.by_network for item in figures)]
    head = ["figure"]
    for network in networks:
        head += [f"{network}: ours", "rival", "ratio"]
    rows = [[*head, "goal", "reached"]]
    for item in figures:
        row, reached = [item.name], []
        for network in networks:
            measured = item.by_network.get(network)
            row += _cells(measured)
            if measured is not None and measured.reached is not None:
                reached.append("yes" if measured.reached else "no")
        rows.append([*row, item.goal, " / ".join(dict.fromkeys(reached))])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    rule = "-|-".join("-" * width for width in widths)
    return "\n".join(f"| {line} |" for line in (lines[0], rule, *lines[1:]))


def _cells(measured: Measured | None) -> list[str]:
    if measured is None:
        return ["", "", ""]
    return [measured.ours, measured.rival, "" if measured.ratio is None else f"{measured.ratio:.2f}"]
