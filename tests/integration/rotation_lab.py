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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, credential_graph, journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.journal_store import S3Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.parameter_store import ParameterStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.secrets_manager import SecretsManager
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import backends as audit_backends
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import chain as audit_chain
from sandbox.application import python
from sandbox.aws import Moto
from sandbox.hosts._inventory import without_third_parties
from sandbox.postgres import Postgres
from sandbox.process import REPOSITORY, clean_environment, free_port, stop_saved, write_private
from sandbox.seed import Journal, Layout, Seeded, seed, watchparty
from sandbox.state import forget
from sandbox.valkey import ADMINISTRATOR, REPLICATOR, Valkey
from tests.integration import harness
from tests.integration.app_host import AppHost
from tests.integration.harness import AS_ROOT, ENVIRONMENT, Lab, Run

EXAMPLE = REPOSITORY / "examples" / "watchparty" / "group_vars" / "all" / "secrets_catalog.yml"
OWNER = f"watchparty_{ENVIRONMENT}"
MASTER = f"master_{ENVIRONMENT}"
JOURNAL = Journal("watchparty-secrets", "watchparty", ENVIRONMENT)
CORE = f"watchparty/{ENVIRONMENT}/core"
LOG_GROUP = "/watchparty/secrets-audit"
FOREIGN = "127.0.0.2"
"""An address of this machine that no host has: sessions from it are unknown to the inventory."""
ALL = "database,cache,django_key"
"""The credentials that rotate without an answer from somebody."""


def example_catalog(**over: Any) -> dict[str, Any]:
    """The worked example's, with its cache on a server of one's own instead of ElastiCache."""
    catalog = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))["secrets_catalog"]
    for setting in catalog["settings"].values():
        setting.pop("initial", None)  # what tests do to credentials would leave it without one
    credentials = catalog["credentials"]
    without_third_parties(credentials)
    credentials["cache"] = {**credentials["cache"], "kind": "valkey_user", "admin": "cache_admin"}
    credentials["cache_admin"] = {
        "kind": "external",
        "max_age_days": 90,
        "appears_in": [{"secret": "watchparty/{environment}/cache-admin", "keys": ["username", "password"]}],
    }
    return {**catalog, **over}


@dataclass(frozen=True)
class Values:
    """What the stores hold now of every credential that rotates."""

    database: tuple[str, str] = field(repr=False)
    """Login and password."""
    cache: tuple[str, str] = field(repr=False)
    django_key: str = field(repr=False)
    fallbacks: str = field(repr=False)


