# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules for production about servers and JWT keys (see production_rules)."""

from __future__ import annotations

import re
from typing import Optional
from urllib.parse import unquote

from ansible_collections.watchparty.secrets.plugins.module_utils._core import value_types
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Setting

_DATABASES = {
    **dict.fromkeys(("mysql", "mysql2", "mariadb", "mongodb"), ("root", "admin")),
    **dict.fromkeys(("postgres", "postgresql", "postgis", "pgsql"), ("postgres", "root")),
    **dict.fromkeys(("mssql", "sqlserver"), ("sa",)),
}
"""Logins that servers are installed with, by scheme."""
_ADMINISTRATORS = {**_DATABASES, **dict.fromkeys(("amqp", "amqps"), ("guest", "admin", "root"))}
_TEST_DATABASE = re.compile(
    r"(?:.+[-_.])?(?:dev|devel|development|tests?|testing|local|ci|stage|staging|qa|e2e|uat)"
    r"|(?:dev|tests?|staging)[-_.].+",
    re.I,
)
_DATABASE_NAME = re.compile(r"(?:.+_)?(?:DB|DATABASE)(?:_NAME)?|PGDATABASE", re.I)
_LOCAL_BACKEND = re.compile(
    r"(?:sqlite|spatialite|memory|cache\+memory|filesystem|(?:locmem|dummy)(?:cache)?|console|"
    r"(?:console|file|memory|dummy|locmem)mail)[\w+]*:.*"
    r"|django\.(?:core\.cache\.backends\.(?:locmem|dummy)|core\.mail\.backends\.(?:console|filebased|dummy|locmem)"
    r"|(?:contrib\.gis\.)?db\.backends\.(?:sqlite3|spatialite|dummy))(?:\..*)?|channels\.layers\.InMemoryChannelLayer",
    re.I,
)
"""Schemes of URLs, and names of classes."""
_JWT_NAME = re.compile(r"JWT(?!.*(?:PUBLIC|PRIVATE|ENCRYPT|KEY_ID)).*(?:KEY|SECRET)S?$", re.I)
JWT_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}
"""Least bytes of a key by algorithm: the length of the digest (RFC 7518)."""


def administrator(setting: Setting, value: str) -> Optional[str]:
    scheme, user, _path = _url(value)
    if user in _ADMINISTRATORS.get(scheme, ()):
        return f"logs in as {user}, the login that administers the server"
    return None


def test_database(setting: Setting, value: str) -> Optional[str]:
    scheme, _user, path = _url(value)
    name = path if scheme in _DATABASES else value if _DATABASE_NAME.fullmatch(setting.name) else ""
    return "names a database of development, tests or staging" if _TEST_DATABASE.fullmatch(name) else None


def _url(value: str) -> tuple[str, str, str]:
    try:
        parts = value_types.split_url(value)
        user = unquote(parts.username or "")
    except ValueError:
        return "", "", ""
    return parts.scheme.partition("+")[0].lower(), user.lower(), unquote(parts.path[1:])


def local_backend(setting: Setting, value: str) -> Optional[str]:
    message = "keeps its data in one process or on one host; production needs a server"
    return message if _LOCAL_BACKEND.fullmatch(value.strip()) else None


def jwt_key(setting: Setting, value: str, algorithm: str = "HS256") -> Optional[str]:
    """Checks a key that signs by HMAC."""
    is_key = setting.sensitivity == "high" and _JWT_NAME.search(setting.name) and not value.startswith("-----BEGIN")
    size, least = len(value.encode(errors="surrogatepass")), JWT_BYTES[algorithm]
    return f"is {size} bytes long; {algorithm} needs at least {least}" if is_key and size < least else None
