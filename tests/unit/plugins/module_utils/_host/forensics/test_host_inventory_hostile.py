# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Accounts fill their homes and names as they like, which keeps nothing else from being compared."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import (
    directory_entries,
    host_inventory,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.listeners import Listener
from tests.unit.plugins.module_utils._host.forensics.opened_host import PASSWD, Host
from tests.unit.plugins.module_utils._host.forensics.test_host_inventory import (
    KEYS,
    differences,
    inventory,
    key,
    listening,
    recorded,
)

__all__ = ["listening"]


def test_pipes_links_and_directories(host: Host) -> None:
    home = host.folder / "home/deploy"
    source = recorded(host)
    (home / ".bashrc").unlink()
    os.mkfifo(home / ".bashrc")
    (home / ".profile").symlink_to(".profile")
    (home / ".zshrc").symlink_to("/dev/zero")
    (home / ".bash_aliases").mkdir()
    (home / ".ssh").mkdir()
    os.mkfifo(home / ".ssh/authorized_keys")
    assert differences(host, source) == [
        f"added authorized key file /{KEYS}",
        "changed start file /home/deploy/.bashrc",
        "added start file /home/deploy/.profile",
        "added start file /home/deploy/.zshrc",
    ]


def test_a_large_file_of_keys(host: Host) -> None:
    path = host.write(KEYS, key("ours")[0] + "\n")
    source = recorded(host)
    with path.open("a") as stream:
        stream.truncate(5 << 20)
    assert f"added authorized key file /{KEYS}" in differences(host, source)


def test_names_that_are_no_text(host: Host) -> None:
    source = recorded(host)
    folder = os.fsencode(host.folder / "home/deploy/.config/systemd/user")
    os.makedirs(folder)
    for name in (b"\xff\x1b[2J.service", b"a\nb.service", b"x" * 250):
        Path(os.fsdecode(folder + b"/" + name)).write_text("x")
    found = differences(host, source)
    assert len(found) == 3
    assert all(text.isprintable() for text in found)
    json.dumps(inventory(host)).encode("ascii")


def test_many_names_do_not_keep_the_rest_from_being_compared(host: Host) -> None:
    source = recorded(host)
    for at in range(host_inventory.MOST + 50):
        host.write(f"home/deploy/.config/systemd/user/{at:04}.service")
    host.write(KEYS, "\n".join(key(str(at))[0] for at in range(host_inventory.MOST + 9)))
    host.write("etc/sudoers.d/x")
    found = differences(host, source)
    assert len(found) == 2 * host_inventory.MOST + 3
    assert "added unit and more of deploy" in found
    assert "added authorized key and more of deploy" in found
    assert "added sudoers file /etc/sudoers.d/x" in found
    later = recorded(host)
    host.write("home/deploy/.config/systemd/user/9999.service", "y")
    assert differences(host, later) == ["changed unit and more of deploy"]


def test_long_names_do_not_keep_the_rest_from_being_compared(host: Host) -> None:
    source = recorded(host)
    for at in range(host_inventory.MOST):
        name = f"{at:04}" + "\U0001f600" * 60
        host.write(f"home/deploy/.config/systemd/user/{name}/{name}")
        host.write(f"home/deploy/.config/fish/functions/{name}")
        host.setuid(f"home/deploy/{name}")
    assert inventory(host)["problems"] == []
    assert "added unit and more of deploy" in differences(host, source)


def test_contents_are_read_only_of_what_is_named(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.setuid("tmp/x")
    for at in range(host_inventory.MOST + 50):
        os.link(host.folder / "tmp/x", host.folder / f"tmp/{at}")
        host.write(f"home/deploy/.config/systemd/user/{at:04}.service")
    paths = []
    read = host_inventory.all_accounts.read
    monkeypatch.setattr(host_inventory.all_accounts, "read", lambda path: paths.append(path) or read(path))
    source = recorded(host)
    assert sum("/user/" in path for path in paths) == host_inventory.MOST
    assert sum(path.startswith(str(host.folder / "tmp")) for path in paths) == host_inventory.MOST
    (host.folder / "home/deploy/.config/systemd/user/0249.service").write_text("other")
    assert differences(host, source) == ["changed unit and more of deploy"]


def test_one_account_has_many_ids(host: Host, listening: list[Listener]) -> None:
    """Those of a user namespace."""
    for at in range(host_inventory.MOST + 50):
        listening.append(Listener("tcp", "127.0.0.1", 4000 + at, str(100000 + at), "x", 1.0))
    names = [entry["name"] for entry in inventory(host)["entries"] if entry["kind"] == "listener"]
    assert len(names) == 2 + host_inventory.MOST
    assert "and more of accounts that passwd does not have" in names


@pytest.mark.parametrize(
    ("folder", "kind"),
    [("tmp", "setuid file"), ("home/deploy", "setuid file"), ("home/deploy/.config/systemd/user", "unit")],
)
def test_a_folder_that_is_too_full(folder: str, kind: str, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    source = recorded(host)
    monkeypatch.setattr(directory_entries, "MOST_NAMES", 20)
    for at in range(30):
        (host.folder / folder / str(at)).mkdir(parents=True)
    host.setuid("usr/bin/x")
    host.write("etc/systemd/system/x.service")
    assert inventory(host)["unread"] == {}
    assert set(differences(host, source)) == {
        f"added {kind} folder /{folder}",
        "added setuid file /usr/bin/x",
        "added unit /etc/systemd/system/x.service",
    }


def test_more_homes_than_are_looked_at(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_inventory, "MOST_HOMES", 3)
    assert inventory(host)["unread"] == {}
    host.write("etc/passwd", PASSWD + "app:x:998:998::/srv/app:/usr/sbin/nologin\n")
    reason = "more than 3 accounts have a home"
    assert inventory(host)["unread"] == {"setuid file": reason, "unit": reason}