class RotationLab(Lab):
    """Servers, stores and hosts of its own."""

    journal_object = JOURNAL
    hosts: list[AppHost]  # type: ignore[assignment]

    def __init__(
        self, directory: Path, moto: Moto, connection: Mapping[str, Any], postgres: Postgres, valkey: Valkey
    ) -> None:
        super().__init__(directory, moto, connection)
        self.postgres = postgres
        self.valkey = valkey
        self.catalog = example_catalog()
        for name, server in (("database_admin", postgres), ("cache_admin", valkey)):
            self.catalog["credentials"][name]["server"] = {"address": f"{server.host}:{server.port}"}

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

    # What is there

    def catalog_of(self) -> Catalog:
        return catalog_parser.parse(self.catalog, ENVIRONMENT)

    def rotate(self, *arguments: str, **how: Any) -> Run:
        return self.run(*arguments, playbook="playbooks/rotate.yml", **how)

    def rotated(self, *arguments: str, **how: Any) -> Run:
        """A rotation that must succeed."""
        run = self.rotate(*arguments, **how)
        assert run.code == 0, run.output + "".join(host.last_words() for host in self.hosts)
        return run

    def journal_store(self) -> S3Journal:
        """Also where a test has made the catalog wrong."""
        names = {name: self.catalog[name] for name in ("application", "journal")}
        required = {"audit_log": {"log_group": LOG_GROUP}, "contacts": {"security": "nobody"}}
        catalog = catalog_parser.parse({**names, **required, "settings": {"A": {"value": "x"}}}, ENVIRONMENT)
        return S3Journal(self.moto.client("s3"), catalog)

    def journal_state(self) -> journal.Journal:
        return self.journal_store().read()

    def append(self, **entry: Any) -> journal.Journal:
        """One more entry, as another run would write it."""
        store = self.journal_store()
        return store.append(store.read(), {"rotation": "r1", "step": "closed", "who": "ops@example.com", **entry})

    def write_journal(self, *lines: str) -> None:
        """The journal as somebody else would leave it."""
        JOURNAL.put(self.moto.client, *lines)

    def entries(self) -> list[Mapping[str, Any]]:
        """The journal's entries, the oldest first."""
        return journal.entries(self.journal_state())

    def secret_names(self) -> list[str]:
        pages = self.moto.client("secretsmanager").get_paginator("list_secrets").paginate()
        return sorted(one["Name"] for page in pages for one in page["SecretList"])

    def stages(self, name: str = CORE) -> dict[str, str]:
        """Version id by label."""
        versions = self.moto.client("secretsmanager").list_secret_version_ids(SecretId=name, IncludeDeprecated=True)
        return {label: one["VersionId"] for one in versions["Versions"] for label in one.get("VersionStages", [])}

    def content(self, name: str = CORE) -> dict[str, Any]:
        """What AWSCURRENT holds."""
        answer = self.moto.client("secretsmanager").get_secret_value(SecretId=name, VersionStage="AWSCURRENT")
        return json.loads(answer["SecretString"])

    def put(self, name: str = CORE, **keys: Any) -> str:
        """Somebody writes keys of a secret by hand; the version's id."""
        text = json.dumps({**self.content(name), **keys})
        return self.moto.client("secretsmanager").put_secret_value(SecretId=name, SecretString=text)["VersionId"]

    def parameter(self, name: str) -> str:
        path = f"/WatchParty/{ENVIRONMENT}/{name}"
        return self.moto.client("ssm").get_parameter(Name=path, WithDecryption=True)["Parameter"]["Value"]

    def values(self) -> Values:
        core = self.content()
        database, cache = (urlsplit(core[name]) for name in ("DATABASE_URL", "REDIS_URL"))
        return Values(
            (unquote(database.username or ""), unquote(database.password or "")),
            (unquote(cache.username or "") or "default", unquote(cache.password or "")),
            core["SECRET_KEY"],
            core["SECRET_KEY_FALLBACKS"],
        )

    def server_state(self) -> dict[str, Any]:
        """Everything that the two servers know of logins, to compare with later; no value is in it."""
        roles = "SELECT rolname, rolcanlogin, md5(rolpassword) FROM pg_authid ORDER BY 1;"
        members = "SELECT roleid::regrole, member::regrole FROM pg_auth_members ORDER BY 1, 2;"
        return {
            "roles": self.postgres.execute(roles),
            "members": self.postgres.execute(members),
            "users": sorted(self.valkey.execute("ACL", "LIST")),
        }

    def logins(self) -> list[str]:
        """The application's roles that can log in."""
        wanted = f"SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname LIKE '{OWNER}%' ORDER BY 1;"
        return self.postgres.execute(wanted).split()

    def passwords(self, user: str = "default") -> list[str]:
        """Digests of a Valkey user's passwords."""
        answer = self.valkey.execute("ACL", "GETUSER", user)
        return list(answer[answer.index("passwords") + 1])

    def accepts(self, values: Values) -> dict[str, bool]:
        """Whether the servers take these logins."""
        user, password = values.cache
        return {
            "database": self.postgres.accepts(*values.database, OWNER),
            "cache": self.valkey.accepts(password, user),
        }

    def audit_records(self) -> list[dict[str, Any]]:
        """The records of the audit log's body, the oldest first.

        One that a client sent again, since the first answer was lost, stands there twice and counts once.
        """
        body = audit_backends.body_of(self.catalog_of(), self.moto.client)
        assert body is not None
        chain = body.chain()
        assert audit_chain.strays(chain) == []
        return [dict(audit_chain.record_of(line)) for line in chain.lines]

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
                found = credential_graph.find(catalog, credential, contents)
                assert found.problems == (), found.problems

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
            host.assert_proven()

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
        return seed(self.moto.client, wanted or self._fresh())

    def _fresh(self) -> Layout:
        roles = ", ".join(f"{OWNER}_{one}" for one in "ab")
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
        parameters = {one["Name"]: one["Version"] for page in pages for one in page["Parameters"]}
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
        moto = stack.enter_context(Moto())
        postgres = stack.enter_context(Postgres(addresses=(FOREIGN,), networks=(f"{FOREIGN}/32",)))
        valkey = stack.enter_context(Valkey(addresses=(FOREIGN,)))
        postgres.create_master(MASTER)
        lab = kind(directory, moto, connection, postgres, valkey)
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


def sentences(run: Run, *words: str) -> None:
    """All of these words are in the run's output, whatever its line breaks."""
    missing = [one for one in words if one not in run.text]
    assert not missing, f"{missing} not in:\n{run.output}"
