# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The values that the pure code passes around: what a catalog declares for one environment."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Iterable, Iterator, Mapping, Optional, Tuple, Union

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_alerts import Alerts
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_encrypted_env import EncryptedEnvFile
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_files import OutputFile
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_mirror import Mirror
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_notify import Notifier
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_requests import ProviderApi, ValueProbe
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_services import Service
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_sessions import Sessions
from ansible_collections.watchparty.secrets.plugins.module_utils._core.dotenv_dialects import DEFAULT_READERS
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_declaration import StoreTraits
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import STORES

S3_PREFIX = "s3://"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def s3_location(text: str) -> Tuple[str, str]:
    """Bucket and prefix of ``s3://bucket/prefix``; the prefix is empty or ends in a slash. Raises ValueError."""
    bucket, _slash, prefix = text[len(S3_PREFIX) if text.startswith(S3_PREFIX) else 0 :].partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise ValueError(f"{text!r} does not begin with the name of a bucket; give bucket/prefix")
    prefix = prefix.strip("/")
    return bucket, f"{prefix}/" if prefix else ""


@dataclass(frozen=True, order=True)
class Place:
    """One spot in a store that holds a value."""

    store: str
    """Its name in STORES."""
    name: str
    """Full name of the secret or parameter. In a pattern's place, the parameter's name still ends in ``*``."""
    key: Optional[str] = None
    """Key inside the secret's JSON object; None for the whole string."""

    def __str__(self) -> str:
        return f"{self.traits.noun} {self.name}" + (f" key {self.key}" if self.key is not None else "")

    @property
    def traits(self) -> StoreTraits:
        return STORES[self.store]


def names_in(store: str, places: Iterable[Place]) -> Tuple[str, ...]:
    """The names that these places have in one store, each once, sorted."""
    return tuple(sorted({place.name for place in places if place.store == store}))


def labelled_names(places: Iterable[Place]) -> Tuple[str, ...]:
    """The names of which a version can be written before it is the current one, each once, sorted."""
    return tuple(sorted({place.name for place in places if place.traits.has_labels}))


def numbered_names(places: Iterable[Place]) -> Tuple[str, ...]:
    """The names whose versions have numbers alone, each once, sorted."""
    return tuple(sorted({place.name for place in places if not place.traits.has_labels}))


def names_outside_aws(places: Iterable[Place]) -> Tuple[str, ...]:
    """The names that are in other stores than AWS's, each once, sorted."""
    return tuple(sorted({place.name for place in places if not place.traits.is_aws}))


@dataclass(frozen=True)
class SettingRef:
    """A part of a composed value that is another setting's value."""

    name: str


Part = Union[str, Place, SettingRef]


