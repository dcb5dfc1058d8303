# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copies in packed files: what is unpacked, and what is too large, too deep or unknown, which is not checked."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import shutil
import subprocess
import tarfile
import time
import zipfile
from collections.abc import Callable

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import (
    host_facts,
    packed_files,
    value_search,
)
from tests import planted
from tests.unit.plugins.modules.host_world import HostWorld
from tests.unit.plugins.modules.planted_mistakes import CONTAINERS, FILE, tarred, zipped

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="root's files; not tested here: owners and access lists")


@pytest.mark.parametrize("place", ["var/backups/shop.gz", "home/ann/dump.sql"])
def test_a_large_packed_file_is_read_from_its_start(world: HostWorld, place: str) -> None:
    path = world.write(place, gzip.compress(FILE.encode() + os.urandom(1 << 20)))
    assert world.judged()["WPS208"] == [f"{path} (mode 0644) holds DATABASE_PASSWORD, SECRET_KEY"]


PLACES = [("WPS205", "srv/app/shop"), ("WPS208", "var/backups/shop")]


def cut(content: bytes) -> bytes:
    return gzip.compress(content)[:-4]


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "as it is": bytes,
    "gzip": gzip.compress,
    "gzip, cut": cut,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": lambda content: zstd(content),
    "zip": zipped,
    "tar": tarred,
    "tar.gz": lambda content: tarred(content, "w:gz"),
}


@planted.mistakes("Copies at the end of files of more than 32 MiB", planted.FOLDER, checks="WPS205 WPS208", by="how")
@pytest.mark.parametrize(("check", "place"), PLACES)
@pytest.mark.parametrize("how", PACKED)
def test_a_file_of_any_size_is_searched(world: HostWorld, check: str, place: str, how: str) -> None:
    path = world.write(place, PACKED[how](bytes(40 << 20) + FILE.encode()))
    assert world.judged()[check][0].startswith(f"{path} (mode 0644) holds ")


BROKEN = {
    "gzip, cut in its middle": cut(FILE.encode() + os.urandom(1 << 20))[:-600_000],
    "gzip, with text behind it": gzip.compress(b"x") + FILE.encode(),
    "text that begins as bzip2 does": b"BZh\n" + FILE.encode(),
}


@planted.mistakes("Copies in damaged archives", planted.FOLDER, checks="WPS205 WPS208", by="how")
@pytest.mark.parametrize(("check", "place"), PLACES)
@pytest.mark.parametrize("how", BROKEN)
def test_a_damaged_archive(world: HostWorld, check: str, place: str, how: str) -> None:
    path = world.write(place, BROKEN[how])
    assert world.judged()[check][0].startswith(f"{path} (mode 0644) holds ")


UNOPENABLE: dict[str, tuple[Callable[[], bytes], str]] = {
    "a large zip in a tar": (lambda: tarred(zipped(os.urandom(7 << 20))), "holds an archive of more than 32 MiB"),
    "a zip with a long list": (lambda: archive("zip", 3 << 14, b"x"), "holds too many files"),
    "a zip with a long list in a tar": (lambda: tarred(archive("zip", 40_000, b"x")), "holds too many files"),
    "a zip by another method": (lambda: zipped(FILE.encode()).replace(b"\x08\0", b"\x5d\0"), "cannot be unpacked"),
    "an xz that asks for much memory": (lambda: lzma.compress(b"x"), "cannot be unpacked"),
}


@planted.mistakes("Archives that cannot be opened", planted.FOLDER, checks="WPS205 WPS208", by="how")
@pytest.mark.parametrize(("check", "place"), PLACES)
@pytest.mark.parametrize("how", UNOPENABLE)
def test_an_archive_that_cannot_be_opened_is_not_checked(
    world: HostWorld, check: str, place: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed_files, "LARGEST", 5 << 20)
    monkeypatch.setattr(packed_files, "LARGEST_LIST", 2 << 20)
    monkeypatch.setattr(packed_files, "MEMORY", 1)
    make, reason = UNOPENABLE[how]
    path = world.write(place, make())
    assert world.judged() == {check: [f"{path}: was not searched completely: it {reason}"]}


