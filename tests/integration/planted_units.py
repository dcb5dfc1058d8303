# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mistakes in units, processes and logs of a systemd host, each a script for its shell, with the checks that find it.

``$U`` is the unit's file, ``$D`` its folder of drop-ins. ``began PID`` has a process ended when the test is over.
"""

from __future__ import annotations

import shlex
from urllib.parse import quote

from tests.integration.planted_lab import MAIL, PATH, STARTED
from tests.unit.plugins.modules.host_world import PASSWORD, SECRET_KEY
from tests.unit.plugins.modules.planted_mistakes import OLD

FORMER = OLD.strip()
START = f"""
set -e
U=/etc/systemd/system/{MAIL} D=/etc/systemd/system/{MAIL}.d
began() {{ echo $1 >> {STARTED}; }}
"""
KEY, LOGIN = shlex.quote(SECRET_KEY), shlex.quote(PASSWORD)
URL = f"postgresql://shop:{quote(PASSWORD, safe='')}@db/shop"
RELOAD = "systemctl daemon-reload"
RESTART = f"{RELOAD}; systemctl restart {MAIL}"


def dropped_in(*lines: str, folder: str = "$D", name: str = "planted", then: str = RELOAD) -> str:
    """A drop-in with these lines of ``[Service]``."""
    text = "\n".join(("[Service]", *lines))
    return f"mkdir -p {folder}; cat > {folder}/{name}.conf <<'END'\n{text}\nEND\n{then}"


def replaced(*lines: str, then: str = RESTART) -> str:
    """A unit of these lines, enabled."""
    text = "\n".join(("[Service]", *lines, "[Install]", "WantedBy=multi-user.target"))
    return f"cat > $U <<'END'\n{text}\nEND\n{then}"


def program(text: str) -> str:
    """The unit starts a script."""
    return f"cat > /srv/start <<'END'\n#!/bin/sh\n{text}\nEND\nchmod 755 /srv/start; " + dropped_in(
        "ExecStart=", "ExecStart=/srv/start", name="start", then=RESTART
    )


def process(command: str, account: str = "nobody") -> str:
    """A process of another account that is no service of the application."""
    become = f"setpriv --reuid={account} --regid=$(id -g {account}) --clear-groups"
    return f"setsid {become} {command} < /dev/null > /dev/null 2>&1 & began $!; sleep 0.2"


SLEEP = "ExecStart=/usr/bin/sleep infinity"
FILE = f"EnvironmentFile={PATH}"
STATE: list[tuple[str, str, str]] = [
    ("masked", "WPS306", f"rm $U; ln -s /dev/null $U; {RELOAD}"),
    ("masked and stopped", "WPS306", f"rm $U; ln -s /dev/null $U; {RELOAD}; systemctl stop {MAIL}"),
    ("masked in the next boot too", "WPS306", f"rm $U; systemctl mask --quiet {MAIL}; {RELOAD}"),
    ("removed while it runs", "WPS306", f"systemctl disable --quiet {MAIL}; rm $U; {RELOAD}"),
    ("removed and stopped", "WPS306", f"systemctl disable --now --quiet {MAIL}; rm $U; {RELOAD}"),
    ("disabled", "WPS306", f"systemctl disable --quiet {MAIL}"),
    ("disabled and stopped", "WPS306", f"systemctl disable --now --quiet {MAIL}"),
    ("enabled until the next boot", "WPS306",
     f"systemctl disable --quiet {MAIL}; systemctl enable --runtime --quiet {MAIL}"),
    ("without [Install]", "WPS306", f"systemctl disable --quiet {MAIL}; sed -i '/Install/,$d' $U; {RELOAD}"),
    ("wanted by a target that is not reached", "WPS306",
     f"systemctl disable -q {MAIL}; sed -i s/multi-user.target/never.target/ $U; {RELOAD}; systemctl enable -q {MAIL}"),
    ("stopped", "WPS306", f"systemctl stop {MAIL}"),
    ("killed", "WPS306", f"systemctl kill -s KILL {MAIL}; sleep 0.2"),
    ("starts again and again", "WPS306", dropped_in(
        "ExecStart=", "ExecStart=/bin/false", "Restart=always", "RestartSec=60", then=f"{RESTART}; sleep 0.2")),
    ("not executable", "WPS306", dropped_in("ExecStart=", "ExecStart=/etc/passwd", then=f"{RESTART} || true")),
    ("malformed", "WPS306", dropped_in("ExecStart=")),
    ("a job that failed", "WPS306", dropped_in(
        "Type=oneshot", "ExecStart=", "ExecStart=/bin/false", then=f"{RESTART} || true")),
    ("its file is a link to nowhere", "WPS306", f"rm $U; ln -s /srv/gone.service $U; {RELOAD}"),
    ("the real web server is disabled", "WPS306", "systemctl disable --quiet watchparty-web.service"),
    ("the real web server is masked", "WPS306",
     f"cd /etc/systemd/system; rm watchparty-web.service; ln -s /dev/null watchparty-web.service; {RELOAD}"),
    ("runs as root", "WPS207", dropped_in("User=root", then=RESTART)),
    ("runs as root since User= is empty", "WPS207", dropped_in("User=", then=RESTART)),
    ("will run as root when it starts again", "WPS207", dropped_in("User=root")),
    ("the web server will run as root", "WPS207", dropped_in(
        "User=root", folder="/etc/systemd/system/watchparty-web.service.d")),
    ("started by hand beside its unit", "WPS306",
     f"systemctl stop {MAIL}; " + process("sleep 1000", "watchparty")),
]  # fmt: skip
ENVIRONMENT: list[tuple[str, str, str]] = [
    ("a drop-in with a previous key", "WPS307", dropped_in(f"Environment={FORMER}")),
    ("a drop-in with a previous key that runs", "WPS307", dropped_in(f"Environment={FORMER}", then=RESTART)),
    ("a drop-in with a previous key in quotes", "WPS307", dropped_in('Environment="SECRET_KEY=old key" LANG=C')),
    ("a drop-in with the present key", "WPS307 WPS208", dropped_in(f"Environment=SECRET_KEY={SECRET_KEY}")),
    ("a drop-in with another port", "WPS307", dropped_in("Environment=PORT=9000")),
    ("a drop-in of this boot", "WPS307", dropped_in(f"Environment={FORMER}", folder=f"/run/systemd/system/{MAIL}.d")),
    ("a drop-in for a prefix", "WPS307", dropped_in(
        f"Environment={FORMER}", folder="/etc/systemd/system/watchparty-.service.d")),
    ("a drop-in for all services", "WPS307", dropped_in(
        f"Environment={FORMER}", folder="/etc/systemd/system/service.d")),
    ("a drop-in that systemd has not read", "WPS307", dropped_in(f"Environment={FORMER}", then="true")),
    ("a unit that systemd has not read", "WPS307", f"sed -i '/User/a Environment={FORMER}' $U"),
    ("in the unit itself", "WPS307", replaced("User=watchparty", FILE, f"Environment={FORMER}", SLEEP)),
    ("in the web server's unit", "WPS307", dropped_in(
        f"Environment={FORMER}", folder="/etc/systemd/system/watchparty-web.service.d")),
    ("another file with a previous key", "WPS307 WPS303",
     f"echo '{FORMER}' > /srv/other.env; " + dropped_in("EnvironmentFile=/srv/other.env", then=RESTART)),
    ("another file in place of the deployed one", "WPS307 WPS303",
     f"echo '{FORMER}' > /srv/other.env; " + replaced("User=watchparty", "EnvironmentFile=/srv/other.env", SLEEP)),
    ("a copy of the deployed one", "WPS307 WPS208",
     f"cp -p {PATH} /srv/other.env; " + replaced("User=watchparty", "EnvironmentFile=/srv/other.env", SLEEP)),
    ("another file that may be missing", "WPS307 WPS303",
     "echo PORT=9000 > /srv/other.env; " + dropped_in("EnvironmentFile=-/srv/other.env", then=RESTART)),
    ("another file that is missing", "WPS307", dropped_in("EnvironmentFile=/srv/gone.env")),
    ("another file that cannot be parsed", "WPS307",
     "echo \"PORT='9\" > /srv/other.env; " + dropped_in("EnvironmentFile=/srv/other.env")),
    ("several files by a pattern", "WPS307 WPS303",
     f"mkdir /srv/conf; echo A=1 > /srv/conf/a.env; echo '{FORMER}' > /srv/conf/b.env; "
     + dropped_in("EnvironmentFile=/srv/conf/*.env", then=RESTART)),
    ("a link to another file", "WPS307",
     f"echo '{FORMER}' > /srv/other; ln -s other /srv/link.env; " + dropped_in("EnvironmentFile=/srv/link.env")),
    ("a pipe", "WPS307", "mkfifo /srv/pipe.env; " + dropped_in("EnvironmentFile=/srv/pipe.env")),
]  # fmt: skip
RUNNING: list[tuple[str, str, str]] = [
    ("a program that exports a previous key", "WPS303", program(f"export {FORMER}; exec sleep infinity")),
    ("env in its command", "WPS303", dropped_in(
        "ExecStart=", f"ExecStart=/usr/bin/env {FORMER} sleep infinity", then=RESTART)),
    ("a worker with a previous key", "WPS303", program(f"{FORMER} sleep infinity & sleep infinity & wait")),
    ("a worker in a group of its own", "WPS303 WPS207", dropped_in("User=root", "Delegate=yes") + "; " + program(f"""
