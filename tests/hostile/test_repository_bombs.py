# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Repositories that would take a scan's memory or time without end; each takes little of both, and hides no other."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import os
import struct
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hostile.repository_lab import VALUE, committed, put, scanned, tree
from tests.unit.plugins.plugin_utils._scan.scan_world import git

MEMORY = 400
"""MB of any process of a scan; about 90 are Python and the search library."""
MEGABYTE = 1 << 20


def packed(size: int, *, head: bytes = b"", tail: bytes = b"") -> bytes:
    """So many zeros, compressed, between a head and a tail."""
    stream = zlib.compressobj(1, wbits=31)
    parts = [stream.compress(head)]
    parts += [stream.compress(b"\0" * MEGABYTE) for _at in range(size // MEGABYTE)]
    return b"".join([*parts, stream.compress(tail), stream.flush()])


def header(kind: bytes, size: int) -> bytes:
    member = tarfile.TarInfo("x")
    member.type, member.size = kind, size
    return member.tobuf(tarfile.GNU_FORMAT)


def gnu_long_name() -> bytes:
    return packed(400 * MEGABYTE, head=header(b"L", 400 * MEGABYTE), tail=header(b"0", 0))


def pax_header() -> bytes:
    return packed(256 * MEGABYTE, head=header(b"x", 256 * MEGABYTE) + b"268435455 path=", tail=header(b"0", 0))


def chained_headers() -> bytes:
    return gzip.compress((header(b"L", 2) + b"x\0".ljust(512, b"\0")) * 60_000, 1)


def sparse_map() -> bytes:
    """A file of 2^40 bytes, of which none is stored."""
    head = bytearray(header(b"S", 0))
    head[386:410] = b"00000000000\0" + b"00000000000\0"
    head[483:495] = b"\x80\0\0\0\0\0\1\0\0\0\0\0"
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + b"\0" * 1024


def zip64_directory() -> bytes:
    """A directory of many entries, whose size only the record of zip64 tells."""
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", 20, 3, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    size, count = len(entry) * 1_500_000, 1_500_000
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, 4)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 4 + size, 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 10, 10, 100, 4, 0)
    return b"PK\x03\x04" + entry * 1_500_000 + end64 + locator + end


def zip_of_bzip2() -> bytes:
    """Zeros by the gigabyte in a megabyte; zipfile unpacks as much at once as it has read."""
    block = bz2.compress(b"\0" * 300 * MEGABYTE, 1)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("zeros", block)
    data = bytearray(stream.getvalue())
    size = struct.pack("<L", 0xFFFFFFF0)
    for at, method, plain in ((0, 8, 22), (data.rfind(b"PK\x01\x02"), 10, 24)):
        data[at + method : at + method + 2] = struct.pack("<H", zipfile.ZIP_BZIP2)
        data[at + plain : at + plain + 4] = size
    return bytes(data)


def many_streams() -> bytes:
    return gzip.compress(gzip.compress(b"") * 2_000_000)


@pytest.mark.parametrize(
    ("bomb", "message"),
    [
        (gnu_long_name, "the tar cannot be unpacked (ReadError)"),
        (pax_header, "the tar cannot be unpacked (ReadError)"),
        (chained_headers, "has more than 50000 members"),
        (sparse_map, ""),
        (zip64_directory, "a zip file with too many members"),
        (zip_of_bzip2, "unpacks to more than 256 MiB"),
        (many_streams, "has more than 50000 members"),
    ],
)
def test_an_archive(tmp_path: Path, bomb: Callable[[], bytes], message: str) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    data = bomb()
    (tmp_path / "bomb").write_bytes(data)
    (tmp_path / "other.txt").write_text(VALUE)
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "one")
    result = scanned(tmp_path)
    assert [finding["path"] for finding in result["findings"]] == ["other.txt"]
    assert any(message in note for note in _reasons(result)) or not message
    assert len(result["notes"]) <= 1
    assert result["memory"] < MEMORY
    assert result["seconds"] < 60