@pytest.mark.parametrize(("check", "place"), PLACES)
def test_files_for_which_no_time_is_left_are_named(
    world: HostWorld, check: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_facts, "SEARCH_SECONDS", 0.5)
    path = world.write(f"{place}.gz", gzip.compress(os.urandom(1 << 20)) + gzip.compress(bytes(1 << 30)))
    (message,) = world.judged()[check]
    assert message.startswith(f"{path}: ")
    monkeypatch.setattr(value_search, "WAITS", 0)
    assert "time" in world.judged()[check][0]


UNOPENED = [(kind, mark) for kind, mark in packed_files.MARKS if kind not in packed_files.OPENED]


@pytest.mark.parametrize("size", [100, 3 << 20])
@pytest.mark.parametrize(("check", "place"), PLACES)
def test_what_nothing_opens_is_not_checked(world: HostWorld, check: str, place: str, size: int) -> None:
    kinds = UNOPENED if size == 100 else UNOPENED[:1]
    paths = {world.write(f"{place}{number}", mark + bytes(size)): kind for number, (kind, mark) in enumerate(kinds)}
    reason = "was not searched completely: it is packed with %s, which this check does not open"
    assert world.judged()[check] == [f"{path}: {reason % kind}" for path, kind in paths.items()]


def test_what_nothing_opens_is_still_searched_as_it_is(world: HostWorld) -> None:
    path = world.write("var/backups/dump.7z", b"7z\xbc\xaf\x27\x1c" + FILE.encode())
    assert world.judged()["WPS208"] == [f"{path} (mode 0644) holds DATABASE_PASSWORD, SECRET_KEY"]


def zstd(content: bytes, *options: str) -> bytes:
    if not shutil.which("zstd"):
        pytest.skip("zstd is not installed: its files were not searched")
    return subprocess.run(["zstd", "-qc", *options], input=content, stdout=subprocess.PIPE, check=True).stdout


@pytest.mark.parametrize(("check", "place"), PLACES)
@pytest.mark.parametrize("how", ["text", "tar.gz"])
def test_a_copy_by_zstd(world: HostWorld, check: str, place: str, how: str) -> None:
    content = os.urandom(1 << 20) + FILE.encode() if how == "text" else CONTAINERS[how]
    path = world.write(f"{place}.zst", zstd(content))
    assert world.judged()[check][0].startswith(f"{path} (mode 0644) holds ")


def test_zstd_files_that_are_hostile(world: HostWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Much from little, a cut and a wrong file."""
    bomb = zstd(bytes(256 << 20))
    files = {"bomb": bomb, "cut": zstd(os.urandom(1 << 20))[:-100], "wrong": b"(\xb5/\xfdno zstd"}
    for name, content in files.items():
        world.write(f"srv/app/{name}.zst", content)
    began = time.monotonic()
    text = " ".join(world.judged()["WPS205"])
    assert time.monotonic() - began < 20
    for name in ("cut", "wrong"):
        assert f"{name}.zst: was not searched completely: it cannot be unpacked" in text
    monkeypatch.setattr(packed_files, "ZSTD", ("no-such-zstd",))
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
@pytest.mark.parametrize(("check", "place"), PLACES)
def test_an_archive_of_many_files(world: HostWorld, kind: str, check: str, place: str) -> None:
    path = world.write(f"{place}.{kind}", archive(kind, 3000, FILE.encode()))
    assert world.judged()[check][0].startswith(f"{path} (mode 0644) holds ")
    world.write(f"{place}.{kind}", archive(kind, 3000, b"x"))
    assert world.judged() == {}


def test_what_is_packed_too_often_is_not_checked(world: HostWorld) -> None:
    content = FILE.encode()
    for _level in range(value_search.NESTED + 1):
        content = gzip.compress(content)
    path = world.write("srv/app/shop.gz", content)
    assert world.judged() == {"WPS205": [f"{path}: was not searched completely: it is packed more than 6 times"]}
