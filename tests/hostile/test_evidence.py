# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An application account logs as sshd: it invents no login of the systemd journal, and hides none without a word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import gather_evidence
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import all_accounts
from tests.unit.plugins.module_utils._host.forensics.test_gather_evidence import Machine
from tests.unit.plugins.module_utils._host.ssh.public_keys import key

pytestmark = pytest.mark.servers
REAL = "Accepted publickey for root from 203.0.113.9 port 40022 ssh2: ED25519 SHA256:thief"
FORGED = "Accepted publickey for deploy from 192.0.2.1 port 40022 ssh2: ED25519 SHA256:innocent"
JOURNALCTL = """
exec python3 -I - "$@" <<'X'
import json, sys
matches = {}
for word in sys.argv[1:]:
    name, equals, value = word.partition("=")
    if equals and not word.startswith("-"):
        matches.setdefault(name, []).append(value)
most = next(int(word.partition("=")[2]) for word in sys.argv if word.startswith("--lines="))
with open("ENTRIES") as stream:
    found = [one for one in map(json.loads, stream) if all(one.get(name) in matches[name] for name in matches)]
for one in found[::-1][:most]:
    print(json.dumps({"__REALTIME_TIMESTAMP": "1764072000000000", "MESSAGE": one["MESSAGE"]}))
X
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def entry(message: str, uid: int) -> str:
    return json.dumps({"MESSAGE": message, "_UID": str(uid), "SYSLOG_IDENTIFIER": "sshd"})


def journal(machine: Machine, *entries: str) -> None:
    path = machine.write("entries", "\n".join(entries))
    machine.journal(JOURNALCTL.replace("ENTRIES", str(path)))


def test_the_systemd_journal(machine: Machine) -> None:
    """Seen to show the forged login, and not the thief's."""
    journal(machine, entry(REAL, 0), *[entry(FORGED, 33)] * 20000)
    assert machine.gathered() == {
        "lines": ["root logged in from 203.0.113.9 by publickey SHA256:thief, 2025-11-25T12:00:00Z"],
        "short": [],
    }


def test_failed_logins_that_fill_what_is_read(machine: Machine) -> None:
    """Root's sshd writes those for anybody who can reach it. Seen to say that nobody logged in."""
    journal(machine, entry(REAL, 0), *[entry("Invalid user x from 192.0.2.1 port 1", 0)] * 20000)
    assert machine.gathered()["short"][:1] == [
        "logins: only the newest 20000 lines of sshd in the systemd journal were read"
    ]
    assert "no login by SSH" not in machine.gathered()["lines"]


def test_a_text_log(machine: Machine) -> None:
    """Nothing in it tells who wrote a line. Seen to say that nobody logged in."""
    line = "2026-11-25T10:00:00Z web1 sshd[1]: "
    noise = f"{line}noise\n" * (all_accounts.LARGEST // len(f"{line}noise\n") + 1)
    machine.write("auth.log", f"{line}{REAL}\n{noise}")
    result = machine.gathered()
    assert result["short"] == [
        gather_evidence.FORGEABLE,
        f"logins: only the last 4 MiB of {machine.folder}/auth.log were read",
    ]
    assert result["lines"] == []


def test_keys_of_one_account_hide_no_other_accounts(machine: Machine) -> None:
    """Seen to show 40 keys of the application's own file and none of root's, whose file comes later."""
    own = "".join(f"{key(f'noise{number}')}\n" for number in range(60))
    machine.write("home/deploy/.ssh/authorized_keys", own)
    machine.write("home/root/.ssh/authorized_keys", f"{key('thief')} thief\n")
    lines = machine.gathered()["lines"]
    assert [line for line in lines if "(thief) in " in line]
    assert [line for line in lines if line.startswith("50 more unknown keys in ") and "/deploy/" in line]


def test_a_file_of_which_a_part_is_read_is_named(machine: Machine) -> None:
    """sshd reads all of it. Seen to pass over the key before the noise."""
    noise = "# noise\n" * (all_accounts.LARGEST // 8 + 1)
    machine.write("home/deploy/.ssh/authorized_keys", f"{key('thief')} thief\n{noise}")
    assert (
        "authorized_keys: 1 files cannot be read or are larger than 4 MiB; use become, or check them by hand"
        in (machine.gathered()["short"])
    )
