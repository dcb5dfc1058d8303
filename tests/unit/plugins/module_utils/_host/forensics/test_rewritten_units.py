# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Units as snapd 2.63 writes them, and what somebody makes of them."""

from __future__ import annotations

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import rewritten_units

PATH = "/etc/systemd/system/snap-core20-1974.mount"
MOUNT = b"""[Unit]
Description=Mount unit for core20, revision 1974
After=snapd.mounts-pre.target
Before=snapd.mounts.target

[Mount]
What=/var/lib/snapd/snaps/core20_1974.snap
Where=/snap/core20/1974
Type=squashfs
Options=nodev,ro,x-gdu.hide,x-gvfs-hide
LazyUnmount=yes

[Install]
WantedBy=snapd.mounts.target
WantedBy=multi-user.target
"""
SERVICE = b"""[Unit]
# Auto-generated, DO NOT EDIT
Requires=snap-lxd-24322.mount
After=snap-lxd-24322.mount network.target snapd.apparmor.service

[Service]
ExecStart=/usr/bin/snap run lxd.daemon
WorkingDirectory=/var/snap/lxd/24322
Environment=A=/var/lib/snapd/snap/lxd/24322/a B=/var/lib/snapd/snaps/lxd_24322.snap
"""


def test_a_mount_of_a_snap() -> None:
    assert rewritten_units.SNAP_MOUNT.is_in(PATH, 0, MOUNT)
    assert rewritten_units.SNAP_MOUNT.is_in(
        PATH.replace("core20-1974", "lxd-x1"), 0, MOUNT.replace(b"20_1974", b"20_x1")
    )


@pytest.mark.parametrize(
    ("path", "owner", "content"),
    [
        (PATH, 1000, MOUNT),
        (PATH, 0, b""),
        (PATH, 0, MOUNT.replace(b"What=/var/lib/snapd/snaps", b"What=/tmp")),
        (PATH, 0, MOUNT.replace(b"/snaps/", b"/snaps/../../../../tmp/")),
        (PATH, 0, MOUNT.replace(b"Where=/snap/core20/1974", b"Where=/etc")),
        (PATH, 0, MOUNT.replace(b"squashfs", b"x")),
        (PATH, 0, MOUNT + b"OnFailure=x.service\n"),
        (PATH, 0, MOUNT + b"[Service]\nExecStart=/tmp/x\n"),
        (PATH, 0, MOUNT + b"What=/dev/sdb\n"),
        (PATH.replace(".mount", ".service"), 0, MOUNT),
        (PATH.replace("snap-core20-1974", "usr-bin"), 0, MOUNT),
    ],
)
def test_what_is_no_mount_of_a_snap(path: str, owner: int, content: bytes) -> None:
    assert not rewritten_units.SNAP_MOUNT.is_in(path, owner, content)


def test_revisions() -> None:
    path = "/etc/systemd/system/snap.lxd.daemon.service"
    refreshed = SERVICE.replace(b"24322", b"24400")
    assert rewritten_units.without_revision(path, SERVICE) == rewritten_units.without_revision(path, refreshed)
    for changed in (SERVICE.replace(b"lxd.daemon", b"lxd.other"), SERVICE.replace(b"/snap/lxd/", b"/snap/other/")):
        assert rewritten_units.without_revision(path, SERVICE) != rewritten_units.without_revision(path, changed)
    assert rewritten_units.without_revision("/etc/systemd/system/x.service", SERVICE) == SERVICE
