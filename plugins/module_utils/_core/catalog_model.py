# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Data classes of a catalog, for one environment."""

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
    """Bucket and prefix of ``s3://bucket/prefix``. The prefix is empty or ends in a slash. Raises ValueError."""
    bucket, _slash, prefix = text[len(S3_PREFIX) if text.startswith(S3_PREFIX) else 0 :].partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise ValueError(f"{text!r} does not begin with the name of a bucket; give bucket/prefix")
    prefix = prefix.strip("/")
    return bucket, f"{prefix}/" if prefix else ""


@dataclass(frozen=True, order=True)
class Place:
    """A location in a store that holds a value."""

    store: str
    """A key of STORES."""
    name: str
    """Full name of the secret or parameter. For a pattern, the name ends in ``*``."""
    key: Optional[str] = None
    """Key in the secret's JSON object. None for the whole string."""

    def __str__(self) -> str:
        return f"{self.traits.noun} {self.name}" + (f" key {self.key}" if self.key is not None else "")

    @property
    def traits(self) -> StoreTraits:
        return STORES[self.store]


def names_in(store: str, places: Iterable[Place]) -> Tuple[str, ...]:
    """Sorted names of the places in one store."""
    return tuple(sorted({place.name for place in places if place.store == store}))


def labelled_names(places: Iterable[Place]) -> Tuple[str, ...]:
    """Sorted names of secrets whose versions have labels, so that a version can exist before it is current."""
    return tuple(sorted({place.name for place in places if place.traits.has_labels}))


def numbered_names(places: Iterable[Place]) -> Tuple[str, ...]:
    """Sorted names whose versions have numbers but no labels, such as parameters."""
    return tuple(sorted({place.name for place in places if not place.traits.has_labels}))


def names_outside_aws(places: Iterable[Place]) -> Tuple[str, ...]:
    """Sorted names in stores outside AWS."""
    return tuple(sorted({place.name for place in places if not place.traits.is_aws}))


@dataclass(frozen=True)
class SettingRef:
    """The value of another setting, as a part of a composed URL."""

    name: str


Part = Union[str, Place, SettingRef]


@dataclass(frozen=True)
class Compose:
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
    """An environment variable that the application reads, or a value that is only synced to GitHub."""

    name: str
    category: str = "Other"
    description: str = ""
    type: str = "string"
    schemes: Tuple[str, ...] = ()
    min_length: int = 0
    sensitivity: str = "high"
    required: bool = False
    required_when: Optional[str] = None
    """Name of a setting. If that setting has a value, this one is required."""
    place: Optional[Place] = None
    literal: Optional[str] = None
    compose: Optional[Compose] = None
    inventory: Optional[str] = None
    copies: Tuple[Place, ...] = ()
    github: Optional[str] = None
    github_scope: Optional[str] = None
    """Scope at GitHub: repository, environment or organization. None for ``github.scope``."""
    initial: Optional[str] = None
    """The first value. ``{password}`` stands for a generated password."""
    example: Optional[str] = None
    broker: bool = False
    """Whether a message broker uses the database of the URL."""

    @property
    def rendered(self) -> bool:
        """Whether the setting belongs in ``.env``."""
        return bool(self.place or self.compose) or self.literal is not None

    @property
    def is_pattern(self) -> bool:
        return self.name.endswith("*")

    @property
    def own_places(self) -> tuple[Place, ...]:
        """Places that hold the whole value."""
        return ((self.place,) if self.place else ()) + self.copies

    @property
    def places(self) -> tuple[Place, ...]:
        """Places that the value is read from, including the parts of a composed URL."""
        own = (self.place,) if self.place else ()
        composed = tuple(part for part in self.compose.parts if isinstance(part, Place)) if self.compose else ()
        return own + composed + self.copies

    def matches(self, name: str) -> bool:
        return fnmatchcase(name, self.name) if self.is_pattern else name == self.name


@dataclass(frozen=True)
class Tls:
    mode: Optional[str] = None
    """verify-full, verify-ca, require or disable. None for verify-full, or for less on loopback and sockets."""
    reason: Optional[str] = None
    """Reason for a mode other than verify-full."""
    ca: Optional[str] = None
    """Path of trusted certificates on the host that connects. None for the system's certificates."""
    cert: Optional[str] = None
    key: Optional[str] = None


@dataclass(frozen=True)
class Server:
    """The server of an administrator. No value in a store and no server's answer sends the password elsewhere."""

    address: str
    aliases: Tuple[str, ...] = ()
    """Other addresses of the same server in the URLs of applications. The administrator never connects to them."""
    nodes: Tuple[str, ...] = ()
    """Addresses of further nodes of a Valkey deployment."""
    database: str = "postgres"
    tls: Tls = Tls()


@dataclass(frozen=True)
class Parts:
    """Settings that hold a server's address, if no URL holds it."""

    host: Optional[str] = None
    port: Optional[str] = None
    database: Optional[str] = None

    @property
    def settings(self) -> Tuple[str, ...]:
        return tuple(name for name in (self.host, self.port, self.database) if name)


