# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Legitimate ways to run an application on a systemd host, as scripts for its shell: none of them is a finding.

No container engine is among the tests' packages: the unit of one starts a program of its name.
"""

from __future__ import annotations

from typing import Any

from tests.integration.planted_lab import MAIL, PATH
from tests.integration.planted_units import FILE, LOGIN, RELOAD, RESTART, SLEEP, dropped_in, process, program, replaced

RUNTIME = "/run/user/2001"
AS_ACCOUNT = f"setpriv --reuid=2001 --regid=2001 --clear-groups env XDG_RUNTIME_DIR={RUNTIME}"
USER_UNIT = f"""
systemctl disable --now -q {MAIL}; rm $U; {RELOAD}
own=/srv/watchparty/.config/systemd/user; mkdir -p {RUNTIME} /var/lib/systemd/linger $own
printf '[Service]\\n{FILE}\\n{SLEEP}\\n[Install]\\nWantedBy=default.target\\n' > $own/{MAIL}
chown -R watchparty: {RUNTIME} /srv/watchparty/.config; chmod 700 {RUNTIME}; touch /var/lib/systemd/linger/watchparty
systemctl start user@2001
{AS_ACCOUNT} systemctl --user enable --now -q {MAIL}
"""
ONLY_MAIL = {"units": [MAIL]}
VARIATIONS: list[tuple[str, str, dict[str, Any]]] = [
    ("as deployed", "true", {}),
    ("instances of a template", replaced("User=watchparty", FILE, SLEEP, then="true")
     + "; mv $U /etc/systemd/system/queue@.service; systemctl enable --now -q queue@1 queue@2",
     {"units": ["queue@1.service", "queue@2.service"]}),
    ("several files", "printf 'LANG=C\\nWORKERS=4\\nPORT=8000\\n' > /etc/default/mail; "
     + dropped_in("EnvironmentFile=/etc/default/mail", then=RESTART), {}),
    ("a file that may be missing", dropped_in("EnvironmentFile=-/etc/default/gone", then=RESTART), {}),
    ("files by a pattern", "mkdir -p /srv/conf; echo WORKERS=4 > /srv/conf/a.env; "
     + dropped_in("EnvironmentFile=/srv/conf/*.env", then=RESTART), {}),
    ("a drop-in with other settings", dropped_in("Environment=PYTHONUNBUFFERED=1 TZ=UTC", "Nice=5", then=RESTART), {}),
    ("a drop-in that repeats what is not secret", dropped_in("Environment=PORT=8000", then=RESTART), {}),
    ("a drop-in for all services", dropped_in(
        "LimitNOFILE=4096", folder="/etc/systemd/system/service.d", then=RESTART), {}),
    ("hardened", dropped_in(
        "PrivateTmp=yes", "ProtectSystem=strict", "ProtectHome=yes", "NoNewPrivileges=yes", then=RESTART), {}),
    ("DynamicUser", replaced("DynamicUser=yes", FILE, SLEEP), {}),
    ("in a slice of its own", dropped_in("Slice=app.slice", then=RESTART), {}),
    ("prepared by root", dropped_in("ExecStartPre=+/bin/true", then=RESTART), {}),
    ("a release behind a link", "ln -s watchparty /srv/current; mkdir -p /srv/watchparty/releases/1; "
     "ln -s ../../.env /srv/watchparty/releases/1/.env; "
     + replaced("User=watchparty", "EnvironmentFile=/srv/current/.env", SLEEP), {}),
    ("a read-only file system",
     "mount --bind /srv/watchparty /srv/watchparty; mount -o remount,bind,ro /srv/watchparty", {}),
    ("a read-only file", f"chmod 400 {PATH}", {}),
    ("the group reads it", f"chmod 640 {PATH}", {"mode": "0640"}),
    ("not Django: a shell reads the file", program(f"set -a; . {PATH}; exec sleep infinity") + "; "
     + dropped_in("EnvironmentFile=", then=RESTART), {}),
    ("a job that ran to its end", dropped_in("Type=oneshot", "ExecStart=", "ExecStart=/bin/true", then=RESTART), {}),
    ("started by a timer", f"""
systemctl disable --now -q {MAIL}; sed -i '/Install/,$d; s/^ExecStart=.*/ExecStart=true\\nType=oneshot/' $U
printf '[Timer]\\nOnCalendar=yearly\\n[Install]\\nWantedBy=timers.target\\n' > ${{U%service}}timer
{RELOAD}; systemctl enable --now -q {MAIL.replace(".service", ".timer")}""", {}),
    ("started by a socket", f"""
systemctl disable --now -q {MAIL}
printf '[Socket]\\nListenStream=/run/mail.socket\\n[Install]\\nWantedBy=sockets.target\\n' > ${{U%service}}socket
{RELOAD}; systemctl enable --now -q {MAIL.replace(".service", ".socket")}""", {}),
    ("wanted by a target of its own", f"""
systemctl disable --now -q {MAIL}; sed -i s/multi-user.target/mail.target/ $U
printf '[Install]\\nWantedBy=multi-user.target\\n' > /etc/systemd/system/mail.target
{RELOAD}; systemctl enable -q {MAIL} mail.target; systemctl start mail.target""", {}),
    ("named by an alias", f"echo Alias=post.service >> $U; {RELOAD}; systemctl reenable -q {MAIL}; {RESTART}",
     {"units": ["post.service"]}),
    ("a container engine", """
printf '#!/bin/sh\\nexec sleep infinity\\n' > /srv/podman; chmod 755 /srv/podman
""" + replaced("ExecStart=/srv/podman run app", FILE), {}),
    ("a rootless unit of the account that owns the file", USER_UNIT, ONLY_MAIL),
    ("a person of root's at work", process(f"env PGPASSWORD={LOGIN} sleep 1000", "root"), {}),
    ("a task of the application's account", process(f"env DATABASE_PASSWORD={LOGIN} sleep 1000", "watchparty"), {}),
    ("files that hold placeholders", """
cd /srv/watchparty; echo SECRET_KEY=change_me > .env.example; echo SECRET_KEY= > .env.schema
echo SECRET_KEY=only-for-tests > .env.test; echo DOTENV_VAULT=abcdefgh > .env.vault; echo 'import os' > env.py
mkdir -p node_modules/dotenv frontend; echo SECRET_KEY=x > node_modules/dotenv/.env; echo layout > .envrc
echo VITE_TITLE=Shop > frontend/.env; printf 'PK\\003\\004damaged' > upload.zip; mkfifo pipe; ln -s /etc/hosts latest
""", {}),
]  # fmt: skip