def _reasons(result: dict) -> list[str]:
    return [" ".join(part for part in (what, reason) if part) for _source, what, reason in result["notes"]]


def test_an_archive_of_which_much_is_not_checked(tmp_path: Path) -> None:
    """Three members are named, and how many more there are."""
    broken = gzip.compress(b"x" * 100)[:-12]
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for at in range(5000):
            member = tarfile.TarInfo(f"{at}.gz")
            member.size = len(broken)
            archive.addfile(member, io.BytesIO(broken))
    (tmp_path / "broken.tar").write_bytes(stream.getvalue())
    git(tmp_path, "init", "-q")
    result = scanned(tmp_path)
    assert _reasons(result) == [
        *(f"broken.tar!{at}.gz the gzip cannot be unpacked (EOFError)" for at in range(3)),
        "broken.tar … and 4,997 more of its members",
    ]


def test_a_repository_of_which_much_is_not_checked(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    broken = gzip.compress(b"x" * 100)[:-12]
    for at in range(350):
        (tmp_path / f"{at}.gz").write_bytes(broken)
    result = scanned(tmp_path)
    assert len(result["notes"]) == 101
    assert _reasons(result)[-1] == "… and 250 more"


def bomb_of_trees(where: Path, blob: str | None, layers: int = 12) -> str:
    """A tree that ten entries of each layer lead to: 10^layers files, or directories without a file."""
    entry = ("100644", blob) if blob else ("40000", put(where, "tree", b""))
    for _layer in range(layers):
        data = tree(*((entry[0], f"e{at}", entry[1]) for at in range(10)))
        entry = ("40000", put(where, "tree", data))
    return entry[1]


@pytest.mark.parametrize("files", [True, False], ids=["files", "no files"])
def test_a_tree_of_ever_more_files(tmp_path: Path, files: bool) -> None:
    """What lies beside it is found, with the commit that brought it."""
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "other.txt").write_text(VALUE)
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "one")
    with_it = git(tmp_path, "rev-parse", "HEAD")
    git(tmp_path, "branch", "-q", "kept")
    blob = put(tmp_path, "blob", f"in the bomb {VALUE}\n".encode()) if files else None
    committed(tmp_path, bomb_of_trees(tmp_path, blob))
    (tmp_path / ".git" / "index").unlink()
    result = scanned(tmp_path, text=", bounds=Bounds(idle=3, memory=1 << 28)")
    assert with_it in {finding["commit"] for finding in result["findings"] if finding["path"] == "other.txt"}
    assert len(result["findings"]) == 2 + files  # and in the working tree
    assert any("commits of findings" in reason for reason in _reasons(result))
    assert result["memory"] < MEMORY
    assert result["seconds"] < 90


def test_a_tree_five_thousand_deep(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    name = put(tmp_path, "blob", VALUE.encode())
    entry = ("100644", name)
    for _layer in range(5000):
        entry = ("40000", put(tmp_path, "tree", tree((entry[0], "d", entry[1]))))
    committed(tmp_path, entry[1])
    result = scanned(tmp_path)
    assert [finding["blob"] for finding in result["findings"]] == [name]


def test_directories_five_thousand_deep(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "other.txt").write_text(VALUE)
    handle = os.open(tmp_path, os.O_RDONLY)
    for _layer in range(5000):
        os.mkdir("d", dir_fd=handle)
        below = os.open("d", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    os.close(handle)
    try:
        result = scanned(tmp_path)
    finally:
        subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)
    assert [finding["path"] for finding in result["findings"]] == ["other.txt"]
    assert any("is more than 256 directories deep" in reason for reason in _reasons(result))


def test_a_log_with_a_value_in_each_line(tmp_path: Path) -> None:
    """Time grows with the length alone, and so does memory with nothing."""
    git(tmp_path, "init", "-q", "-b", "main")
    line = f"2026-03-01 12:00:00 connecting with {VALUE}\n"
    (tmp_path / "small.log").write_text(line * 40_000)
    (tmp_path / "large.log").write_text(line * 400_000)
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "one")
    result = scanned(tmp_path)
    times: dict[str, int] = {}
    for finding in result["findings"]:
        times[finding["path"]] = times.get(finding["path"], 0) + finding["times"]
    assert times == {"small.log": 40_000, "large.log": 400_000}
    assert result["seconds"] < 30
    assert result["memory"] < MEMORY


