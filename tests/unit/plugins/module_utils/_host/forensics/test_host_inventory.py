# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whatever somebody leaves on a host is a difference from its baseline. What packages and the catalog do is not."""

from __future__ import annotations

import base64
import json
import os
import shlex
import struct
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import fingerprints, server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import RecordedServer
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import (
    directory_entries,
    host_inventory,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.host_inventory import HostInventory
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.listeners import Listener
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import baseline_rows, host_baselines
from tests.unit.plugins.module_utils._host.forensics.opened_host import PASSWD, SHADOW, SHIPPED, Host

CANARY = "canary-of-a-unit"
KEYS = "home/deploy/.ssh/authorized_keys"
SERVICE = "app:x:998:998::/srv/app:/usr/sbin/nologin\n"
LISTENS = [Listener("tcp", "0.0.0.0", 22, "0", "sshd", 1.0), Listener("tcp", "127.0.0.1", 8000, "998", "python", 1.0)]


def key(name: str) -> tuple[str, str]:
    """A line of authorized_keys, and its fingerprint."""
    parts = (b"ssh-ed25519", name.encode().ljust(32, b"\0"))
    blob = b"".join(struct.pack(">I", len(part)) + part for part in parts)
    return f"ssh-ed25519 {base64.b64encode(blob).decode()} {name}", fingerprints.of_ssh_key(blob)


@pytest.fixture(autouse=True)
def listening(monkeypatch: pytest.MonkeyPatch) -> list[Listener]:
    listeners = list(LISTENS)
    monkeypatch.setattr(host_inventory.listeners, "listeners", lambda: listeners)
    monkeypatch.setattr(host_inventory.os, "geteuid", lambda: 0)
    return listeners


def inventory(host: Host, known: set[tuple[str, str]] = frozenset()) -> dict[str, Any]:  # type: ignore[assignment]
    return HostInventory("k" * 64, str(host.folder)).read([".ssh/authorized_keys"], known)


def recorded(host: Host, known: set[tuple[str, str]] = frozenset()) -> RecordedServer:  # type: ignore[assignment]
    reading = server_baseline.reading_of(inventory(host, known))
    return RecordedServer("2026-11-29T00:00:00Z", "op", reading.kinds, reading.entries)


def differences(host: Host, source: RecordedServer, known: set[tuple[str, str]] = frozenset()) -> list[str]:  # type: ignore[assignment]
    reading = server_baseline.reading_of(inventory(host, known))
    found = server_baseline.compare("host web1", source, reading)
    return [f"{item.state} {item.kind} {item.name}" for item in found]


def busy(host: Host) -> Host:
    """With keys, units and cron jobs of its own."""
    host.write(KEYS, key("ours")[0] + "\n")
    host.write("etc/cron.d/own", "* * * * * root own\n")
    host.write("etc/pam.d/sshd", "auth required pam_unix.so\n")
    host.write("etc/ssh/sshd_config", "PermitRootLogin no\n")
    host.write("etc/systemd/system/app.service.d/own.conf", f"[Service]\nEnvironment=TOKEN={CANARY}\n")
    host.setuid("usr/bin/own")
    return host


PLANTED: dict[str, tuple[Callable[[Host], Any], str]] = {
    "an account": (
        lambda host: host.write("etc/passwd", PASSWD + "thief:x:2001:2001::/home/thief:/bin/sh\n"),
        "added account thief",
    ),
    "an account whose comment has other line separators": (
        lambda host: host.write("etc/passwd", PASSWD + "thief:x:2001:2001:\u2028\x85\x1c:/home/thief:/bin/sh\n"),
        "added account thief",
    ),
    "an account whose shell only has the name of one that ends a login": (
        lambda host: host.write("etc/passwd", PASSWD + "thief:x:2001:2001::/:/home/thief/nologin\n"),
        "added account thief",
    ),
    "root under another name": (
        lambda host: host.write("etc/passwd", PASSWD + "thief:x:0:0::/:/usr/sbin/nologin\n"),
        "added account thief",
    ),
    "a shell for a service": (
        lambda host: host.write(
            "etc/passwd", PASSWD.replace("postgres:x:110:110::/:/bin/bash", "postgres:x:0:110::/:/x")
        ),
        "changed account postgres",
    ),
    "a password": (
        lambda host: host.write("etc/shadow", SHADOW.replace("postgres:!", "postgres:$y$hash")),
        "added password postgres",
    ),
    "no password": (
        lambda host: host.write("etc/shadow", SHADOW.replace("postgres:!", "postgres:")),
        "added password postgres",
    ),
    "no password in passwd itself": (
        lambda host: host.write("etc/passwd", PASSWD.replace("root:x", "root:")),
        "added password root",
    ),
    "a password in passwd itself": (
        lambda host: host.write("etc/passwd", PASSWD.replace("deploy:x", "deploy:$y$hash")),
        "added password deploy",
    ),
    "a group": (
        lambda host: host.write("etc/group", "root:x:0:\nsudo:x:27:deploy,postgres\n"),
        "added group member postgres in sudo",
    ),
    "a group that reads the disk": (
        lambda host: host.write("etc/group", "root:x:0:\nsudo:x:27:deploy\ndisk:x:6:www-data\n"),
        "added group member www-data in disk",
    ),
    "a main group": (
        lambda host: host.write("etc/passwd", PASSWD + "daemon:x:1:27::/:/usr/sbin/nologin\n"),
        "added group member daemon in sudo",
    ),
    "a key": (
        lambda host: host.write(KEYS, "\n".join([key("ours")[0], key("thief")[0]])),
        f"added authorized key {key('thief')[1]} in /{KEYS}",
    ),
    "a key of root": (
        lambda host: host.write("root/.ssh/authorized_keys", key("thief")[0]),
        f"added authorized key {key('thief')[1]} in /root/.ssh/authorized_keys",
    ),
    "the command of a key": (
        lambda host: host.write(KEYS, f'command="/tmp/x" {key("ours")[0]}\n'),
        f"changed authorized key {key('ours')[1]} in /{KEYS}",
    ),
    "sudoers": (lambda host: host.write("etc/sudoers.d/x"), "added sudoers file /etc/sudoers.d/x"),
    "sudoers itself": (lambda host: host.write("etc/sudoers", "x"), "changed sudoers file /etc/sudoers"),
    "polkit": (
        lambda host: host.write("etc/polkit-1/rules.d/1.rules"),
        "added sudoers file /etc/polkit-1/rules.d/1.rules",
    ),
    "a cron job": (lambda host: host.write("etc/cron.hourly/x"), "added cron file /etc/cron.hourly/x"),
    "a crontab": (
        lambda host: host.write("var/spool/cron/crontabs/deploy"),
        "added cron file /var/spool/cron/crontabs/deploy",
    ),
    "a cron job of a package": (lambda host: host.write("etc/cron.d/php", "x"), "added cron file /etc/cron.d/php"),
    "at": (lambda host: host.write("var/spool/cron/atjobs/a1"), "added at job /var/spool/cron/atjobs/a1"),
    "a timer": (
        lambda host: host.write("etc/systemd/system/x.timer"),
        "added unit /etc/systemd/system/x.timer",
    ),
    "a drop-in": (
        lambda host: host.write("etc/systemd/system/ssh.service.d/x.conf"),
        "added unit /etc/systemd/system/ssh.service.d/x.conf",
    ),
    "a drop-in until the next boot": (
        lambda host: host.write("run/systemd/system/ssh.service.d/x.conf"),
        "added unit /run/systemd/system/ssh.service.d/x.conf",
    ),
    "an environment in a drop-in": (
        lambda host: host.write("etc/systemd/system/app.service.d/own.conf", "[Service]\nEnvironment=LD_PRELOAD=/x\n"),
        "changed unit /etc/systemd/system/app.service.d/own.conf",
    ),
    "a unit of a package": (
        lambda host: host.write("usr/lib/systemd/system/ssh.service", "x"),
        "added unit /usr/lib/systemd/system/ssh.service",
    ),
    "a generator": (
        lambda host: host.write("etc/systemd/system-generators/x"),
        "added unit /etc/systemd/system-generators/x",
    ),
    "a unit of an account": (
        lambda host: host.write("home/deploy/.config/systemd/user/x.service"),
        "added unit /home/deploy/.config/systemd/user/x.service",
    ),
    "a unit of an account that cannot log in": (
        lambda host: (
            host.write("etc/passwd", PASSWD + SERVICE),
            host.write("srv/app/.config/systemd/user/x.service"),
        ),
        "added unit /srv/app/.config/systemd/user/x.service",
    ),
    "a setuid program of an account that cannot log in": (
        lambda host: (host.write("etc/passwd", PASSWD + SERVICE), host.setuid("srv/app/x")),
        "added setuid file /srv/app/x",
    ),
    "lingering": (
        lambda host: host.write("var/lib/systemd/linger/app", ""),
        "added unit /var/lib/systemd/linger/app",
    ),
    "a link to a unit elsewhere": (
        lambda host: host.link("etc/systemd/system/x.service", "/opt/x.service"),
        "added unit /etc/systemd/system/x.service",
    ),
    "the mode of a package's program": (
        lambda host: os.chmod(host.folder / "usr/bin/ls", 0o4755),
        "added setuid file /usr/bin/ls",
    ),
    "a setuid program": (lambda host: host.setuid("tmp/.x"), "added setuid file /tmp/.x"),
    "another setuid program": (
        lambda host: (
            (host.folder / "usr/bin/own").write_text("trojan") and os.chmod(host.folder / "usr/bin/own", 0o4755)
        ),
        "changed setuid file /usr/bin/own",
    ),
    "a setuid program in a home": (lambda host: host.setuid("home/deploy/x"), "added setuid file /home/deploy/x"),
    "preloaded": (lambda host: host.write("etc/ld.so.preload"), "added start file /etc/ld.so.preload"),
    "PAM": (
        lambda host: host.write("etc/pam.d/sshd", "auth sufficient pam_permit.so"),
        "changed PAM file /etc/pam.d/sshd",
    ),
    "PAM's common files": (
        lambda host: host.write("etc/pam.d/common-auth", "auth optional pam_exec.so /x\n"),
        "added PAM file /etc/pam.d/common-auth",
    ),
    "a module of PAM": (
        lambda host: host.write("usr/lib/x/security/pam_unix.so", "trojan"),
        "added PAM file /usr/lib/x/security/pam_unix.so",
    ),
    "sshd": (
        lambda host: host.write("etc/ssh/sshd_config", "PermitRootLogin yes"),
        "changed SSH daemon file /etc/ssh/sshd_config",
    ),
    "a file of sshd": (
        lambda host: host.write("etc/ssh/sshd_config.d/x.conf"),
        "added SSH daemon file /etc/ssh/sshd_config.d/x.conf",
    ),
    "a login file": (lambda host: host.write("home/deploy/.bashrc", "x"), "changed start file /home/deploy/.bashrc"),
    "a login file of all": (lambda host: host.write("etc/profile.d/x.sh"), "added start file /etc/profile.d/x.sh"),
    "what was removed": (
        lambda host: (host.folder / "etc/ssh/sshd_config").unlink(),
        "removed SSH daemon file /etc/ssh/sshd_config",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_somebody_planted(host: Host, name: str) -> None:
    source = recorded(busy(host))
    plant, expected = PLANTED[name]
    assert differences(host, source) == []
    plant(host)
    assert differences(host, source) == [expected]


BY_HAND = {
    *("the command of a key", "sudoers itself", "an environment in a drop-in", "another setuid program", "PAM"),
    *("PAM's common files", "a module of PAM", "sshd", "a login file", "what was removed", "a main group"),
    *("a cron job of a package", "a unit of a package", "a shell for a service"),
}
"""The baseline has only digests, a package is to be installed again, or a login needs the file."""


@pytest.mark.parametrize("name", PLANTED)
def test_the_printed_command_removes_what_somebody_planted(host: Host, name: str) -> None:
    """On the host's folder, as far as the command changes only files."""
    source = recorded(busy(host))
    PLANTED[name][0](host)
    rows = baseline_rows.differences("host web1", source, inventory(host), "entries", host_baselines._command)
    (command,) = (row["command"] for row in rows if row["state"] == "fail")
    line = shlex.split(command)[-1]
    assert (command == baseline_rows.LIST) == (name in BY_HAND)
    if line.startswith(("rm ", "sed ", "chmod ")):
        subprocess.run(["/bin/sh", "-c", line.replace(" /", f" {host.folder}/")], check=True)
        assert differences(host, source) == []
    else:
        assert name in BY_HAND or line.startswith(("userdel -f ", "passwd -l ", "gpasswd -d ", "loginctl disable-"))


def test_a_listener(host: Host, listening: list[Listener]) -> None:
    source = recorded(host)
    listening += [Listener("tcp", "127.0.0.1", 4444, "998", "nc", 1.0), Listener("tcp", "0.0.0.0", 0, "998", "sh", 1.0)]
    assert differences(host, source) == [
        "added listener tcp 0.0.0.0:any free port, by sh, uid 998",
        "added listener tcp 127.0.0.1:4444",
    ]
    listening[:] = [LISTENS[0]._replace(program="nc")]
    assert differences(host, source) == ["changed listener tcp 0.0.0.0:22"], "one that restarts causes no difference"
    listening[:] = [LISTENS[1]._replace(uid="2000")]
    assert differences(host, source) == ["changed listener tcp 127.0.0.1:8000"], "another account"


ORDINARY: dict[str, Callable[[Host], Any]] = {
    "an upgrade": lambda host: host.ship({**SHIPPED, "usr/bin/sudo": "newer", "etc/cron.d/php": "newer"}),
    "an upgrade with a new unit": lambda host: (
        host.ship({**SHIPPED, "usr/lib/systemd/system/new.timer": "x", "etc/cron.daily/new": "x"}),
        host.link("etc/systemd/system/timers.target.wants/new.timer", "/usr/lib/systemd/system/new.timer"),
    ),
    "a service's account": lambda host: (
        host.write("etc/passwd", PASSWD + "new:x:111:111::/:/usr/sbin/nologin\n"),
        host.write("etc/shadow", SHADOW + "new:!*:19700::::::\n"),
        host.write("etc/group", "root:x:0:\nsudo:x:27:deploy\nssl-cert:x:112:new\n"),
    ),
    "an account whose home is a folder of the system": lambda host: (
        host.link("bin", "usr/bin"),
        host.write("etc/passwd", PASSWD + "bin:x:2:2::/bin:/usr/sbin/nologin\nx:x:3:3::/nonexistent:/bin/false\n"),
    ),
    "pam-auth-update": lambda host: host.write("etc/pam.d/common-auth", "auth [success=1] pam_unix.so\n"),
    "a unit is enabled": lambda host: host.link(
        "etc/systemd/system/multi-user.target.wants/app.service", "/etc/systemd/system/app.service"
    ),
    "a package is removed": lambda host: host.link(
        "etc/systemd/system/timers.target.wants/old.timer", "/usr/lib/systemd/system/old.timer"
    ),
    "a unit is masked": lambda host: host.link("etc/systemd/system/x.service", "/dev/null"),
    "a deploy": lambda host: host.write("srv/app/.env", "TOKEN=other"),
    "another time": lambda host: os.utime(host.folder / "etc/sudoers", (1, 1)),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_what_is_no_difference(host: Host, name: str) -> None:
    host.setuid("usr/bin/sudo")
    (host.folder / "usr/bin/sudo").write_text("sudo")
    (host.folder / "usr/bin/sudo").chmod(0o4755)
    source = recorded(busy(host))
    ORDINARY[name](host)
    (host.folder / "usr/bin/sudo").chmod(0o4755)
    assert differences(host, source) == []


def test_a_key_of_the_catalog_is_compared_elsewhere(host: Host) -> None:
    """It may be replaced. In another file it is no key of the catalog's."""
    busy(host)
    known = {(key(name)[1], f"/{KEYS}") for name in ("old", "new")}
    host.write(KEYS, "\n".join([key("ours")[0], f'from="10.0.0.1" {key("old")[0]}']))
    source = recorded(host, known)
    host.write(KEYS, "\n".join([key("ours")[0], key("new")[0]]))
    assert differences(host, source, known) == []
    host.write("root/.ssh/authorized_keys", key("new")[0])
    assert differences(host, source, known) == [f"added authorized key {key('new')[1]} in /root/.ssh/authorized_keys"]


def test_no_value_is_in_the_answer(host: Host) -> None:
    busy(host)
    host.write("etc/systemd/system/x.service", f"[Service]\nExecStart=/usr/bin/x --token {CANARY}\nExecStop=/bin/y\n")
    host.write("etc/shadow", SHADOW.replace("root:*", f"root:$y${CANARY}"))
    host.write("var/spool/cron/atjobs/a1", f"TOKEN={CANARY}")
    host.write(KEYS, f'command="x {CANARY}" {key("ours")[0]}\n')
    answer = json.dumps(inventory(host))
    assert CANARY not in answer
    assert key("ours")[0].split()[1] not in answer
    assert "starts /usr/bin/x, /bin/y, content " in answer
    assert "no regular file" not in answer


@pytest.mark.skipif(os.getuid() == 0, reason="root reads everything")
def test_what_this_account_may_not_read(host: Host) -> None:
    for name in ("etc/sudoers", "etc/shadow"):
        (host.folder / name).chmod(0)
    (host.folder / "home/deploy").chmod(0)
    try:
        answer = inventory(host)
    finally:
        (host.folder / "home/deploy").chmod(0o755)
    assert {"sudoers file", "password", "authorized key", "setuid file", "start file"} <= set(answer["unread"])
    assert "account" in answer["kinds"]
    assert {entry["kind"] for entry in answer["entries"]} <= set(answer["kinds"])


def test_many_closed_homes_hide_no_other_kind(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """The setuid search comes first, and fills the list of what is named as not readable."""
    monkeypatch.setattr(directory_entries, "MOST_UNSEEN", 1)
    home, lstat, scandir = str(host.folder / "home/deploy"), os.lstat, os.scandir

    def closed(look: Callable[[str], Any]) -> Callable[[str], Any]:
        def denied(path: str) -> Any:
            if str(path).startswith(home):
                raise PermissionError
            return look(path)

        return denied

    monkeypatch.setattr(directory_entries.os, "lstat", closed(lstat))
    monkeypatch.setattr(directory_entries.os, "scandir", closed(scandir))
    unread = inventory(host)["unread"]
    assert {"setuid file", "start file", "unit"} <= set(unread)
    assert "/home/deploy" in unread["unit"]


def test_without_root_listeners_are_left_out(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_inventory.os, "geteuid", lambda: 1000)
    assert "listener" in inventory(host)["unread"]


def test_it_ends_in_time_and_whatever_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_inventory.HostInventory, "read", lambda *_: host_inventory.os.pipe()[0] or 1)
    answer = host_inventory.read_inventory("k", [{"fingerprint": "x"}], 5)  # type: ignore[list-item]
    assert (answer["kinds"], answer["problems"]) == ([], ["KeyError"])
    monkeypatch.setattr(
        host_inventory.HostInventory, "read", lambda *_: host_inventory.time_limit.threading.Event().wait(9)
    )
    assert host_inventory.read_inventory("k", [], 0.1)["problems"] == ["incomplete after 0 s"]
