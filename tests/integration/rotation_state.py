# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a lab for rotations holds: the worked example's catalog, values in the stores, logins at the servers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.journal_store import S3Journal
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import backends as audit_backends
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import chain as audit_chain
from sandbox.aws import Moto
from sandbox.hosts._inventory import without_third_parties
from sandbox.postgres import Postgres
from sandbox.process import REPOSITORY
from sandbox.seed import Journal
from sandbox.valkey import Valkey
from tests.integration.app_host import AppHost
from tests.integration.harness import ENVIRONMENT, Lab, Run

EXAMPLE = REPOSITORY / "examples" / "watchparty" / "group_vars" / "all" / "secrets_catalog.yml"
OWNER = f"watchparty_{ENVIRONMENT}"
JOURNAL = Journal("watchparty-secrets", "watchparty", ENVIRONMENT)
CORE = f"watchparty/{ENVIRONMENT}/core"
LOG_GROUP = "/watchparty/secrets-audit"
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


class RotationState(Lab):
    """Servers, stores and hosts of its own, and what is there."""

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