def length(kind: int, size: int) -> bytes:
    """How an object in a pack begins."""
    results, left = [(kind << 4) | (size & 15)], size >> 4
    while left:
        results[-1] |= 128
        results.append(left & 127)
        left >>= 7
    return bytes(results)


def number(size: int) -> bytes:
    result = bytearray()
    while size > 127:
        result.append(size & 127 | 128)
        size >>= 7
    return bytes([*result, size])


def write_pack(repository: Path, megabytes: int) -> None:
    """A blob of zeros, and one that is all of it again and a byte, written in a few bytes."""
    size = megabytes * MEGABYTE
    base = length(3, size) + zlib.compress(b"\0" * size, 1)
    chunk = MEGABYTE.to_bytes(3, "little")
    copies = b"".join(b"\xff" + at.to_bytes(4, "little") + chunk for at in range(0, size, MEGABYTE))
    delta = number(size) + number(size + 1) + copies + b"\x01x"
    back, left = [len(base) & 127], len(base) >> 7
    while left:
        left -= 1
        back.insert(0, 128 | (left & 127))
        left >>= 7
    whole = b"PACK" + struct.pack(">2L", 2, 2) + base + length(6, len(delta)) + bytes(back) + zlib.compress(delta)
    pack = whole + hashlib.sha1(whole).digest()
    plain, longer = hashlib.sha1(b"blob %d\0" % size), hashlib.sha1(b"blob %d\0" % (size + 1))
    for _at in range(megabytes):
        plain.update(b"\0" * MEGABYTE)
        longer.update(b"\0" * MEGABYTE)
    longer.update(b"x")
    ids = sorted([(plain.digest(), 12), (longer.digest(), 12 + len(base))])
    fan = b"".join(struct.pack(">L", sum(data[0] <= at for data, _offset in ids)) for at in range(256))
    names, offsets = (b"".join(data for data, _at in ids), b"".join(struct.pack(">L", at) for _one, at in ids))
    index = b"\xfftOc" + struct.pack(">L", 2) + fan + names + b"\0" * 8 + offsets + pack[-20:]
    place = repository / ".git" / "objects" / "pack" / f"pack-{pack[-20:].hex()}"
    place.with_suffix(".pack").write_bytes(pack)
    place.with_suffix(".idx").write_bytes(index + hashlib.sha1(index).digest())


@pytest.mark.parametrize(("megabytes", "looked_at"), [(180, True), (400, False)])
def test_two_large_blobs(tmp_path: Path, megabytes: int, looked_at: bool) -> None:
    """One is stored as what differs from the other, which git must hold whole; so much is bounded."""
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "other.txt").write_text(VALUE)
    git(tmp_path, "add", "-A")
    write_pack(tmp_path, megabytes)
    result = scanned(tmp_path)
    assert [finding["path"] for finding in result["findings"]] == ["other.txt"]
    assert bool(result["notes"]) != looked_at
    assert result["own_memory"] < 150
    assert result["memory"] < 700, "git's, with what it maps"


def test_a_file_without_end(tmp_path: Path) -> None:
    """A hole of a terabyte; what was found before still counts."""
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "a.txt").write_text(VALUE)
    with (tmp_path / "b.bin").open("wb") as stream:
        stream.truncate(1 << 40)
    result = scanned(tmp_path, text=", bounds=Bounds(seconds=3)")
    assert [finding["path"] for finding in result["findings"]] == ["a.txt"]
    assert _reasons(result) == ["took more than 3 s; the rest was not scanned"]
