# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host in a folder: a deployed file, a unit and its process, and the places where copies usually are."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv, fingerprints
from ansible_collections.watchparty.secrets.plugins.module_utils._host import processes
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file.mark import Mark
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import host_copies, unit_facts
from ansible_collections.watchparty.secrets.plugins.modules import host_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check, env_drift
from tests import planted
from tests.modules import run_module
from tests.unit.plugins.plugin_utils._verify import pasted_commands
from tests.unit.plugins.plugin_utils._verify.verify_facts import facts

KEY = "key of this run"
SECRET_KEY = "Zk4-canary+key/of&the=application_9x7Qw-Hm3vTb8sLp2Rj"
PASSWORD = "canary!database%password 77aa"
VALUES = {"SECRET_KEY": SECRET_KEY, "DATABASE_PASSWORD": PASSWORD, "DEBUG": "False", "PORT": "8000"}
SENSITIVE = ["DATABASE_PASSWORD", "SECRET_KEY"]
READERS = ["python_dotenv", "django_environ", "shell", "systemd", "docker_compose"]
NOBODY = 65534
PLACES = ("etc/systemd/system", "etc/default", "etc/cron.d", "tmp", "var/log", "var/backups", "home/ann")
CHECKS = [f"WPS{number}" for number in (*range(201, 204), *range(205, 211), *range(301, 304), *range(306, 309))]


