# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can be wrong with a rotation that is asked for, and what the run says of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.integration.rotation_lab import CORE, MASTER

TOKEN = "watch-party-valkey-001-auth-token"


@dataclass(frozen=True)
class Bad:
    """One thing that is wrong."""

    messages: tuple[str, ...]
    """What the run must say."""
    never: tuple[str, ...] = ()
    """What it must not say."""
    credential: str = "database"
    catalog: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Options of credentials that differ."""
    keys: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Keys of secrets that somebody wrote."""
    text: Mapping[str, str] = field(default_factory=dict)
    """Whole contents of secrets."""
    given: Mapping[str, Any] | None = None
    """What stands in the file of new values."""
    arguments: tuple[str, ...] = ()


MAIL = {
    "mail": {
        "kind": "external",
        "appears_in": [{"setting": "EMAIL_HOST_PASSWORD"}],
        "provider_url": "https://mail.example.com/keys",
    }
}
ROWS = {
    "unknown credential": Bad(
        ("databse: is not a credential of the catalog; choose from cache,",), credential="databse"
    ),
    "unknown kind": Bad(
        (
            "cache: kind valky does not exist; kinds are ",
            "postgresql_role, rabbitmq_user",
            "your own are folders in rotation_kinds_path",
        ),
        credential="cache",
        catalog={"cache": {"kind": "valky"}},
    ),
    "appears in nothing": Bad(
        ("credentials.database.appears_in",), catalog={"database": {"appears_in": []}}, credential="cache"
    ),
    "no place holds it": Bad(
        ("database: no store holds its value: DB_PASSWORD", f"secret {CORE} key DB_PASSWORD"),
        catalog={"database": {"appears_in": [{"setting": "DB_PASSWORD"}]}},
    ),
    "not found at a place": Bad(
        ("database: secret all-in-one-credentials key pasword holds no value",),
        catalog={
            "database": {
                "appears_in": [
                    {"setting": "DATABASE_URL"},
                    {"secret": "all-in-one-credentials", "keys": ["username", "pasword"]},
                ]
            }
        },
    ),
    "no such secret": Bad(
        ("database: secret not-there/production key password holds no value (missing)",),
        catalog={
            "database": {
                "appears_in": [{"setting": "DATABASE_URL"}, {"secret": "not-there/{environment}", "key": "password"}]
            }
        },
    ),
    "two passwords": Bad(
        (
            (
                f"DATABASE_URL (secret {CORE} key DATABASE_URL) and secret all-in-one-credentials key "
                "password hold different passwords; correct the wrong one"
            ),
        ),
        keys={"all-in-one-credentials": {"password": "canary-of-somebody"}},
    ),
    "two user names": Bad(
        ("and secret all-in-one-credentials key username hold different user names; correct the wrong one",),
        keys={"all-in-one-credentials": {"username": "somebody-else"}},
    ),
    "a URL that cannot be parsed": Bad(
        (
            f"cache: REDIS_URL (secret {CORE} key REDIS_URL) cannot be parsed as a URL: it has no ://; ",
            "write scheme://user:password@host/… there, with special characters of the user name and ",
        ),
        ("different passwords",),
        credential="cache",
        keys={CORE: {"REDIS_URL": "redis//:canary-in-no-url@127.0.0.1/0"}},
    ),
    "a token that cannot be parsed": Bad(
        (
            (
                f"cache: secret {TOKEN}: is not JSON (line 1, column 1), but the catalog needs key auth_token; "
                "store a JSON "
            ),
        ),
        ("holds no value",),
        credential="cache",
        text={TOKEN: "canary-that-is-no-json"},
    ),
    "no administrator": Bad(
        ("database: it has no administrator in the catalog; name one in credentials.database.admin",),
        catalog={"database": {"admin": None}},
    ),
    "an administrator without a password": Bad(
        ("database: its administrator database_admin cannot be read: ", "key password holds no value"),
        text={"watchparty/production/database-admin": json.dumps({"username": MASTER})},
    ),
    "ElastiCache": Bad(
        ("its address is ElastiCache, which has no ACL SETUSER; use kind elasticache_auth_token",),
        credential="cache",
        keys={
            CORE: dict.fromkeys(
                ("REDIS_URL", "CELERY_BROKER_URL", "CELERY_RESULT_BACKEND", "CHANNEL_LAYERS_CONFIG_HOSTS"),
                "rediss://:canary-token-of-sixteen@master.x.euw3.cache.amazonaws.com:6379/0",
            ),
            TOKEN: {"auth_token": "canary-token-of-sixteen"},
        },
    ),
    "no setting of previous keys": Bad(
        (
            (
                "its rotation would log all users out, because no setting lists previous keys; name one in "
                "credentials.django_key"
            ),
        ),
        credential="django_key",
        catalog={"django_key": {"fallbacks": None}},
    ),
    "a key with another use": Bad(
        ("django_key: its key is also used for jwt, which would be lost with the old key; use another key",),
        credential="django_key",
        catalog={"django_key": {"used_for": ["sessions", "jwt"]}},
    ),
    "an externally issued value is not given": Bad(
        (
            "mail: cannot be asked for",
            "give it by the line NAME: 'VALUE' in -e rotation_values_file=FILE (mode 0600)",
        ),
        credential="mail",
        catalog=MAIL,
    ),
    "an externally issued value is the old one": Bad(
        (
            (
                "mail: the given new value is the value in use; get a new one from the provider at "
                "https://mail.example.com/keys"
            ),
        ),
        credential="mail",
        catalog=MAIL,
        keys={CORE: {"EMAIL_HOST_PASSWORD": "canary-in-use-since-long-ago"}},
        given={"mail": "canary-in-use-since-long-ago"},
    ),
    "an externally issued value is empty": Bad(
        ("mail: its new value is empty or not text; write it in quotes",),
        credential="mail",
        catalog=MAIL,
        given={"mail": ""},
    ),
    "a folder of kinds that is not there": Bad(
        ("rotation_kinds_path: /nonexistent is not a folder",), arguments=("-e", "rotation_kinds_path=/nonexistent")
    ),
    "words that are not understood": Bad(
        (
            "Nothing was read: rotation_force: 'ture' is neither yes nor no; give true or false",
            "rotation_abort: 'y' is neither",
            "env_deploy_restart: 'fals' is neither",
        ),
        credential="cache",
        arguments=("-e", "rotation_force=ture rotation_abort=y env_deploy_restart=fals"),
    ),
}
