# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a text, a file or an archive holds one of the present values. Standard library only; Python 3.8."""

from __future__ import annotations

import binascii
import contextlib
import io
import os
import re
import stat
import subprocess
import time
from importlib import import_module
from typing import Callable, Generator, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import accounts, safe_files
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.value_matcher import (
    OutOfTime,
    ValueMatcher,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.safe_files import OpenPath

CHUNK = 1 << 20
LARGEST = 32 << 20
"""Bytes of a file, and of what is packed in it, that are looked into."""
MEMBERS = 1000
"""Files in an archive."""
NESTED = 3
HEAD = 512
"""Bytes that say how a file is packed."""
TOO_LARGE = "is larger than %d MiB" % (LARGEST >> 20)
TOO_MANY = "holds more than %d files" % MEMBERS
TOO_DEEP = "is packed more than %d times" % NESTED
UNOPENED = "is packed with %s, which this check does not open"
MARKS = (
    *(("gzip", b"\x1f\x8b"), ("bz2", b"BZh"), ("lzma", b"\xfd7zXZ\0"), ("zip", b"PK\x03\x04"), ("zstd", b"(\xb5/\xfd")),
    *(("7z", b"7z\xbc\xaf\x27\x1c"), ("rar", b"Rar!\x1a\x07"), ("compress (.Z)", b"\x1f\x9d"), ("lzip", b"LZIP")),
    *(("lz4", b"\x04\x22M\x18"), ("snappy", b"\xff\x06\0\0sNaPpY"), ("lzop", b"\x89LZO\0\r\n\x1a\n")),
)
"""How packed files begin."""
OPENED = ("gzip", "bz2", "lzma", "zip", "tar", "zstd")
ZSTD = ("zstd", "-dcq", "--memory=128MB")
"""Only if the host has this program: Python's standard library opens zstd from version 3.14 on."""
SHORTEST_TOKEN = 24
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/_-]{%d,}\s{0,80})+[A-Za-z0-9+/_-]*" % SHORTEST_TOKEN)
"""Lines, which may be indented, and a shorter one at the end."""
_IS_BASE64 = bytes(120 if re.match(rb"[A-Za-z0-9+/_-]", bytes([code])) else 32 for code in range(256))
_STANDARD = bytes.maketrans(b"-_", b"+/")
_TOKEN = b"x" * SHORTEST_TOKEN


class FileTooLarge(Exception):
    """Raised with the reason why a file was not searched completely. The searched parts hold no value."""


class UnopenedFile(FileTooLarge):
    """Raised for a packed file that nothing on the host opens."""


class PackedFile(Exception):
    """Raised for a packed file that must be read as a whole, although only its end was asked for."""


class ValueSearch(NamedTuple):
    """What is searched for, until when."""

    matcher: ValueMatcher
    until: float
    """In seconds of this process's work: on a busy machine as much is looked into."""

    def named(self, content: bytes) -> List[str]:
        """The settings whose values are in there. Raises OutOfTime."""
        return self.matcher.named(content, self.until)


def within(seconds: float, matcher: ValueMatcher) -> ValueSearch:
    return ValueSearch(matcher, time.process_time() + seconds)


def in_file(at: OpenPath, values: ValueSearch, *, last: int = 0) -> Tuple[List[str], int]:
    """The settings whose values a regular file holds, and its mode.

    ``last`` is how many bytes at its end are looked into, by default all. Raises OSError, HostError for what is not a
    regular file, OutOfTime, FileTooLarge, and with ``last`` PackedFile.
    """
    handle = safe_files.opened(at)
    try:
        status = os.fstat(handle)
        is_cut = 0 < last < status.st_size
        kind = _unpacked(os.pread(handle, HEAD, 0)) if is_cut else None
        is_packed = kind is not None
        if kind is not None and kind not in OPENED:
            raise UnopenedFile(UNOPENED % kind)
        if is_packed and status.st_size <= LARGEST:
            raise PackedFile
        if is_cut:
            os.lseek(handle, -last, os.SEEK_END)
        # Space for as much as is asked for would be made each time, and most files are small.
        most = max(status.st_size, 4096) + 1
        names = in_stream(lambda size: os.read(handle, min(size, most)), values)
        if is_packed and not names:
            raise FileTooLarge(TOO_LARGE)
        return names, stat.S_IMODE(status.st_mode)
    finally:
        os.close(handle)


