# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When a process began."""

from __future__ import annotations

import subprocess
import time

from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import process_start


def test_out_of_its_stat() -> None:
    stat = "12 (a ) b) S " + " ".join(str(at) for at in range(18)) + " 500 9"
    assert process_start.started(stat, 1000.0, 100) == 1005.0
    assert process_start.started("12 (a) S 1", 1000.0, 100) is None


def test_it_is_known_to_hundredths() -> None:
    """A deploy restarts within hundredths of its write, and must not look older than its file."""
    before = time.time()
    with subprocess.Popen(["sleep", "9"]) as process:
        began = process_start.began(process.pid)
        process.kill()
    assert began is not None
    assert before - 0.03 <= began <= time.time() + 0.03


def test_one_that_is_not_there() -> None:
    with subprocess.Popen(["true"]) as process:
        pass
    assert process_start.began(process.pid) is None
