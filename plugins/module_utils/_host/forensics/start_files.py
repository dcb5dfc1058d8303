# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files that start programs or let somebody in, and the commands that remove them."""

from __future__ import annotations

from typing import NamedTuple, Tuple

REMOVE, EDIT = "rm -- {path}", "sudoedit {path}"
REINSTALL = "reinstall its package; dpkg -S {path} or rpm -qf {path} names it"
LOGIN, ANSIBLE = "runs at logins of {account}", "is run with each Python of {account}"
ROOT_CRON, ROOT_UNIT, ROOT_LOGIN = "is run by cron", "tells systemd what to start", "runs at each login"


class StartFile(NamedTuple):
    """Files that somebody may have planted."""

    pattern: str
    """Absolute, or in the account's home; ``*`` stands for one name."""
    effect: str
    remedy: str = REMOVE
    is_odd: bool = False
    """Whether any change is reported, however old: no ordinary account has the file."""


OF_ACCOUNT: Tuple[StartFile, ...] = (
    *(
        StartFile(name, LOGIN)
        for name in (
            *(".bashrc", ".bash_profile", ".bash_login", ".profile", ".bash_logout", ".bash_aliases"),
            *(".zshrc", ".zshenv", ".zprofile", ".zlogin", ".config/fish/config.fish", ".pam_environment"),
            *(".ssh/environment", ".zlogout", ".bash_completion", ".config/bash_completion"),
            *(".config/fish/conf.d/*", ".config/fish/functions/*", ".local/share/bash-completion/completions/*"),
            *(".cshrc", ".tcshrc", ".login", ".kshrc", ".mkshrc", ".inputrc"),
        )
    ),
    *(
        StartFile(name, "is run by programs of {account}")
        for name in (
            *(".vimrc", ".vim/plugin/*", ".exrc", ".config/nvim/init.*", ".psqlrc", ".tmux.conf", ".screenrc"),
            ".local/share/dbus-1/services/*",
        )
    ),
    *(StartFile(name, "lets others log in as {account}") for name in (".rhosts", ".shosts", ".k5login")),
    *(StartFile(name, "is run when mail arrives for {account}") for name in (".forward", ".procmailrc")),
    *(StartFile(name, "decides what git runs as {account}") for name in (".gitconfig", ".config/git/*")),
    *(
        StartFile(name, "decides where pip finds packages for {account}")
        for name in (".config/pip/pip.conf", ".pip/pip.conf")
    ),
    *(StartFile(".config/containers/systemd/" + name, "is started by systemd for {account}") for name in ("*", "*/*")),
    StartFile(".ssh/rc", LOGIN, is_odd=True),
    StartFile(".ssh/config", "decides where ssh of {account} goes and what it runs"),
    StartFile(".config/environment.d/*", "sets variables for units of {account}"),
    *(
        StartFile(folder + "/systemd/user/" + name, "is started by systemd for {account}")
        for folder in (".config", ".local/share")
        for name in ("*", "*/*")
    ),
    *(
        StartFile(".config/systemd/user.control/" + name, "is started by systemd for {account}")
        for name in ("*", "*/*")
    ),
    *(
        StartFile(".local/lib/*/site-packages/" + name, ANSIBLE)
        for name in ("usercustomize.py", "sitecustomize.py", "*.pth")
    ),
    StartFile("/var/spool/cron/crontabs/{account}", "is run by cron as {account}", "crontab -r -u {account}"),
    StartFile("/var/spool/cron/{account}", "is run by cron as {account}", "crontab -r -u {account}"),
    StartFile(
        "/var/lib/systemd/linger/{account}", "starts units of {account} at boot", "loginctl disable-linger -- {account}"
    ),
)
AT_JOBS = ("/var/spool/cron/atjobs/[a-z=]*", "/var/spool/at/[a-z=]*")
PATH_FOLDERS = ("bin", ".local/bin")
"""Folders in a home that a login's PATH names before the system's own."""
SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
TAKEN_OVER = ("sudo", "su", "doas", "ssh", "sh", "bash", "env", "login", "passwd")
"""Commands that are installed once. A second one is reported at any age, of others only a new one."""

