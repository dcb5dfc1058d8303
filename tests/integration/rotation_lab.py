# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A lab for rotations: the worked example's catalog, real PostgreSQL and Valkey, and hosts that run the sample
application.

A module's tests share one lab, since a host needs seconds to start; :meth:`RotationLab.ready` mends what a test left.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import itertools
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.parameter_store import ParameterStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.secrets_manager import SecretsManager
from sandbox.application import python
from sandbox.process import clean_environment, free_port, stop_saved, write_private
from sandbox.seed import LONG_AGO, Layout, Seeded, seed, watchparty
from sandbox.state import forget
from sandbox.valkey import ADMINISTRATOR, REPLICATOR
from tests.integration import harness
from tests.integration.app_host import AppHost
from tests.integration.harness import AS_ROOT, ENVIRONMENT, Run
from tests.integration.lab_servers import FOREIGN, MASTER, servers
from tests.integration.rotation_state import (
    ALL,
    CORE,
    EXAMPLE,
    JOURNAL,
    LOG_GROUP,
    OWNER,
    RotationState,
    Values,
    example_catalog,
)

__all__ = [
    "ALL",
    "CORE",
    "ENVIRONMENT",
    "EXAMPLE",
    "FOREIGN",
    "JOURNAL",
    "LOG_GROUP",
    "MASTER",
    "OWNER",
    "RotationLab",
    "Values",
    "application_python",
    "example_catalog",
    "rotation_lab",
    "sentences",
]
"""With what tests take of the files that this one is made of."""


