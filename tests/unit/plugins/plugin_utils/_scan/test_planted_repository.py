# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values that a repository holds in odd places, and what a verification makes of them."""

# ruff: noqa: E501 a mistake is a line
from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import scan as scan_scan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Live, needles_for
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan_report import ScanReport
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.sources import GitSource
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import collect_scan
from tests import planted
from tests.unit.plugins.plugin_utils._scan.scan_world import git, tarred
from tests.unit.plugins.plugin_utils._verify import verify_facts

VALUE = "Zq8-canary-77-of-the-odd-place"
TEXT = f"token = {VALUE}\n".encode()
OTHER = tarred({"a": b"x"})
MESSAGE = f"pull https://user:{VALUE}@git.example.com main: Fast-forward"
Plant = Callable[[Path], Any]


def committed(name: str, data: bytes) -> Plant:
    def plant(path: Path) -> None:
        (path / name).write_bytes(data)
        git(path, "add", "-A")
        git(path, "commit", "-q", "-m", "more")

    return plant


def adobe(data: bytes, window: int) -> bytes:
    """A PDF file whose stream has a small window."""
    packer = zlib.compressobj(9, zlib.DEFLATED, window)
    stream = packer.compress(data) + packer.flush()
    return b"%PDF-1.4\n1 0 obj\n<</Filter /FlateDecode>>\nstream\r\n" + stream + b"\r\nendstream\nendobj\n"


def tables(path: Path) -> None:
    (path / "again").mkdir()
    git(path / "again", "init", "-q", "-b", "main", "--ref-format=reftable")
    (path / ".git").rename(path.parent / "before")
    (path / "again" / ".git").rename(path / ".git")
    git(path, "commit", "-q", "--allow-empty", "-m", "one")
    git(path, "update-ref", "-m", MESSAGE, "refs/heads/side", "HEAD")


def fetched(*configuration: str) -> Plant:
    """A clone of which the configuration leaves a part of the origin out."""

    def plant(path: Path) -> None:
        git(path, "remote", "add", "origin", "https://git.example.com/shop.git")
        git(path, "config", *configuration)

    return plant


LEFT_OUT = "some branches or tags are missing"
MISTAKES: list[tuple[str, Plant, str]] = [
    ("a second tar behind a tar", committed("a.tgz", gzip.compress(OTHER + tarred({"b": TEXT}))), "a.tgz"),
    ("two packed tars joined", committed("a.tgz", gzip.compress(OTHER) + gzip.compress(tarred({"b": TEXT}))), "a.tgz"),
    ("text behind a tar", committed("a.tgz", gzip.compress(OTHER + TEXT)), "the tar cannot be unpacked"),
    ("bzip2 behind gzip", committed("a.gz", gzip.compress(b"x") + bz2.compress(TEXT)), "a.gz"),
    ("gzip behind xz", committed("a.xz", lzma.compress(b"x") + gzip.compress(TEXT)), "a.xz"),
    ("gzip behind zeros", committed("a.gz", gzip.compress(b"x") + b"\0" * 70_000 + gzip.compress(TEXT)), "a.gz"),
    ("gzip over the edge of two pieces", committed("a.gz", gzip.compress(bytes(65_512), 0) + gzip.compress(TEXT)), "a.gz"),
    *((f"a PDF with a window of {1 << bits} bytes", committed("a.pdf", adobe(TEXT, bits)), "a.pdf") for bits in (9, 12, 14)),
    ("a dump of pg_dump", committed("a.dump", b"PGDMP\1\x10\0" + zlib.compress(TEXT)), "packed as a pg_dump archive"),
    ("a dump of Redis", committed("dump.rdb", b"REDIS0011\xfa" + zlib.compress(TEXT)), "a dump of Redis or Valkey"),
    ("a dump of Valkey", committed("dump.rdb", b"VALKEY080\xfa" + zlib.compress(TEXT)), "a dump of Redis or Valkey"),
    ("a disk image", committed("a.qcow2", b"QFI\xfb\0\0\0\3" + zlib.compress(TEXT)), "packed as qcow2"),
    ("Avro", committed("a.avro", b"Obj\1\4\x14avro.codec\x0edeflate" + zlib.compress(TEXT)), "packed as avro"),
    ("a reflog in a reftable", tables, "(reflog: pull https://user:********@"),
    ("no tags", fetched("remote.origin.tagOpt", "--no-tags"), LEFT_OUT),
    ("all branches but one", fetched("--add", "remote.origin.fetch", "^refs/heads/secret"), LEFT_OUT),
    ("branches of a folder", fetched("remote.origin.fetch", "+refs/heads/release/*:refs/remotes/origin/release/*"), LEFT_OUT),
]  # fmt: skip
LEGITIMATE: list[tuple[str, Plant]] = [
    ("formulas", committed("a.txt", b"x^3 + y^3 = z^3 has no solution\n")),
    ("a short text that begins as zlib does", committed("a.txt", b"HK3abcdefgh")),
    ("a packed tar with padding", committed("a.tgz", gzip.compress(OTHER) + b"\0" * 70_000)),
    ("an origin's branches, and its pull requests", fetched("--add", "remote.origin.fetch", "+refs/pull/*/head:refs/remotes/pull/*")),
    ("a remote's tags", fetched("remote.origin.tagOpt", "--tags")),
]  # fmt: skip


def scanned(path: Path, plant: Plant) -> ScanReport:
    git(path, "init", "-q", "-b", "main")
    git(path, "commit", "-q", "--allow-empty", "-m", "one")
    plant(path)
    return scan_scan.scan([GitSource(str(path))], needles_for([Live("TOKEN", "current", VALUE)]))


def failed(report: ScanReport) -> set[str]:
    history = {**collect_scan._as_data(report), "values": 1, "left_out": {}, "objects": report.objects}
    return {*verify_facts.judged("WPS103", history=history)}


@planted.mistakes("A value in an odd place of the repository", planted.REPOSITORY_FILES, checks="WPS103")
@pytest.mark.parametrize(("plant", "message"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES])
def test_a_planted_mistake_is_found(tmp_path: Path, plant: Plant, message: str) -> None:
    report = scanned(tmp_path, plant)
    paths = [finding.path for finding in report.findings]
    reasons = [note.reason for note in report.not_checked]
    assert any(message in text for text in (paths or reasons))
    assert failed(report) == {"WPS103"}


@planted.variations("Repositories", planted.REPOSITORY_FILES)
@pytest.mark.parametrize("plant", [row[1] for row in LEGITIMATE], ids=[row[0] for row in LEGITIMATE])
def test_what_is_legitimate_passes(tmp_path: Path, plant: Plant) -> None:
    assert failed(scanned(tmp_path, plant)) == set()
