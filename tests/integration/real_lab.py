# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rotations on systemd hosts: what the stores, the hosts and the servers say before and after, and load meanwhile."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from dotenv import dotenv_values

from ansible_collections.watchparty.secrets.plugins.module_utils._core import journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from sandbox.hosts import Fleet
from sandbox.load import Load, Manage
from sandbox.process import REPOSITORY, wait_until
from sandbox.seed import Journal
from tests.integration.access_key_lab import EVERYTHING, authorization

CORE = "watchparty/production/core"
JOURNAL = Journal("watchparty-secrets", "watchparty", "production")
ENV_FILE = "srv/watchparty/.env"
WEB_PORT = 8000
TRY_LOGINS = """
import json, sys
import psycopg, redis
asked, said = json.load(sys.stdin), {}
try:
    psycopg.connect(asked["database"], connect_timeout=5).close()
    said["database"] = "accepted"
except psycopg.OperationalError as error:
    refused = ("password authentication failed", "is not permitted to log in")
    said["database"] = "refused" if any(one in str(error) for one in refused) else str(error)
try:
    redis.Redis.from_url(asked["cache"], socket_timeout=5, socket_connect_timeout=5).ping()
    said["cache"] = "accepted"
except redis.AuthenticationError:
    said["cache"] = "refused"
except redis.RedisError as error:
    said["cache"] = type(error).__name__
json.dump(said, sys.stdout)
"""


@dataclass(frozen=True)
class Values:
    """One value of each credential."""

    database: str = field(repr=False)
    cache: str = field(repr=False)
    django_key: str = field(repr=False)

    @classmethod
    def of(cls, settings: dict[str, Any]) -> Values:
        return cls(settings["DATABASE_URL"], settings["REDIS_URL"], settings["SECRET_KEY"])


@dataclass(frozen=True)
class Run:
    code: int
    output: str
    seconds: float

    @property
    def text(self) -> str:
        """In one line: Ansible wraps long messages."""
        return " ".join(self.output.split())