class RotationLab(RotationState):
    """Servers, stores and hosts of its own."""

    def add_hosts(self, count: int = 1, **variables: Any) -> list[AppHost]:  # type: ignore[override]
        for _ in range(count):
            host = AppHost.install(self.directory / f"web{len(self.hosts) + 1}")
            if self.hosts:
                host.application.share_tables()  # the first host makes them, in the database of all
            self.hosts.append(host)
            self.host_vars[host.name] = {
                **self.connection,
                "ansible_become": False,
                **AS_ROOT,
                "ansible_remote_tmp": str(self.directory / "remote-temp"),
                "app_environment": ENVIRONMENT,
                "env_deploy_path": str(host.env_file),
                "env_deploy_owner": Path(host.directory).owner(),
                "env_deploy_restart_command": host.restart_command,
                "env_deploy_health_url": host.application.health_url,
                "env_deploy_health_retries": 60,
                "env_deploy_health_delay": 0.5,
                "rotation_python": str(python()),
                **variables,
            }
        return self.hosts

    # What must hold

    def assert_closed(self) -> None:
        """No rotation is open, and nothing that belongs to one is left in the stores."""
        assert self.journal_state().rotation is None, self.journal_state().rotation
        for name in self.secret_names():
            assert not name.startswith("watchparty-rotation"), f"{name} is left"
            left = [label for label in self.stages(name) if label not in ("AWSCURRENT", "AWSPREVIOUS")]
            assert left == [], f"{name}: {left}"

    def assert_consistent(self) -> None:
        """Every place that the catalog names for a credential holds the same."""
        catalog = self.catalog_of()
        names = sorted({*catalog.secret_names, *(n for n in self.secret_names() if "admin" in n or "/" not in n)})
        contents = SecretsManager(self.moto.client("secretsmanager")).read(names)
        contents |= ParameterStore(self.moto.client("ssm")).read([catalog.ssm_path])
        for credential in catalog.credentials.values():
            if any(True for _ in credential_graph.spots(catalog, credential)):
                stored_credential = credential_graph.find(catalog, credential, contents)
                assert stored_credential.problems == (), stored_credential.problems

    def assert_one_login_each(self) -> None:
        """The servers take what the stores hold, and no other login or password of the application."""
        now = self.values()
        assert self.accepts(now) == {"database": True, "cache": True}
        assert self.logins() == [now.database[0]]
        user, password = now.cache
        assert self.passwords(user) == [hashlib.sha256(password.encode()).hexdigest()]
        assert sorted(self.valkey.execute("ACL", "USERS")) == sorted({"default", user, ADMINISTRATOR, REPLICATOR})

    def assert_hosts_run_on_it(self, *hosts: AppHost) -> None:
        core = self.content()
        for host in hosts or self.hosts:
            held = host.values()
            for name in ("SECRET_KEY", "SECRET_KEY_FALLBACKS", "DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL"):
                assert held.get(name, "") == core[name], f"{host.name}: {name} is not what the stores hold"
            host.assert_healthy()

    def assert_settled(self, *old: Values) -> None:
        """Nothing is under way: stores, servers and hosts agree on one value each, and *old* ones are refused."""
        self.assert_closed()
        self.assert_consistent()
        self.assert_one_login_each()
        self.assert_hosts_run_on_it()
        now = self.values()
        for values in old:
            taken = self.accepts(values)
            for name in ("database", "cache"):
                same = getattr(values, name) == getattr(now, name)
                assert same or not taken[name], f"the old {name} is still accepted"

    # What a test does to it

    def seed(self, wanted: Layout | None = None) -> Seeded:
        """Fresh values at the servers and in empty stores."""
        harness.reset(self.moto)
        self.journal_object.make(self.moto.client)
        with self.moto.days_ago(LONG_AGO):
            return seed(self.moto.client, wanted or self._fresh())

    def _fresh(self) -> Layout:
        roles = ", ".join(f"{OWNER}_{name}" for name in "ab")
        if self.postgres.execute(f"SELECT 1 FROM pg_roles WHERE rolname = '{OWNER}_a';"):
            self.postgres.execute(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE '{OWNER}%';\n"
                f"DROP OWNED BY {roles}; DROP ROLE {roles};\n"
            )
        password = self.postgres.create_logins(OWNER, OWNER, master=MASTER)
        self.valkey.password = base64.b32encode(os.urandom(20)).decode()
        for name in set(self.valkey.execute("ACL", "USERS")) - {"default", ADMINISTRATOR, REPLICATOR}:
            self.valkey.execute("ACL", "DELUSER", name)
        digest = hashlib.sha256(self.valkey.password.encode()).hexdigest()
        self.valkey.execute("ACL", "SETUSER", "default", "resetpass", f"#{digest}")
        self.valkey.execute("ACL", "SAVE")
        admins = {"database-admin": self.postgres.admin_url_of(MASTER), "cache-admin": self.valkey.admin_url()}
        split = {name: urlsplit(url) for name, url in admins.items()}
        return watchparty(
            ENVIRONMENT,
            database_url=self.postgres.url(f"{OWNER}_a", password, OWNER),
            cache_urls=(self.valkey.url(0), self.valkey.url(1), self.valkey.url(2), self.valkey.url(3)),
            administrators={
                name: (unquote(url.username or ""), unquote(url.password or "")) for name, url in split.items()
            },
        )

    def renew(self) -> None:
        """Everything from the beginning: fresh values, an empty journal, and hosts that were just deployed to."""
        self.seed()
        for host in self.hosts:
            stop_saved(host.directory)
            for path in host.directory.glob(".env*"):
                path.unlink()
        forget(self.directory)
        self.deploy("-e", "env_deploy_serial=100%")

    def ready(self) -> Values:
        """The values in force, after mending whatever an earlier test left."""
        self.moto.set_faults()
        try:
            self.assert_settled()
        except Exception:  # noqa: BLE001 whatever is wrong with it, it is made anew
            self.renew()
            self.assert_settled()
        return self.values()

    @contextmanager
    def with_catalog(self, **credentials: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Inside, these options of credentials are other ones; the catalog, to change more of it."""
        kept, self.catalog = self.catalog, copy.deepcopy(self.catalog)
        try:
            for name, options in credentials.items():
                self.catalog["credentials"][name] = {**self.catalog["credentials"].get(name, {}), **options}
            yield self.catalog
        finally:
            self.catalog = kept

    @contextmanager
    def unreachable(self, name: str) -> Iterator[None]:
        """Inside, the host cannot be reached."""
        kept = self.host_vars[name]
        self.host_vars[name] = {**kept, "ansible_connection": "ssh", "ansible_host": "127.0.0.1"} | {
            "ansible_port": free_port(),
            "ansible_ssh_retries": 0,
        }
        try:
            yield
        finally:
            self.host_vars[name] = kept

    def values_file(self, **values: Any) -> str:
        """An argument that gives new values of a third party."""
        path = self.directory / "new-values.yml"
        write_private(path, json.dumps(values))
        return f"rotation_values_file={path}"

    def everything(self) -> dict[str, Any]:
        """All that a run could change: servers, hosts, secrets with their labels, parameters."""
        pages = self.moto.client("ssm").get_paginator("describe_parameters").paginate()
        parameters = {parameter["Name"]: parameter["Version"] for page in pages for parameter in page["Parameters"]}
        stages = {name: self.stages(name) for name in self.secret_names()}
        return {"servers": self.server_state(), "hosts": self.state(), "secrets": stages, "parameters": parameters}

    def state(self) -> dict[str, tuple[bytes, int, float]]:
        """The deploy's own files on the hosts; the application itself writes others."""
        paths = [path for host in self.hosts for path in sorted(host.directory.glob(".env*"))]
        return {str(path): (path.read_bytes(), path.stat().st_mode, path.stat().st_mtime) for path in paths}

    def close(self) -> None:
        for host in self.hosts:
            host.application.stop()
        hosts, self.hosts = self.hosts, []
        try:
            super().close()
        finally:
            self.hosts = hosts


def _folder() -> Path:
    """The same for a process's labs that follow one another, so that one process that imported Ansible serves them.

    It is short, since the path of a control socket may have 108 characters.
    """
    for number in itertools.count():
        path = Path(tempfile.gettempdir()).resolve() / f"rlab-{os.getpid()}-{number}"
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)
            return path
    raise AssertionError


@contextmanager
def rotation_lab(
    connection: Mapping[str, Any], *, hosts: int = 2, root: Path | None = None, kind: type[RotationLab] = RotationLab
) -> Iterator[RotationLab]:
    """A lab of its own, with hosts that were deployed to."""
    with ExitStack() as stack:
        directory = _folder()
        stack.callback(harness.remove_folder, directory)
        started = stack.enter_context(servers())
        lab = kind(directory, started.aws, connection, started.postgres, started.valkey)
        lab.root = root or lab.root
        stack.callback(lab.close)
        lab.add_hosts(hosts)
        lab.renew()
        yield lab


def application_python(program: str) -> subprocess.Popen[str]:
    """A program in the application's interpreter, which has the servers' drivers; it is talked to through pipes."""
    return subprocess.Popen(
        [str(python()), "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )


def sentences(run: Run, *messages: str) -> None:
    """All of these words are in the run's output, whatever its line breaks."""
    missing = [message for message in messages if message not in run.text]
    assert not missing, f"{missing} not in:\n{run.output}"