class HostWorld:
    """The host of one test."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self._capsys = root, capsys
        self.app = root / "srv" / "app"
        self.app.mkdir(parents=True, mode=0o755)
        for place in PLACES:
            (root / place).mkdir(parents=True)
        (root / "etc/systemd/system/shop.service.d").mkdir()
        self.env = self.app / ".env"
        self.home = "home/ann"
        self.text = dotenv.to_dotenv(VALUES, READERS, atomic_file.HEADER)
        self.wanted: dict[str, Any] = {"owner": None, "mode": None}
        self.files: list[dict[str, Any]] = []
        """The catalog's files beside .env."""
        self.unit: dict[str, Any] = {
            "Id": "shop.service",
            "LoadState": "loaded",
            "UnitFileState": "enabled",
            "Type": "simple",
            "ActiveState": "active",
            "SubState": "running",
            "MainPID": "4242",
            "User": "nobody",
            "Environment": "",
            "EnvironmentFiles": f"{self.env} (ignore_errors=no)",
            "WantedBy": "multi-user.target",
        }
        self.more_units: list[dict[str, Any]] = []
        self.systemctl_code = 0
        self.processes: dict[int, dict[str, Any]] = {4242: {"environment": dict(VALUES), "words": "gunicorn shop"}}
        self._patch(patch)
        self.deploy()

    def _patch(self, patch: pytest.MonkeyPatch) -> None:
        self.journal = self.root / "journal"
        self.journal.write_text("the worker is ready\n")
        self.program("systemctl", f"cat {self.root}/shown; exit $(cat {self.root}/code)")
        self.program("journalctl", f"cat {self.journal}")
        patch.setenv("PATH", f"{self.root}/bin:/usr/bin:/bin")
        patch.setattr(atomic_file, "STATE", str(self.root / "state"))
        self.places = [str(self.root) + pattern for pattern in host_copies.ELSEWHERE]
        patch.setattr(host_copies.pwd, "getpwall", lambda: [SimpleNamespace(pw_dir=str(self.root / "home/ann"))])
        patch.setattr(unit_facts, "CGROUPS", str(self.root / "cgroup"))
        patch.setattr(processes, "pids", lambda: sorted(self.processes))
        patch.setattr(processes, "words", lambda pid: self._process(pid, "words", "").encode())
        patch.setattr(processes, "title", lambda pid: self._process(pid, "words", "x").split()[0])
        patch.setattr(processes, "environment", lambda pid, _largest: self._process(pid, "environment", {}))
        patch.setattr(processes, "account", lambda pid: self._process(pid, "user", "nobody" if pid == 4242 else ""))
        patch.setattr(processes, "start_time", lambda pid: self._process(pid, "began", time.time() + 5))

    def program(self, name: str, script: str) -> None:
        """What stands for a program of the host's."""
        path = self.write(f"bin/{name}", f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def _process(self, pid: int, name: str, other: Any) -> Any:
        return self.processes.get(pid, {}).get(name, other)

    def deploy(self) -> None:
        """As a deploy leaves it: the file, its mark and its backup."""
        content = self.text.encode()
        self.env.write_bytes(content)
        self.env.chmod(0o600)
        os.chown(self.env, NOBODY, NOBODY)
        with atomic_file.open_file(str(self.env), owner=NOBODY) as env:
            mark = Mark(env)
            mark.accept("s-1", 1, atomic_file.digest(content), restart=True)
            mark.record_healthy("s-1", atomic_file.required(env.file))

    @property
    def state(self) -> Path:
        return Path(atomic_file.state_of(str(self.env)))

    def write(self, place: str | Path, content: str | bytes, *, mode: int = 0o644) -> Path:
        """``~`` is somebody's home."""
        path = self.root / str(place).replace("~/", f"{self.home}/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path

    def replace(self, old: str, new: str) -> None:
        """A change by hand of the deployed file."""
        assert old in self.text
        self.env.write_text(self.text.replace(old, new))

    def answer(self) -> dict[str, Any]:
        """What the action plugin makes of the program's answer."""
        shown = "\n\n".join(
            "\n".join(f"{name}={line}" for name, value in unit.items() for line in str(value).split("\n"))
            for unit in (self.unit, *self.more_units)
        )
        (self.root / "shown").write_text(shown + "\n")
        (self.root / "code").write_text(str(self.systemctl_code))
        names = [str(unit["Id"]) for unit in (self.unit, *self.more_units)]
        given = {"fingerprint_key": KEY, "sensitive": SENSITIVE, "patterns": list(VALUES), "readers": READERS}
        args = {"path": str(self.env), "units": names, "places": self.places, **given, **self.wanted}
        args["files"] = self.files
        answer, text = run_module(host_check.main, args, self._capsys)
        assert "canary" not in text
        known = {
            "fingerprints": {name: fingerprints.of_value(KEY, value, name=name) for name, value in VALUES.items()},
            "patterns": list(VALUES),
            "sensitive": SENSITIVE,
            "files": self.files,
            "elsewhere": [name for file in self.files for name in file["settings"]],
        }
        return env_drift.judge(known, answer)

    def judged(self) -> dict[str, list[str]]:
        """Evidence by the id of each check that does not pass."""
        return failures(self.answer())

    def mended(self) -> set[str]:
        """The checks that failed before their commands were run on the host, and pass now."""
        return {name for name, commands in self._mending().items() if commands} - set(self._mending())

    def commands(self, check: str) -> list[str]:
        """Of its findings."""
        return list(dict.fromkeys(command for name, command in self._commands() if name == check))

    def _commands(self) -> list[tuple[str, str]]:
        results = check.run_checks(check.chosen(CHECKS), facts(hosts={"web1": self.answer()}))
        return list(pasted_commands.commands(results))

    def _mending(self) -> dict[str, list[str]]:
        """Runs what a host's own programs mend, which need no playbook."""
        commands: dict[str, list[str]] = {}
        for name, command in self._commands():
            words = shlex.split(command)
            if words[0] == "ansible" and words[-1].split()[0] in ("setfacl", "shred", "sed") and "$(" not in words[-1]:
                commands.setdefault(name, []).append(words[-1])
        for line in dict.fromkeys(line for lines in commands.values() for line in lines):
            subprocess.run(["/bin/sh", "-c", line], check=True)
        return commands


def failures(answer: dict[str, Any]) -> dict[str, list[str]]:
    """Evidence by the id of each check of hosts that does not pass on this answer of one."""
    hosts = {"web1": answer if "file" in answer else {"problem": answer.get("msg")}}
    results = check.run_checks(check.chosen(CHECKS), facts(hosts=hosts))
    flaws = pasted_commands.flaws(results)
    assert not flaws, flaws
    return planted.found(results)