@dataclass(frozen=True)
class Compose:
    """A URL whose parts come from several places."""

    scheme: str
    host: Part
    username: Optional[Part] = None
    password: Optional[Part] = None
    port: Optional[Part] = None
    path: Optional[Part] = None
    query: Tuple[Tuple[str, Part], ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        single = (self.host, self.username, self.password, self.port, self.path)
        return tuple(part for part in single if part is not None) + tuple(part for _name, part in self.query)


@dataclass(frozen=True)
class Setting:
    """One environment variable that the application reads, or one that is only mirrored to GitHub."""

    name: str
    category: str = "Other"
    description: str = ""
    type: str = "string"
    schemes: Tuple[str, ...] = ()
    min_length: int = 0
    sensitivity: str = "high"
    required: bool = False
    required_when: Optional[str] = None
    """Required if the setting of this name has a value."""
    place: Optional[Place] = None
    literal: Optional[str] = None
    compose: Optional[Compose] = None
    inventory: Optional[str] = None
    copies: Tuple[Place, ...] = ()
    github: Optional[str] = None
    github_scope: Optional[str] = None
    """Where GitHub keeps it: repository, environment or organization; None for what the catalog says of all."""
    initial: Optional[str] = None
    """Its first value; ``{password}`` stands where a generated one goes."""
    example: Optional[str] = None
    broker: bool = False
    """Whether queues, results or channels live behind its URL."""

    @property
    def rendered(self) -> bool:
        """Whether the setting belongs in ``.env``."""
        return bool(self.place or self.compose) or self.literal is not None

    @property
    def is_pattern(self) -> bool:
        return self.name.endswith("*")

    @property
    def own_places(self) -> tuple[Place, ...]:
        """Where its whole value stands."""
        return ((self.place,) if self.place else ()) + self.copies

    @property
    def places(self) -> tuple[Place, ...]:
        """Every place that the setting's value is read from."""
        own = (self.place,) if self.place else ()
        composed = tuple(part for part in self.compose.parts if isinstance(part, Place)) if self.compose else ()
        return own + composed + self.copies

    def matches(self, name: str) -> bool:
        return fnmatchcase(name, self.name) if self.is_pattern else name == self.name


@dataclass(frozen=True)
class Tls:
    """How an administrator's connection is protected."""

    mode: Optional[str] = None
    """verify-full, verify-ca, require or disable; None for verify-full, and on this machine for what the server has."""
    reason: Optional[str] = None
    """Why less than verify-full is enough."""
    ca: Optional[str] = None
    """File with the certificates of the authorities that may sign, on the host that connects; its own by default."""
    cert: Optional[str] = None
    key: Optional[str] = None


@dataclass(frozen=True)
class Server:
    """Where an administrator logs in. No store value and no server's answer leads its password anywhere else."""

    address: str
    aliases: Tuple[str, ...] = ()
    """Other addresses of the same server that applications may name; the administrator never uses them."""
    nodes: Tuple[str, ...] = ()
    """Addresses of further nodes of a Valkey deployment."""
    database: str = "postgres"
    tls: Tls = Tls()


@dataclass(frozen=True)
class Parts:
    """The settings that hold a server's address, where no URL does."""

    host: Optional[str] = None
    port: Optional[str] = None
    database: Optional[str] = None

    @property
    def settings(self) -> Tuple[str, ...]:
        return tuple(name for name in (self.host, self.port, self.database) if name)


@dataclass(frozen=True)
class Credential:
    """One thing that can be revoked."""

    name: str
    kind: str
    settings: Tuple[str, ...] = ()
    places: Tuple[Place, ...] = ()
    github: Tuple[str, ...] = ()
    max_age_days: Optional[int] = None
    admin: Optional[str] = None
    used_for: Tuple[str, ...] = ()
    fallbacks: Optional[str] = None
    exposes: Tuple[str, ...] = ()
    revocation_ttl: Optional[int] = None
    provider_url: Optional[str] = None
    revoke_after: int = 0
    """Seconds that the old value stays valid after the promotion."""
    fallback_seconds: int = 1209600
    """Seconds that a former signing key still verifies: Django's SESSION_COOKIE_AGE."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What its kind needs beside that."""
    test: Optional[ValueProbe] = None
    """How a value that a third party issued is tested."""
    api: Optional[ProviderApi] = None
    """How its provider makes, lists and revokes keys."""
    server: Optional[Server] = None
    """Where it administers others."""
    parts: Parts = Parts()


@dataclass(frozen=True)
class Purge:
    """Keys in Valkey that a leak response may delete."""

    name: str
    kind: str
    """cache or sessions."""
    setting: str
    """Its URL names the server and the database."""
    keys: Tuple[str, ...]


@dataclass(frozen=True)
class Invalidation:
    """Copies at CloudFront that a leak response makes it forget."""

    name: str
    distribution: str
    paths: Tuple[str, ...] = ("/*",)


@dataclass(frozen=True)
class Exemption:
    """A rule that one setting is excused from, with the reason."""

    rule: str
    setting: str
    reason: str


@dataclass(frozen=True)
class GitHub:
    """Where settings are mirrored to, and whose workflows may deploy."""

    repository: str
    """OWNER/NAME"""
    environment: str
    """The deployment environment there."""
    scope: str = "repository"
    api_url: str = "https://api.github.com"
    owner_id: Optional[int] = None
    repository_id: Optional[int] = None

    @property
    def organization(self) -> str:
        return self.repository.partition("/")[0]


@dataclass(frozen=True)
class Aws:
    """What provisioning makes in AWS beside secrets and parameters."""

    kms_key: str
    """An alias, with ``alias/`` before its name."""
    roles: Mapping[str, str]
    """The name of each role: deploy, host, rotate, respond and verify."""
    owner: Optional[str] = None
    tags: Mapping[str, str] = field(default_factory=dict)
    recovery_days: int = 30
    replicas: Tuple[str, ...] = ()
    host_principal: str = "ec2.amazonaws.com"
    operators: Tuple[str, ...] = ()
    readers: Tuple[str, ...] = ()
    """Users and roles that may read the secrets beside those, such as the account's administrators."""
    bucket: Optional[str] = None


@dataclass(frozen=True)
class Catalog:
    """What one environment of the application must have, and where."""

    application: str
    environment: str
    production: bool
    ssm_path: str
    settings: Mapping[str, Setting]
    alternatives: Mapping[str, Tuple[Tuple[str, ...], ...]] = field(default_factory=dict)
    readers: Tuple[str, ...] = DEFAULT_READERS
    """The programs that read its .env."""
    files: Mapping[str, OutputFile] = field(default_factory=dict)
    """What a deploy writes beside .env."""
    services: Mapping[str, Service] = field(default_factory=dict)
    credentials: Mapping[str, Credential] = field(default_factory=dict)
    purge: Mapping[str, Purge] = field(default_factory=dict)
    invalidations: Mapping[str, Invalidation] = field(default_factory=dict)
    sessions: Optional[Sessions] = None
    """None where the catalog does not say how sessions end."""
    leak_evicts: bool = False
    """Whether a leak response removes keys and logins that nothing explains, if the operator says nothing."""
    contacts: Mapping[str, str] = field(default_factory=dict)
    audit_log: Mapping[str, str] = field(default_factory=dict)
    journal: Optional[Tuple[str, str]] = None
    """Bucket and prefix of the journal of rotations."""
    alerts: Optional[Alerts] = None
    """None for a catalog that tells AWS nothing."""
    notifiers: Mapping[str, Notifier] = field(default_factory=dict)
    exemptions: Tuple[Exemption, ...] = ()
    region: Optional[str] = None
    expected_account_id: Optional[str] = None
    github: Optional[GitHub] = None
    """None for a catalog that mirrors nothing."""
    encrypted_env: Optional[EncryptedEnvFile] = None
    """None for a catalog that keeps none."""
    aws: Optional[Aws] = None
    """None only where a test makes a catalog by hand."""
    mirror: Optional[Mirror] = None
    servers: Mapping[str, Any] = field(default_factory=dict)
    """Of stores outside AWS, by the store's name."""

    @property
    def rotation_secret(self) -> str:
        """Start of the name of the secret in which a rotation's parameters wait, which hosts read; its id follows."""
        return f"{self.application}-rotation/{self.environment}"

    @property
    def rotation_logins(self) -> str:
        """Start of the name of the secret with a rotation's new logins, which no host reads; its id follows."""
        return f"{self.application}-rotation-logins/{self.environment}"

    @property
    def journal_place(self) -> Tuple[str, str]:
        """Bucket and key of the journal; both are empty where the catalog names none."""
        bucket, prefix = self.journal or ("", "")
        return bucket, f"{prefix}{self.application}/{self.environment}/journal.jsonl" if bucket else ""

    @property
    def baseline_place(self) -> Tuple[str, str]:
        """Bucket and key of what servers should show, beside the journal."""
        bucket, key = self.journal_place
        return bucket, f"{key.rpartition('/')[0]}/baseline.json" if key else ""

    @property
    def sent_path(self) -> str:
        """Path of the parameters that record what was sent to GitHub."""
        return f"/{self.application}-github/{self.environment}"

    @property
    def secret_names(self) -> tuple[str, ...]:
        """The secrets that a read of every setting needs, each once, sorted."""
        return labelled_names(self.places)

    @property
    def places(self) -> Iterator[Place]:
        """Where settings are read from."""
        for setting in self.settings.values():
            yield from setting.places

    @property
    def reads_ssm(self) -> bool:
        return bool(numbered_names(self.places))
