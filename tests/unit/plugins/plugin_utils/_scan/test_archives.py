# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is packed is looked into, within bounds; what is not is named."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import resource
import struct
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import formats
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import scan as scan_scan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.archives import (
    BEHIND,
    IN_JOURNAL,
    IN_PDF,
    Limits,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Live, needles_for
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan_report import ScanReport
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.sources import (
    DirectorySource,
    GitSource,
    StreamSource,
)
from tests.unit.plugins.plugin_utils._scan.scan_world import git, tarred, zipped

VALUE = b"Pk5-canary-in-an-archive-31"
SOUGHT = needles_for([Live("TOKEN", "current", VALUE.decode())])
SMALL = Limits(file=1 << 20, members=50, memory=1 << 20)
TEXT = b"one\ntwo " + VALUE + b"\n"


def stored(data: bytes, name: str = "inner.bin") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, data)
    return stream.getvalue()


def looked_into(data: bytes, path: Path, limits: Limits = SMALL) -> ScanReport:
    path.write_bytes(data)
    return scan_scan.scan([DirectorySource(str(path))], SOUGHT, limits=limits)


def not_checked(report: ScanReport) -> list[str]:
    return [" ".join((not_checked.what, not_checked.reason)) for not_checked in report.not_checked]


@pytest.mark.parametrize(
    ("data", "inside"),
    [
        (gzip.compress(TEXT), "(unpacked)"),
        (gzip.compress(b"first\n") + gzip.compress(TEXT), "(unpacked)"),
        (bz2.compress(TEXT), "(unpacked)"),
        (lzma.compress(TEXT), "(unpacked)"),
        (zipped([TEXT]), "folder/member0.txt"),
        (zipped([TEXT], zipfile.ZIP_STORED), "folder/member0.txt"),
        (zipped([TEXT], zipfile.ZIP_BZIP2), "folder/member0.txt"),
        (tarred({"a/b": TEXT}), "a/b"),
        (gzip.compress(tarred({"a/b": TEXT})), "a/b"),
        (tarred({"a/b.gz": gzip.compress(TEXT)}), "a/b.gz"),
        (tarred({"w.whl": zipped([TEXT])}), "w.whl!folder/member0.txt"),
        (stored(stored(gzip.compress(TEXT))), "inner.bin!inner.bin"),
    ],
    ids=[
        "gz",
        "two-gz",
        "bz2",
        "xz",
        "zip",
        "zip-stored",
        "zip-bz2",
        "tar",
        "tar.gz",
        "gz-in-tar",
        "whl-in-tar",
        "gz-in-zip-in-zip",
    ],
)
def test_a_value_is_found_inside(tmp_path: Path, data: bytes, inside: str) -> None:
    report = looked_into(data, tmp_path / "archive")
    assert [(finding.rule, finding.inside) for finding in report.findings] == [("TOKEN", inside)]
    assert report.complete
    stream = scan_scan.scan([StreamSource(io.BytesIO(data))], SOUGHT, limits=SMALL)
    assert [(finding.rule, finding.inside) for finding in stream.findings] == [("TOKEN", inside)]


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(*chunks: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join([chunk(b"IHDR", b"\0" * 13), *chunks, chunk(b"IEND", b"")])


def pdf(data: bytes) -> bytes:
    return b"%PDF-1.7\n1 0 obj\n<</Filter /FlateDecode>>\nstream\r\n" + zlib.compress(data) + b"\nendstream\nendobj\n"


def ar(name: bytes, data: bytes) -> bytes:
    head = b"%-16s%-12d%-6d%-6d%-8d%-10d`\n" % (name, 0, 0, 0, 644, len(data))
    return b"!<arch>\n" + head + data + b"\n" * (len(data) % 2)


def linked(name: str, link: str, kind: bytes = tarfile.SYMTYPE) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, link
        archive.addfile(member)
    return stream.getvalue()


RUNS = b"<w:r><w:t>x=" + VALUE[:9] + b'</w:t></w:r><w:r w:rsid="1"><w:t>' + VALUE[9:] + b"</w:t></w:r>"
LONG = "folder/" * 20 + VALUE.decode()


@pytest.mark.parametrize(
    ("data", "inside"),
    [
        (lzma.compress(TEXT, lzma.FORMAT_ALONE), "(unpacked)"),
        (zlib.compress(TEXT), "(unpacked)"),
        (zlib.compress(TEXT, 0), "(unpacked)"),
        (ar(b"data.tar.xz/", lzma.compress(tarred({"etc/env": TEXT}))), "data.tar.xz!etc/env"),
        (ar(b"odd/", b"x") + ar(b"b/", gzip.compress(TEXT))[8:], "b"),
        (b"#!/usr/bin/env python3\n" + zipped([TEXT]), "folder/member0.txt"),
        (b"\x7fELF" + b"\0" * 5000 + zipped([TEXT]), "folder/member0.txt"),
        (png(chunk(b"zTXt", b"Comment\0\0" + zlib.compress(TEXT))), "(unpacked)"),
        (png(chunk(b"iTXt", b"Comment\0\1\0en\0\0" + zlib.compress(TEXT))), "(unpacked)"),
        (pdf(b"first") + pdf(TEXT), "(unpacked)"),
        (gzip.compress(tarred({f"a/{VALUE.decode()}": b""})), "a/********"),
        (gzip.compress(tarred({LONG: b""})), "folder/" * 20 + "********"),
        (linked("current", f"/releases/{VALUE.decode()}"), "current"),
        (linked("current", f"/releases/{LONG}"), "current"),
        (linked(VALUE.decode(), "", tarfile.DIRTYPE), "********/"),
        (stored(RUNS, "word/document.xml"), "word/document.xml"),
        (gzip.compress(tarred({".git/objects/ab/cd": zlib.compress(b"blob 9\0" + TEXT)})), ".git/objects/ab/cd"),
    ],
    ids=[
        *("lzma", "zlib", "zlib-stored", "deb", "ar-odd", "zipapp", "self-extracting", "png-ztxt", "png-itxt", "pdf"),
        *("name", "long-name", "link", "long-link", "directory", "docx", "git-in-tar"),
    ],
)
def test_more_of_what_is_packed(tmp_path: Path, data: bytes, inside: str) -> None:
    report = looked_into(data, tmp_path / "archive")
    assert [(finding.rule, finding.inside) for finding in report.findings] == [("TOKEN", inside)]
    assert not_checked(report) == []


def test_zstd(tmp_path: Path) -> None:
    zstd = pytest.importorskip("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    report = looked_into(zstd.compress(b"first") + zstd.compress(TEXT), tmp_path / "archive")
    assert [finding.inside for finding in report.findings] == ["(unpacked)"]
    report = looked_into(zstd.compress(b"\0" * (64 << 20)), tmp_path / "archive")
    assert not_checked(report) == ["archive unpacks to more than 1 MiB; the rest was not scanned"]


def test_zstd_without_a_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(formats.DECOMPRESSORS, formats.ZSTD, raising=False)
    report = looked_into(b"(\xb5/\xfd" + b"x" * 600, tmp_path / "archive")
    assert "pip install backports.zstd" in not_checked(report)[0]


def test_in_git_what_is_not_opened_is_named_by_its_path(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "old.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + b"x" * 600)
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "one")
    git(tmp_path, "rm", "-q", "old.7z")
    (tmp_path / "new.rar").write_bytes(b"Rar!\x1a\x07" + b"x" * 600)
    (tmp_path / "run.pyz").write_bytes(b"#!/usr/bin/python3\n" + zipped([TEXT]))
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "two")
    report = scan_scan.scan([GitSource(str(tmp_path))], SOUGHT)
    assert sorted(not_checked(report)) == [
        "new.rar not scanned: packed as rar",
        "old.7z not scanned: packed as 7z",
    ]
    assert [(finding.path, finding.inside) for finding in report.findings] == [("run.pyz", "folder/member0.txt")]


def test_large_archives_in_git(tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(9_000_000)
    git(tmp_path, "init", "-q")
    (tmp_path / "large.zip").write_bytes(zipped([noise, TEXT]))
    (tmp_path / "large.tgz").write_bytes(gzip.compress(tarred({"noise": noise, "text": TEXT}), 1))
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "one")
    report = scan_scan.scan([GitSource(str(tmp_path))], SOUGHT)
    assert sorted((finding.path, finding.inside) for finding in report.findings) == [
        ("large.tgz", "text"),
        ("large.zip", "folder/member1.txt"),
    ]
    assert report.complete


def bomb(layers: int) -> bytes:
    data = b"\0" * (64 << 20)
    for _layer in range(layers):
        data = gzip.compress(data, 1)
    return data


def many() -> bytes:
    return tarred({f"member{at}": b"" for at in range(60)})


def deep() -> bytes:
    data = TEXT
    for _layer in range(6):
        data = gzip.compress(data)
    return data


def broken() -> bytes:
    return gzip.compress(random.Random(2).randbytes(4000))[:-900]


def encrypted() -> bytes:
    data = bytearray(stored(TEXT))
    at = data.find(b"PK\x01\x02")
    data[6] |= 1
    data[at + 8] |= 1
    return bytes(data)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bomb(1), "archive unpacks to more than 1 MiB; the rest was not scanned"),
        (lambda: bomb(2), "archive unpacks to more than 1 MiB; the rest was not scanned"),
        (lambda: zipped([b"\0" * (4 << 20)]), "archive unpacks to more than 1 MiB; the rest was not scanned"),
        (many, "archive has more than 50 members; the rest was not scanned"),
        (deep, "archive gzip within 4 archives"),
        (broken, "archive the gzip cannot be unpacked (EOFError)"),
        (encrypted, "archive!inner.bin is encrypted"),
        (lambda: zipped([b"x"], zipfile.ZIP_LZMA), "archive!folder/member0.txt is compressed in an unusual way"),
        (lambda: b"7z\xbc\xaf\x27\x1c" + b"x" * 600, "archive not scanned: packed as 7z"),
        (lambda: b"\x1f\x9d\x90" + b"x" * 600, "archive not scanned: packed as compress (.Z)"),
        (lambda: b"LZIP\x01" + b"x" * 600, "archive not scanned: packed as lzip"),
        (
            lambda: tarred({"a.br": b"x" * 600}),
            "archive!a.br not scanned: packed as brotli",
        ),
        (
            lambda: tarred({".git/p.pack": b"PACK\0\0\0\2" + b"x" * 600}),
            (
                "archive!.git/p.pack not scanned: packed as a git pack; clone its repository, then scan the clone: -e "
                "scan_repositories=CLONE"
            ),
        ),
        (
            lambda: tarred({"a": b"# v2 git bundle\n" + b"x" * 600}),
            (
                "archive!a not scanned: packed as a git bundle; clone the bundle, then scan the clone: -e "
                "scan_repositories=CLONE"
            ),
        ),
        (
            lambda: tarred({"app": b"#!/bin/sh\n" + zipped([TEXT])}),
            "archive!app a zip file after other data; unpack it, then scan its files",
        ),
        (lambda: b"LPKSHHRH" + b"\0" * 4 + b"\x0c" + b"\0" * 600, f"archive {IN_JOURNAL}"),
        (lambda: b"%PDF-1.4 /Encrypt 5 0 R", f"archive {IN_PDF}"),
        (lambda: pdf(b"x" * 9000)[:-30], "archive a part of the pdf cannot be unpacked (EOFError)"),
        (lambda: pdf(b"\0" * (4 << 20)), "archive unpacks to more than 1 MiB; the rest was not scanned"),
        (lambda: b"PK\x03\x04" + b"x" * 600, "archive the zip cannot be unpacked (BadZipFile)"),
        (lambda: tarred({"a": b"x" * 5000})[:3000], "archive the tar cannot be unpacked (ReadError)"),
    ],
)
def test_what_is_not_looked_into_is_named(tmp_path: Path, make: Callable[[], bytes], message: str) -> None:
    report = looked_into(make(), tmp_path / "archive")
    assert not_checked(report) == [message]
    assert not report.complete


def test_a_zip_behind_other_data_in_a_stream_is_named() -> None:
    stream = StreamSource(io.BytesIO(b"#!/usr/bin/env python3\n" + zipped([TEXT])))
    assert not_checked(scan_scan.scan([stream], SOUGHT)) == [f" {BEHIND}"]


def test_a_flaw_in_one_member_hides_no_other(tmp_path: Path) -> None:
    inner = {"bad.gz": gzip.compress(b"x" * 100)[:-12], "good.gz": gzip.compress(TEXT)}
    report = looked_into(tarred(inner), tmp_path / "archive")
    assert [finding.inside for finding in report.findings] == ["good.gz"]
    assert not_checked(report) == ["archive!bad.gz the gzip cannot be unpacked (EOFError)"]


def test_a_bombs_memory_is_bounded(tmp_path: Path) -> None:
    data = zlib.compressobj(1, wbits=31)
    packed = b"".join([data.compress(b"\0" * (1 << 20)) for _ in range(300)] + [data.flush()])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = looked_into(packed, tmp_path / "archive", Limits())
    assert not_checked(report) == ["archive unpacks to more than 256 MiB; the rest was not scanned"]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024
