# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.run import Meter, Run, processor_seconds

BUSY = "import time; end = time.process_time() + {}\nwhile time.process_time() < end: pass\n"


class Log:
    """The calls of a stand-in."""

    def __init__(self) -> None:
        self.log: list[dict[str, Any]] = [call(0, 1, connection=1)]

    def calls(self, *, since: int = 0) -> list[dict[str, Any]]:
        return self.log[since:]


def call(began: float, ended: float, *, connection: int) -> dict[str, Any]:
    return {"operation": "GetParameter", "began": began, "ended": ended, "connection": connection}


def test_a_run_has_its_own_calls() -> None:
    moto: Any = Log()
    meter = Meter(moto)
    moto.log += [call(1, 3, connection=2), call(2, 4, connection=3), call(5, 6, connection=3)]
    run = meter.run()
    assert (run.calls, run.depth, run.connections) == ({"GetParameter": 3}, 2, 2)


def test_plays_come_from_the_callback(tmp_path: Path) -> None:
    file = tmp_path / "plays.jsonl"
    file.write_text(
        json.dumps({"play": "Deploy to hosts in batches", "seconds": 1.5, "tasks": [["Deliver", 1.2]]}) + "\n"
    )
    run = Run(2.0).with_plays(file)
    assert (run.seconds, run.plays, run.tasks) == (
        2.0,
        {"Deploy to hosts in batches": 1.5},
        [("Deploy to hosts in batches: Deliver", 1.2)],
    )


@pytest.mark.skipif(sys.platform != "linux", reason="not tested: processor time of all sides; it is read from /proc")
def test_processor_time_of_children_that_ended_and_that_run() -> None:
    before = processor_seconds()
    subprocess.run([sys.executable, "-c", BUSY.format(0.3)], check=True)
    ended = processor_seconds() - before
    assert ended >= 0.29
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY.format(0.3)!r}]); print(); input()"
    with subprocess.Popen(
        [sys.executable, "-c", nested], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert processor_seconds() - before >= ended + 0.3
        process.communicate("\n")
