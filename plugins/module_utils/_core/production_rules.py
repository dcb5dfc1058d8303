# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules that a production environment's values must satisfy, each by the name that an exception gives.

A rule looks at one setting and its value and answers with words to follow the setting's name, or None. It never repeats
the value.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Callable, Mapping, Optional

from ansible_collections.watchparty.secrets.plugins.module_utils._core import value_types
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Setting

_PLACEHOLDER = re.compile(
    r"^(django-insecure-|change[-_ ]?me|replace[-_ ]?me|your[-_ ]|todo\b|dummy\b|placeholder|<.*>$|x{4,}$)", re.I
)
SECRET_KEY_LENGTH = 50


def broken(setting: Setting, value: str, excused: frozenset[str] = frozenset()) -> list[tuple[str, str]]:
    """The rules that the value breaks, as (name of the rule, words)."""
    results = ((name, rule(setting, value)) for name, rule in RULES.items() if name not in excused)
    return [(name, message) for name, message in results if message]


def _no_debug(setting: Setting, value: str) -> Optional[str]:
    if setting.name in ("DEBUG", "DJANGO_DEBUG") and value_types.is_true(value):
        return "is on; production never runs with it"
    return None


def _redis_tls(setting: Setting, value: str) -> Optional[str]:
    if not value.lower().startswith("redis://"):
        return None
    try:
        host = value_types.split_url(value).hostname or ""
    except ValueError:
        return None
    return None if _is_loopback(host) else "goes over the network without TLS; use rediss://"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _secret_key_length(setting: Setting, value: str) -> Optional[str]:
    if setting.name == "SECRET_KEY" and len(value) < SECRET_KEY_LENGTH:
        return f"is {len(value)} characters long; production needs at least {SECRET_KEY_LENGTH}"
    return None


def is_placeholder(value: str, example: Optional[str] = None) -> bool:
    """Whether the value stands in for one that is still to come."""
    return _PLACEHOLDER.match(value) is not None or bool(example and value == example)


def _placeholder(setting: Setting, value: str) -> Optional[str]:
    if setting.sensitivity == "low":
        return None
    return "still holds a placeholder" if is_placeholder(value, setting.example) else None


def _any_host(setting: Setting, value: str) -> Optional[str]:
    if setting.type == "host_list" and "*" in value_types.items(value):
        return "admits every host (*)"
    return None


RULES: Mapping[str, Callable[[Setting, str], Optional[str]]] = {
    "any_host": _any_host,
    "no_debug": _no_debug,
    "placeholder": _placeholder,
    "redis_tls": _redis_tls,
    "secret_key_length": _secret_key_length,
}
