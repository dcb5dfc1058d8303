# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a stage's command, keeps its log, counts its tests, and ends what it leaves running."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from check_results import Tally, counted, skipped

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
NEWEST = ROOT / ".venv"
LINTED = ("changelog", "pep8", "pylint")
"""Checks of ansible-test that the stage lint covers, by the same program, or by ruff and mypy."""
WITHOUT_ANSIBLE = ("ansible-doc", "runtime-metadata", "yamllint")
"""Slow checks that find the same with every Ansible."""
FOREIGN_VARIABLES = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
"""The caller's variables that checks do not inherit."""
TAIL = 80
"""Lines of a failed check's log that are shown."""
STOPPING = threading.Event()
"""Set if the run is interrupted, so that parallel checks end too."""


@dataclass(frozen=True)
class Run:
    """A stage's way to run commands: to the terminal, or to logs."""

    stage: str
    live: bool

    def check(self, name: str, argv: Sequence[str | Path], *, environment: Path = NEWEST, minutes: float = 15) -> Tally:
        """Runs a command that passes or fails as a whole."""
        code = self._command(name, argv, environment, minutes)
        return self._say(name, Tally(failures=(name,)) if code else Tally(passed=1))

    def pytest(self, name: str, *arguments: str, environment: Path = NEWEST, minutes: float = 45) -> Tally:
        """Runs pytest and counts each test.

        Among other stages property tests try the same examples each time, so that a failure is the change's. A stage
        alone tries new ones.
        """
        report = BUILD / "reports" / f"{self.stage}-{name}.xml"
        report.parent.mkdir(parents=True, exist_ok=True)
        report.unlink(missing_ok=True)
        argv: list[str | Path] = [
            environment / "bin" / "python",
            "-m",
            "pytest",
            "-q",
            f"--junitxml={report}",
            *([] if self.live else ["--hypothesis-seed=0"]),
            *arguments,
        ]
        code = self._command(name, argv, environment, minutes)
        tally = counted(report)
        if code == 5:
            tally = skipped(f"{name}: there are no tests in {arguments[0]}")
        elif code and not tally.failed:
            tally += Tally(failures=(f"{name}: exit code {code}",))
        return self._say(name, tally)

    def sanity(self, name: str, environment: Path) -> Tally:
        """Runs ansible-test and counts its own tests. It skips Pythons that are not on this machine.

        Among other stages, checks of the stage lint are left out, and with the older Ansible, checks that do not depend
        on it. Modules are imported with the oldest Python of each Ansible. With the newest Python, which takes the
        import test a minute, tests/unit/plugins/test_imports.py imports all plugins.
        """
        argv: list[str | Path] = [ROOT / "scripts" / "sanity.sh", environment.name]
        if not self.live:
            newest = environment == NEWEST
            again = LINTED if newest else (*LINTED, *WITHOUT_ANSIBLE)
            argv = ["env", "IMPORT_WITH=oldest", *argv, *(part for test in again for part in ("--skip-test", test))]
        code = self._command(name, argv, environment, 30)
        text = self._log(name).read_text(encoding="utf-8", errors="replace")
        lists = re.findall(
            r"FATAL: The \d+ sanity test\(s\) listed below \(out of \d+\) failed.*\n((?:[a-z].*\n?)+)", text
        )
        failures = [line for text_of in lists for line in text_of.splitlines()]
        ran = len(re.findall(r'^Running sanity test "', text, re.MULTILINE))
        missing = re.findall(r'Skipping sanity test "[^"]+" on Python (\S+) because it could not be found', text)
        failed = tuple(f"{name}: {failure}" for failure in failures) or (name,) * (code != 0)
        reasons = Counter({f"{name}: no Python {version} to compile and import with" for version in missing})
        return self._say(name, Tally(max(ran - len(failed), 0), failed, reasons))

    def _log(self, name: str) -> Path:
        return BUILD / "logs" / f"{self.stage}-{name}.log"

    def _command(self, name: str, argv: Sequence[str | Path], environment: Path, minutes: float) -> int:
        log = self._log(name)
        log.parent.mkdir(parents=True, exist_ok=True)
        # Without bytecode Python compiles everything again for each process, and pytest every test.
        env = {name: value for name, value in os.environ.items() if name not in FOREIGN_VARIABLES}
        env |= {"PATH": f"{environment / 'bin'}:{env.get('PATH', os.defpath)}", "VIRTUAL_ENV": str(environment)}
        env |= {"LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
        if not (self.live and sys.stdout.isatty()):
            env |= {"NO_COLOR": "1", "PY_COLORS": "0", "ANSIBLE_NOCOLOR": "1"}
            env.pop("FORCE_COLOR", None)
        deadline = time.monotonic() + minutes * 60
        with log.open("wb") as out, log.open("rb") as written:
            # Its own session, which can be ended with all that a check leaves running.
            process = subprocess.Popen(
                [str(part) for part in argv],
                cwd=ROOT,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                running = True
                while running:
                    running = process.poll() is None
                    if STOPPING.is_set():
                        break
                    if running and time.monotonic() > deadline:
                        out.write(f"\nended: it took more than {minutes:g} minutes\n".encode())
                        break
                    if self.live:
                        sys.stdout.buffer.write(written.read())
                        sys.stdout.buffer.flush()
                    time.sleep(0.1)
            finally:
                end(process)
        code = process.returncode
        if code not in (0, 5) and not self.live:
            print(f"\n--- the end of {log.relative_to(ROOT)}")
            print("\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL:]))
            print("---\n", flush=True)
        return code

    def _say(self, name: str, tally: Tally) -> Tally:
        state = "FAILED" if tally.failed else "ok" if tally.passed else "skipped"
        print(f"  {self.stage}: {name}: {state}", flush=True)
        return tally


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a command and what it left running: by SIGTERM for its cleanup, then by SIGKILL."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
