# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A machine below a folder, on which somebody with a leaked key leaves something."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.host_accounts import OpenedAccount
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.ways_in import FootholdSearch

UID = os.getuid() or 2000
PASSWD = "root:x:0:0::/root:/bin/bash\ndeploy:x:2000:2000::/home/deploy:/bin/bash\npostgres:x:110:110::/:/bin/bash\n"
SHADOW = "root:*:19700:0:::::\ndeploy:*:19700:0:::::\npostgres:!:19700:0:::::\n"
TODAY = int(time.time()) // 86400
SHIPPED = {
    "usr/bin/sudo": "sudo",
    "usr/bin/ls": "ls",
    "etc/cron.d/php": "php",
    "usr/lib/systemd/system/ssh.service": "ssh",
    "lib/x/security/pam_unix.so": "unix",
}


class Host:
    """A machine below a folder, whose packages installed what is SHIPPED."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("etc/passwd", PASSWD)
        self.write("etc/shadow", SHADOW)
        self.write("etc/group", "root:x:0:\nsudo:x:27:deploy\n")
        self.write("etc/sudoers", "root ALL=(ALL) ALL\n")
        self.write("home/deploy/.bashrc", "# as it was")
        self.write("etc/systemd/system/app.service", "[Service]")
        self.ship(SHIPPED)

    def write(self, name: str, text: str = "x") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if os.getuid() == 0:
            os.chown(path, 2000 if name.startswith("home/") else 0, 0)
        return path

    def ship(self, files: dict[str, str]) -> None:
        """As an upgrade does it."""
        for name, text in files.items():
            self.write(name.replace("lib/x", "usr/lib/x") if name.startswith("lib/") else name, text)
        lines = [f"{digest(text)}  {name}" for name, text in files.items() if not name.startswith("etc/")]
        self.write("var/lib/dpkg/info/base.list", "/.\n")
        self.write("var/lib/dpkg/info/base.md5sums", "\n".join(lines) + "\n")
        lines = [f" /{name} {digest(text)}" for name, text in files.items() if name.startswith("etc/")]
        self.write("var/lib/dpkg/status", "\n".join(["Package: base", "Conffiles:", *lines, "Description: x"]))

    def link(self, name: str, target: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)

    def setuid(self, name: str) -> None:
        path = self.write(name)
        path.chmod(0o4755)

    def search(self, since: float) -> FootholdSearch:
        search = FootholdSearch([OpenedAccount("deploy", UID, "/home/deploy", "deploy_ssh")], since, str(self.folder))
        search.search([], set())
        return search

    def found(self, since: float) -> list[str]:
        return [foothold.text for foothold in self.search(since).footholds]


def digest(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def begins() -> float:
    """The exposure begins: the kernel's time of what is there already is earlier."""
    time.sleep(0.02)
    now = time.time()
    time.sleep(0.02)
    return now
