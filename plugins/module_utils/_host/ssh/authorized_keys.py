# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Text of an authorized_keys file: finds keys by their blob, and keeps everything else byte for byte. Pure.

Runs on hosts too: standard library only, Python 3.8.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import shlex
from typing import List, NamedTuple, Optional, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import fingerprints

DISABLED = b"#disabled by watchparty.secrets: "
"""Beginning of a leaked key's line until its successor is there: a comment for sshd."""
_BLANKS = b" \t\r"
_MARKS = re.compile(rb'\\"|["\t ]')
"""Regular expression, because a line may have 4 MiB, and a search has seconds."""


class AuthorizedKey(NamedTuple):
    options: bytes
    """Options such as ``from="10.0.0.1",no-pty``. Empty if the line has none."""
    blob: bytes
    comment: bytes


def blob_of(public: str) -> bytes:
    """The blob in a public line such as ``ssh-ed25519 AAAA… comment``. Raises ValueError."""
    entry = entry_of(public.encode("utf-8"))
    if entry is None:
        raise ValueError("is not a public SSH key")
    return entry.blob


def entry_of(line: bytes) -> Optional[AuthorizedKey]:
    """The key that the line authorizes, as sshd reads it, or None."""
    line = line.strip(_BLANKS)
    if not line or line.startswith(b"#"):
        return None
    authorized_key = _key_at(b"", line)
    if authorized_key is not None:
        return authorized_key
    end = _end_of_options(line)
    return _key_at(line[:end], line[end:].strip(_BLANKS))


def _end_of_options(line: bytes) -> int:
    """Position of the first blank outside quotes. Inside quotes, sshd reads \\" as a quote."""
    quoted = False
    for mark in _MARKS.finditer(line):
        if mark.group() == b'"':
            quoted = not quoted
        elif not quoted and mark.group() != b'\\"':
            return mark.start()
    return len(line)


def _key_at(options: bytes, text: bytes) -> Optional[AuthorizedKey]:
    """The key of ``TYPE BASE64 …``. The blob names its type too, so that no option is taken for a key."""
    parts = text.split(None, 2)
    if len(parts) < 2:
        return None
    try:
        blob = base64.b64decode(parts[1], validate=True)
    except (binascii.Error, ValueError):
        return None
    length = int.from_bytes(blob[:4], "big")
    if not length or blob[4 : 4 + length] != parts[0]:
        return None
    return AuthorizedKey(options, blob, parts[2] if len(parts) > 2 else b"")


def path_of(pattern: str, home: str, user: str) -> str:
    """The path of an AuthorizedKeysFile pattern: %h, %u, a path in the account's home, or a tilde."""
    if pattern.startswith("~/"):
        pattern = "%h" + pattern[1:]
    text = pattern.replace("%%", "\0").replace("%h", home).replace("%u", user).replace("\0", "%")
    return os.path.normpath(os.path.join(home, text))


def holds(text: bytes, blob: bytes) -> bool:
    return any(entry is not None and entry.blob == blob for entry in map(entry_of, text.split(b"\n")))


def names(text: bytes, blob: bytes) -> bool:
    """Whether a line authorizes the key, or did until it was disabled."""
    return any(_is_of(line, blob) for line in text.split(b"\n"))


def _is_of(line: bytes, blob: bytes) -> bool:
    return getattr(_entry_of(line), "blob", None) == blob


def _entry_of(line: bytes) -> Optional[AuthorizedKey]:
    """The key of a line, also of a disabled one."""
    return entry_of(line[len(DISABLED) :] if line.startswith(DISABLED) else line)


def others(text: bytes, known: Tuple[bytes, ...]) -> List[str]:
    entries = [entry for entry in map(entry_of, text.split(b"\n")) if entry is not None]
    return list(dict.fromkeys(fingerprints.of_ssh_key(entry.blob) for entry in entries if entry.blob not in known))


def added(text: bytes, old: bytes, new: str) -> bytes:
    """Adds the new public line after each line of the old key, with the same options."""
    if holds(text, blob_of(new)):
        return text
    lines: List[bytes] = []
    for line in text.split(b"\n"):
        lines.append(line)
        entry = _entry_of(line)
        if entry is not None and entry.blob == old:
            lines.append(entry.options + (b" " if entry.options else b"") + new.encode("utf-8"))
    whole = b"\n".join(lines)
    return whole if whole.endswith(b"\n") or whole == text else whole + b"\n"


def removal(blob: bytes, path: str) -> str:
    """The command that removes the key's lines. No two keys end the same."""
    end = re.sub(r"([+/])", r"[\1]", base64.b64encode(blob)[-44:].decode("ascii"))
    return "sed -i -E %s %s" % (shlex.quote("/%s([[:space:]]|$)/d" % end), shlex.quote(path))


def without(text: bytes, blob: bytes) -> bytes:
    return b"\n".join(line for line in text.split(b"\n") if not _is_of(line, blob))


def disabled(text: bytes, blob: bytes) -> bytes:
    """Disables the key's lines. Each keeps its place and its options."""
    lines = (line if not holds(line, blob) else DISABLED + line for line in text.split(b"\n"))
    return b"\n".join(lines)
