# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Formats of archives and compressed files, by their first and last bytes, and streams that unpack some of them."""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

try:
    from compression import zstd
except ImportError:  # before Python 3.14
    try:
        from backports import zstd
    except ImportError:
        zstd = None

GZIP, BZIP2, XZ, LZMA, ZLIB, ZSTD = "gzip", "bzip2", "xz", "lzma", "zlib", "zstd"
ZIP, TAR, AR, PNG, PDF, JOURNAL = "zip", "tar", "ar", "png", "pdf", "journal"
HEAD, TAIL = 512, 1024
TAR_AT = 257
MEMORY = 96 * 1024 * 1024
"""Bytes that a decompressor may hold."""
_ZSTD_WINDOW = 26
_ZLIB = tuple(
    bytes((first, flags))
    for first in range(8, 0x80, 16)
    for flags in range(256)
    if not (256 * first + flags) % 31 | flags & 32
)
"""First bytes of a zlib stream, for every size of its window. Programs that write PDF files use small windows."""
_MAGIC = {
    b"\x1f\x8b\x08": GZIP,
    b"BZh": BZIP2,
    b"\xfd7zXZ\0": XZ,
    b"]\0\0": LZMA,
    **dict.fromkeys(_ZLIB, ZLIB),
    b"(\xb5/\xfd": ZSTD,
    b"PK\x03\x04": ZIP,
    b"!<arch>\n": AR,
    b"\x89PNG\r\n\x1a\n": PNG,
    b"%PDF-": PDF,
    b"LPKSHHRH": JOURNAL,
}
_NAMED = {
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "rar",
    b"\x1f\x9d": "compress (.Z)",
    b"LZIP": "lzip",
    b"\x04\x22M\x18": "lz4",
    b"\xff\x06\0\0sNaPpY": "snappy",
    b"\x89LZO\0\r\n\x1a\n": "lzop",
    b"\xed\xab\xee\xdb": "rpm",
    b"MSCF\0\0\0\0": "cab",
    b"hsqs": "squashfs",
    b"PAR1": "parquet",
    b"Obj\x01": "avro",
    b"QFI\xfb": "qcow2",
    **dict.fromkeys((b"REDIS0", b"VALKEY0"), "a dump of Redis or Valkey"),
    b"PGDMP": "a pg_dump archive; pipe pg_restore -f - FILE into the same scan (scan_stdin)",
    b"PACK\0\0\0": "a git pack; clone its repository, then scan the clone: -e scan_repositories=CLONE",
    b"# v2 git bundle\n": "a git bundle; clone the bundle, then scan the clone: -e scan_repositories=CLONE",
    b"# v3 git bundle\n": "a git bundle; clone the bundle, then scan the clone: -e scan_repositories=CLONE",
}
"""First bytes of formats that Python's standard library cannot open, with the name or remedy for the report."""
STARTS = (*_MAGIC, *_NAMED)
BROTLI = ".br"
"""The file extension of Brotli, whose files have no common first bytes."""
END_OF_ZIP = b"PK\x05\x06"
_COMPRESSED = 0b1011
"""Flags in the header of a systemd journal that compresses large entries by xz, lz4 or zstd."""


def kind_of(head: bytes) -> str | None:
    """The archive format that begins with these bytes, or None."""
    for start, kind in _MAGIC.items() if head.startswith(STARTS) else ():
        if head.startswith(start) and (kind not in (LZMA, ZLIB) or _unpacks(kind, head)):
            is_plain = kind == JOURNAL and not int.from_bytes(head[12:16], "little") & _COMPRESSED
            return None if is_plain else kind
    if head.startswith(tuple(_NAMED)):
        return unreadable(head)
    return TAR if head[TAR_AT : TAR_AT + 5] == b"ustar" else None


