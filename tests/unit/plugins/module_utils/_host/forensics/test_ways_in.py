# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What somebody with a leaked key leaves on a host is named, and what happens on any host is not."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import directory_entries, ways_in
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.host_accounts import OpenedAccount
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.ways_in import FootholdSearch
from tests.unit.plugins.module_utils._host.forensics import test_rewritten_units as snap
from tests.unit.plugins.module_utils._host.forensics.opened_host import (
    PASSWD,
    SHADOW,
    SHIPPED,
    TODAY,
    UID,
    Host,
    begins,
)


def at_job(host: Host) -> None:
    os.chown(host.write("var/spool/cron/atjobs/a0001"), UID, -1)


HOME_FILES = [
    *(".bashrc", ".bash_profile", ".profile", ".zshrc", ".ssh/rc", ".ssh/environment", ".ssh/config"),
    *(".pam_environment", ".config/environment.d/x.conf", ".config/systemd/user/x.service"),
    *(".config/systemd/user/default.target.wants/x.service", ".config/fish/config.fish"),
    *(".local/share/systemd/user/x.timer", ".local/lib/python3.11/site-packages/usercustomize.py"),
    *(".local/lib/python3.11/site-packages/x.pth", "bin/sudo", ".local/bin/ls", ".forward", ".procmailrc"),
    *(".bash_completion", ".config/fish/conf.d/x.fish", ".gitconfig", ".config/git/config", ".config/pip/pip.conf"),
    *(".config/containers/systemd/x.container", ".config/systemd/user.control/x.service", ".inputrc", ".cshrc"),
    *(".local/share/bash-completion/completions/sudo", ".vimrc", ".psqlrc", ".tmux.conf", ".shosts", ".k5login"),
    *(".config/nvim/init.lua", ".local/share/dbus-1/services/x.service"),
]
SYSTEM_FILES = [
    *("etc/cron.d/x", "etc/crontab", "etc/cron.hourly/x", "var/spool/cron/crontabs/deploy", "var/spool/cron/deploy"),
    *("var/spool/cron/crontabs/root", "var/lib/systemd/linger/deploy", "etc/systemd/system/x.timer"),
    *("etc/systemd/system/app.service.d/x.conf", "etc/systemd/user/x.service", "etc/init.d/x", "etc/rc.local"),
    *("etc/sudoers", "etc/sudoers.d/x", "etc/ld.so.preload", "etc/ld.so.conf.d/x.conf", "etc/pam.d/sshd"),
    *("etc/environment", "usr/lib/x/security/pam_unix.so", "usr/lib/x/security/pam_x.so", "etc/ssh/sshd_config"),
    *("etc/ssh/sshd_config.d/x.conf", "etc/ssh/sshrc", "etc/profile", "etc/profile.d/x.sh", "etc/update-motd.d/x"),
    *("etc/apt/apt.conf.d/99x", "etc/logrotate.d/x", "usr/bin/sudo", "usr/sbin/sshd", "etc/udev/rules.d/x.rules"),
    *("etc/NetworkManager/dispatcher.d/x", "usr/lib/systemd/system/x.service", "usr/lib/systemd/system/ssh.service"),
    *("root/.bashrc", "etc/systemd/system-generators/x", "usr/lib/systemd/system-sleep/x", "etc/systemd/system.conf"),
    *("etc/systemd/user.conf.d/x.conf", "etc/containers/systemd/x.container", "etc/environment.d/x.conf"),
    *("etc/modprobe.d/x.conf", "etc/sysctl.d/x.conf", "etc/binfmt.d/x.conf", "etc/tmpfiles.d/x.conf"),
    *("etc/polkit-1/rules.d/x.rules", "etc/dbus-1/system.d/x.conf", "etc/kernel/postinst.d/x", "etc/grub.d/99_x"),
    *("etc/initramfs-tools/hooks/x", "usr/local/lib/python3.11/dist-packages/x.pth", "etc/nsswitch.conf"),
    *("etc/python3.11/sitecustomize.py", "etc/bash_completion.d/x", "etc/zsh/zshrc"),
    *("etc/ssh/ca.pub", "etc/ssh/principals/deploy", "run/systemd/system/x.service", "usr/lib/udev/rules.d/x.rules"),
    *("usr/lib/tmpfiles.d/x.conf", "usr/lib/sysctl.d/x.conf", "etc/sysusers.d/x.conf", "etc/kernel/install.d/x"),
    *("etc/needrestart/hook.d/x", "etc/apt/sources.list.d/x.list", "etc/apt/trusted.gpg.d/x.gpg"),
    *("etc/yum.repos.d/x.repo", "etc/cloud/cloud.cfg.d/x.cfg", "var/lib/cloud/scripts/per-boot/x"),
    *("etc/rsyslog.d/x.conf", "etc/aliases", "etc/audit/plugins.d/x.conf", "etc/perl/strict.pm"),
    *("usr/local/lib/libc.so.6", "etc/sudo.conf", "etc/pam.conf", "etc/sssd/sssd.conf"),
    *("etc/csh.cshrc", "etc/networkd-dispatcher/routable.d/x", "etc/dhcp/dhclient-exit-hooks.d/x"),
    "usr/local/bin/ls",
]