def in_stream(read: Callable[[int], bytes], values: ValueSearch, depth: int = 0) -> List[str]:
    """Of what is read piece by piece; what is packed is unpacked. Raises OutOfTime and FileTooLarge."""
    head = read(CHUNK)
    names, opened = set(values.named(head)), _unpacked(head)
    if opened is not None and depth < NESTED:
        return sorted({*names, *_in_packed(opened, io.BytesIO(_whole(head, read)), values, depth)})
    names.update(values.named(_decoded(head)))
    before, seen = head, len(head)
    while before:
        piece = read(CHUNK)
        if not piece:
            break
        seen += len(piece)
        if seen > LARGEST:
            if names:
                break
            raise FileTooLarge(TOO_LARGE)
        names.update(values.named(before[-values.matcher.longest :] + piece))
        before = piece
    if opened is not None and not names:
        raise FileTooLarge(TOO_DEEP)
    return sorted(names)


def _whole(head: bytes, read: Callable[[int], bytes]) -> bytes:
    rest = read(LARGEST)
    if len(rest) == LARGEST:
        raise FileTooLarge(TOO_LARGE)
    return head + rest


def _decoded(content: bytes) -> bytes:
    """All that is encoded as a whole and wrapped into lines."""
    texts = []
    for run in _base64_runs(content):
        text = run.translate(_STANDARD, b"\r\n\t \v\f")
        texts.append(binascii.a2b_base64(text[: len(text) - (len(text) % 4 == 1)] + b"=="))
    return b"\0".join(texts)


def _base64_runs(content: bytes) -> Iterator[bytes]:
    """What the expression finds; it alone would take as long as all other work on a host.

    A word in small letters or capitals alone is a name in a program, and no encoding.
    """
    kinds, end = content.translate(_IS_BASE64) + b" ", 0
    while True:
        start = kinds.find(_TOKEN, end)
        if start < 0:
            return
        end = kinds.find(b" ", start)
        token = content[start:end]
        match = _BASE64.match(content, start) if token.lower() != token != token.upper() else None
        if match:
            yield match[0]
            end = match.end()


def _in_packed(opened: str, stream: io.BytesIO, values: ValueSearch, depth: int) -> List[str]:
    names, incomplete = set(), None
    try:
        with contextlib.closing(_pieces(opened, stream)) as pieces:
            for piece in pieces:
                try:
                    names.update(in_stream(piece, values, depth + 1))
                except FileTooLarge as error:
                    incomplete = error
    except OutOfTime:
        raise
    except UnopenedFile as error:
        names.update(values.named(stream.getvalue()))
        incomplete = error
    except FileTooLarge as error:
        incomplete = error
    except Exception:  # noqa: BLE001 # pylint: disable=broad-exception-caught  # damaged, in one of a dozen ways
        names.update(values.named(stream.getvalue()))
    if incomplete and not names:
        raise incomplete
    return sorted(names)


def _pieces(opened: str, stream: io.BytesIO) -> Generator[Callable[[int], bytes], None, None]:
    # These imports take as long as all else that runs on a host, and most have nothing packed beside the file.
    if opened in ("gzip", "bz2", "lzma"):
        yield import_module(opened).open(stream).read
    elif opened == "zip":
        with import_module("zipfile").ZipFile(stream) as archive:
            for number, item in enumerate(item for item in archive.infolist() if not item.is_dir()):
                if number == MEMBERS:
                    raise FileTooLarge(TOO_MANY)
                with archive.open(item) as member:
                    yield member.read
    elif opened == "zstd":
        yield from _by_program(ZSTD, stream)
    elif opened not in OPENED:
        raise UnopenedFile(UNOPENED % opened)
    else:
        with import_module("tarfile").open(fileobj=stream) as tar:
            for number, entry in enumerate(entry for entry in tar if entry.isfile()):
                if number == MEMBERS:
                    raise FileTooLarge(TOO_MANY)
                content = tar.extractfile(entry)
                if content:
                    yield content.read


def _by_program(command: Sequence[str], stream: io.BytesIO) -> Iterator[Callable[[int], bytes]]:
    """What a program of the host unpacks. It gets the content alone, and no right of root: the file may be hostile."""
    try:
        options = accounts.start_options(accounts.named("nobody"), "/") if os.geteuid() == 0 else {}
        with os.fdopen(os.memfd_create("packed"), "w+b") as packed:
            packed.write(stream.getvalue())
            packed.seek(0)
            program = subprocess.Popen(  # pylint: disable=ansible-bad-function
                list(command), stdin=packed, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **options
            )
    except (OSError, HostError, subprocess.SubprocessError):
        raise UnopenedFile("is packed with %s, which this host has no program for" % command[0]) from None
    with program:
        try:
            if program.stdout:
                yield program.stdout.read
                if not program.stdout.read(1) and program.wait():
                    raise UnopenedFile("cannot be unpacked by %s" % command[0])
        finally:
            program.kill()


def _unpacked(head: bytes) -> Optional[str]:
    """What it is packed with."""
    for kind, mark in MARKS:
        if head.startswith(mark):
            return kind
    return "tar" if head[257:262] == b"ustar" else None
