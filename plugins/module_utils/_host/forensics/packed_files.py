# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads packed files piece by piece. A file may be hostile."""

from __future__ import annotations

import contextlib
import functools
import io
import itertools
import os
import re
import subprocess
from importlib import import_module
from typing import Any, Callable, Generator, Iterable, Iterator, Optional, Protocol, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import accounts
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.value_matcher import OutOfTime

CHUNK = 1 << 20
LARGEST = 32 << 20
"""Bytes of an inner archive that can only be opened as a whole."""
LARGEST_LIST = 8 << 20
"""Bytes of a zip's list of files."""
HEAD = 512
"""Bytes that show how a file is packed."""
TOO_LARGE = "holds an archive of more than %d MiB" % (LARGEST >> 20)
TOO_MANY = "holds too many files"
UNOPENED = "is packed with %s, which this check does not open"
DAMAGED = "cannot be unpacked"
MARKS = (
    *(("gzip", b"\x1f\x8b"), ("bz2", b"BZh"), ("lzma", b"\xfd7zXZ\0"), ("zip", b"PK\x03\x04"), ("zstd", b"(\xb5/\xfd")),
    *(("7z", b"7z\xbc\xaf\x27\x1c"), ("rar", b"Rar!\x1a\x07"), ("compress (.Z)", b"\x1f\x9d"), ("lzip", b"LZIP")),
    *(("lz4", b"\x04\x22M\x18"), ("snappy", b"\xff\x06\0\0sNaPpY"), ("lzop", b"\x89LZO\0\r\n\x1a\n")),
)
"""First bytes of packed files."""
_ZIP_END, _ZIP_END_SIZE = b"PK\5\6", 22
STREAMED = ("gzip", "bz2", "lzma", "tar")
OPENED = (*STREAMED, "zip", "zstd")
_ENCRYPTED = 1
"""Flag of a file in a zip."""
MEMORY = 128
"""MiB of memory for xz and zstd."""
ZSTD = ("zstd", "-dcq", "--memory=%dMB" % MEMORY)
"""Used only if the host has the program: Python's standard library opens zstd from version 3.14 on."""


class UnsearchedFile(Exception):
    """Raised with the reason why a file was not searched completely. The searched parts hold no value."""


class Source(Protocol):
    """Stream that is read piece by piece."""

    def read(self, size: int, /) -> bytes: ...


class _InMemory(io.BytesIO):
    """A source whose zip lists are read only up to a limit: a list may take hundreds of MiB."""

    def read(self, size: Optional[int] = -1) -> bytes:
        require_short(size)
        return super().read(size)