@pytest.mark.parametrize("name", [*(f"home/deploy/{name}" for name in HOME_FILES), *SYSTEM_FILES])
def test_a_file_that_changed_in_the_window(host: Host, name: str) -> None:
    since = begins()
    host.write(name, "planted")
    (found,) = host.found(since)
    assert found.startswith(f"/{name} changed {time.strftime('%Y-%m-%dT')}")
    assert ": " in found.partition("Z ")[2], "the command that removes it"


def capability(host: Host) -> None:
    """cap_setuid, in effect for whoever runs the file."""
    if os.getuid():
        pytest.skip("only root gives a file capabilities")
    content = bytes.fromhex("0100000280000000000000000000000000000000")
    os.setxattr(host.write("home/deploy/.x"), directory_entries.CAPABILITY, content)


OTHERS: dict[str, tuple[Callable[[Host], object], str]] = {
    "an at job": (at_job, "is a job of at that runs as deploy: rm -- /var/spool/cron/atjobs/a0001"),
    "a pipe": (lambda host: os.mkfifo(host.folder / "home/deploy/.profile"), "/home/deploy/.profile changed "),
    "a link": (lambda host: host.link("home/deploy/.zshrc", "/dev/shm/x"), "/home/deploy/.zshrc changed "),
    "a link to a file that changed": (
        lambda host: (host.link("home/deploy/.zshrc", ".x"), host.write("home/deploy/.x")),
        "/home/deploy/.zshrc changed ",
    ),
    "a unit that is elsewhere": (
        lambda host: host.link("etc/systemd/system/multi-user.target.wants/x.service", "../../../../opt/x.service"),
        "/etc/systemd/system/multi-user.target.wants/x.service changed ",
    ),
    "setuid": (lambda host: host.setuid("tmp/sh"), "chmod u-s,g-s -- /tmp/sh"),
    "setuid among the system's": (lambda host: host.setuid("usr/bin/.x"), "chmod u-s,g-s -- /usr/bin/.x"),
    "a program of a package that is made setuid": (
        lambda host: (host.folder / "usr/bin/ls").chmod(0o4755),
        "runs with the rights of deploy: reinstall its package; dpkg -S /usr/bin/ls or",
    ),
    "a capability": (
        capability,
        "setcap -r /home/deploy/.x",
    ),
    "PAM's common files, with a line far above the end": (
        lambda host: host.write("etc/pam.d/common-auth", "auth optional pam_exec.so /x\n" + "\n" * (4 << 20)),
        "/etc/pam.d/common-auth changed ",
    ),
    "PAM's common files": (
        lambda host: host.write("etc/pam.d/common-auth", "auth optional pam_exec.so /x\n"),
        "/etc/pam.d/common-auth changed ",
    ),
    "a number that int refuses": (
        lambda host: (
            host.write("etc/passwd", PASSWD + "x:x:\u00b2:0::/:/bin/sh\n"),
            host.write("etc/shadow", f"{SHADOW}x:$:{TODAY}:0:::::\n"),
        ),
        "account x was made, or got a password",
    ),
    "a second root": (
        lambda host: host.write("etc/passwd", PASSWD + "x:x:0:0::/:/bin/sh\n"),
        "account x is root under",
    ),
    "an account without a shadow": (
        lambda host: host.write("etc/passwd", PASSWD + "x:x:3000:0::/:/bin/sh\n"),
        "account x has no line in /etc/shadow: userdel -- x",
    ),
    "no password": (
        lambda host: host.write("etc/shadow", SHADOW.replace("postgres:!", "postgres:")),
        "account postgres needs no password",
    ),
    "a new account": (
        lambda host: (
            host.write("etc/passwd", PASSWD + "x:x:3000:0::/:/bin/sh\n"),
            host.write("etc/shadow", f"{SHADOW}x:!:{TODAY}:0:::::\n"),
        ),
        "account x was made, or got a password, since ",
    ),
    "a member of a group": (
        lambda host: (
            os.utime(host.write("etc/group-", "sudo:x:27:deploy"), (1, 1)),
            host.write("etc/group", "sudo:x:27:deploy,mallory"),
        ),
        "account mallory joined group sudo, whose members may become root, after ",
    ),
    "a name with escapes": (
        lambda host: host.write("etc/cron.d/x\x1b[2K\n"),
        "/etc/cron.d/x?[2K? changed ",
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_way_back_in(host: Host, name: str) -> None:
    plant, expected = OTHERS[name]
    since = begins()
    plant(host)
    (found,) = host.found(since)
    assert expected in found
    assert found.isprintable()


NETPLAN = {
    "run/systemd/system/netplan-ovs-cleanup.service": """[Unit]
Description=OpenVSwitch configuration for cleanup
DefaultDependencies=no
Wants=ovsdb-server.service
After=ovsdb-server.service
ConditionFileIsExecutable=/usr/bin/ovs-vsctl
Before=network.target
Wants=network.target

[Service]
Type=oneshot
TimeoutStartSec=10s
StartLimitBurst=0
ExecStart=/usr/sbin/netplan apply --only-ovs-cleanup
""",
    "run/systemd/system/systemd-networkd-wait-online.service.d/10-netplan.conf": """[Unit]
ConditionPathIsSymbolicLink=/run/systemd/generator/network-online.target.wants/systemd-networkd-wait-online.service

[Service]
ExecStart=
ExecStart=/lib/systemd/systemd-networkd-wait-online -i eth0:degraded
""",
}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *((name, f"{text}{more}\n") for name, text in NETPLAN.items() for more in ("ExecStart=/x", "Environment=A=b")),
        *((name, "ExecStart=/x\n" + "\n" * (4 << 20) + text) for name, text in NETPLAN.items()),
        ("run/systemd/system/netplan-x.service", NETPLAN["run/systemd/system/netplan-ovs-cleanup.service"]),
    ],
)
def test_what_somebody_makes_of_a_unit_of_netplan(host: Host, name: str, text: str) -> None:
    since = begins()
    host.write(name, text)
    assert len(host.found(since)) == 1


