# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks that a committed ``.env`` contains only placeholders."""

from __future__ import annotations

import re
from typing import AbstractSet, Iterator, List, Mapping, Optional, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import production_rules, redaction
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Setting

LIVE = "holds the live value"
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)(?:\s*=|:\s)(.*)$")
_COMMENT = re.compile(r"\s#")
_SECRETISH = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|PASSWD|DSN|CREDENTIAL|_URL$|_URI$", re.IGNORECASE)
_HARMLESS = re.compile(
    r"|true|false|yes|no|on|off|none|null|\d+|\$\{?\w+\}?|.*(?:example|placeholder|change[-_ ]?me|your[-_ ]|dummy|"
    r"insecure|dev[-_]only|localhost|127\.0\.0\.1|<[^<>]*>|\.\.\.|xxx).*",
    re.IGNORECASE,
)
_PASSWORD = re.compile(r"://[^\s/?#@:]*:([^\s/?#@]+)@([^\s/:?#]+)")
_WEAK = re.compile(r"postgres|password|secret|redis|root|admin|user|pass|test(?:ing)?|guest", re.IGNORECASE)


def judged(text: str, catalog: Catalog, live: AbstractSet[str]) -> List[Tuple[str, int, str]]:
    """Name, line and problem of each value that is no placeholder. ``live`` are the values in the stores."""
    results = []
    for number, name, value in _assignments(text):
        message = _problem(name, value, catalog, live)
        if message:
            results.append((name, number, message))
    return results


def _assignments(text: str) -> Iterator[Tuple[int, str, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        match = None if line.lstrip().startswith("#") else _LINE.match(line)
        if match:
            value = match[2].strip()
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
            yield number, match[1], value[1:-1] if quoted else _COMMENT.split(value, 1)[0].rstrip()


def _problem(name: str, value: str, catalog: Catalog, live: AbstractSet[str]) -> Optional[str]:
    if any(entry in live for entry in (value, *(match[0] for match in _PASSWORD.findall(value)))):
        return LIVE
    setting = next((setting for setting in catalog.settings.values() if setting.matches(name)), None)
    if not _is_secret(name, setting) or (setting and setting.example and value == setting.example):
        return None
    passwords = _PASSWORD.findall(value)
    if "://" in value:
        real = [
            password
            for password, host in passwords
            if not _WEAK.fullmatch(password) and not _HARMLESS.fullmatch(f"{password}@{host}")
        ]
        return "holds a password that is not a placeholder" if real else None
    placeholder = Setting(name, sensitivity="high", example=setting.example if setting else None)
    if _HARMLESS.fullmatch(value) or _WEAK.fullmatch(value) or len(value) < redaction.SHORTEST:
        return None
    if "placeholder" in {rule for rule, _message in production_rules.broken(placeholder, value)}:
        return None
    return "is not a placeholder"


def _is_secret(name: str, setting: Optional[Setting]) -> bool:
    if setting is not None:
        return setting.sensitivity != "low"
    return bool(_SECRETISH.search(name))


def live_values(values: Mapping[str, str], sensitivity: Mapping[str, str]) -> AbstractSet[str]:
    """Values that no committed file may contain: masked values, and passwords in URLs."""
    return frozenset(redaction.maskable(values, sensitivity))
