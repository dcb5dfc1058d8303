# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Harmless units that snapd and netplan rewrite, and that no package has."""

from __future__ import annotations

import os
import re
from typing import NamedTuple, Pattern

OWNER = 0


class RewrittenUnit(NamedTuple):
    path: Pattern[str]
    line: Pattern[bytes]
    """Every line: no other one may start a program."""
    required: bytes = b""
    """Beginning of a line that must be there."""

    def is_in(self, path: str, owner: int, content: bytes) -> bool:
        """Whether the file is this unit."""
        lines = content.split(b"\n")
        return bool(
            owner == OWNER
            and self.path.fullmatch(path)
            and all(map(self.line.fullmatch, lines))
            and any(line.startswith(self.required) for line in lines)
        )


SNAP_MOUNT = RewrittenUnit(
    re.compile(r"/etc/systemd/system/snap-[^/]+-x?\d+\.mount"),
    re.compile(
        rb"\s*|\[(Unit|Mount|Install)\]|(Description|After|Before|WantedBy|Options|LazyUnmount|X-Snapd\w+)=.*"
        rb"|Type=(squashfs|fuse\.(squashfuse|snapfuse))"  # other types may run a program
        rb"|What=/var/lib/snapd/snaps/[\w.+-]+_x?\d+\.snap|Where=(/var/lib/snapd)?/snap/[\w.+-]+/x?\d+"
    ),
    b"What=",
)
"""Mount of a snap. snapd writes one for each revision."""
NETPLAN = RewrittenUnit(
    re.compile(
        r"/run/systemd/system/(netplan-ovs-cleanup\.service|systemd-networkd-wait-online\.service\.d/10-netplan\.conf)"
    ),
    re.compile(
        rb"\s*|#.*|\[(Unit|Service)\]"
        rb"|(Description|DefaultDependencies|Wants|After|Before|Condition\w+|Type|TimeoutStartSec|StartLimitBurst)=.*"
        rb"|ExecStart=(/usr/sbin/netplan apply --only-ovs-cleanup)?"
        rb"|ExecStart=(/usr)?/lib/systemd/systemd-networkd-wait-online( [\w:.@-]+)*"
    ),
)
"""Units of Ubuntu's netplan, written at each boot and each reload of systemd."""
_REVISION = re.compile(rb"(/snap/[\w.+-]+/|/snaps/[\w.+-]+_|\bsnap-[\w.\\+-]+-)x?\d+\b")


def without_revision(path: str, content: bytes) -> bytes:
    """Content of a snap's unit without its revision; other files unchanged."""
    return _REVISION.sub(rb"\1REVISION", content) if os.path.basename(path).startswith("snap.") else content