for tree in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
    group=$tree/system.slice/{MAIL}
    [ -e $group ] && mkdir $group/inner && inner=$group/inner
done
{FORMER} sleep infinity & echo $! > $inner/cgroup.procs
exec sleep infinity""") + "; sleep 0.3"),
    ("systemd's own environment", "WPS303", f"systemctl set-environment '{FORMER}'; "
     + dropped_in("EnvironmentFile=", then=RESTART) + "; systemctl unset-environment SECRET_KEY"),
    ("rsync -t over it", "WPS301 WPS303", f"sed -i 's/^# .*/# another header/' {PATH}; touch -d @1 {PATH}"),
    ("cp -p over it", "WPS301 WPS303", (
        f"sed s/DEBUG=.*/DEBUG=True/ {PATH} > /srv/new; touch -d @1 /srv/new; "
        f"cp -p /srv/new {PATH}; chown watchparty: {PATH}; chmod 600 {PATH}")),
    ("a worker that a restart left", "WPS303", program(f"{FORMER} setsid sleep infinity & exec sleep infinity")),
]  # fmt: skip
SHOWN: list[tuple[str, str, str]] = [
    ("in its own arguments", "WPS209 WPS208", dropped_in(
        "ExecStart=", f"ExecStart=/bin/sh -c 'sleep infinity; :' {SECRET_KEY}", then=RESTART)),
    ("in another's arguments", "WPS209", process(f"sh -c 'sleep 1000; :' {KEY}")),
    ("in arguments of root", "WPS209", process(f"sh -c 'sleep 1000; :' {LOGIN}", "root")),
    ("in arguments of the application", "WPS209", process(f"sh -c 'sleep 1000; :' --password={LOGIN}", "watchparty")),
    ("in a URL in arguments", "WPS209", process(f"sh -c 'sleep 1000; :' {URL}")),
    ("in another's environment", "WPS209", process(f"env PGPASSWORD={LOGIN} sleep 1000")),
    ("in another's environment, in a URL", "WPS209", process(f"env DSN={URL} sleep 1000")),
    ("in a person's environment", "WPS209", process(f"env SECRET_KEY={KEY} sleep 1000", "deploy")),
    ("in a transient unit", "WPS209 WPS208", f"systemd-run --quiet --unit=planted --uid=nobody -E K={KEY} sleep 1000"),
    ("in a transient unit of root", "WPS208", f"systemd-run --quiet --unit=planted -E K={KEY} sleep 1000"),
]  # fmt: skip
LOGGED: list[tuple[str, str, str]] = [
    ("the unit prints a value", "WPS210", program("echo connecting with \"$DATABASE_PASSWORD\"; exec sleep infinity")),
    ("the unit prints its whole environment", "WPS210", program("env; exec sleep infinity")),
    ("a value in JSON", "WPS210", program("printf '{\"key\": \"%s\"}\\n' \"$SECRET_KEY\"; exec sleep infinity")),
    ("a value in base64", "WPS210", program("printf %s \"$SECRET_KEY\" | base64 -w0; echo; exec sleep infinity")),
    ("a value in the arguments of what logs", "WPS210", program(
        "sh -c 'echo begun; sleep 0.2; :' x \"$SECRET_KEY\"; exec sleep infinity") + "; sleep 0.3"),
]  # fmt: skip