@dataclass(frozen=True)
class Credential:
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
    """Seconds that a previous signing key stays valid. The default is Django's SESSION_COOKIE_AGE."""
    options: Mapping[str, Any] = field(default_factory=dict)
    test: Optional[ValueProbe] = None
    api: Optional[ProviderApi] = None
    server: Optional[Server] = None
    """The server that this administrator logs in to."""
    parts: Parts = Parts()


@dataclass(frozen=True)
class Purge:
    name: str
    kind: str
    """cache or sessions."""
    setting: str
    """Setting whose URL names the server and the database."""
    keys: Tuple[str, ...]


@dataclass(frozen=True)
class Invalidation:
    name: str
    distribution: str
    paths: Tuple[str, ...] = ("/*",)


@dataclass(frozen=True)
class Exemption:
    """A production rule that one setting may break, with the reason."""

    rule: str
    setting: str
    reason: str


@dataclass(frozen=True)
class GitHub:
    """The repository that settings are synced to, and whose workflows may deploy."""

    repository: str
    """OWNER/NAME."""
    environment: str
    """The deployment environment."""
    scope: str = "repository"
    api_url: str = "https://api.github.com"
    owner_id: Optional[int] = None
    repository_id: Optional[int] = None

    @property
    def organization(self) -> str:
        return self.repository.partition("/")[0]


@dataclass(frozen=True)
class Aws:
    """Resources that provisioning creates in AWS, without secrets and parameters."""

    kms_key: str
    """Alias of the KMS key, including ``alias/``."""
    roles: Mapping[str, str]
    """Name by role: those of ``catalog_aws``, and mirror."""
    owner: Optional[str] = None
    tags: Mapping[str, str] = field(default_factory=dict)
    recovery_days: int = 30
    replicas: Tuple[str, ...] = ()
    host_principal: str = "ec2.amazonaws.com"
    operators: Tuple[str, ...] = ()
    readers: Tuple[str, ...] = ()
    """ARNs of further principals that may read the secrets, such as the account's administrators."""
    bucket: Optional[str] = None


@dataclass(frozen=True)
class Catalog:
    """The catalog of one environment."""

    application: str
    environment: str
    production: bool
    ssm_path: str
    settings: Mapping[str, Setting]
    alternatives: Mapping[str, Tuple[Tuple[str, ...], ...]] = field(default_factory=dict)
    readers: Tuple[str, ...] = DEFAULT_READERS
    files: Mapping[str, OutputFile] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    credentials: Mapping[str, Credential] = field(default_factory=dict)
    purge: Mapping[str, Purge] = field(default_factory=dict)
    invalidations: Mapping[str, Invalidation] = field(default_factory=dict)
    sessions: Optional[Sessions] = None
    leak_evicts: bool = False
    """Whether a leak response removes unknown keys and logins by default."""
    contacts: Mapping[str, str] = field(default_factory=dict)
    audit_log: Mapping[str, str] = field(default_factory=dict)
    journal: Optional[Tuple[str, str]] = None
    """Bucket and prefix."""
    alerts: Optional[Alerts] = None
    notifiers: Mapping[str, Notifier] = field(default_factory=dict)
    exemptions: Tuple[Exemption, ...] = ()
    region: Optional[str] = None
    expected_account_id: Optional[str] = None
    github: Optional[GitHub] = None
    encrypted_env: Optional[EncryptedEnvFile] = None
    aws: Optional[Aws] = None
    """None only in tests."""
    mirror: Optional[Mirror] = None
    servers: Mapping[str, Any] = field(default_factory=dict)
    """Server by name of a store outside AWS."""

    @property
    def rotation_secret(self) -> str:
        """First part of the name of the overlay, which hosts read. The rotation's id follows."""
        return f"{self.application}-rotation/{self.environment}"

    @property
    def rotation_logins(self) -> str:
        """First part of the name of the secret with a rotation's new logins, which no host reads. The rotation's id
        follows."""
        return f"{self.application}-rotation-logins/{self.environment}"

    @property
    def journal_place(self) -> Tuple[str, str]:
        """Bucket and key of the journal. Both are empty if the catalog declares none."""
        bucket, prefix = self.journal or ("", "")
        return bucket, f"{prefix}{self.application}/{self.environment}/journal.jsonl" if bucket else ""

    @property
    def baseline_place(self) -> Tuple[str, str]:
        """Bucket and key of the baseline. Both are empty without a journal."""
        bucket, key = self.journal_place
        return bucket, f"{key.rpartition('/')[0]}/baseline.json" if key else ""

    @property
    def sent_path(self) -> str:
        """Path of the parameters that record which values were synced to GitHub."""
        return f"/{self.application}-github/{self.environment}"

    @property
    def secret_names(self) -> tuple[str, ...]:
        """Sorted names of the secrets that hold settings."""
        return labelled_names(self.places)

    @property
    def places(self) -> Iterator[Place]:
        for setting in self.settings.values():
            yield from setting.places

    @property
    def reads_ssm(self) -> bool:
        return bool(numbered_names(self.places))
