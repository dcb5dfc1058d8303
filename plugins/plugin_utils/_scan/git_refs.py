# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The references and reflogs of a repository, read from its files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ScanError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import files
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.bounded_program import records

PACKED = 256 * 1024 * 1024
SMALL = 4096
COUNT = 1_000_000
"""References, and ids in reflogs."""
HOPS = 5
IDS = re.compile(rb"^([0-9a-f]{40}(?:[0-9a-f]{24})?)\s*$", re.M)
_LINE = re.compile(rb"^([0-9a-f]{40}(?:[0-9a-f]{24})?) (refs/[^\0-\x20\x7f~^:?*\[\\]+)$", re.M)
_NAME = re.compile(rb"refs/[^\0-\x20\x7f~^:?*\[\\]+")
_LOGGED = re.compile(rb"([0-9a-f]{40}(?:[0-9a-f]{24})?) ([0-9a-f]{40}(?:[0-9a-f]{24})?) ")
_OTHERS = "refs/worktrees/%d"
"""The name of a reference to the commit that a working tree has checked out."""


class References(NamedTuple):
    """The ids of references by name, and the content of HEAD."""

    head: bytes
    ids: dict[bytes, bytes]


def references(directory: str, common: str) -> References:
    """The references of a repository and of one working tree. Raises ScanError if they are too many."""
    ids = {name: value for value, name in _LINE.findall(files.content(os.path.join(common, "packed-refs"), PACKED))}
    symbolic: dict[bytes, bytes] = {}
    for place in dict.fromkeys((common, directory)):
        for name, value in _loose(place):
            target = value.partition(b"ref:")[2].strip() if value.startswith(b"ref:") else b""
            if target:
                symbolic[name] = target
            elif IDS.fullmatch(value.strip()):
                ids[name] = value.strip()
    for number, head in enumerate(_heads(common)):
        if IDS.fullmatch(head):
            ids[(_OTHERS % number).encode()] = head
    for name, target in symbolic.items():
        for _hop in range(HOPS):
            target = symbolic.get(target, target)
        if target in ids:
            ids[name] = ids[target]
    if len(ids) > COUNT:
        raise ScanError(f"more than {COUNT} references")
    head = files.content(os.path.join(directory, "HEAD"), SMALL).strip()
    target = head.partition(b"ref:")[2].strip()
    if not IDS.fullmatch(head):
        head = b"ref: " + (target if _NAME.fullmatch(target) else b"refs/heads/none")
    return References(head + b"\n", ids)


def packed(references: References) -> bytes:
    """The references in the format of git's ``packed-refs``."""
    lines = (b"%s %s\n" % (references.ids[name], name) for name in sorted(references.ids))
    return b"# pack-refs with: sorted \n" + b"".join(lines)


def logged(directory: str, common: str) -> list[bytes]:
    """The ids in the reflogs of every working tree."""
    result: dict[bytes, None] = {}
    places = [os.path.join(place, "logs") for place in dict.fromkeys((directory, common))]
    places += [os.path.join(place, "logs") for place in worktrees(common)]
    for place in places:
        for _name, stream in files.walk(place, passed=lambda _path, _why: None):
            for line in records(stream) if not isinstance(stream, str) else ():
                ids = _LOGGED.match(line)
                if ids and len(result) < COUNT:
                    result.update(dict.fromkeys(group for group in ids.groups() if group.strip(b"0")))
    return list(result)


def _loose(place: str) -> Iterator[tuple[bytes, bytes]]:
    for directory in files.directories(os.path.join(place, "refs"), lambda _path, _why: None):
        for name in directory.files:
            full = b"refs/" + directory.below(name)
            if _NAME.fullmatch(full) and b".." not in full and not full.endswith(b".lock"):
                for _name, stream in files.opened(name, "", directory.handle):
                    yield full, b"" if isinstance(stream, str) else stream.read(SMALL)


def worktrees(common: str) -> list[str]:
    """The administrative directory of each linked working tree."""
    place = os.path.join(common, "worktrees")
    try:
        return [os.path.join(place, name) for name in sorted(os.listdir(place))[:10_000]]
    except OSError:
        return []


def _heads(common: str) -> Iterator[bytes]:
    for place in (common, *worktrees(common)):
        yield files.content(os.path.join(place, "HEAD"), SMALL).strip()
