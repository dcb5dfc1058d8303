# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A lab for one test: hosts, stores and an inventory in one temporary directory, and the real ansible-playbook.

Every host is this machine, reached over the same sshd (or a local connection), with a directory, a ``.env`` and a fake
service of its own.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.aws import ACCOUNT, Moto
from sandbox.process import REPOSITORY, clean_environment, free_port
from sandbox.seed import LONG_AGO, Journal, Layout, Seeded, seed
from sandbox.state import forget
from tests import state
from tests.integration import canaries, fake_service, prefork

HERE = Path(__file__).resolve().parent
SERVICE = HERE / "fake_service.py"
ENVIRONMENT = "production"
JOURNAL = Journal("shop-journal", "shop", ENVIRONMENT)
AS_ROOT = {"django_become_user": "root"} if os.geteuid() == 0 else {}
"""Where the tests run as root, the application does."""
DEPLOY = "playbooks/deploy.yml"
CONFIGURATION = "[defaults]\n"
"""Of an ansible.cfg: nothing is configured."""
CONSOLE = {"ANSIBLE_STDOUT_CALLBACK": "watchparty.secrets.console"}
"""Of a run with the output that people read."""
SERVED = {
    *("ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_CALLBACK_PLUGINS", "ANSIBLE_CALLBACKS_ENABLED", *CONSOLE),
    *("ANSIBLE_STRATEGY", *canaries.OBSERVED),
}
"""What a run may be given beside a lab's own variables and still be forked."""
LONGEST = 300
"""Seconds that one run may take."""


def remove_folder(directory: Path, attempts: int = 5) -> None:
    """Removes a lab's folder, in which a program that was ended may still remove files of its own."""
    for attempt in range(attempts):
        try:
            shutil.rmtree(directory)
        except OSError:
            if not directory.exists():
                return
            if attempt == attempts - 1:
                raise
            time.sleep(0.1)
        else:
            return


def catalog(*, extra: Mapping[str, Any] | None = None, **over: Any) -> dict[str, Any]:
    """A small application's catalog; *extra* adds settings."""
    return {
        "application": "shop",
        "contacts": {"security": "security@example.com"},
        "audit_log": {"log_group": "/shop/audit"},
        "journal": {"s3": JOURNAL.bucket},
        "services": {"web": {"units": ["shop.service"], "health": "http://127.0.0.1:9/never-asked"}},
        "settings": {
            "SECRET_KEY": {"group": "core", "required": True, "copies": [{"parameter": "App/SECRET_KEY"}]},
            "API_TOKEN": {"group": "core", "required": True},
            "DATABASE_URL": {"group": "core", "schemes": ["postgresql"]},
            "LICENSE_TEXT": {"secret": "shop/{environment}/license"},
            "SIGNING_KEY": {"parameter": "App/SIGNING_KEY", "sensitivity": "high"},
            "GENERATION": {"parameter": "App/GENERATION", "sensitivity": "low"},
            "ZERO": {"parameter": "App/ZERO", "sensitivity": "low"},
            "ONE": {"parameter": "App/ONE", "sensitivity": "medium"},
            "SWITCH": {"value": "True", "type": "boolean"},
            "MODE": {"value": "production"},
            **(extra or {}),
        },
        "environments": {ENVIRONMENT: {"expected_account_id": ACCOUNT}},
        **over,
    }


def layout(generation: str = "1", *, token: Callable[[str], str] | None = None, **secrets: Any) -> Layout:
    """What the stores hold; *token* makes a value by its setting's name, *secrets* replaces whole secrets."""
    make = token or (lambda name: f"{name.lower().replace('_', '-')}-value-of-generation-{generation}-" + "x" * 20)
    key = make("SECRET_KEY")
    return Layout(
        {
            "shop/production/core": {
                "SECRET_KEY": key,
                "API_TOKEN": make("API_TOKEN"),
                "DATABASE_URL": f"postgresql://shop:{make('DATABASE_PASSWORD')}@db.example.com:5432/shop",
            },
            "shop/production/license": make("LICENSE_TEXT"),
            **{f"shop/production/{name}": content for name, content in secrets.items()},
        },
        {
            "/shop/production/App/SECRET_KEY": ("SecureString", key),
            "/shop/production/App/SIGNING_KEY": ("SecureString", make("SIGNING_KEY")),
            "/shop/production/App/GENERATION": ("String", generation),
            "/shop/production/App/ZERO": ("String", "0"),
            "/shop/production/App/ONE": ("String", "1"),
        },
    )


