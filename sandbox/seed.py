# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Contents of the stores: Watch Party's layout with fresh random values, or any other layout."""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from .postgres import Postgres
from .valkey import Valkey

LONG_AGO = 400
"""Days. A lab's seeded values are older than every limit, so that a rotation replaces them without force."""
ALPHABET = string.ascii_letters + string.digits + "-"
"""Characters that are valid in URLs, RDS, ElastiCache and every dialect of ``.env``."""

SecretContent = Mapping[str, Any] | str | bytes
Parameter = tuple[str, str]
"""Type (``String``, ``StringList`` or ``SecureString``) and value."""


def random_value(length: int = 32) -> str:
    """A random value that begins with a letter, so that no program takes it for an option."""
    return secrets.choice(string.ascii_letters) + "".join(secrets.choice(ALPHABET) for _ in range(length - 1))


@dataclass(frozen=True)
class Journal:
    bucket: str
    application: str
    environment: str

    @property
    def key(self) -> str:
        return f"{self.application}/{self.environment}/journal.jsonl"

    @property
    def target(self) -> str:
        """Name of the journal in a fault."""
        return f"{self.bucket}/{self.key}"

    def make(self, client: Callable[[str], Any]) -> None:
        """Makes the bucket and the journal if they are missing."""
        store = client("s3")
        where = {"LocationConstraint": store.meta.region_name}
        with suppress(store.exceptions.BucketAlreadyOwnedByYou):
            store.create_bucket(Bucket=self.bucket, CreateBucketConfiguration=where)
            store.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})
        with suppress(store.exceptions.ClientError):
            self.put(client, IfNoneMatch="*")

    def put(self, client: Callable[[str], Any], *lines: str, **condition: str) -> None:
        """Writes the journal again, with these entries."""
        store = client("s3")
        header = json.dumps({"application": self.application, "environment": self.environment, "journal": 1})
        body = "".join(f"{line}\n" for line in (header, *lines))
        store.put_object(Bucket=self.bucket, Key=self.key, Body=body.encode(), **condition)

    def add(self, client: Callable[[str], Any], number: int, entry: Mapping[str, Any]) -> None:
        """Writes an entry with that number, after those with lower ones."""
        before = [line for line in self.lines(client) if json.loads(line)["number"] < number]
        self.put(client, *before, json.dumps({**entry, "number": number}))

    def lines(self, client: Callable[[str], Any]) -> list[str]:
        self.make(client)
        result = client("s3").get_object(Bucket=self.bucket, Key=self.key)["Body"].read()
        return list(result.decode().splitlines()[1:])


@dataclass(frozen=True)
class Layout:
    """Wanted contents of the stores. Printing it never shows values."""

    secrets: Mapping[str, SecretContent] = field(default_factory=dict, repr=False)
    parameters: Mapping[str, Parameter] = field(default_factory=dict, repr=False)
    log_groups: tuple[str, ...] = ()
    journal: Journal | None = None


@dataclass(frozen=True)
class Seeded:
    """Written values, for tests to compare."""

    values: Mapping[str, str] = field(repr=False)
    """``secret#key``, ``secret`` or ``/parameter/path`` → value, as text."""
    versions: Mapping[str, str]
    """Secret or parameter → version id or number."""


def seed(client: Callable[[str], Any], layout: Layout) -> Seeded:
    """Writes a layout through the clients that *client* makes (``moto.client``). Existing values get a new version."""
    values: dict[str, str] = {}
    versions: dict[str, str] = {}
    manager = client("secretsmanager")
    for name, content in layout.secrets.items():
        versions[name] = _put_secret(manager, name, content)
        if isinstance(content, Mapping):
            values.update({f"{name}#{key}": str(value) for key, value in content.items()})
        else:
            values[name] = content if isinstance(content, str) else content.hex()
    for group in layout.log_groups:
        logs = client("logs")
        with suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=group)
    if layout.journal:
        layout.journal.make(client)
    store = client("ssm")
    for path, (kind, value) in layout.parameters.items():
        versions[path] = str(store.put_parameter(Name=path, Type=kind, Value=value, Overwrite=True)["Version"])
        values[path] = value
    return Seeded(values, versions)