def unreadable(head: bytes, name: str = "") -> str | None:
    """The format of a packed file that cannot be opened, or None."""
    if name.endswith(BROTLI):
        return "brotli"
    if head.startswith(b"(\xb5/\xfd") and ZSTD not in DECOMPRESSORS:
        return "zstd; before Python 3.14, pip install backports.zstd"
    return next((kind for start, kind in _NAMED.items() if head.startswith(start)), None)


def ends_as_zip(tail: bytes) -> bool:
    """Whether a zip file ends here. Another file, such as a program, may stand before it."""
    at = tail.rfind(END_OF_ZIP)
    return at >= 0 and len(tail) - at >= 22 and struct.unpack_from("<H", tail, at + 20)[0] == len(tail) - at - 22


def _unpacks(kind: str, head: bytes) -> bool:
    """Whether data unpacks. LZMA and zlib begin with two or three common bytes, also of texts."""
    with suppress(zlib.error, lzma.LZMAError, EOFError, MemoryError):
        return not head.isascii() and bool(DECOMPRESSORS[kind]().decompress(head, HEAD))
    return False


DECOMPRESSORS: dict[str, Callable[[], Any]] = {
    GZIP: lambda: zlib.decompressobj(31),
    ZLIB: zlib.decompressobj,
    BZIP2: bz2.BZ2Decompressor,
    XZ: lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY),
    LZMA: lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=MEMORY),
}
if zstd is not None:
    DECOMPRESSORS[ZSTD] = lambda: zstd.ZstdDecompressor(
        options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW}
    )


class Inflated:
    """The unpacked bytes of all members of a compressed stream, at most as many at once as asked for."""

    CHUNK = 65536

    def __init__(self, stream: Any, kind: str, count: Callable[[], None]) -> None:
        self._stream = stream
        self._count = count
        self._one: Any | None = DECOMPRESSORS[kind]()
        self._input = b""

    def read(self, count: int) -> bytes:
        while self._one is not None:
            if self._one.eof:
                self._next()
                continue
            if self._input or not getattr(self._one, "needs_input", True):
                chunk = self._input
            else:
                chunk = self._stream.read(self.CHUNK)
            data = self._one.decompress(chunk, count)
            # zlib returns the input that it has not used; the other decompressors keep it.
            self._input = getattr(self._one, "unconsumed_tail", b"")
            if data:
                return bytes(data)
            if not chunk and not self._one.eof:
                raise EOFError
        return b""

    def _next(self) -> None:
        """Starts the next member, of any kind. Other bytes after the end of a member are padding."""
        rest = self._one.unused_data if self._one else b""
        while len(rest := rest.lstrip(b"\0")) < HEAD and (chunk := self._stream.read(self.CHUNK)):
            rest += chunk
        kind = kind_of(rest)
        self._input, self._one = rest, None
        if kind in DECOMPRESSORS:
            self._count()
            self._one = DECOMPRESSORS[kind]()


def packed_pieces(kind: str, data: bytes) -> Iterator[int]:
    """The offsets of zlib streams in the texts of a PNG file, or in a PDF file."""
    at = 8 if kind == PNG else 0
    while kind == PNG and at + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        if name in (b"zTXt", b"iTXt", b"iCCP"):
            yield from _in_text(name, data, at + 8, at + 8 + length)
        at += length + 12
    while kind == PDF and (at := data.find(b"stream", at)) >= 0:
        at += len(b"stream")
        end = at + (data[at : at + 2] == b"\r\n") + 1
        if data[at - 9 : at - 6] != b"end" and data[end : end + 2] in _ZLIB:
            yield end


def _in_text(name: bytes, data: bytes, start: int, end: int) -> Iterator[int]:
    """The offset of the compressed text in a PNG chunk, after the keyword and the method.

    An ``iTXt`` chunk also has a flag and two more names there.
    """
    at = data.find(b"\0", start, end) + 1
    if not at:
        return
    if name != b"iTXt":
        yield at + 1
    elif data[at : at + 1] == b"\1":
        language = data.find(b"\0", at + 2, end)
        translated = data.find(b"\0", language + 1, end)
        if 0 <= language < translated:
            yield translated + 1
