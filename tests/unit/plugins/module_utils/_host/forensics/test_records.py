# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Logins, keys and processes, out of a host's own records."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import fingerprints, timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import records as forensics_records
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.records import (
    KeyLine,
    KnownKey,
    SshLogin,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import authorized_keys
from tests.unit.plugins.module_utils._host.ssh.public_keys import key

PRINT = "SHA256:uJ2kQx0LQ3pV8v2X4oJ1r0wq0n3m5t7y9u1i3o5p7a8"
KEYED = f"Accepted publickey for deploy from 203.0.113.9 port 40022 ssh2: ED25519 {PRINT}"
KEY, ANOTHER = key("one"), key("another")
TO = "2026-11-25T12:01:00Z"
NOON = timestamps.seconds_of("2026-11-25T12:00:00Z")


def keygen(folder: Path, *arguments: str) -> Path:
    program = shutil.which("ssh-keygen")
    if program is None:
        pytest.skip("ssh-keygen is not installed, so no real key was looked at")
    path = folder / "key"
    subprocess.run([program, "-q", "-f", str(path), "-C", "me@laptop", *arguments], check=True, timeout=60)
    return path


class TestLogins:
    @pytest.mark.parametrize(
        ("message", "expected"),
        [
            (KEYED, SshLogin(7.0, "deploy", "203.0.113.9", "publickey", PRINT)),
            (
                f"{KEYED} ID me (serial 0) CA ED25519 SHA256:other",
                SshLogin(7.0, "deploy", "203.0.113.9", "publickey", PRINT),
            ),
            ("Accepted password for root from ::1 port 22 ssh2", SshLogin(7.0, "root", "::1", "password")),
            ("Failed password for root from ::1 port 22 ssh2", None),
            (f"Invalid user {KEYED}", None),
        ],
    )
    def test_what_sshd_says(self, message: str, expected: SshLogin | None) -> None:
        assert forensics_records.accepted(7.0, message) == expected

    def test_an_entry_of_the_journal(self) -> None:
        line = json.dumps({"__REALTIME_TIMESTAMP": "1764072000000000", "MESSAGE": KEYED})
        ssh_login = forensics_records.of_journal(line)
        assert ssh_login is not None
        assert (ssh_login.at, ssh_login.user) == (1764072000.0, "deploy")

    @pytest.mark.parametrize(
        "line",
        [
            "no JSON",
            "[]",
            "{}",
            '{"__REALTIME_TIMESTAMP": "1", "MESSAGE": [65, 66]}',
            '{"__REALTIME_TIMESTAMP": "x", "MESSAGE": "x"}',
        ],
    )
    def test_an_entry_that_is_none(self, line: str) -> None:
        assert forensics_records.of_journal(line) is None

    @pytest.mark.parametrize(
        ("at", "stamp"),
        [
            ("2026-11-25T10:00:00.123456+01:00", "2026-11-25T09:00:00Z"),
            ("2026-11-25T10:00:00Z", "2026-11-25T10:00:00Z"),
            ("2026-11-25T10:00:00-0330", "2026-11-25T13:30:00Z"),
        ],
    )
    def test_a_line_of_a_log(self, at: str, stamp: str) -> None:
        for program in ("sshd", "sshd-session"):
            ssh_login = forensics_records.of_syslog(f"{at} web1 {program}[12]: {KEYED}", NOON)
            assert ssh_login is not None
            assert timestamps.stamp_of(ssh_login.at) == stamp

    def test_a_time_without_a_year_is_the_latest_that_has_been(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TZ", "UTC")
        forensics_records.time.tzset()
        for text, stamp in (("Nov 25 10:00:00", "2026-11-25T10:00:00Z"), ("Dec  1 10:00:00", "2025-12-01T10:00:00Z")):
            ssh_login = forensics_records.of_syslog(f"{text} web1 sshd[12]: {KEYED}", NOON)
            assert ssh_login is not None
            assert timestamps.stamp_of(ssh_login.at) == stamp

    @pytest.mark.parametrize(
        "line",
        [
            f"Nov 25 10:00:00 web1 cron[12]: {KEYED}",
            f"Feb 31 10:00:00 web1 sshd[12]: {KEYED}",
            f"2026-13-25T10:00:00Z web1 sshd[12]: {KEYED}",
            f"2026-11-25Tnow web1 sshd[12]: {KEYED}",
            "",
        ],
    )
    def test_a_line_that_is_no_login(self, line: str) -> None:
        assert forensics_records.of_syslog(line, NOON) is None

    def test_records_of_wtmp(self) -> None:
        def record(kind: int, user: bytes, host: bytes) -> bytes:
            return forensics_records.UTMP.pack(kind, 1, b"pts/0", b"", user, host, 0, 0, 0, 100, 0, 0, 0, 0, 0, b"")

        content = record(7, b"deploy", b"203.0.113.9") + record(8, b"", b"") + record(7, b"root", b"") + b"cut off"
        assert list(forensics_records.of_wtmp(content)) == [
            SshLogin(100.0, "deploy", "203.0.113.9"),
            SshLogin(100.0, "root", "this machine"),
        ]

    def test_in_words_the_latest_first(self) -> None:
        ssh_login = SshLogin(NOON, "deploy", "203.0.113.9", "publickey", PRINT)
        ssh_logins = [
            ssh_login,
            ssh_login._replace(at=NOON + 60),
            SshLogin(NOON - 60, "root", "::1", "password"),
            ssh_login._replace(at=5.0),
        ]
        assert forensics_records.logins(ssh_logins, NOON - 60) == [
            f"deploy logged in 2 times from 203.0.113.9 by publickey {PRINT}, {timestamps.stamp_of(NOON)} to {TO}",
            "root logged in from ::1 by password, 2026-11-25T11:59:00Z",
        ]

    def test_many_are_counted(self) -> None:
        ssh_logins = [SshLogin(NOON, "deploy", f"10.0.0.{at}") for at in range(forensics_records.MOST + 2)]
        assert forensics_records.logins(ssh_logins, 0)[-1] == "and 2 more"


class TestKeys:
    @pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
    def test_a_real_one_is_known_by_its_private_part(self, tmp_path: Path, kind: str) -> None:
        path = keygen(tmp_path, "-t", kind, "-N", "")
        shown = subprocess.run(
            ["ssh-keygen", "-l", "-f", str(path) + ".pub"], capture_output=True, text=True, check=True
        )
        key_line = forensics_records.key_of(Path(str(path) + ".pub").read_bytes())
        assert key_line == KeyLine(shown.stdout.split()[1], "me@laptop")
        blob = forensics_records.public_part(path.read_text())
        assert blob is not None
        assert fingerprints.of_ssh_key(blob) == key_line.fingerprint
        in_env = path.read_text().replace("\n", "\\n")
        assert forensics_records.public_part(in_env) == blob, "as one line, with backslashes"

    def test_an_encrypted_one_shows_its_public_part_too(self, tmp_path: Path) -> None:
        path = keygen(tmp_path, "-t", "ed25519", "-N", "canary-passphrase")
        assert forensics_records.public_part(path.read_text()) is not None

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN OPENSSH PRIVATE KEY-----\n!!!!\n-----END OPENSSH PRIVATE KEY-----",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----",
            # a length that leads out of it
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAAAAAAAAAAAAAAAAAAAQAAAP8=\n-----END",
        ],
    )
    def test_what_is_no_private_key(self, text: str) -> None:
        assert forensics_records.public_part(text) is None

    @pytest.mark.parametrize(
        ("line", "comment"),
        [
            (f"{KEY} me@laptop\r", "me@laptop"),
            (f'from="10.0.0.0/8",command="echo ssh me" {KEY}', ""),
            (f"{KEY} a key", "a key"),
            (f"{KEY} \x1b[31mred", "?[31mred"),
            (f'environment="A= {ANOTHER} " {KEY} not the one in its options', "not the one in its options"),
        ],
    )
    def test_a_line(self, line: str, comment: str) -> None:
        fingerprint = fingerprints.of_ssh_key(authorized_keys.blob_of(KEY))
        assert forensics_records.key_of(line.encode()) == KeyLine(fingerprint, comment)

    @pytest.mark.parametrize("line", ["", f"# {KEY}", "ssh-rsa", "ssh-rsa AAA me", "1024 37 123 me"])
    def test_a_line_without_a_key(self, line: str) -> None:
        assert forensics_records.key_of(line.encode()) is None

    def test_unknown_ones(self) -> None:
        result = {"/b": [KeyLine("SHA256:b", "")], "/a": [KeyLine("SHA256:a", "me"), KeyLine("SHA256:known", "")]}
        assert forensics_records.stray_keys(result, [KnownKey("SHA256:known", "deploy", "/a")], {"/a": NOON}) == [
            "unknown key SHA256:a (me) in /a, file changed 2026-11-25T12:00:00Z",
            "unknown key SHA256:b in /b",
        ]

    def test_known_ones_outside_their_own_file(self) -> None:
        """The leaked ones come first: of many lines the last are cut."""
        key_line, two = KeyLine("SHA256:one", ""), KeyLine("SHA256:two", "ci")
        known = [KnownKey("SHA256:one", "deploy", "/own"), KnownKey("SHA256:two", "backup", "/other", leaked=True)]
        when = ", file changed 2026-11-25T12:00:00Z"
        result = {"/a": [key_line], "/other": [two], "/own": [key_line], "/root/keys": [two, KeyLine("SHA256:x", "")]}
        assert forensics_records.stray_keys(result, known, {"/root/keys": NOON}) == [
            f"LEAKED key SHA256:two of backup (ci) in /root/keys, in addition to its own file /other{when}",
            "key SHA256:one of deploy in /a, in addition to its own file /own",
            f"unknown key SHA256:x in /root/keys{when}",
        ]

    def test_one_that_two_credentials_have(self) -> None:
        key = KeyLine("SHA256:one", "")
        known = [KnownKey("SHA256:one", "a", "/a"), KnownKey("SHA256:one", "b", "", leaked=True)]
        assert forensics_records.stray_keys({"/a": [key]}, known, {}) == []
        assert forensics_records.stray_keys({"/c": [key]}, known, {}) == [
            "LEAKED key SHA256:one of a, b in /c, in addition to its own file /a"
        ]


class TestProcesses:
    def test_main_processes(self) -> None:
        text = "Id=web.service\nMainPID=12\n\nMainPID=0\nId=worker.service\n\nId=odd.service\n\n"
        assert forensics_records.main_pids(text) == {"web.service": 12, "worker.service": 0}
        assert forensics_records.main_pids("") == {}

    def test_in_words(self) -> None:
        units = {"b.service": NOON - 60, "a.service": NOON + 60, "c.service": None}
        assert forensics_records.process_lines(units, "/srv/.env", NOON) == [
            "a.service runs since 2026-11-25T12:01:00Z, after its file changed (2026-11-25T12:00:00Z)",
            "b.service runs since 2026-11-25T11:59:00Z, BEFORE its file changed (2026-11-25T12:00:00Z)",
            "c.service does not run",
        ]
        assert forensics_records.process_lines({"a.service": NOON}, "/srv/.env", None) == [
            "a.service runs since 2026-11-25T12:00:00Z; there is no /srv/.env"
        ]
