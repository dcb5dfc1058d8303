# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Opens the references and the pack of a git bundle as a temporary repository.

The header is parsed here. git only indexes the pack: it fetches nothing, and uses no name in the file.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, NamedTuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ScanError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import bounded_program, git
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.bounded_program import Bounds

STARTS = (b"# v2 git bundle\n", b"# v3 git bundle\n")
LARGEST = 1 << 30
"""Bytes of a bundle, which is copied to the disk."""
LINES = 100_000
LARGEST_HEADER = 64 << 20
"""Bytes of the header, which is held in memory."""
_REFERENCE = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64}) (refs/[^\0-\x20\x7f~^:?*\[\\]+)")
_FORMAT = b"@object-format="
_CONFIG = "[core]\nrepositoryFormatVersion = 1\nbare = true\n[extensions]\nobjectFormat = %s\n"
SCAN_CLONE = "scan the clone: -e scan_repositories=CLONE"


class Header(NamedTuple):
    references: list[bytes]
    """Lines, each with an id and the name of a reference."""
    hash: str


@contextmanager
def unbundled(stream: IO[bytes], bounds: Bounds) -> Iterator[str]:
    """The directory of a repository with the content of a bundle. Raises ScanError."""
    header = _header(stream)
    with tempfile.TemporaryDirectory(prefix="leak-scan-") as directory:
        pack = os.path.join(directory, "objects", "pack", "pack-0.pack")
        os.makedirs(os.path.dirname(pack))
        os.makedirs(os.path.join(directory, "refs"))
        for name, text in (
            ("HEAD", b"ref: refs/heads/main\n"),
            ("config", (_CONFIG % header.hash).encode()),
            ("packed-refs", b"".join(line + b"\n" for line in header.references)),
        ):
            with open(os.path.join(directory, name), "wb") as file:
                file.write(text)
        _copy(stream, pack)
        command = ["git", "-C", directory, "-c", f"core.bigFileThreshold={git.LARGE}", "-c", "pack.threads=1"]
        environment = git.environment(directory)
        bounded_program.output_of(
            [*command, "index-pack", pack], environment=environment, bounds=bounds, label="git index-pack"
        )
        yield directory


def _header(stream: IO[bytes]) -> Header:
    references: list[bytes] = []
    form, size = "sha1", len(stream.readline(bounded_program.RECORD))
    for _number in range(LINES):
        line = stream.readline(bounded_program.RECORD)
        size += len(line)
        if size > LARGEST_HEADER:
            break
        if line == b"\n":
            return Header(references, form)
        if not line:
            break
        if line.startswith(b"-"):
            raise ScanError(
                "it continues another repository's history; fetch the bundle in a clone of that repository, then "
                f"{SCAN_CLONE}"
            )
        if line.startswith(_FORMAT) and line[len(_FORMAT) : -1] in (b"sha1", b"sha256"):
            form = line[len(_FORMAT) : -1].decode()
        elif line.startswith(b"@"):
            raise ScanError(
                f"it comes from a partial clone and lacks objects; clone the whole repository, then {SCAN_CLONE}"
            )
        match = _REFERENCE.fullmatch(line[:-1])
        references += [match[0]] if match else []
    raise ScanError("its header does not end")


def _copy(stream: IO[bytes], path: str) -> None:
    remaining = LARGEST
    with open(path, "wb") as file:
        while remaining > 0:
            piece = stream.read(min(remaining, 1 << 20))
            if not piece:
                return
            file.write(piece)
            remaining -= len(piece)
    raise ScanError(f"it is larger than {LARGEST >> 20} MiB; clone the bundle, then {SCAN_CLONE}")