@dataclass(frozen=True)
class Host:
    """One application host."""

    name: str
    directory: Path
    port: int

    @property
    def env_file(self) -> Path:
        return self.directory / ".env"

    @property
    def mark(self) -> dict[str, Any]:
        path = state.mark(self.env_file)
        return json.loads(path.read_text()) if path.exists() else {}

    @property
    def generation(self) -> str | None:
        """The GENERATION in the file."""
        return self.values().get("GENERATION") if self.env_file.exists() else None

    @property
    def service(self) -> dict[str, Any]:
        return fake_service.state(self.directory)

    @property
    def restarts(self) -> int:
        return self.service.get("restarts", 0)

    def values(self) -> dict[str, str]:
        from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv

        return dotenv.from_dotenv(self.env_file.read_text(encoding="utf-8"))

    def behaves(self, **by_generation: str) -> None:
        """``behaves(g2="500")``: what the service does when it is started with GENERATION=2."""
        behaviour = {name[1:]: how for name, how in by_generation.items()}
        (self.directory / "behaviour.json").write_text(json.dumps(behaviour))

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/", timeout=10) as answer:
                return answer.status == 200
        except OSError:
            return False

    def digest(self) -> str:
        return hashlib.sha256(self.env_file.read_bytes()).hexdigest()

    def assert_healthy(self, generation: str, *, mended: bool = False) -> None:
        """The file is of *generation*, its services were started on it and are healthy, and the mark says so.

        A *mended* file was written again, with the same bytes, after its services had started.
        """
        assert self.generation == generation
        assert self.service["digest"] == self.digest(), f"{self.name}: its service runs on another file"
        assert mended or self.service["at"] >= self.env_file.stat().st_mtime
        assert self.healthy()
        assert (self.mark.get("healthy") or {}).get("digest") == self.digest(), f"{self.name}: is not healthy"
        assert self.files() == {".env": "0600", "mark": "0600", "healthy": "0600"}
        assert state.backup(self.env_file).read_bytes() == self.env_file.read_bytes()

    def files(self) -> dict[str, str]:
        """The deploy's own files and their modes; of the state by their part."""
        parts = {"mark": state.mark(self.env_file), "healthy": state.backup(self.env_file)}
        parts |= {path.name: path for path in self.directory.glob(".env*") if path not in parts.values()}
        parts.pop(".env.lock", None)
        return {
            name: f"{stat.S_IMODE(path.lstat().st_mode):04o}" for name, path in sorted(parts.items()) if path.exists()
        }


@dataclass(frozen=True)
class Run:
    """One ansible-playbook that has ended."""

    code: int
    output: str
    operations: list[str]
    """The AWS calls that it made."""

    def result(self, host: str) -> dict[str, int]:
        """The host's line in the recap."""
        line = next(line for line in self.output.splitlines() if line.startswith(f"{host} ") and " ok=" in line)
        return {name: int(count) for name, _, count in (part.partition("=") for part in line.split(":", 1)[1].split())}

    @property
    def text(self) -> str:
        """The output in one line: Ansible wraps long messages, and YAML output escapes line breaks."""
        return " ".join(self.output.replace("\\n", " ").split())


