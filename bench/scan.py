# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A long history searched for two hundred values, compared with gitleaks and ``git log -p | grep``.

``python -m bench.scan REPOSITORY`` is the search alone, in its own process so that its memory can be measured.
"""

from __future__ import annotations

import os
import random
import shutil
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench import history
from bench.run import Run
from sandbox.process import REPOSITORY, SandboxError

VALUES = 200
PLANTED = 20
COLLECTIONS = REPOSITORY / "playbooks" / "collections"


def values() -> list[str]:
    luck = random.Random(7)
    letters = string.ascii_letters + string.digits + "-_"
    return ["".join(luck.choices(letters, k=luck.randint(20, 50))) for _at in range(VALUES)]


def gitleaks() -> str | None:
    return shutil.which("gitleaks")


def _resident(process: int) -> int:
    """Kilobytes of a process and its descendants."""
    total, waiting = 0, [process]
    while waiting:
        number = waiting.pop()
        try:
            for line in Path(f"/proc/{number}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1])
            for task in Path(f"/proc/{number}/task").iterdir():
                waiting += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return total


class ScanScene:
    """A repository, and the ways to search it."""

    def __init__(self, repository: Path, path: Path) -> None:
        self.repository = repository
        self.path = path

    def scan(self) -> Run:
        run, output = self._timed([sys.executable, "-m", "bench.scan", str(self.repository)])
        count = int(output.split()[0])
        if count != PLANTED:
            raise SandboxError(f"{count} of {PLANTED} planted values were found")
        return run

    def gitleaks(self) -> Run:
        command = ["gitleaks", "detect", "--source", str(self.repository), "--no-banner", "--redact"]
        command += ["--log-level", "error", "--exit-code", "0", "--report-path", os.devnull]
        return self._timed(command)[0]

    def grep(self) -> Run:
        line = f"git -C {self.repository} log -p --all --full-history | grep -a -c -F -f {self.path}"
        return self._timed(["sh", "-c", line])[0]

    def _timed(self, command: Sequence[str]) -> tuple[Run, str]:
        began, peak = time.monotonic(), 0
        environment = {**os.environ, "PYTHONPATH": f"{COLLECTIONS}:{REPOSITORY}"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            while process.poll() is None:
                peak = max(peak, _resident(process.pid))
                time.sleep(0.05)
            seconds = time.monotonic() - began
            output = process.stdout.read() if process.stdout else ""
        if process.returncode:
            raise SandboxError(f"{command[0]} ended with {process.returncode}")
        return Run(seconds, {"memory": peak / 1024}), output


@contextmanager
def scan_scene(megabytes: int) -> Iterator[ScanScene]:
    with tempfile.TemporaryDirectory(prefix="bench-scan-") as directory:
        place = Path(directory)
        path = place / "values"
        path.write_text("\n".join(values()) + "\n", encoding="utf-8")
        planted = [value.encode() for value in values()[:PLANTED]]
        print(f"making {megabytes} MB of history", flush=True)
        history.make(place / "repository", megabytes, planted=planted)
        yield ScanScene(place / "repository", path)


def main() -> None:
    from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import scan as scan_scan
    from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import sources as scan_sources
    from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Live, needles_for

    wanted = needles_for([Live(f"S{at}", "current", value) for at, value in enumerate(values())])
    report = scan_scan.scan([scan_sources.GitSource(sys.argv[1])], wanted)
    print(
        len({finding.rule for finding in report.findings}),
        "found in",
        report.objects,
        "objects,",
        report.bytes,
        "bytes",
    )


if __name__ == "__main__":
    main()