INNOCENT: dict[str, Callable[[Host], object]] = {
    "nothing": lambda _host: None,
    "an upgrade": lambda host: host.ship({name: f"{text} 2" for name, text in SHIPPED.items()}),
    "an upgrade of a setuid program": lambda host: (
        host.ship({name: f"{text} 2" for name, text in SHIPPED.items()}),
        (host.folder / "usr/bin/sudo").chmod(0o4755),
    ),
    "a reinstallation": lambda host: host.ship(SHIPPED),
    "a unit that a package enables": lambda host: host.link(
        "etc/systemd/system/x.wants/ssh.service", "../../../../usr/lib/systemd/system/ssh.service"
    ),
    "a unit that is disabled": lambda host: host.link("etc/systemd/system/x.service", "/dev/null"),
    "a unit that is enabled": lambda host: host.link("etc/systemd/system/x.wants/app.service", "../app.service"),
    "an account of a package": lambda host: (
        host.write("etc/passwd", PASSWD + "redis:x:111:111::/:/usr/sbin/nologin\nmysql:x:112:112::/:/bin/false\n"),
        host.write("etc/shadow", f"{SHADOW}redis:!:{TODAY}:0:::::\nmysql:!:{TODAY}:0:::::\n"),
    ),
    "an account of a package, with a shell": lambda host: (
        host.write("etc/passwd", PASSWD + "gitea:x:113:113::/:/bin/bash\n"),
        host.write("etc/shadow", f"{SHADOW}gitea:!:{TODAY}:0:::::\n"),
    ),
    "pam-auth-update": lambda host: host.write("etc/pam.d/common-auth", "auth [success=1] pam_unix.so\n# /x\n"),
    "a login": lambda host: [host.write(f"home/deploy/{name}") for name in (".bash_history", ".ssh/known_hosts")],
    "keys of hosts": lambda host: [host.write(f"etc/ssh/{name}") for name in ("ssh_host_rsa_key", "ssh_known_hosts")],
    "a tool that no package has": lambda host: host.write("usr/local/bin/tool"),
    "a renewed subscription": lambda host: host.write("etc/yum.repos.d/redhat.repo"),
    "a deploy": lambda host: [host.write(name) for name in ("srv/app/.env", "var/lib/watchparty-secrets/x/mark")],
    "a pip install": lambda host: host.write("home/deploy/.local/bin/gunicorn"),
    "a refreshed snap": lambda host: host.write(snap.PATH[1:], snap.MOUNT.decode()),
    "netplan at a reload": lambda host: [host.write(*file) for file in NETPLAN.items()],
    "logs and caches": lambda host: [host.write(name) for name in ("var/log/auth.log", "home/deploy/.cache/x")],
    "an at job of another account": lambda host: host.write("var/spool/cron/atjobs/.SEQ"),
    "a directory": lambda host: (host.folder / "etc/cron.d/x").mkdir(parents=True),
}