class _Joined:
    """Stream of joined pieces."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces, self._rest = iter(pieces), b""

    def read(self, size: int) -> bytes:
        parts, count = [self._rest], len(self._rest)
        while count < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            parts.append(piece)
            count += len(piece)
        content = b"".join(parts)
        self._rest = content[size:]
        return content[:size]


def from_start(kind: str, head: bytes, source: Source) -> Source:
    """The source from its start: a file for a zip or a program, else a stream."""
    if isinstance(source, (io.FileIO, io.BytesIO)):
        source.seek(0)
        return source
    if kind in STREAMED:
        return _Joined(itertools.chain([head], chunks(source)))
    content = head + b"".join(itertools.islice(chunks(source), LARGEST // CHUNK))
    if len(content) > LARGEST:
        raise UnsearchedFile(TOO_LARGE)
    return _InMemory(content)


def require_short(size: Optional[int]) -> None:
    if size is not None and size > LARGEST_LIST:
        raise UnsearchedFile(TOO_MANY)


def chunks(source: Source) -> Iterator[bytes]:
    return iter(lambda: source.read(CHUNK), b"")


def pieces(kind: str, stream: Source, require_time: Callable[[], None]) -> Generator[Source, None, None]:
    # These imports take as long as the rest of a run, and most hosts have nothing packed beside the file.
    if kind == "gzip":
        zlib = import_module("zlib")
        yield _Joined(_decompressed(lambda: zlib.decompressobj(31), stream, require_time))
    elif kind == "bz2":
        yield _Joined(_decompressed(import_module("bz2").BZ2Decompressor, stream, require_time))
    elif kind == "lzma":
        lzma = import_module("lzma")
        start = functools.partial(lzma.LZMADecompressor, memlimit=MEMORY << 20)
        yield _Joined(_decompressed(start, stream, require_time))
    elif kind == "tar":
        yield from _of_tar(stream)
    elif kind == "zip":
        with import_module("zipfile").ZipFile(stream) as archive:
            for item in (item for item in archive.infolist() if not item.flag_bits & _ENCRYPTED):
                with archive.open(item) as member:
                    yield member
    elif kind == "zstd":
        yield from _by_program(ZSTD, stream)
    else:
        raise UnsearchedFile(UNOPENED % kind)


def _decompressed(start: Callable[[], Any], source: Source, require_time: Callable[[], None]) -> Iterator[bytes]:
    """Unpacked content before any damage, then the rest unchanged."""
    unpacker, content = start(), source.read(CHUNK)
    try:
        while True:
            require_time()  # a million empty parts yield nothing
            piece = unpacker.decompress(content, CHUNK)
            if piece:
                yield piece
            content = unpacker.unused_data if unpacker.eof else getattr(unpacker, "unconsumed_tail", b"")
            if not content and len(piece) < CHUNK:
                content = source.read(CHUNK)
                if not content:
                    return
            if unpacker.eof:
                unpacker = start()
    except OutOfTime:
        raise
    except Exception as error:  # noqa: BLE001 # pylint: disable=broad-exception-caught  # of three libraries
        if "Memory usage limit" in str(error):
            raise UnsearchedFile(DAMAGED) from None
        yield b"\0" + content  # the zero byte keeps it from being unpacked again
        yield from chunks(source)


def _of_tar(source: Source) -> Iterator[Source]:
    """Content of each entry, then anything that is no tar. Does not use tarfile, which reads names of any length."""
    while True:
        header = source.read(HEAD)
        if header[257:262] != b"ustar":
            break
        size = _number(header[124:136])
        yield _Entry(source, size)
        source.read(-size % HEAD)
    yield _Joined(itertools.chain([header], chunks(source)))


class _Entry:
    """Entry of a tar."""

    def __init__(self, source: Source, size: int) -> None:
        self._source, self._left = source, size

    def read(self, size: int) -> bytes:
        content = self._source.read(min(size, self._left))
        self._left -= len(content)
        return content


def _number(field: bytes) -> int:
    if field[0] & 0x80:
        return int.from_bytes(field[1:], "big")
    digits = re.match(rb"[\0 ]*([0-7]+)", field)
    return int(digits[1], 8) if digits else 0


def _by_program(command: Sequence[str], stream: Any) -> Iterator[Source]:
    """Output of a program that unpacks. It gets only the content, and no right of root: the file may be hostile."""
    try:
        options = accounts.start_options(accounts.named("nobody"), "/") if os.geteuid() == 0 else {}
        with contextlib.ExitStack() as files:
            packed = stream
            if isinstance(stream, io.BytesIO):
                packed = files.enter_context(os.fdopen(os.memfd_create("packed"), "w+b"))
                packed.write(stream.getvalue())
                packed.seek(0)
            program = subprocess.Popen(  # pylint: disable=ansible-bad-function
                list(command), stdin=packed, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **options
            )
    except (OSError, HostError, subprocess.SubprocessError):
        raise UnsearchedFile("is packed with %s, which this host has no program for" % command[0]) from None
    with program:
        try:
            if program.stdout:
                yield program.stdout
                if not program.stdout.read(1) and program.wait():
                    raise UnsearchedFile(DAMAGED)
        finally:
            program.kill()


def kind_on_disk(handle: int, size: int) -> Optional[str]:
    """Format of a packed file. Given ``size``, also of a zip behind a program."""
    kind = kind_of(os.pread(handle, HEAD, 0))
    if kind is None and size >= _ZIP_END_SIZE and os.pread(handle, 4, size - _ZIP_END_SIZE) == _ZIP_END:
        return "zip"
    return kind


def kind_of(head: bytes) -> Optional[str]:
    """Format of a packed file; None for others."""
    for kind, mark in MARKS:
        if head.startswith(mark):
            return kind
    return "tar" if head[257:262] == b"ustar" else None