class RealLab:
    """A fleet with services, and this collection's playbooks."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.own_aws: dict[str, str] = {}
        """A key of the operator's own, where AWS looks at keys."""

    @property
    def hosts(self) -> list[str]:
        return list(self.fleet.machines)

    def run(self, playbook: str, *arguments: str) -> Run:
        program = Path(sys.executable).with_name("ansible-playbook")
        argv = [program, "-i", self.fleet.inventory, REPOSITORY / "playbooks" / f"{playbook}.yml"]
        extra = ["-e", "app_environment=production", "-e", "env_deploy_health_retries=20", *arguments]
        env = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "AWS_"))}
        env |= {**self.aws, "ANSIBLE_HOME": str(self.fleet.names.state / "ansible")}
        began = time.monotonic()
        done = subprocess.run(
            [str(part) for part in (*argv, *extra)],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
            check=False,
        )
        return Run(done.returncode, done.stdout, time.monotonic() - began)

    def rotate(self, *credentials: str, arguments: tuple[str, ...] = ()) -> Run:
        chosen = ("-e", f"rotation_credentials={','.join(credentials)}", "-e", "rotation_force=true")
        # The load's producer of tasks runs on this machine, which the inventory does not contain.
        known = ("-e", json.dumps({"rotation_known_addresses": [self.fleet.gateway]}))
        return self.run("rotate", *chosen, *known, *arguments)

    def load(self, *, health: str | None = None) -> Load:
        """*health*: a path that hosts must answer to be given requests."""
        addresses = [(machine.address, WEB_PORT) for machine in self.fleet.machines.values()]
        manage = Manage.of_fleet(self.fleet)
        return Load(addresses, manage=manage, sessions=8, parallel=4, pause=0.3, health=health)

    # What is there

    @property
    def aws(self) -> dict[str, str]:
        """How this machine talks to the stand-in for AWS."""
        return {**self.fleet.services.aws, **self.own_aws}

    def client(self, service: str) -> Any:
        return self.client_of(service, Login(self.aws["AWS_ACCESS_KEY_ID"], self.aws["AWS_SECRET_ACCESS_KEY"]))

    def client_of(self, service: str, login: Login) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.aws["AWS_ENDPOINT_URL"],
            region_name=self.aws["AWS_REGION"],
            aws_access_key_id=login.username,
            aws_secret_access_key=login.password,
        )

    def core(self) -> dict[str, str]:
        answer = self.client("secretsmanager").get_secret_value(SecretId=CORE, VersionStage="AWSCURRENT")
        result: dict[str, str] = json.loads(answer["SecretString"])
        return result

    def values(self) -> Values:
        return Values.of(self.core())

    def open_step(self) -> str:
        """At which step a rotation is open; empty if none is."""
        rotation = journal.fold(JOURNAL.lines(self.client)).rotation
        return rotation.step if rotation else ""

    def host_values(self, host: str) -> Values:
        return Values.of(dict(dotenv_values(self.fleet.disk(host) / ENV_FILE, interpolate=False)))

    def tried(self, host: str, values: Values) -> dict[str, str]:
        """What the servers say to these logins when they come from a host, by the application's own drivers."""
        python = "/opt/watchparty/venv/bin/python"
        logins = json.dumps({"database": values.database, "cache": values.cache})
        result: dict[str, str] = json.loads(self.fleet.run(host, [python, "-c", TRY_LOGINS], text=logins).stdout)
        return result

    def health(self, host: str) -> str:
        form = ["--silent", "--output", "/dev/null", "--write-out", "%{http_code}"]
        return self.fleet.run(host, ["curl", *form, f"http://127.0.0.1:{WEB_PORT}/health/"], check=False).stdout

    def assert_settled(self) -> None:
        """Nothing is open or left over, and every host is healthy, healthy, on what the stores hold."""
        assert self.open_step() == ""
        manager = self.client("secretsmanager")
        for secret in manager.get_paginator("list_secrets").paginate().search("SecretList"):
            assert not secret["Name"].startswith("watchparty-rotation"), secret["Name"]
            versions = manager.list_secret_version_ids(SecretId=secret["Name"])["Versions"]
            labels = {label for version in versions for label in version.get("VersionStages", [])}
            assert labels <= {"AWSCURRENT", "AWSPREVIOUS"}, (secret["Name"], labels)
        now = self.values()
        for host in self.hosts:
            assert self.host_values(host) == now, f"{host} has other values than the stores"
            state = self.fleet.disk(host) / atomic_file.state_of(f"/{ENV_FILE}").lstrip("/")
            mark = json.loads((state / "mark").read_text(encoding="utf-8"))
            digest = hashlib.sha256((self.fleet.disk(host) / ENV_FILE).read_bytes()).hexdigest()
            assert digest in json.dumps(mark["healthy"]), f"{host} is not healthy on its file"
            assert self.health(host) == "200"
            assert self.tried(host, now) == {"database": "accepted", "cache": "accepted"}

    # What a test does to it

    @contextmanager
    def looking_at_keys(self, *users: str) -> Iterator[None]:
        """Inside, AWS takes no key that it does not know; this machine and these users may do anything."""
        iam = self.client("iam")
        with suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_user(UserName="operator")
        made = iam.create_access_key(UserName="operator")["AccessKey"]
        for name in ("operator", *users):
            iam.put_user_policy(UserName=name, PolicyName="everything", PolicyDocument=json.dumps(EVERYTHING))
        try:
            with authorization(self.aws["AWS_ENDPOINT_URL"]):
                secret = made["SecretAccessKey"]
                self.own_aws = {"AWS_ACCESS_KEY_ID": made["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": secret}
                yield
        finally:
            self.own_aws = {}
            iam.delete_access_key(UserName="operator", AccessKeyId=made["AccessKeyId"])

    @contextmanager
    def with_credential(self, name: str, **credential: Any) -> Iterator[None]:
        """Inside, the catalog has that credential as well."""
        (path,) = (self.fleet.inventory.parent / "group_vars" / "all").glob("secrets_catalog.*")
        before = path.read_text(encoding="utf-8")
        document = json.loads(before)
        document["secrets_catalog"]["credentials"][name] = credential
        path.write_text(json.dumps(document), encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(before, encoding="utf-8")

    def ready(self) -> Values:
        """The values in force, on hosts that are well."""
        for host, machine in self.fleet.machines.items():
            if not machine.supervisor.running():
                self.fleet.boot(host)
        self.assert_settled()
        return self.values()

    @contextmanager
    def refusing(self, host: str, login: str) -> Iterator[None]:
        """Inside, PostgreSQL refuses a login that comes from one host, and only there."""
        hba = self.fleet.names.scratch / "services" / "postgres" / "data" / "pg_hba.conf"
        kept = hba.read_text(encoding="utf-8")
        self._write_hba(hba, f"host all {login} {self.fleet.machines[host].address}/32 reject\n{kept}")
        try:
            yield
        finally:
            self._write_hba(hba, kept)

    def _write_hba(self, hba: Path, text: str) -> None:
        hba.write_text(text, encoding="utf-8")
        os.kill(self.fleet.services.processes["postgres"].pid, signal.SIGHUP)

    @contextmanager
    def watching(self, host: str) -> Iterator[list[Values]]:
        """Inside, every value that a host's file comes to hold is kept, in order."""
        seen, over = [self.host_values(host)], threading.Event()

        def watch() -> None:
            while not over.wait(0.1):
                now = self.host_values(host)
                if now != seen[-1]:
                    seen.append(now)

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield seen
        finally:
            over.set()
            thread.join()

    def wait_healthy(self, host: str) -> None:
        assert wait_until(lambda: self.health(host) == "200", seconds=60), f"{host} is not healthy"
