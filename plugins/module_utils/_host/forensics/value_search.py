# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a text, a file or an archive holds one of the present values. Standard library only; Python 3.8."""

from __future__ import annotations

import base64
import binascii
import io
import os
import re
import stat
import time
from importlib import import_module
from typing import Callable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._host import safe_files
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import stray_copies
from ansible_collections.watchparty.secrets.plugins.module_utils._host.safe_files import OpenPath

CHUNK = 1 << 20
LARGEST = 32 << 20
"""Bytes of a file, and of what is packed in it, that are looked into."""
MEMBERS = 1000
NESTED = 3
SHORTEST_TOKEN = 24
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/_-]{%d,}={0,2}\s?)+" % SHORTEST_TOKEN)
_IS_BASE64 = bytes(120 if re.match(rb"[A-Za-z0-9+/_-]", bytes([code])) else 32 for code in range(256))
_TOKEN = b"x" * SHORTEST_TOKEN


class OutOfTime(Exception):
    """Raised where the time for a search is over."""


class FileTooLarge(Exception):
    """Raised for a file that is larger than what is looked into."""


class ValueSearch(NamedTuple):
    """What is searched for, until when."""

    needles: Sequence[Tuple[str, bytes]]
    """Setting, and a form of its value."""
    until: float
    """In seconds of this process's work: on a busy machine as much is looked into."""
    longest: int

    def named(self, content: bytes) -> List[str]:
        """The settings whose values are in there. Raises OutOfTime."""
        if time.process_time() > self.until:
            raise OutOfTime
        return sorted({name for name, needle in self.needles if needle in content})


def values_of(texts: Mapping[str, Sequence[str]], seconds: float) -> ValueSearch:
    needles = dict.fromkeys(
        (name, form) for name, values in texts.items() for value in values for form in stray_copies.spellings(value)
    )
    longest = max((len(needle) for _name, needle in needles), default=0)
    return ValueSearch(list(needles), time.process_time() + seconds, longest)


def in_file(at: OpenPath, values: ValueSearch, *, last: int = 0) -> Tuple[List[str], Optional[int]]:
    """The settings whose values a regular file holds, and its mode; no mode for anything else.

    ``last`` is how many bytes at its end are looked into, by default all. Raises OSError, HostError, OutOfTime and
    FileTooLarge.
    """
    status = safe_files.status(at)
    if status is None or not stat.S_ISREG(status.st_mode):
        return [], None
    with os.fdopen(safe_files.opened(at), "rb") as stream:
        if last and status.st_size > last:
            stream.seek(-last, os.SEEK_END)
        found = in_stream(stream.read, values)
    return found, stat.S_IMODE(status.st_mode)


def in_stream(read: Callable[[int], bytes], values: ValueSearch, depth: int = 0) -> List[str]:
    """Of what is read piece by piece; what is packed is unpacked. Raises OutOfTime and FileTooLarge."""
    head = read(CHUNK)
    opened = _unpacked(head) if depth < NESTED else None
    if opened is not None:
        return _in_packed(opened, io.BytesIO(_whole(head, read)), values, depth)
    found, before, seen = set(values.named(head)), head, len(head)
    found.update(_in_base64(head, values))
    while before:
        piece = read(CHUNK)
        if not piece:
            break
        seen += len(piece)
        if seen > LARGEST:
            raise FileTooLarge
        found.update(values.named(before[-values.longest :] + piece))
        before = piece
    return sorted(found)


def _whole(head: bytes, read: Callable[[int], bytes]) -> bytes:
    rest = read(LARGEST)
    if len(rest) == LARGEST:
        raise FileTooLarge
    return head + rest


def _in_base64(content: bytes, values: ValueSearch) -> List[str]:
    """What is encoded as a whole and wrapped into lines."""
    found = set()
    for run in _base64_runs(content):
        text = b"".join(run.split()).replace(b"-", b"+").replace(b"_", b"/")
        try:
            found.update(values.named(base64.b64decode(text + b"=" * (-len(text) % 4))))
        except binascii.Error:
            continue
    return sorted(found)


def _base64_runs(content: bytes) -> Iterator[bytes]:
    """What the expression finds; it alone would take as long as all other work on a host."""
    kinds, end = content.translate(_IS_BASE64), 0
    while True:
        start = kinds.find(_TOKEN, end)
        match = _BASE64.match(content, start) if start >= 0 else None
        if match is None:
            return
        yield match[0]
        end = match.end()


def _in_packed(opened: str, stream: io.BytesIO, values: ValueSearch, depth: int) -> List[str]:
    found = set()
    try:
        for piece in _pieces(opened, stream):
            found.update(in_stream(piece, values, depth + 1))
    except (OutOfTime, FileTooLarge):
        raise
    except Exception:  # noqa: BLE001 # pylint: disable=broad-exception-caught  # damaged, in one of a dozen ways
        found.update(values.named(stream.getvalue()))
    return sorted(found)


def _pieces(opened: str, stream: io.BytesIO) -> Iterator[Callable[[int], bytes]]:
    # These imports take as long as all else that runs on a host, and most have nothing packed beside the file.
    if opened in ("gzip", "bz2", "lzma"):
        yield import_module(opened).open(stream).read
    elif opened == "zip":
        with import_module("zipfile").ZipFile(stream) as archive:
            for item in archive.infolist()[:MEMBERS]:
                with archive.open(item) as member:
                    yield member.read
    else:
        with import_module("tarfile").open(fileobj=stream) as tar:
            for _number, entry in zip(range(MEMBERS), tar):
                content = tar.extractfile(entry) if entry.isfile() else None
                if content:
                    yield content.read


def _unpacked(head: bytes) -> Optional[str]:
    """What it is packed with."""
    for kind, mark in (("gzip", b"\x1f\x8b"), ("bz2", b"BZh"), ("lzma", b"\xfd7zXZ\0"), ("zip", b"PK\x03\x04")):
        if head.startswith(mark):
            return kind
    return "tar" if head[257:262] == b"ustar" else None
