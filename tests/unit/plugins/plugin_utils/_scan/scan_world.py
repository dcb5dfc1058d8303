# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A repository with a hundred planted values: twenty kinds of places, five values each, every form among them.

The forms are made here by other means than the scanner's: what both had wrong alike would not be seen.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import html
import io
import itertools
import json
import lzma
import os
import random
import string
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote, quote_plus

from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.git import LARGE, SLAB
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Live

EACH = 5
ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "A Writer",
    "GIT_AUTHOR_EMAIL": "writer@example.com",
    "GIT_COMMITTER_NAME": "A Writer",
    "GIT_COMMITTER_EMAIL": "writer@example.com",
}
CLOCK = itertools.count()
"""A second a command: of commits of one second nobody can tell the order."""
PLACES = (
    "first",
    "branch that was merged",
    "merge itself",
    "commit before a rebase",
    "deleted file",
    "renamed file",
    "tag without a branch",
    "stash",
    "stash of an untracked file",
    "dropped stash",
    "unreachable commit",
    "zip",
    "tarball",
    "zip in a tarball",
    "large binary",
    "index",
    "untracked file",
    "commit message",
    "name of a file",
    "remote's URL",
)
SIMPLE = ("name of a file", "remote's URL")
"""Where a value has to be a word."""


def git(
    where: Path, *arguments: str, given: bytes | None = None, environment: Mapping[str, str] = MappingProxyType({})
) -> str:
    at = next(CLOCK)
    now = f"2026-03-01T12:{at // 60 % 60:02}:{at % 60:02}+00:00"
    done = subprocess.run(
        ["git", "-c", "protocol.file.allow=always", "-c", "core.autocrlf=false", *arguments],
        cwd=where,
        env={**os.environ, **ENVIRONMENT, "GIT_AUTHOR_DATE": now, "GIT_COMMITTER_DATE": now, **environment},
        input=given,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode("utf-8", "replace").strip()


def _base64(before: int) -> Callable[[str], bytes]:
    return lambda value: base64.b64encode(b"#" * before + value.encode() + b"and more of it")


def _escaped(name: str) -> str:
    plain = (name.isalnum() and name.isascii()) or name == "-"
    return name if plain else "".join(f"%{byte:02x}" for byte in name.encode())


FORMS: Mapping[str, Callable[[str], bytes]] = {
    "as it is": str.encode,
    "URL-encoded": lambda value: quote(value, safe="").encode(),
    "URL-encoded with plus": lambda value: quote_plus(value).encode(),
    "URL-encoded in small letters": lambda value: "".join(map(_escaped, value)).encode(),
    "JSON-escaped": lambda value: json.dumps({"key": value}).encode(),
    "JSON-escaped, not ASCII": lambda value: json.dumps([value], ensure_ascii=False).encode(),
    "URL-encoded by JavaScript": lambda value: quote(value, safe="-_.!~*'()").encode(),
    "HTML-escaped": lambda value: html.escape(value).encode(),
    "base64, first": _base64(0),
    "base64, second": _base64(1),
    "base64, third": _base64(2),
    "base64, urlsafe": lambda value: base64.urlsafe_b64encode(b"ab" + value.encode()),
    "hexadecimal": lambda value: binascii.hexlify(value.encode()),
    "hexadecimal in capitals": lambda value: binascii.hexlify(value.encode()).upper(),
    "UTF-16": lambda value: value.encode("utf-16"),
}


def made(seed: int) -> dict[str, list[Live]]:
    """Values by place; every third is the password of a URL, and each place has one key file."""
    luck = random.Random(seed)
    letters = string.ascii_letters + string.digits
    result: dict[str, list[Live]] = {}
    for place in PLACES:
        for at in range(EACH):
            core = "".join(luck.choices(letters + "-", k=luck.randint(16, 40)))
            odd = core if place in SIMPLE else f'{core[:6]}/"&é={core[6:]}'
            if at == 4 and place not in SIMPLE:
                lines = ["".join(luck.choices(letters + "+/", k=64)) for _ in range(6)]
                odd = "\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----", ""])
            elif at % 3 == 2:
                odd = f"rediss://user:{core}@cache.example.com:6379/{at}"
            stage = ("current", "pending", "previous", "version 3")[at % 4]
            result.setdefault(place, []).append(Live(f"{place} {at}", stage, odd, f"secret of {place}"))
    return result


def planted(values: Mapping[str, Sequence[Live]]) -> dict[str, list[bytes]]:
    """What is written: a key file indented in YAML, of a URL its password alone, else one form after the other."""
    forms = list(FORMS.values())
    result: dict[str, list[bytes]] = {}
    number = 0
    for place, lives in values.items():
        for at, live in enumerate(lives):
            text = live.value
            if "\n" in text and at == 4:
                data = b"> key:\n" + b"".join(b"> " + line.encode() + b"\n" for line in text.splitlines())
            elif text.startswith("rediss://"):
                data = b"password = " + text.partition("user:")[2].partition("@")[0].encode()
            else:
                form = forms[0] if place in SIMPLE else forms[number % len(forms)]
                data = form(text)
                number += 1
                if place == "commit message" and b"\0" in data:
                    data = forms[0](text)
            result.setdefault(place, []).append(data)
    return result


