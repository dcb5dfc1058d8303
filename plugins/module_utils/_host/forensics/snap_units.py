# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Units that snapd rewrites with a new revision whenever it refreshes a snap."""

from __future__ import annotations

import os
import re

OWNER = 0
_MOUNT = re.compile(r"/etc/systemd/system/snap-[^/]+-x?\d+\.mount")
_MOUNT_LINE = re.compile(
    rb"\s*|\[(Unit|Mount|Install)\]|(Description|After|Before|WantedBy|Options|LazyUnmount|X-Snapd\w+)=.*"
    rb"|Type=(squashfs|fuse\.(squashfuse|snapfuse))"  # other types may run a program
    rb"|What=/var/lib/snapd/snaps/[\w.+-]+_x?\d+\.snap|Where=(/var/lib/snapd)?/snap/[\w.+-]+/x?\d+"
)
_REVISION = re.compile(rb"(/snap/[\w.+-]+/|/snaps/[\w.+-]+_|\bsnap-[\w.\\+-]+-)x?\d+\b")


def is_mount(path: str, owner: int, content: bytes) -> bool:
    """Whether a unit only mounts a snap, so that no package has it."""
    lines = content.split(b"\n")
    return bool(
        owner == OWNER
        and _MOUNT.fullmatch(path)
        and all(map(_MOUNT_LINE.fullmatch, lines))
        and any(line.startswith(b"What=") for line in lines)
    )


def without_revision(path: str, content: bytes) -> bytes:
    """Content of a snap's unit without its revision; other files unchanged."""
    return _REVISION.sub(rb"\1REVISION", content) if os.path.basename(path).startswith("snap.") else content