@pytest.mark.parametrize("name", INNOCENT)
def test_what_happens_on_any_host(host: Host, name: str) -> None:
    since = begins()
    INNOCENT[name](host)
    assert host.found(since) == []


def test_what_was_there_before(host: Host) -> None:
    """Also an editor's work on start files, and a program that an administrator made setuid."""
    for name in (*(f"home/deploy/{name}" for name in HOME_FILES), *SYSTEM_FILES):
        host.write(name)
    host.setuid("usr/local/bin/tool")
    assert host.found(begins()) == []


def test_without_a_known_beginning_only_what_no_ordinary_host_has(host: Host) -> None:
    for name in (*(f"home/deploy/{name}" for name in HOME_FILES), *SYSTEM_FILES):
        host.write(name)
    host.setuid("tmp/sh")
    os.mkfifo(host.folder / "home/deploy/.bash_login")
    found = [line.partition(" ")[0] for line in host.found(0.0)]
    assert sorted(found) == [
        *("/etc/ld.so.preload", "/etc/ssh/sshrc", "/home/deploy/.bash_login"),
        *("/home/deploy/.ssh/rc", "/home/deploy/bin/sudo", "/tmp/sh"),
    ]


def test_a_time_of_modification_that_was_set_back(host: Host) -> None:
    since = begins()
    os.utime(host.write("home/deploy/.bashrc", "planted"), (1, 1))
    assert len(host.found(since)) == 1


def test_an_account_that_cannot_become_root(host: Host) -> None:
    """Only its own; what an administrator does in the system meanwhile is not its work."""
    host.write("etc/group", "sudo:x:27:\n")
    since = begins()
    for name in SYSTEM_FILES:
        host.write(name)
    found = sorted(line.partition(" ")[0] for line in host.found(since))
    assert found == ["/var/lib/systemd/linger/deploy", "/var/spool/cron/crontabs/deploy", "/var/spool/cron/deploy"]


