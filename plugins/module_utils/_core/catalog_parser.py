# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parses and checks the catalog of one environment.

All environments' overrides are validated before any value is read. Each problem names the path in the catalog.
"""

from __future__ import annotations

import re
from typing import Any, Iterator, Mapping, Optional, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    catalog_alerts,
    catalog_encrypted_env,
    catalog_files,
    catalog_mirror,
    catalog_notify,
    catalog_requests,
    catalog_services,
    catalog_sessions,
    json_schema,
    valkey_key_patterns,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_aws import ROLES
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_checks import references
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_encrypted_env import EncryptedEnvFile
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_environment import (
    SOURCES,
    environment_document,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import (
    Aws,
    Catalog,
    Compose,
    Credential,
    Exemption,
    GitHub,
    Invalidation,
    Part,
    Parts,
    Place,
    Purge,
    Server,
    Setting,
    SettingRef,
    Tls,
    s3_location,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_schema import SCHEMA
from ansible_collections.watchparty.secrets.plugins.module_utils._core.dotenv_dialects import DEFAULT_READERS
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import CatalogError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import (
    OUTSIDE_AWS,
    SECRETS_MANAGER,
    SSM,
    STORES,
)

ENVIRONMENT_NAME = re.compile(r"^[a-z0-9][a-z0-9_-]*$")
DEFAULT_SECRET_NAME = "{application}/{environment}/{group}"
DEFAULT_SSM_PATH = "/{application}/{environment}"
DEFAULT_KMS_KEY = "alias/{application}-{environment}"
DEFAULT_ROLES = {role: "{application}-{environment}-%s" % role for role in ROLES}
_IN_SECRETS = ("group", "secret", *OUTSIDE_AWS, "compose")
"""Sources whose values have high sensitivity by default."""
_SAME_IN_SETTING = (
    *("category", "description", "min_length", "inventory", "github", "github_scope", "initial", "example"),
)
_SAME_IN_CREDENTIAL = (
    *("max_age_days", "admin", "fallbacks", "revocation_ttl", "provider_url", "revoke_after", "fallback_seconds"),
    "options",
)
"""Keys that the model takes unchanged."""
_DEFAULT_SENSITIVITY = {**dict.fromkeys(_IN_SECRETS, "high"), "parameter": "medium"}


def parse(document: Any, environment: str) -> Catalog:
    """The catalog of ``environment``.

    Raises :class:`CatalogError` with every problem of the document, in all environments.
    """
    if not _is_environment(environment):
        raise CatalogError([f"app_environment: {environment!r} is not an environment's name (a-z, 0-9, - and _)"])
    results = json_schema.problems(document, SCHEMA)
    if results:
        raise CatalogError(results)
    declared = document.get("environments", {})
    results = [
        f"environments.{name}: is not an environment's name (a-z, 0-9, - and _); rename it"
        for name in declared
        if not _is_environment(name)
    ]
    if results:
        raise CatalogError(results)
    catalog: Optional[Catalog] = None
    for name in sorted({environment, *declared}):
        catalog_of, problems = _Builder(document, name).build()
        results += [line if name == environment else f"{line} (in environment {name})" for line in problems]
        catalog = catalog_of if name == environment else catalog
    if results or catalog is None:
        raise CatalogError(list(dict.fromkeys(results)))
    return catalog


def _is_environment(name: Any) -> bool:
    return isinstance(name, str) and bool(ENVIRONMENT_NAME.fullmatch(name))


class _Builder:
    def __init__(self, document: Mapping[str, Any], environment: str) -> None:
        self.document = environment_document(document, environment)
        self.bound = {name: entry["environment"] for name, entry in document.get("secrets", {}).items()}
        self.environment = environment
        self.problems: list[str] = []
        self.application: str = document["application"]

    def build(self) -> tuple[Catalog, list[str]]:
        stores = self.document.get("stores", {})
        ssm = stores.get("ssm", {})
        self.servers = {name: self._server_of(name, stores[name]) for name in OUTSIDE_AWS if name in stores}
        self.secret_pattern = stores.get("secrets_manager", {}).get("name", DEFAULT_SECRET_NAME)
        self.ssm_path = self._path("stores.ssm.path", ssm.get("path", DEFAULT_SSM_PATH))
        catalog = Catalog(
            application=self.application,
            environment=self.environment,
            production=self.document.get("production", self.environment == "production"),
            ssm_path=self.ssm_path,
            settings={name: self._setting(name, raw) for name, raw in self.document["settings"].items()},
            alternatives={
                name: tuple(tuple(choice) for choice in choices)
                for name, choices in self.document.get("alternatives", {}).items()
            },
            readers=tuple(dict.fromkeys(self.document.get("readers", DEFAULT_READERS))),
            files=self._files(self.document.get("files", {})),
            services=catalog_services.parsed_services(self.document.get("services", {})),
            credentials={
                name: self._credential(name, raw) for name, raw in self.document.get("credentials", {}).items()
            },
            purge={
                name: Purge(name=name, kind=raw.get("kind", name), setting=raw["setting"], keys=tuple(raw["keys"]))
                for name, raw in self._purged(("setting", "keys"), ("kind",))
            },
            invalidations={
                name: Invalidation(name, raw["distribution"], tuple(raw.get("paths", ("/*",))))
                for name, raw in self._purged(("distribution",), ("paths",))
            },
            sessions=catalog_sessions.parsed_sessions(self.document.get("sessions")),
            leak_evicts=self.document.get("leak", {}).get("evict", False),
            contacts=self.document.get("contacts", {}),
            audit_log=self.document.get("audit_log", {}),
            journal=self._journal(self.document.get("journal", {})),
            alerts=self._alerts(self.document.get("alerts")),
            notifiers=self._notifiers(),
            exemptions=tuple(Exemption(**raw) for raw in self.document.get("exceptions", [])),
            region=self.document.get("region"),
            expected_account_id=self.document.get("expected_account_id"),
            github=self._github(self.document.get("github", {})),
            encrypted_env=self._encrypted_env(self.document.get("encrypted_env")),
            aws=self._aws(self.document.get("aws", {})),
            mirror=catalog_mirror.parsed_mirror(self.document.get("mirror")),
            servers=self.servers,
        )
        self.problems += catalog_sessions.problems(catalog.sessions)
        return catalog, self.problems + references(catalog)

    def _journal(self, raw: Mapping[str, Any]) -> Optional[tuple[str, str]]:
        if not raw:
            return None
        try:
            bucket, prefix = s3_location(raw["s3"])
        except ValueError as error:
            self.problems.append(f"journal.s3: {error}")
            return None
        if not re.fullmatch(r"[A-Za-z0-9/_.-]*", prefix):
            self.problems.append(
                f"journal.s3: prefix {prefix!r} may have letters, digits and /_.- only; write for example BUCKET/app"
            )
        return bucket, prefix

    def _alerts(self, raw: Optional[Mapping[str, Any]]) -> Optional[catalog_alerts.Alerts]:
        if raw is None:
            return None
        topic = self._format("alerts.topic", raw.get("topic", catalog_alerts.DEFAULT_TOPIC))
        self.problems += catalog_alerts.problems(topic)
        return catalog_alerts.parsed_alerts(raw, topic)

    def _notifiers(self) -> dict[str, catalog_notify.Notifier]:
        notifiers = {name: raw for name, raw in self.document.get("notify", {}).items() if raw is not None}
        for name, raw in notifiers.items():
            self.problems += catalog_notify.problems(f"notify.{name}", raw)
        return {name: catalog_notify.parsed_notifier(name, raw) for name, raw in notifiers.items()}

    def _files(self, raw: Mapping[str, Any]) -> dict[str, catalog_files.OutputFile]:
        self.problems += catalog_files.missing(raw)
        return catalog_files.parsed_files(raw)

    def _github(self, raw: Mapping[str, Any]) -> Optional[GitHub]:
        if "repository" not in raw:
            self.problems += [
                f"github.{key}: has no effect without github.repository; add github.repository: OWNER/NAME"
                for key in raw
            ]
            return None
        return GitHub(**{"environment": self.environment, **raw})

    def _encrypted_env(self, raw: Optional[Mapping[str, Any]]) -> Optional[EncryptedEnvFile]:
        if not raw:
            return None
        keys = tuple(dict.fromkeys(raw.get("keys", ())))
        self.problems += catalog_encrypted_env.problems(keys)
        return EncryptedEnvFile(self._format("encrypted_env.file", raw["file"]), keys)

    def _aws(self, raw: Mapping[str, Any]) -> Aws:
        mirror_role = {"mirror": catalog_mirror.ROLE_NAME} if self.document.get("mirror") is not None else {}
        names = {**DEFAULT_ROLES, **mirror_role, **raw.get("roles", {})}
        extra = {key: tuple(raw[key]) for key in ("replicas", "operators", "readers") if key in raw}
        kms_key = self._format("aws.kms_key", raw.get("kms_key", DEFAULT_KMS_KEY))
        if not kms_key.startswith("alias/"):
            self.problems.append(f"aws.kms_key: {kms_key!r} is not an alias; begin it with alias/")
        roles = {role: self._format(f"aws.roles.{role}", name) for role, name in names.items()}
        return Aws(**{**raw, **extra, "kms_key": kms_key, "roles": roles})

    def _server_of(self, store: str, raw: Mapping[str, Any]) -> Any:
        section = OUTSIDE_AWS[store]
        wrong = list(section.problems(raw))
        self.problems += wrong
        named = {key: self._format(f"stores.{store}.{key}", raw[key]) for key in section.named if key in raw}
        return None if wrong else section.parsed({**raw, **named})

    def _purged(self, needed: Sequence[str], additions: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Entries of ``purge`` for Valkey, or those for CloudFront if ``needed`` contains ``distribution``."""
        for name, raw in self.document.get("purge", {}).items():
            if raw is None or ("distribution" in raw) != ("distribution" in needed):
                continue
            results = [f"purge.{name}.{key}: is required" for key in needed if key not in raw]
            foreign = [key for key in raw if key not in (*needed, *additions)]
            results += [f"purge.{name}.{key}: cannot be combined with {needed[0]}; remove it" for key in foreign]
            self.problems += results
            if not results:
                yield name, raw

    def _format(self, where: str, pattern: str, **names: str) -> str:
        try:
            return pattern.format(application=self.application, environment=self.environment, **names)
        except (AttributeError, KeyError, IndexError, TypeError, ValueError):
            allowed = ", ".join("{%s}" % name for name in ("application", "environment", *names))
            self.problems.append(f"{where}: {pattern!r} may hold only {allowed}")
            return pattern

    def _path(self, where: str, pattern: str) -> str:
        path = self._format(where, pattern)
        if not path.startswith("/") or path.endswith("/"):
            self.problems.append(
                f"{where}: {path!r} must start with a slash and not end with one; write for example "
                f"/{{application}}/{{environment}}"
            )
        return path

    def _secret(self, where: str, name: str, key: Optional[str]) -> Optional[Place]:
        """None if the secret belongs to another environment."""
        owner = self.bound.get(name)
        if owner is None and "{environment}" not in name:
            self.problems.append(
                f"{where}: secret {name!r} names no {{environment}}; name the environment that owns it in "
                f"secrets.{name}.environment"
            )
        if owner not in (None, self.environment):
            return None
        return Place(SECRETS_MANAGER, self._format(where, name), key)

    def _outside(self, where: str, store: str, path: str, key: Optional[str]) -> Optional[Place]:
        """None if the path belongs to another environment."""
        section = OUTSIDE_AWS[store]
        if self.servers.get(store) is None:
            self.problems.append(f"{where}: no server is declared for it; add stores.{store}: {section.required}")
        self.problems += [f"{where}: {problem}" for problem in section.place_problems(path, key)]
        place = self._secret(where, path, key)
        return Place(store, STORES[store].start + place.name, key) if place else None

    def _parameter(self, where: str, name: str) -> Place:
        if name.startswith("/") or name.endswith("/"):
            self.problems.append(
                f"{where}: {name!r} must be a path below {self.ssm_path}; write it without a slash at its start and end"
            )
        return Place(SSM, f"{self.ssm_path}/{name.strip('/')}")

    def _place(self, where: str, raw: Mapping[str, Any]) -> Optional[Place]:
        if "parameter" in raw:
            return self._parameter(where, raw["parameter"])
        for store in OUTSIDE_AWS:
            if store in raw:
                return self._outside(where, store, raw[store], raw.get("key"))
        return self._secret(where, raw["secret"], raw.get("key"))

    def _part(self, where: str, raw: Any) -> Optional[Part]:
        """None if the part belongs to another environment."""
        if not isinstance(raw, Mapping):
            return str(raw)
        return SettingRef(raw["setting"]) if "setting" in raw else self._place(where, raw)

    def _setting(self, name: str, raw: Mapping[str, Any]) -> Setting:
        where = f"settings.{name}"
        sources = [source for source in SOURCES if source in raw]
        if len(sources) > 1:
            self.problems.append(
                f"{where}: has several sources ({', '.join(sources)}); keep one and list the others as copies"
            )
        source = sources[0] if sources else None
        if source is None and "github" not in raw:
            self.problems.append(
                f"{where}: has no source; give one of {', '.join(SOURCES)}, or github, such as group: app"
            )
        required = raw.get("required", False)
        copies = [self._place(f"{where}.copies[{at}]", copy) for at, copy in enumerate(raw.get("copies", []))]
        copies += self._group_copies(name, raw)
        setting = Setting(
            name=name,
            type=raw.get("type", "url" if "schemes" in raw or "compose" in raw else "string"),
            schemes=tuple(raw.get("schemes", ())),
            sensitivity=raw.get("sensitivity", _DEFAULT_SENSITIVITY.get(source or "group", "low")),
            required=required is True,
            required_when=required["when"] if isinstance(required, Mapping) else None,
            place=self._source_place(where, name, raw),
            literal=str(raw["value"]) if "value" in raw else None,
            compose=self._compose(f"{where}.compose", raw["compose"]) if "compose" in raw else None,
            copies=tuple(dict.fromkeys(copy for copy in copies if copy)),
            broker=raw.get("broker", valkey_key_patterns.names_a_broker(name)),
            **{key: raw[key] for key in _SAME_IN_SETTING if key in raw},
        )
        if setting.required and source in _IN_SECRETS and not setting.rendered:
            self.problems.append(
                f"{where}: is required, but its secret belongs to another environment; override the setting in "
                f"environments.{self.environment}.settings"
            )
        return setting

    def _group_copies(self, name: str, raw: Mapping[str, Any]) -> list[Optional[Place]]:
        groups = (self.document.get("mirror") or {}).get("groups", {})
        if raw.get("group") not in groups:
            return []
        path = groups[raw["group"]]
        return [self._parameter(f"mirror.groups.{raw['group']}", f"{path}/{raw.get('key', name)}")]

    def _source_place(self, where: str, name: str, raw: Mapping[str, Any]) -> Optional[Place]:
        if "group" in raw:
            secret = self._format(f"{where}.group", self.secret_pattern, group=raw["group"])
            return Place(SECRETS_MANAGER, secret, raw.get("key", name))
        source = next((source for source in ("secret", "parameter", *OUTSIDE_AWS) if source in raw), None)
        if source is None:
            return None
        return self._place(f"{where}.{source}", {"key": name, **raw} if source in OUTSIDE_AWS else raw)

    def _compose(self, where: str, raw: Mapping[str, Any]) -> Optional[Compose]:
        single = {
            name: self._part(f"{where}.{name}", raw[name])
            for name in ("host", "username", "password", "port", "path")
            if name in raw
        }
        query = tuple(
            (str(name), self._part(f"{where}.query.{name}", part)) for name, part in raw.get("query", {}).items()
        )
        if None in single.values() or any(part is None for _name, part in query):
            return None
        return Compose(scheme=raw["scheme"], query=query, **single)  # type: ignore[arg-type]

    def _credential(self, name: str, raw: Mapping[str, Any]) -> Credential:
        places: list[Optional[Place]] = []
        for at, entry in enumerate(raw["appears_in"]):
            where = f"credentials.{name}.appears_in[{at}]"
            if {"parameter", "secret", *OUTSIDE_AWS}.intersection(entry):
                keys = entry.get("keys", [entry.get("key")])
                places += [self._place(where, {**entry, "key": key}) for key in keys]
        return Credential(
            name=name,
            kind=raw["kind"],
            settings=tuple(entry["setting"] for entry in raw["appears_in"] if "setting" in entry),
            places=tuple(place for place in places if place),
            github=tuple(entry["github"] for entry in raw["appears_in"] if "github" in entry),
            used_for=tuple(raw.get("used_for", ())),
            exposes=tuple(raw.get("exposes", ())),
            test=catalog_requests.parsed_test(raw["test"]) if "test" in raw else None,
            api=catalog_requests.parsed_api(raw["api"]) if "api" in raw else None,
            server=self._server(f"credentials.{name}.server", raw["server"]) if "server" in raw else None,
            parts=Parts(**raw.get("parts", {})),
            **{key: raw[key] for key in _SAME_IN_CREDENTIAL if key in raw},
        )

    def _server(self, where: str, raw: Mapping[str, Any]) -> Server:
        lists = {
            key: tuple(self._format(f"{where}.{key}[{at}]", item) for at, item in enumerate(raw.get(key, ())))
            for key in ("aliases", "nodes")
        }
        address = self._format(f"{where}.address", raw["address"])
        return Server(**{**raw, **lists, "address": address, "tls": Tls(**raw.get("tls", {}))})