SUBSCRIPTION = "/etc/yum.repos.d/redhat.repo"
KERNEL = ("modules-load.d", "modprobe.d", "sysctl.d", "binfmt.d")
ETC, USR_LIB = "/etc/", "/usr/lib/"

OF_SYSTEM: Tuple[StartFile, ...] = (
    *(StartFile("/etc/" + name, ROOT_CRON, EDIT) for name in ("crontab", "anacrontab")),
    *(StartFile("/etc/cron.%s/*" % when, ROOT_CRON) for when in ("d", "hourly", "daily", "weekly", "monthly")),
    *(StartFile("/var/spool/cron/" + name, ROOT_CRON) for name in ("*", "crontabs/*")),
    *(
        StartFile(folder + kind + name, ROOT_UNIT)
        for folder in ("/etc/systemd/", "/usr/local/lib/systemd/", "/usr/lib/systemd/")
        for kind in ("system", "user")
        for name in ("/*", "/*/*")
    ),
    *(
        StartFile(folder + "systemd/" + kind + "/*", "is run by systemd")
        for folder in ("/etc/", "/usr/local/lib/", "/usr/lib/")
        for kind in (
            *("system-generators", "user-generators", "system-environment-generators", "user-environment-generators"),
            *("system-shutdown", "system-sleep"),
        )
    ),
    *(StartFile("/etc/" + name, ROOT_UNIT, EDIT) for name in ("systemd/*.conf", "systemd/*.conf.d/*")),
    *(StartFile("/etc/containers/systemd/" + name, ROOT_UNIT) for name in ("*", "*/*", "*/*/*")),
    *(
        StartFile(folder + name + "/*", effect)
        for folder in (ETC, USR_LIB)
        for names, effect in (
            (("environment.d",), "sets variables for units"),
            (KERNEL, "says what the kernel loads and runs"),
            (("tmpfiles.d", "sysusers.d"), "makes files and accounts at boot"),
            (("udev/rules.d",), "runs as devices appear"),
        )
        for name in names
    ),
    StartFile("/etc/sysctl.conf", "says what the kernel loads and runs", EDIT),
    *(
        StartFile("/etc/" + name + "/*", "decides who may act as root")
        for name in ("polkit-1/rules.d", "dbus-1/system.d")
    ),
    *(StartFile("/etc/kernel/" + name + "/*", "runs with package upgrades") for name in ("postinst.d", "postrm.d")),
    *(
        StartFile("/etc/" + name, "runs with package upgrades")
        for name in (
            *("initramfs-tools/hooks/*", "kernel/install.d/*", "dracut.conf.d/*", "needrestart/*.d/*"),
            *(
                "apt/sources.list",
                "apt/sources.list.d/*",
                "apt/trusted.gpg.d/*",
                "apt/keyrings/*",
                "apt/preferences.d/*",
            ),
            *("yum.repos.d/*", "yum.conf", "dnf/dnf.conf", "dnf/plugins/*"),
        )
    ),
    StartFile("/etc/initramfs-tools/scripts/*/*", "runs at boot"),
    StartFile("/etc/grub.d/*", "runs with package upgrades"),
    *(
        StartFile(folder + "/" + name, "is run with each Python of root")
        for folder in ("/usr/lib/python3*/dist-packages", "/usr/local/lib/python3*/*-packages", "/etc/python3*")
        for name in ("sitecustomize.py", "usercustomize.py", "*.pth")
    ),
    *(
        StartFile("/etc/" + name, "says where programs find libraries", EDIT)
        for name in ("ld.so.conf", "nsswitch.conf")
    ),
    StartFile("/etc/init.d/*", "runs at boot"),
    *(StartFile("/etc/" + name, "runs at boot") for name in ("rc.local", "rc.d/rc.local", "cloud/cloud.cfg.d/*")),
    StartFile("/var/lib/cloud/scripts/*/*", "runs at boot"),
    *(
        StartFile("/etc/" + name, "is run by a service of the system", EDIT)
        for name in (
            *("rsyslog.conf", "rsyslog.d/*", "aliases", "inetd.conf", "xinetd.d/*", "incron.d/*", "audit/plugins.d/*"),
            *("acpi/events/*", "smartmontools/run.d/*", "snmp/snmpd.conf", "supervisor/conf.d/*", "supervisord.d/*"),
        )
    ),
    *(
        StartFile(folder, "is run with each Perl of root")
        for folder in ("/etc/perl/*.p[lm]", "/etc/perl/*/*.p[lm]", "/usr/local/share/perl/*/*.pm")
    ),
    *(StartFile("/usr/local/lib/" + name, "is loaded into programs") for name in ("*.so*", "*-linux-gnu/*.so*")),
    *(
        StartFile("/etc/" + name, "says who may become root", EDIT)
        for name in ("sudoers", "sudoers.d/*", "doas.conf", "sudo.conf")
    ),
    StartFile("/etc/ld.so.preload", "is loaded into each program", is_odd=True),
    StartFile("/etc/ld.so.conf.d/*", "says where programs find libraries"),
    StartFile("/etc/pam.d/*", "decides who may log in", EDIT),
    StartFile("/etc/security/pam_env.conf", "sets variables at logins", EDIT),
    *(
        StartFile("/etc/" + name, "decides who may log in", EDIT)
        for name in (
            *("pam.conf", "security/namespace.init", "security/access.conf", "hosts.equiv", "krb5.conf"),
            *("sssd/sssd.conf", "sssd/conf.d/*", "nslcd.conf"),
        )
    ),
    StartFile("/etc/environment", "sets variables at logins", EDIT),
    *(
        StartFile("/usr/" + folder + "/security/*.so", "decides who may log in", REINSTALL)
        for folder in ("lib/*", "lib64")
    ),
    StartFile("/etc/ssh/sshrc", ROOT_LOGIN, is_odd=True),
    *(StartFile("/etc/ssh/" + name, "decides who may log in", EDIT) for name in ("*", "*/*")),
    *(StartFile("/run/systemd/system/" + name, ROOT_UNIT) for name in ("*", "*/*")),
    *(
        StartFile("/etc/" + name, ROOT_LOGIN, EDIT)
        for name in (
            *("profile", "bash.bashrc", "bashrc", "zsh/zshenv", "zshenv", "zsh/zshrc", "zsh/zprofile", "zsh/zlogin"),
            *("zshrc", "csh.cshrc", "csh.login", "ksh.kshrc", "fish/config.fish", "inputrc"),
        )
    ),
    *(
        StartFile("/etc/" + folder + "/*", ROOT_LOGIN)
        for folder in ("profile.d", "update-motd.d", "bash_completion.d", "fish/conf.d")
    ),
    *(StartFile("/etc/" + name + "/*", "runs with package upgrades") for name in ("apt/apt.conf.d", "dpkg/dpkg.cfg.d")),
    StartFile("/etc/logrotate.d/*", "is run by cron or systemd each day"),
    *(
        StartFile("/etc/" + name, "runs as networks come and go")
        for name in (
            *("network/if-*.d/*", "NetworkManager/dispatcher.d/*", "networkd-dispatcher/*/*", "ppp/ip-*.d/*"),
            "dhcp/dhclient-*-hooks.d/*",
        )
    ),
    *(
        StartFile("/usr/" + name, "is run as root", REINSTALL)
        for name in ("sbin/sshd", "bin/sudo", "bin/su", "bin/ssh", "bin/login", "bin/bash", "bin/dash", "bin/env")
    ),
)
"""Files that only root can change."""
SETUID = ("/tmp", "/var/tmp", "/dev/shm", *SYSTEM_PATH[:4])  # noqa: S108 - looked at
PAM_PROGRAMS = r"(?m)^[^#\n]*(pam_(exec|script|python)|\ssufficient\s+pam_permit|\s/)"
"""Lines that no package writes into /etc/pam.d/common-*, which upgrades rewrite."""


def is_left_out(path: str) -> bool:
    """Whether a file does not decide who may log in, such as host keys, or is written by its own service."""
    return path.startswith(("/etc/ssh/ssh_host_", "/etc/ssh/ssh_known_hosts", "/etc/ssh/moduli", SUBSCRIPTION))
