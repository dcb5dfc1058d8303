# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How much the tests tried. ``make test`` adds it up and shows it below its table."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from sandbox.load import Report

Record = Callable[[str, object], None]
"""pytest's record_property."""


def tried(record: Record, what: str, points: Sequence[object]) -> None:
    """Where runs were killed or stopped."""
    record(f"kill points tried: {what}", len(points))
    record(f"which: {what}", ", ".join(map(str, points)))
    say(f"{what}: {len(points)} points")


def loaded(record: Record, what: str, report: Report) -> None:
    """What was sent meanwhile, and the results."""
    result = {
        "requests sent": report.requests,
        "requests failed": report.failed,
        "sessions logged in": report.sessions,
        "sessions lost": report.lost,
        "tasks sent": report.tasks,
        "tasks lost": report.tasks_lost,
    }
    for name, count in result.items():
        record(f"{what}: {name}", count)
    record(f"{what}, in words", str(report))


def say(message: str) -> None:
    sys.stdout.write(f"{message}\n")
    sys.stdout.flush()
