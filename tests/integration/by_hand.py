# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An operator who has the runbooks and no Ansible: runs their commands in bash, with the real programs."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import aws_cli
from sandbox.binaries import find_postgres
from sandbox.postgres import Postgres
from sandbox.process import REPOSITORY, clean_environment, write_private
from tests.integration.rotation_lab import ENVIRONMENT, JOURNAL, OWNER, RotationLab

RUNBOOKS = REPOSITORY / "docs" / "runbooks"
PAGES = ("by-hand.md", "lost-journal.md")
BEGIN = ("Begin.2", "Begin.3")
LOCKED = (*BEGIN, "Find the open step", "Lock the rotation")
FORWARD = ("Set", "Test", "Deploy", "Promote", "Remove (revoke, withdraw)", "Tidy up (record, discard)")
BACK = ("Promote.1", "Roll back (abort)", "Deploy", *FORWARD[-2:])


def blocks() -> dict[str, list[str]]:
    """The commands of both pages by heading."""
    result: dict[str, list[str]] = defaultdict(list)
    heading = ""
    pattern = re.compile(
        r"^#+ (?P<heading>[^\n]+)$|^(?P<indent> *)```bash\n(?P<code>.*?)^ *```$", re.MULTILINE | re.DOTALL
    )
    pages = "".join((RUNBOOKS / name).read_text(encoding="utf-8") for name in PAGES)
    for match in pattern.finditer(pages):
        if match["heading"]:
            heading = match["heading"]
        else:
            result[heading].append(textwrap.dedent(match["code"]))
    return dict(result)


def enabling(kind: str, names: Mapping[str, str]) -> str:
    """The page's command that enables a disabled value, with these names instead of the page's."""
    page = (RUNBOOKS / "by-hand.md").read_text(encoding="utf-8").partition("## Enable a disabled value")[2]
    row = re.search(rf"^\| `{kind}` \| [^`\n]*`(.+?)`", page, re.MULTILINE)
    assert row is not None
    command = row[1]
    for there, here in names.items():
        assert there in command
        command = command.replace(there, here)
    return command


