# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks that a value is well-formed for its setting's type. No problem contains the value."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import re
from email.utils import parseaddr
from typing import Callable, Mapping, Optional
from urllib.parse import SplitResult, urlsplit

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Setting

SEVERAL_LINES = ("json", "pem")
"""Types whose values may have several lines."""
TRUE = ("true", "1", "yes", "on", "y", "t")
FALSE = ("false", "0", "no", "off", "n", "f", "")
_HOST = re.compile(r"^\.?[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PEM = re.compile(
    r"-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n(?:[A-Za-z0-9-]+:[^\n]*\n)*[A-Za-z0-9+/=\s]+-----END \1-----"
)
_NO_HOST_SCHEMES = ("sqlite", "sqlite3", "file", "memory", "locmem", "dummy")


def problem(setting: Setting, value: str) -> Optional[str]:
    """The problem of the value, to follow the setting's name. None if well-formed."""
    if setting.min_length and len(value) < setting.min_length:
        return f"is {len(value)} characters long; at least {setting.min_length} are needed"
    return _CHECKS[setting.type](setting, value)


def items(value: str) -> list[str]:
    return [item.strip() for item in value.split(",")]


def is_true(value: str) -> bool:
    return value.strip().lower() in TRUE


def split_url(value: str) -> SplitResult:
    """Raises ValueError, without a value, for a malformed URL."""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError("is not a URL: its host or port is malformed; write SCHEME://HOST:PORT") from None
    if port == 0:
        raise ValueError("is not a URL: its port is 0; write SCHEME://HOST:PORT")
    if not parts.scheme:
        raise ValueError("is not a URL: it has no scheme; write SCHEME://HOST")
    return parts


def _string(setting: Setting, value: str) -> Optional[str]:
    return None


def _list(setting: Setting, value: str) -> Optional[str]:
    return "is a comma list with an empty item; remove the extra comma" if value and not all(items(value)) else None


def _integer(setting: Setting, value: str) -> Optional[str]:
    return None if re.fullmatch(r"[+-]?[0-9]+", value) else "is not a whole number, such as 10"


def _boolean(setting: Setting, value: str) -> Optional[str]:
    return None if value.strip().lower() in TRUE + FALSE and value.strip() else "must be true or false"


def _url(setting: Setting, value: str) -> Optional[str]:
    if value != value.strip() or any(ord(char) < 33 for char in value):
        return "is not a URL: it holds white space or control characters; remove them"
    try:
        parts = split_url(value)
    except ValueError as error:
        return str(error)
    if setting.schemes and parts.scheme not in setting.schemes:
        return f"has another scheme than {' or '.join(setting.schemes)}"
    if not parts.hostname and parts.scheme not in _NO_HOST_SCHEMES:
        return "is a URL without a host; write SCHEME://HOST"
    userinfo = parts.netloc.rpartition("@")[0]
    if "@" in userinfo or _BAD_PERCENT.search(userinfo):
        return "has a user or password that is not percent-encoded; write special characters as %XX, such as %40 for @"
    return None


def _hosts(setting: Setting, value: str) -> Optional[str]:
    for number, host in enumerate(items(value), 1):
        if host == "*" or _HOST.match(host) or _is_address(host):
            continue
        return f"is a list of hosts, but item {number} is not a host; write it without scheme, port and path"
    return None


def _is_address(host: str) -> bool:
    if not (host.startswith("[") and host.endswith("]")):
        return False
    try:
        ipaddress.IPv6Address(host[1:-1])
    except ValueError:
        return False
    return True


def _origins(setting: Setting, value: str) -> Optional[str]:
    for number, origin in enumerate(items(value), 1):
        try:
            parts = split_url(origin)
        except ValueError as error:
            return f"is a list of origins, and item {number} {error}"
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return f"is a list of origins, but item {number} is not an origin; write https://host or http://host:port"
        if parts.path or parts.query or parts.fragment or "@" in parts.netloc:
            return f"is a list of origins, but item {number} has text after the host; remove it"
    return None


def _email(setting: Setting, value: str) -> Optional[str]:
    address = parseaddr(value)[1]
    return None if re.fullmatch(r"[^@\s]+@[^@\s]+", address) else "is not an e-mail address, such as ops@example.com"


def _json(setting: Setting, value: str) -> Optional[str]:
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return "is not valid JSON"
    return None


def _pem(setting: Setting, value: str) -> Optional[str]:
    rest = value.strip()
    while rest:
        block = _PEM.match(rest)
        if not block:
            return "is not PEM: -----BEGIN NAME-----, base64 lines and -----END NAME----- are expected"
        rest = rest[block.end() :].strip()
    return None if value.strip() else "is not PEM"


def _base64(setting: Setting, value: str) -> Optional[str]:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return "is not valid base64; encode it by base64 FILE"
    return None


_CHECKS: Mapping[str, Callable[[Setting, str], Optional[str]]] = {
    "string": _string,
    "list": _list,
    "integer": _integer,
    "boolean": _boolean,
    "url": _url,
    "host_list": _hosts,
    "origin_list": _origins,
    "email": _email,
    "json": _json,
    "base64": _base64,
    "pem": _pem,
}
