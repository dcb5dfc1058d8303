# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The corpus, a booted machine for systemd, and the table of counts at the end of a run."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.readers.readers import Refused, RunOnHost

TABLE = pytest.StashKey[dict[str, list[str]]]()


@pytest.fixture(scope="session")
def corpus() -> dict[str, str]:
    """776 values: what people put into settings, what breaks parsers, and random text."""
    entries = json.loads(Path(__file__).with_name("dotenv-corpus.json").read_text(encoding="utf-8"))
    return {f"V_{entry['id'].upper()}": entry["value"] for entry in entries}


@pytest.fixture(scope="session")
def run_on_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunOnHost]:
    from sandbox.hosts._commands import why_not
    from sandbox.hosts.fleet import Fleet, Plan

    if reason := why_not():
        pytest.skip(f"not tested: what systemd reads, because {reason}")
    with Fleet(tmp_path_factory.mktemp("fleet"), Plan(count=1)) as fleet:
        (machine,) = fleet.machines.values()

        # Not fleet.run(), which translates line breaks.
        def run(argv: Sequence[str], data: bytes) -> bytes:
            command = machine.command(list(argv))
            done = subprocess.run(command, input=data, capture_output=True, timeout=60, check=False)
            if done.returncode:
                raise Refused(f"systemd ended with {done.returncode}")
            return done.stdout

        yield run


@pytest.fixture
def table(request: pytest.FixtureRequest) -> dict[str, list[str]]:
    """Rows of the summary, by set of readers."""
    return request.config.stash.setdefault(TABLE, {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    rows = config.stash.get(TABLE, {})
    if rows:
        terminalreporter.section("corpus through the real readers")
    for title, lines in rows.items():
        terminalreporter.write_line(title)
        for line in lines:
            terminalreporter.write_line(f"    {line}")