@contextmanager
def login_blocked(server: Postgres, login: str) -> Iterator[None]:
    """By the page's commands, at this server."""
    rules = server._data / "pg_hba.conf"
    before = rules.read_text()
    reload = f"kill -HUP $(head -1 {server._data}/postmaster.pid)"
    commands = blocks()["Block a login"][0]
    for there, here in {
        "watchparty_production_a": login,
        "/etc/postgresql/16/main/pg_hba.conf": str(rules),
        "systemctl reload postgresql": f"{reload}; sleep 1",
    }.items():
        assert there in commands
        commands = commands.replace(there, here)
    subprocess.run(["bash", "-euc", commands], check=True)
    assert server.execute(f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{login}'") == "0"
    yield
    rules.write_text(before)
    subprocess.run(["bash", "-euc", reload], check=True)


def missing_programs() -> list[str]:
    needed = [name for name in ("bash", "jq", "curl", "setsid", "openssl", "awk") if shutil.which(name) is None]
    return needed if valkey_cli() else [*needed, "valkey-cli"]


def valkey_cli() -> str | None:
    beside = shutil.which("redis-cli", path=str(Path(sys.executable).parent))
    return shutil.which("valkey-cli") or shutil.which("redis-cli") or beside


class Operator:
    """Runs sections of the page one after the other, in one bash."""

    def __init__(self, lab: RotationLab) -> None:
        self.lab = lab
        self.blocks = blocks()
        self.directory = lab.directory / "operator"
        self.directory.mkdir(mode=0o700, exist_ok=True)
        programs = self.directory / "bin"
        programs.mkdir(exist_ok=True)
        postgres = find_postgres().paths["psql"]
        for name, path in (("aws", aws_cli.program()), ("psql", postgres), ("valkey-cli", valkey_cli())):
            (programs / name).unlink(missing_ok=True)
            (programs / name).symlink_to(str(path))

    def finish(self, first: str = "Set") -> str:
        """Forward, from a section on."""
        sections = ("Create", *FORWARD)
        return self.run("stays=new goes=old", *sections[sections.index(first) :], "Close")

    def undo(self) -> str:
        return self.run("stays=old goes=new", *BACK, "Close")

    def close(self, way: str) -> str:
        return self.run(way, FORWARD[-1], "Close")

    def run(self, way: str, *sections: str) -> str:
        return self.bash(self.commands(*LOCKED), way, self.commands(*sections))

    def commands(self, *sections: str) -> str:
        """The blocks of the sections: ``Promote.1`` is the first of Promote."""
        results = []
        for section in sections:
            heading, number = re.fullmatch(r"(.+?)(?:\.(\d))?", section).groups()  # type: ignore[union-attr]
            names = self.blocks[heading]
            results += [names[int(number) - 1]] if number else names
        return "\n".join(results)

    def bash(self, *parts: str) -> str:
        """What it prints. Every command must succeed; nothing secret may be printed."""
        script = self.directory / "script"
        write_private(script, "\n".join(["set -e", self.variables(), *parts]))
        (self.directory / "tmp").mkdir(exist_ok=True)
        answer = subprocess.run(
            ["bash", str(script)],
            cwd=self.directory,
            env=clean_environment(
                **self.lab.moto.env(),
                PATH=f"{self.directory / 'bin'}:{os.environ['PATH']}",
                HOME=str(self.directory),
                TMPDIR=str(self.directory / "tmp"),
            ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
            start_new_session=True,
        )
        output = answer.stdout + answer.stderr
        assert answer.returncode == 0, output
        for word in ("STILL ACCEPTED", "somebody else", "do Set first"):
            assert word not in output, output
        return output

    def variables(self) -> str:
        """The page's first block, for this lab's places."""
        result = {
            "application": "watchparty",
            "environment": ENVIRONMENT,
            "journal": JOURNAL.target,
            "core": f"watchparty/{ENVIRONMENT}/core",
            "admins": f"watchparty/{ENVIRONMENT}",
            "hosts": " ".join(host.name for host in self.lab.hosts),
            "restart": "./restart-host",
            "forget": self._forget(),
            "healthy": 'curl -fsS --retry 60 --retry-all-errors --retry-delay 1 -o /dev/null "$(cat health-url)"',
            "PGHOST": self.lab.postgres.host,
            "PGPORT": str(self.lab.postgres.port),
            "PGDATABASE": OWNER,
            "PGSSLMODE": "disable",
            "PGSSLROOTCERT": "",
            "PGREQUIREAUTH": "scram-sha-256",
            "who": "ann@by-hand",
        }
        for host in self.lab.hosts:
            (host.directory / "health-url").write_text(host.application.health_url)
        lines = [f"{name}={shlex.quote(text)}" for name, text in result.items()]
        lines += [
            f"export {' '.join(name for name in result if name.startswith('PG'))}",
            f"cache=(-h {self.lab.valkey.host} -p {self.lab.valkey.port})",
        ]
        on = f'{self._ssh()} "cd {shlex.quote(str(self.lab.directory))}/$1 && $2"'
        return "\n".join([*lines, f"on() {{ {on}; }}"])

    @staticmethod
    def _forget() -> str:
        """The page's own, without sudo."""
        page = re.search(
            r"^forget='sudo (?P<root>[^']+)'  # not root: (?P<other>.+)$", blocks()["Begin"][0], re.MULTILINE
        )
        assert page is not None
        return page["root"] if os.geteuid() == 0 else f"bash -c {shlex.quote(page['other'])}"

    def _ssh(self) -> str:
        connection = self.lab.connection
        if connection["ansible_connection"] == "local":
            return "sh -c"
        path = self.directory / "ssh_config"
        write_private(path, ssh_config(connection))
        return f'ssh -F {path} "$1"'


def ssh_config(connection: Mapping[str, Any], **extra: str) -> str:
    """What ssh reads to reach any name by a lab's connection."""
    known = re.search(r"UserKnownHostsFile=(\S+)", str(connection["ansible_ssh_common_args"]))
    settings = {
        "HostName": connection["ansible_host"],
        "Port": connection["ansible_port"],
        "User": connection["ansible_user"],
        "IdentityFile": connection["ansible_ssh_private_key_file"],
        "UserKnownHostsFile": known[1] if known else "none",
        "BatchMode": "yes",
        **extra,
    }
    return "Host *\n" + "".join(f"  {name} {value}\n" for name, value in settings.items())


def names_set(block: str) -> set[str]:
    """The variables and functions that a block sets."""
    without = re.sub(r"'[^']*'", "''", block)
    assigned = re.findall(r"(?:^|(?<= ))(?P<name>[A-Za-z_]+)=", without, re.MULTILINE)
    return {*assigned, *re.findall(r"^([a-z_]+)\(\)", without, re.MULTILINE)}
