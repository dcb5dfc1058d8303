# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parses a host's own records of logins, keys and processes.

Of a key, only its fingerprint and comment are reported.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import struct
import time
from typing import Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import fingerprints, timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._host import systemd_show
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import auth_log, authorized_keys

MOST = 40
"""Lines of one sort in a report."""
MOST_OF_FILE = 10
"""Unknown keys of one file that are reported: its account must not push others out."""
_SYSLOG = re.compile(
    r"(?P<at>\w{3} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) \S+ sshd(?:-session)?\[\d+\]: (?P<message>.*)"
)
UTMP = struct.Struct("hi32s4s32s256shhiii4i20s")
"""A record of wtmp on Linux."""
_USER_PROCESS = 7


class SshLogin(NamedTuple):
    at: float
    user: str
    address: str
    method: str = ""
    fingerprint: str = ""


class KeyLine(NamedTuple):
    fingerprint: str
    comment: str


class KnownKey(NamedTuple):
    fingerprint: str
    credential: str
    file: str
    """File on this host that may have the key; empty if unknown."""
    leaked: bool = False


def plain(text: str, longest: int = 120) -> str:
    """Foreign text on one line, with ``?`` for unprintable characters."""
    return "".join(name if name.isprintable() else "?" for name in text)[:longest]


# --- logins ----------------------------------------------------------------------------------------------------------


def accepted(at: float, message: str) -> Optional[SshLogin]:
    """Login in a message of sshd; None for other messages."""
    result = auth_log.accepted(message)
    if result is None:
        return None
    return SshLogin(at, plain(result.user), plain(result.address), result.method, result.fingerprint)


def of_journal(line: str) -> Optional[SshLogin]:
    """Login in an entry of ``journalctl --output=json``."""
    try:
        entry = json.loads(line)
        at = int(entry["__REALTIME_TIMESTAMP"]) / 1e6
    except (ValueError, KeyError, TypeError):
        return None
    message = entry.get("MESSAGE")  # a list of numbers where it is not text
    return accepted(at, message) if isinstance(message, str) else None


def of_syslog(line: str, now: float) -> Optional[SshLogin]:
    """Login in a line of auth.log or secure. The short form of time is local and has no year."""
    match = _SYSLOG.match(line)
    if not match:
        return None
    at = _iso(match["at"]) if match["at"][0].isdigit() else _short(match["at"], now)
    return accepted(at, match["message"]) if at is not None else None


def _short(text: str, now: float) -> Optional[float]:
    year = time.localtime(now).tm_year
    for candidate in (year, year - 1):
        try:
            at = time.mktime(time.strptime("%d %s" % (candidate, text), "%Y %b %d %H:%M:%S"))
        except ValueError:
            continue
        if at <= now + 86400:
            return at
    return None


def _iso(text: str) -> Optional[float]:
    match = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|([+-])(\d\d):?(\d\d))", text)
    if not match:
        return None
    try:
        at = timestamps.seconds_of(match[1] + "Z")
    except ValueError:
        return None
    if match[2] is None:
        return at
    offset = int(match[3]) * 3600 + int(match[4]) * 60
    return at - offset if match[2] == "+" else at + offset


def of_wtmp(content: bytes) -> Iterator[SshLogin]:
    """Logins in wtmp, which name no key. A truncated record is skipped."""
    for start in range(0, len(content) - UTMP.size + 1, UTMP.size):
        fields = UTMP.unpack_from(content, start)
        if fields[0] == _USER_PROCESS:
            user, host = (fields[at].partition(b"\0")[0].decode("utf-8", "replace") for at in (4, 5))
            yield SshLogin(float(fields[9]), plain(user), plain(host) or "this machine")


def logins(ssh_logins: Iterable[SshLogin], since: float) -> List[str]:
    """Logins in the window, the latest first. Logins that differ only in time share a line."""
    rows: Dict[Tuple[str, str, str, str], List[float]] = {}
    for ssh_login in ssh_logins:
        if ssh_login.at >= since:
            rows.setdefault((ssh_login.user, ssh_login.address, ssh_login.method, ssh_login.fingerprint), []).append(
                ssh_login.at
            )
    lines = []
    for (user, address, method, fingerprint), times in sorted(rows.items(), key=lambda item: -max(item[1])):
        how = " ".join(part for part in (method, fingerprint) if part)
        when = timestamps.stamp_of(min(times)) + (
            " to " + timestamps.stamp_of(max(times)) if min(times) != max(times) else ""
        )
        count = " %d times" % len(times) if len(times) > 1 else ""
        lines.append("%s logged in%s from %s%s, %s" % (user, count, address, " by " + how if how else "", when))
    return cut(lines)