def zipped(members: Sequence[bytes], level: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", level) as archive:
        for at, data in enumerate(members):
            archive.writestr(f"folder/member{at}.txt", b"line one\n" + data + b"\nmore\n")
    return stream.getvalue()


def tarred(members: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in members.items():
            about = tarfile.TarInfo(name)
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))
    return stream.getvalue()


def large(members: Sequence[bytes], seed: int = 3) -> bytes:
    """Binary, larger than what is read at once, with values over the edges of the windows."""
    size = LARGE + 3 * SLAB
    content = bytearray(random.Random(seed).randbytes(size))
    for at, data in enumerate(members):
        edge = SLAB * (1 + at % 4) + 512 * (at // 4)
        begin = edge - len(data) // 2 + (at // 4) * 4000
        content[begin : begin + len(data)] = data
    return bytes(content)


class World:
    """The repository, built step by step."""

    def __init__(self, where: Path, values: Mapping[str, Sequence[Live]]) -> None:
        self.where = where
        self.contents = planted(values)
        where.mkdir(parents=True)
        git(where, "init", "-q", "-b", "main")
        self._build()

    def write(self, name: str, *parts: bytes) -> None:
        path = self.where / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"import os\n\n" + b"\n".join(parts) + b"\nend\n")

    def text(self, place: str) -> bytes:
        return b"\n".join(self.contents[place])

    def commit(self, message: str = "work") -> None:
        git(self.where, "add", "-A")
        git(self.where, "commit", "-q", "--allow-empty", "-F", "-", given=message.encode())

    def _build(self) -> None:
        where = self.where
        self.write("first.py", self.text("first"))
        self.write("deleted.py", self.text("deleted file"))
        self.write("old name.py", self.text("renamed file"))
        self.write("shared.py", b"one", b"two", b"three")
        self.commit()
        git(where, "rm", "-q", "deleted.py")
        git(where, "mv", "old name.py", "näme.py")
        self.commit()
        git(where, "checkout", "-q", "-b", "side")
        self.write("merged.py", self.text("branch that was merged"))
        self.write("shared.py", b"one", b"side", b"three")
        self.commit()
        git(where, "checkout", "-q", "main")
        self.write("shared.py", b"one", b"main", b"three")
        self.commit()
        git(where, "merge", "-q", "--no-commit", "-s", "ours", "side")
        self.write("shared.py", b"one", self.text("merge itself"), b"three")
        self.commit("merge")
        git(where, "branch", "-q", "-D", "side")
        self._rewritten()
        self._archives()
        git(where, "tag", "-a", "-m", "a release", "v1", "main")
        self._tagged()
        self.commit("message\n\n" + self.text("commit message").decode("utf-8", "replace"))
        for data in self.contents["name of a file"]:
            self.write(data.decode("utf-8", "replace").removeprefix("password = ") + ".txt", b"nothing")
        self.commit()
        git(where, "rm", "-q", "*.txt")
        self.commit()
        self._stashes()
        self.write("staged.py", self.text("index"))
        git(where, "add", "staged.py")
        self.write("untracked.py", self.text("untracked file"))
        for at, data in enumerate(self.contents["remote's URL"]):
            token = data.decode().removeprefix("password = ")
            git(where, "remote", "add", f"remote{at}", f"https://user:{token}@git.example.com/{at}.git")

    def _rewritten(self) -> None:
        where = self.where
        self.write("rebased.py", self.text("commit before a rebase"))
        self.commit()
        self.write("rebased.py", b"clean")
        git(where, "add", "-A")
        git(where, "commit", "-q", "--amend", "-m", "rewritten")
        git(where, "checkout", "-q", "--detach")
        self.write("lost.py", self.text("unreachable commit"))
        self.commit()
        lost = git(where, "rev-parse", "HEAD")
        git(where, "checkout", "-q", "main")
        git(where, "reflog", "delete", "--rewrite", "HEAD@{1}")
        git(where, "reflog", "delete", "--rewrite", "HEAD@{0}")
        assert lost not in git(where, "reflog", "--all", "--format=%H")

    def _archives(self) -> None:
        members = self.contents
        (self.where / "files.jar").write_bytes(zipped(members["zip"]))
        inner = {f"d/{at}.txt": data for at, data in enumerate(members["tarball"])}
        (self.where / "files.tar.gz").write_bytes(gzip.compress(tarred(inner)))
        (self.where / "nested.tar.xz").write_bytes(
            lzma.compress(tarred({"inner.zip": zipped(members["zip in a tarball"])}))
        )
        (self.where / "large.bin").write_bytes(large(members["large binary"]))
        self.commit()
        git(self.where, "rm", "-q", "files.tar.gz")
        self.commit()

    def _tagged(self) -> None:
        where = self.where
        git(where, "checkout", "-q", "--detach")
        self.write("tagged.py", self.text("tag without a branch"))
        self.commit()
        git(where, "tag", "lonely")
        git(where, "checkout", "-q", "main")

    def _stashes(self) -> None:
        where = self.where
        for place, arguments in (
            ("dropped stash", ()),
            ("stash", ()),
            ("stash of an untracked file", ("--include-untracked",)),
        ):
            name = "shared.py" if not arguments else "new.py"
            self.write(name, self.text(place))
            git(where, "stash", "push", "-q", *arguments)
            if place == "dropped stash":
                git(where, "stash", "drop", "-q")
