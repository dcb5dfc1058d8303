# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files of packages, snaps and sshd in a host's inventory."""

from __future__ import annotations

import base64
import os
import struct
from collections.abc import Collection
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import fingerprints
from ansible_collections.watchparty.secrets.plugins.module_utils._host.bounded_command import CommandOutput
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import (
    host_inventory,
    package_files,
    rewritten_units,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.host_inventory import HostInventory
from tests.unit.plugins.module_utils._host.forensics.opened_host import Host

PATTERNS = [".ssh/authorized_keys", "/etc/ssh/keys/%u"]
BLOB = b"".join(struct.pack(">I", len(part)) + part for part in (b"ssh-ed25519", b"x" * 32))


def inventory(host: Host, known: Collection[tuple[str, str]] = ()) -> dict[str, Any]:
    return HostInventory("k" * 64, str(host.folder)).read(PATTERNS, known)


def facts(host: Host, kind: str, known: Collection[tuple[str, str]] = ()) -> dict[str, str]:
    """By name."""
    return {entry["name"]: entry["facts"] for entry in inventory(host, known)["entries"] if entry["kind"] == kind}


def test_rpm_that_does_not_answer(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of its files would be differences."""
    host.write("etc/pam.d/sshd")
    host.setuid("usr/bin/own")
    host.write("var/lib/rpm/rpmdb.sqlite")
    monkeypatch.setattr(package_files.bounded_command, "output", lambda *_args, **_how: CommandOutput(None, b"", False))
    found = inventory(host)
    kinds = {host_inventory.SETUID, *(kind for kind, _begins in host_inventory.BY_PATH)}
    reasons = {kind: reason for kind, reason in found["unread"].items() if kind != host_inventory.LISTENER}
    assert reasons == dict.fromkeys(kinds, package_files.UNANSWERED)
    assert not [entry for entry in found["entries"] if entry["kind"] in kinds]


def test_a_snap_that_was_refreshed(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewritten_units, "OWNER", os.getuid())
    folder = "etc/systemd/system/"

    def refresh(revision: int) -> None:
        text = f"[Mount]\nWhat=/var/lib/snapd/snaps/lxd_{revision}.snap\nWhere=/snap/lxd/{revision}\n"
        host.write(f"{folder}snap-lxd-{revision}.mount", text)
        host.link(f"{folder}multi-user.target.wants/snap-lxd-{revision}.mount", f"/{folder}snap-lxd-{revision}.mount")
        host.write(f"{folder}snap.lxd.daemon.service", f"[Service]\nExecStart=/snap/lxd/{revision}/x\n")

    refresh(1)
    before = facts(host, "unit")
    assert f"/{folder}snap.lxd.daemon.service" in before
    (host.folder / f"{folder}snap-lxd-1.mount").unlink()
    (host.folder / f"{folder}multi-user.target.wants/snap-lxd-1.mount").unlink()
    refresh(2)
    assert facts(host, "unit") == before
    host.write(f"{folder}snap-lxd-2.mount", "[Mount]\nWhat=/dev/sdb\nWhere=/snap/lxd/2\n")
    assert f"/{folder}snap-lxd-2.mount" in facts(host, "unit")


def test_what_sshd_trusts(host: Host) -> None:
    """Its own keys, and files of keys, also of the catalog, are no entries."""
    line = f"ssh-ed25519 {base64.b64encode(BLOB).decode()}"
    known = {(fingerprints.of_ssh_key(BLOB), f"/etc/ssh/keys/{name}") for name in ("deploy", "not-of-sshd")}
    assert facts(host, "SSH daemon file", known) == {}
    for name in ("ssh_host_rsa_key", "moduli", "ssh_known_hosts", "users_ca.pub", "principals/deploy"):
        host.write(f"etc/ssh/{name}")
    for name in ("deploy", "not-of-sshd", "thief"):
        host.write(f"etc/ssh/keys/{name}", line)
    assert set(facts(host, "SSH daemon file", known)) == {
        *("/etc/ssh/users_ca.pub", "/etc/ssh/keys/thief", "/etc/ssh/principals/deploy"),
    }