@pytest.mark.parametrize("case", ["its first group", "everybody", "unread"])
def test_an_account_that_may_become_root(host: Host, case: str) -> None:
    host.write("etc/group", "wheel:x:2000:\n" if case == "its first group" else "www:x:33:\n")
    if case == "everybody":
        host.write("etc/sudoers", "ALL ALL=(ALL) NOPASSWD: ALL\n")
    if case == "unread":
        (host.folder / "etc/sudoers").unlink()
        os.mkfifo(host.folder / "etc/sudoers")
    since = begins()
    host.write("etc/cron.d/x")
    search = host.search(since)
    assert len(search.footholds) == 1
    assert [line.partition(" ")[0] for line in search.short] == (["sudoers"] if case == "unread" else [])


@pytest.mark.parametrize("line", ["deploy ALL=(ALL) NOPASSWD: ALL", "%www ALL = ALL", "User_Alias OPS = ann,deploy"])
def test_an_account_that_sudoers_names(host: Host, line: str) -> None:
    host.write("etc/group", "www:x:33:deploy\n")
    host.write("etc/sudoers.d/ops", line + "\n")
    since = begins()
    host.write("etc/cron.d/x")
    assert len(host.found(since)) == 1


def test_a_directory_that_was_filled(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what matters lies beyond what is looked at."""
    monkeypatch.setattr(directory_entries, "MOST_NAMES", 3)
    since = begins()
    for number in range(5):
        host.write(f"home/deploy/bin/{number}")
        host.write(f"home/deploy/.config/systemd/user/{number}/x")
        host.write(f"tmp/{number}")
        host.write(f"var/spool/at/{number}")
    search = host.search(since)
    folders = [
        foothold.text.rpartition(" ")[2] for foothold in search.footholds if " holds more than 3 " in foothold.text
    ]
    assert folders == ["/home/deploy/.config/systemd/user", "/var/spool/at", "/home/deploy/bin", "/etc"]
    assert [line.partition(" ")[0] for line in search.short] == ["/tmp"]


def test_a_folder_that_a_home_has_a_link_to(host: Host) -> None:
    """Whoever follows the printed command removes the link, and nothing of the system."""
    host.link("home/deploy/.config/systemd/user", "../../../../etc/systemd/system")
    host.link("home/deploy/bin", "../../usr/bin")
    since = begins()
    for name in ("a", "b"):
        host.write(f"etc/systemd/system/{name}.service")
    host.write("usr/bin/ls", "changed")
    found = [text for text in host.found(since) if text.startswith("/home")]
    assert [text.partition(" ")[0] for text in found] == ["/home/deploy/.config/systemd/user", "/home/deploy/bin"]
    assert found[0].endswith(": rm -- /home/deploy/.config/systemd/user")


def test_more_than_an_answer_may_hold(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways_in, "MOST", 3)
    since = begins()
    for number in range(5):
        host.write(f"home/deploy/.config/systemd/user/{number}.service")
        host.write(f"etc/cron.d/{number}")
        host.setuid(f"tmp/{number}")
    found = host.found(since)
    assert len(found) == 12
    assert found[3::4] == ["and 2 more of deploy", "and 2 more of setuid files", "and 2 more of the system"]


def test_names_in_commands(host: Host) -> None:
    account = OpenedAccount("a; reboot", UID, "/home/deploy", "deploy_ssh")
    since = begins()
    host.write("var/spool/cron/a; reboot")
    host.write("home/deploy/.config/systemd/user/x: y")
    search = FootholdSearch([account], since, str(host.folder))
    search.search([], set())
    unit, cron = (foothold.text for foothold in search.footholds)
    assert cron.endswith(": crontab -r -u 'a; reboot'")
    assert unit.endswith("(its name cannot be typed; find it by ls -lctb)")


def test_a_large_file_costs_nothing(host: Host) -> None:
    """No file of an account is opened."""
    since = begins()
    with host.write("home/deploy/.bashrc").open("wb") as file:
        file.truncate(1 << 40)
    began = time.process_time()
    assert len(host.found(since)) == 1
    assert time.process_time() - began < 2
