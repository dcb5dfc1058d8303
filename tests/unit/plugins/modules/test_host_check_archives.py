# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copies in packed files: what is unpacked, and what is too large, too deep or unknown, which is not checked."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import subprocess
import tarfile
import time
import zipfile

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import value_search
from tests.unit.plugins.modules.host_world import HostWorld
from tests.unit.plugins.modules.planted_mistakes import CONTAINERS, FILE

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="root's files; not tested here: owners and access lists")


@pytest.mark.parametrize("place", ["var/backups/shop.gz", "home/ann/dump.sql"])
def test_a_large_packed_file_is_read_from_its_start(world: HostWorld, place: str) -> None:
    path = world.write(place, gzip.compress(FILE.encode() + os.urandom(1 << 20)))
    assert world.judged()["WPS208"] == [f"{path} (mode 0644) holds DATABASE_PASSWORD, SECRET_KEY"]


def test_what_is_too_large_is_not_checked(world: HostWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(value_search, "LARGEST", 600 << 10)
    path = world.write("srv/app/shop.gz", gzip.compress(os.urandom(3 << 20)))
    reason = "was not searched completely: it is larger than 32 MiB"
    assert world.judged() == {"WPS205": [f"{path}: {reason}"]}


UNOPENED = [(kind, mark) for kind, mark in value_search.MARKS if kind not in value_search.OPENED]


@pytest.mark.parametrize("size", [100, 3 << 20])
@pytest.mark.parametrize("place", ["srv/app/dump", "var/backups/dump"])
def test_what_nothing_opens_is_not_checked(world: HostWorld, place: str, size: int) -> None:
    kinds = UNOPENED if size == 100 else UNOPENED[:1]
    paths = {world.write(f"{place}{number}", mark + bytes(size)): kind for number, (kind, mark) in enumerate(kinds)}
    ((check, messages),) = world.judged().items()
    before = "was not searched completely: it " if check == "WPS205" else ""
    assert messages == [
        f"{path}: {before}is packed with {kind}, which this check does not open" for path, kind in paths.items()
    ]


def test_what_nothing_opens_is_still_searched_as_it_is(world: HostWorld) -> None:
    path = world.write("var/backups/dump.7z", b"7z\xbc\xaf\x27\x1c" + FILE.encode())
    assert world.judged()["WPS208"] == [f"{path} (mode 0644) holds DATABASE_PASSWORD, SECRET_KEY"]


def zstd(content: bytes, *options: str) -> bytes:
    if not shutil.which("zstd"):
        pytest.skip("zstd is not installed: its files were not searched")
    return subprocess.run(["zstd", "-qc", *options], input=content, stdout=subprocess.PIPE, check=True).stdout


@pytest.mark.parametrize("place", ["srv/app/dump.zst", "var/backups/dump.zst"])
@pytest.mark.parametrize("how", ["text", "tar.gz"])
def test_a_copy_by_zstd(world: HostWorld, place: str, how: str) -> None:
    content = os.urandom(1 << 20) + FILE.encode() if how == "text" else CONTAINERS[how]
    path = world.write(place, zstd(content))
    ((_check, messages),) = world.judged().items()
    assert messages[0].startswith(f"{path} (mode 0644) holds ")


def test_zstd_files_that_are_hostile(world: HostWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Much from little, a cut and a wrong file."""
    bomb = zstd(bytes(256 << 20))
    files = {"bomb": bomb, "cut": zstd(os.urandom(1 << 20))[:-100], "wrong": b"(\xb5/\xfdno zstd"}
    for name, content in files.items():
        world.write(f"srv/app/{name}.zst", content)
    began = time.monotonic()
    messages = " ".join(world.judged()["WPS205"])
    assert time.monotonic() - began < 20
    assert "bomb.zst: was not searched completely: it is larger than 32 MiB" in messages
    for name in ("cut", "wrong"):
        assert f"{name}.zst: was not searched completely: it cannot be unpacked by zstd" in messages
    monkeypatch.setattr(value_search, "ZSTD", ("no-such-zstd",))
    path = world.write("srv/app/bomb.zst", zstd(b"x"))
    reason = "is packed with no-such-zstd, which this host has no program for"
    assert f"{path}: was not searched completely: it {reason}" in world.judged()["WPS205"]


def archive(kind: str, count: int, last: bytes) -> bytes:
    """Of ``count`` files and their folder."""
    stream = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(stream, "w") as packed:
            packed.writestr("a/", b"")
            for number in range(count):
                packed.writestr(f"a/{number}", last if number == count - 1 else b"x", zipfile.ZIP_DEFLATED)
    else:
        with tarfile.open(fileobj=stream, mode="w:gz") as packed_tar:
            folder = tarfile.TarInfo("a")
            folder.type = tarfile.DIRTYPE
            packed_tar.addfile(folder)
            for number in range(count):
                entry = tarfile.TarInfo(f"a/{number}")
                content = last if number == count - 1 else b"x"
                entry.size = len(content)
                packed_tar.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
@pytest.mark.parametrize("place", ["srv/app/upload", "var/backups/etc"])
def test_an_archive_of_many_files_is_not_checked(world: HostWorld, kind: str, place: str) -> None:
    check = "WPS205" if place.startswith("srv/app") else "WPS208"
    path = world.write(f"{place}.{kind}", archive(kind, 1001, FILE.encode()))
    too_many = {check: [f"{path}: was not searched completely: it holds more than 1000 files"]}
    assert world.judged() == (too_many if check == "WPS205" else {})
    world.write(f"{place}.{kind}", archive(kind, 1000, FILE.encode()))
    assert world.judged()[check][0].startswith(f"{path} (mode 0644) holds ")
    world.write(f"{place}.{kind}", archive(kind, 1000, b"x"))
    assert world.judged() == {}


def test_what_is_packed_too_often_is_not_checked(world: HostWorld) -> None:
    content = FILE.encode()
    for _level in range(4):
        content = gzip.compress(content)
    path = world.write("srv/app/shop.gz", content)
    assert world.judged() == {"WPS205": [f"{path}: was not searched completely: it is packed more than 3 times"]}
