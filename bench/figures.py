# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the runs say: one figure a line, ours beside the rival's, with the target it is held against."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bench.scene import Run

Runs = Mapping[str, Sequence[Run]]
"""The runs of one kind on one number of hosts, by a name such as ``deploy 20``."""


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    name: str
    ours: str
    rival: str
    ratio: float | None
    target: str
    reached: bool | None
    """None where there is no target."""


def seconds(runs: Sequence[Run], play: str = "") -> float:
    return statistics.median(run.plays[play] if play else run.seconds for run in runs)


def ratios(ours: Sequence[Run], rival: Sequence[Run], plays: tuple[str, str] = ("", "")) -> float:
    """The median of the ratios round by round: what else the machine did in a round bears on both."""
    mine, theirs = plays
    return statistics.median(
        seconds([one], mine) / seconds([other], theirs) for one, other in zip(ours, rival, strict=True)
    )


def timed(
    name: str, ours: Sequence[Run], rival: Sequence[Run], most: float, plays: tuple[str, str] = ("", "")
) -> Figure:
    ratio = ratios(ours, rival, plays)
    return Figure(
        name,
        f"{seconds(ours, plays[0]):.1f} s",
        f"{seconds(rival, plays[1]):.1f} s",
        ratio,
        f"≤ {most:g}",
        ratio <= most,
    )


def calls(run: Run) -> int:
    return sum(run.calls.values())


def call_figures(runs: Runs, sizes: Sequence[int], secrets: int, parameters: int) -> list[Figure]:
    """The calls of a deploy: what the stores need, and one for the journal. The bench's catalog names no account."""
    needed = -(-secrets // 20) + max(1, -(-parameters // 10))
    found = []
    for size in sizes:
        ours, rival = calls(runs[f"deploy {size}"][0]), calls(runs[f"rival {size}"][0])
        name, target = f"AWS calls, hosts: {size}", f"{needed} + 1 (journal)"
        found.append(Figure(name, str(ours), str(rival), None, target, ours == needed + 1))
    return found


def rotation_figures(runs: Runs, *, hosts: int) -> list[Figure]:
    """A rotation beside the expert's script; its calls are those of one host."""
    ours, script = runs[f"rotation {hosts}"], runs[f"script {hosts}"]
    found = [timed(f"rotation on {hosts} hosts : expert's script", ours, script, 1.5)]
    one, rival = calls(runs["rotation 1"][0]), calls(runs["script 1"][0])
    found.append(Figure("AWS calls of a rotation, hosts: 1", str(one), str(rival), None, "", None))
    name, many = f"AWS calls of a rotation, hosts: {hosts}", max(calls(run) for run in ours)
    found.append(Figure(name, str(many), str(calls(script[0])), None, f"{one}, as for 1", many == one))
    return found


def leak_figures(runs: Runs, *, hosts: int) -> list[Figure]:
    """Whole runs, from the command to the post-mortem; beside it the time to contain, which the run itself tells."""
    one, script, everything = (runs[f"{kind} {hosts}"] for kind in ("leak", "leak_script", "leak_of_all"))
    clock = ("contained", "contained")
    return [
        timed(f"time to contain on {hosts} hosts : expert's script", one, script, 1.5, clock),
        replace(timed("the whole run : expert's script", one, script, 1.5), target="", reached=None),
        timed("time to contain everything : one credential", everything, one, 2.0, clock),
    ]


def scan_figures(runs: Runs) -> list[Figure]:
    """A history searched: time beside gitleaks and beside grep, and memory with all that was started."""
    ours, grep = runs["scan"], runs["grep"]
    found = []
    most = max(run.plays["memory"] for run in ours)
    theirs = ""
    if "gitleaks" in runs:
        found.append(timed("scan of a history : gitleaks", ours, runs["gitleaks"], 1.0))
        theirs = f"{max(run.plays['memory'] for run in runs['gitleaks']):.0f} MB"
    found.append(replace(timed("scan of a history : git log -p, grep -F", ours, grep, 1.0), target="", reached=None))
    found.append(Figure("its memory, with git's", f"{most:.0f} MB", theirs, None, "< 512 MB", most < 512))
    return found


def table(figures: Sequence[Figure]) -> str:
    head = ("figure", "ours", "rival", "ratio", "target", "reached")
    rows = [
        (
            figure.name,
            figure.ours,
            figure.rival,
            "" if figure.ratio is None else f"{figure.ratio:.2f}",
            figure.target,
            "" if figure.reached is None else "yes" if figure.reached else "no",
        )
        for figure in figures
    ]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    rule = "-|-".join("-" * width for width in widths)
    return "\n".join(f"| {line} |" for line in (lines[0], rule, *lines[1:]))