class Lab:
    journal_object = JOURNAL

    """Hosts, stores and an inventory under one directory."""

    longest = LONGEST
    forks = prefork.AVAILABLE
    """Whether runs may be forked instead of started."""

    def __init__(self, directory: Path, moto: Moto, connection: Mapping[str, Any]) -> None:
        self.directory = directory
        self.moto = moto
        self.connection = dict(connection)
        self.hosts: list[Host] = []
        self.host_vars: dict[str, dict[str, Any]] = {}
        self.catalog: dict[str, Any] = catalog()
        self.root = REPOSITORY
        """The collection that runs."""
        for name in ("home", "local-temp", "remote-temp", "tmp", "cp"):
            (directory / name).mkdir(mode=0o700)
        (directory / "ansible.cfg").write_text(CONFIGURATION, encoding="utf-8")

    def add_hosts(self, count: int = 1, **variables: Any) -> list[Host]:
        for _ in range(count):
            name = f"web{len(self.hosts) + 1}"
            host = Host(name, self.directory / name, free_port())
            host.directory.mkdir(mode=0o700)
            (host.directory / "port").write_text(str(host.port))
            host.behaves()
            self.hosts.append(host)
            self.host_vars[name] = {
                **self.connection,
                "ansible_become": False,
                **AS_ROOT,
                "app_environment": ENVIRONMENT,
                "env_deploy_path": str(host.env_file),
                "env_deploy_owner": getpass.getuser(),
                "env_deploy_restart_command": f"{sys.executable} -IS {SERVICE} restart {host.directory}",
                "env_deploy_health_url": f"http://127.0.0.1:{host.port}/health/",
                "env_deploy_health_retries": 2,
                "env_deploy_health_delay": 0,
                "env_deploy_health_timeout": 5,
                "secrets_verify_places": [f"{self.directory}/elsewhere/*"],  # this machine's own hold other labs
                **variables,
            }
        return self.hosts

    def seed(self, wanted: Layout | None = None) -> Seeded:
        self.journal_object.make(self.moto.client)
        with self.moto.days_ago(LONG_AGO):
            return seed(self.moto.client, wanted or layout())

    def journal(self, number: int, **entry: Any) -> None:
        entry = {"rotation": "r1", "step": "closed", "who": "ops@example.com", **entry}
        self.journal_object.add(self.moto.client, number, entry)

    def environment(self) -> dict[str, str]:
        """What ansible-playbook is started with: this lab's own places, and nothing of the user's."""
        return clean_environment(
            **self.moto.env(),
            HOME=str(self.directory / "home"),
            TMPDIR=str(self.directory / "tmp"),
            LC_ALL="C.UTF-8",
            ANSIBLE_CONFIG=str(self.directory / "ansible.cfg"),
            ANSIBLE_HOME=str(self.directory / "home" / ".ansible"),
            ANSIBLE_LOCAL_TEMP=str(self.directory / "local-temp"),
            ANSIBLE_REMOTE_TEMP=str(self.directory / "remote-temp"),
            ANSIBLE_SSH_CONTROL_PATH_DIR=str(self.directory / "cp"),
            ANSIBLE_SSH_CONTROL_PATH="%(directory)s/%%C",
            ANSIBLE_NOCOLOR="1",
            WATCHPARTY_SECRETS_ACCESS_WAIT="0",
        )

    def command(self, *arguments: str, playbook: str | Path = DEPLOY) -> list[str]:
        inventory = self._inventory()
        program = Path(sys.executable).parent / "ansible-playbook"
        chosen = () if "app_environment" in " ".join(arguments) else ("-e", f"app_environment={ENVIRONMENT}")
        return [str(program), "-i", str(inventory), str(playbook), *chosen, *arguments]

    def start(
        self,
        *arguments: str,
        environment: Mapping[str, str | None] | None = None,
        playbook: str | Path = DEPLOY,
        folder: Path | None = None,
    ) -> subprocess.Popen[str]:
        """Starts a run in a process group of its own. A variable that is None is left out."""
        variables = {**self.environment(), **(environment or {})}
        return subprocess.Popen(
            self.command(*arguments, playbook=playbook),
            cwd=folder or self.root,
            env={name: value for name, value in variables.items() if value is not None},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(
        self,
        *arguments: str,
        environment: Mapping[str, str | None] | None = None,
        playbook: str | Path = DEPLOY,
        folder: Path | None = None,
    ) -> Run:
        """A run from its start to its end; it is a fork, unless other variables that Ansible reads early are given."""
        since = self.moto.count()
        own, changed = self.environment(), environment or {}
        early = prefork.read_early(changed)
        if self.forks and set(early) <= SERVED and (self.directory / "ansible.cfg").read_text() == CONFIGURATION:
            code, output = prefork.server({**own, **early}, self.root).run(
                self.command(*arguments, playbook=playbook),
                folder=folder or self.root,
                variables={name: value for name, value in {**own, **changed}.items() if value is not None},
                seconds=self.longest,
            )
            return Run(code, output, self.moto.operations(since=since))
        process = self.start(*arguments, environment=environment, playbook=playbook, folder=folder)
        try:
            output, _ = process.communicate(timeout=self.longest)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise
        return Run(process.returncode, output, self.moto.operations(since=since))

    def deploy(self, *arguments: str, environment: Mapping[str, str | None] | None = None) -> Run:
        """A run that must succeed."""
        run = self.run(*arguments, environment=environment)
        assert run.code == 0, run.output
        return run

    def state(self) -> dict[str, tuple[bytes, int, float]]:
        """Everything on the hosts, to compare with later."""
        paths = [path for host in self.hosts for path in sorted(host.directory.rglob("*")) if path.is_file()]
        return {str(path): (path.read_bytes(), path.stat().st_mode, path.stat().st_mtime) for path in paths}

    def close(self) -> None:
        forget(self.directory)
        for host in self.hosts:
            fake_service.stop(host.directory)
        for control in (self.directory / "cp").iterdir():
            subprocess.run(
                ["ssh", "-F", "none", "-O", "exit", "-o", f"ControlPath={control}", "any"],
                capture_output=True,
                check=False,
                timeout=10,
            )

    def _inventory(self) -> Path:
        hosts = {host.name: self.host_vars[host.name] for host in self.hosts}
        path = self.directory / "inventory.json"
        text = {"all": {"vars": {"secrets_catalog": self.catalog}}, "app_hosts": {"hosts": hosts}}
        with tempfile.NamedTemporaryFile("w", dir=self.directory, delete=False, encoding="utf-8") as stream:
            stream.write(json.dumps(text, indent=1))
        os.replace(stream.name, path)  # runs of one lab go side by side
        return path


def reset(moto: Moto) -> None:
    """An empty account without faults."""
    moto.set_faults()
    with urllib.request.urlopen(
        urllib.request.Request(moto.url + "/moto-api/reset", method="POST"), timeout=10
    ) as answer:
        assert answer.status == 200


def calls(sts: int = 1, journal: int = 1, secrets: int = 1, parameters: int = 1) -> Sequence[str]:
    """The AWS calls of one read, in order."""
    return (
        ["GetCallerIdentity"] * sts
        + ["GetObject"] * journal
        + ["BatchGetSecretValue"] * secrets
        + ["GetParametersByPath"] * parameters
    )