def _put_secret(manager: Any, name: str, content: SecretContent) -> str:
    if isinstance(content, bytes):
        body: dict[str, Any] = {"SecretBinary": content}
    else:
        body = {"SecretString": content if isinstance(content, str) else json.dumps(content)}
    try:
        return str(manager.create_secret(Name=name, **body)["VersionId"])
    except manager.exceptions.ResourceExistsException:
        return str(manager.put_secret_value(SecretId=name, **body)["VersionId"])


def watchparty(
    environment: str,
    *,
    database_url: str,
    cache_urls: tuple[str, str, str, str],
    administrators: Mapping[str, tuple[str, str]] | None = None,
) -> Layout:
    """Watch Party's layout. *cache_urls*: for the cache, the broker, the results and the channels.

    *administrators* are user name and password by secret: ``database-admin``, ``cache-admin``.
    """
    database = urlsplit(database_url)
    cache, broker, results, channels = cache_urls
    secret_key = random_value(64)
    core = {
        "SECRET_KEY": secret_key,
        "SECRET_KEY_FALLBACKS": "",
        "DATABASE_URL": database_url,
        "REDIS_URL": cache,
        "CELERY_BROKER_URL": broker,
        "CELERY_RESULT_BACKEND": results,
        "CHANNEL_LAYERS_CONFIG_HOSTS": channels,
        "SENTRY_DSN": f"https://{secrets.token_hex(16)}@sentry.example.com/1",
        "DEFAULT_FROM_EMAIL": "noreply@example.com",
        "EMAIL_HOST_PASSWORD": random_value(),
    }
    integrations = {
        "GOOGLE_OAUTH2_CLIENT_ID": f"{random_value(24)}.apps.example.com",
        "GOOGLE_OAUTH2_CLIENT_SECRET": random_value(),
        "YOUTUBE_API_KEY": random_value(),
        "TWITCH_CLIENT_ID": random_value(30),
        "TWITCH_CLIENT_SECRET": random_value(30),
    }
    content: dict[str, SecretContent] = {
        f"watchparty/{environment}/core": core,
        f"watchparty/{environment}/integrations": integrations,
    }
    if environment == "production":
        content["all-in-one-credentials"] = {
            "username": unquote(database.username or ""),
            "password": unquote(database.password or ""),
            "host": database.hostname,
            "port": database.port,
            "dbname": database.path.lstrip("/"),
        }
        content["watch-party-valkey-001-auth-token"] = {"auth_token": unquote(urlsplit(cache).password or "")}
    for name, (user, password) in (administrators or {}).items():
        content[f"watchparty/{environment}/{name}"] = {"username": user, "password": password}
    parameters: dict[str, Parameter] = {
        "DB/URL": ("SecureString", database_url),
        "Redis/URL": ("SecureString", cache),
        "App/SECRET_KEY": ("SecureString", secret_key),
        "App/ALLOWED_HOSTS": ("String", "127.0.0.1,localhost,watchparty.example.com"),
        "App/CSRF_TRUSTED_ORIGINS": ("String", "https://watchparty.example.com"),
        "Email/EMAIL_HOST": ("String", "smtp.example.com"),
        "Email/EMAIL_PORT": ("String", "587"),
        "Email/EMAIL_HOST_USER": ("String", "mailer"),
        "Storage/AWS_STORAGE_BUCKET_NAME": ("String", "watchparty-media"),
        "Security/RATE_LIMIT_LOGIN": ("String", "5/m"),
    }
    named = {f"/WatchParty/{environment}/{path}": value for path, value in parameters.items()}
    journal = Journal("watchparty-secrets", "watchparty", environment)
    return Layout(content, named, log_groups=("/watchparty/secrets-audit",), journal=journal)


def watchparty_on(environment: str, *, postgres: Postgres, valkey: Valkey) -> Layout:
    """Creates the application's two logins on real servers. Returns their layout."""
    owner, master = f"watchparty_{environment}", f"master_{environment}"
    postgres.create_master(master)
    password = postgres.create_logins(owner, owner, master=master)
    administrators = {
        "database-admin": _userinfo(postgres.admin_url_of(master)),
        "cache-admin": _userinfo(valkey.admin_url()),
    }
    return watchparty(
        environment,
        database_url=postgres.url(f"{owner}_a", password, owner),
        cache_urls=(valkey.url(0), valkey.url(1), valkey.url(2), valkey.url(3)),
        administrators=administrators,
    )


def _userinfo(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return unquote(parts.username or ""), unquote(parts.password or "")