def cut(lines: List[str]) -> List[str]:
    return lines[:MOST] + (["and %d more" % (len(lines) - MOST)] if len(lines) > MOST else [])


# --- keys ------------------------------------------------------------------------------------------------------------


def key_of(line: bytes) -> Optional[KeyLine]:
    """The key that a line of authorized_keys authorizes."""
    entry = authorized_keys.entry_of(line.strip())
    if entry is None:
        return None
    return KeyLine(fingerprints.of_ssh_key(entry.blob), plain(entry.comment.decode("utf-8", "replace"), 60))


def public_part(text: str) -> Optional[bytes]:
    """Public part of a private key in OpenSSH's own form; None for any other text."""
    body = re.search(r"-----BEGIN OPENSSH PRIVATE KEY-----(.*?)-----END", text, re.DOTALL)
    if not body:
        return None
    try:
        raw = base64.b64decode("".join(body[1].replace("\\n", "\n").split()), validate=True)
        if not raw.startswith(b"openssh-key-v1\0"):
            return None
        at = 15
        for _field in ("cipher", "derivation", "its options"):
            at += 4 + struct.unpack_from(">I", raw, at)[0]
        at += 4  # number of keys
        size = struct.unpack_from(">I", raw, at)[0]
    except (binascii.Error, struct.error):
        return None
    blob = raw[at + 4 : at + 4 + size]
    return blob if len(blob) == size else None


def _stray_key(key: KeyLine, credentials: Sequence[KnownKey], path: str) -> Tuple[int, str]:
    """Rank and text: 0 for a leaked key, 1 for another of the catalog, 2 for an unknown one."""
    rank, word = 2, "unknown key"
    if credentials:
        rank, word = (0, "LEAKED key") if any(known_key.leaked for known_key in credentials) else (1, "key")
    comment = " (%s)" % key.comment if key.comment else ""
    whose = " of " + ", ".join(known_key.credential for known_key in credentials) if credentials else ""
    own = [plain(known_key.file) for known_key in credentials if known_key.file]
    beside = ", in addition to its own file " + ", ".join(own) if own else ""
    return rank, "%s %s%s%s in %s%s" % (word, key.fingerprint, whose, comment, path, beside)


def stray_keys(
    result: Mapping[str, Iterable[KeyLine]], known: Iterable[KnownKey], changed: Mapping[str, float]
) -> List[str]:
    """Entries in files that are not the key's own: leaked keys first, then the catalog's others, then unknown ones.

    ``changed``: change time by file.
    """
    ours: Dict[str, List[KnownKey]] = {}
    for known_key in known:
        ours.setdefault(known_key.fingerprint, []).append(known_key)
    lines = []
    for path in sorted(result):
        unknown = 0
        when = ", file changed %s" % timestamps.stamp_of(changed[path]) if path in changed else ""
        for key in result[path]:
            its = ours.get(key.fingerprint, [])
            if path in [known_key.file for known_key in its]:
                continue
            unknown += not its
            if its or unknown <= MOST_OF_FILE:
                rank, message = _stray_key(key, its, plain(path))
                lines.append((rank, message + when))
        if unknown > MOST_OF_FILE:
            lines.append((2, "%d more unknown keys in %s" % (unknown - MOST_OF_FILE, plain(path))))
    return cut([line for _rank, line in sorted(lines, key=lambda line: line[0])])


# --- processes -------------------------------------------------------------------------------------------------------


def main_pids(text: str) -> Dict[str, int]:
    """Process by unit, from ``systemctl show --property=Id,MainPID``; 0 if the unit does not run."""
    result = {}
    for fields in systemd_show.shown(text):
        if fields.get("Id") and fields.get("MainPID", "").isdigit():
            result[fields["Id"]] = int(fields["MainPID"])
    return result


def process_lines(units: Mapping[str, Optional[float]], path: str, changed: Optional[float]) -> List[str]:
    """``units``: start of each unit's process; None if it does not run."""
    lines = []
    for unit in sorted(units):
        began = units[unit]
        if began is None:
            lines.append("%s does not run" % plain(unit))
        elif changed is None:
            lines.append("%s runs since %s; there is no %s" % (plain(unit), timestamps.stamp_of(began), path))
        else:
            order = "BEFORE its file changed" if began < changed else "after its file changed"
            lines.append(
                "%s runs since %s, %s (%s)"
                % (plain(unit), timestamps.stamp_of(began), order, timestamps.stamp_of(changed))
            )
    return lines
