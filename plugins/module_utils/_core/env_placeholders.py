# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks that a committed ``.env`` contains only placeholders."""

from __future__ import annotations

import re
from typing import AbstractSet, Iterator, List, Mapping, Optional, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import production_rules, redaction
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog

LIVE = "holds the live value"
_LINE = re.compile(
    r"[\s{,#]*(?:export\s+(?:const\s+)?|set\s+|\$env:)?[\"']?([A-Za-z_][\w.-]*)[\"']?(?:\s*=|:\s)\s*(.*)"
)
"""An assignment of a shell, JSON, YAML, JavaScript or PowerShell."""
_VALUE = re.compile(r"([\"'])(?P<quoted>.*)\1[\s,;}]*(?:\s#.*)?|(?P<plain>.*?)(?:(?:^|\s)#\s.*)?")
_HARMLESS = re.compile(
    r"|true|false|yes|no|on|off|none|null|\d+|\W+|\$\w+|\$\{\w+(?:|:?-|:?\?.*)\}|\{\w+\}|encrypted:.*|"
    r".*(?:example|placeholder|change[-_ ]?me|your[-_ ]|insecure|dev[-_]only|localhost|127\.0\.0\.1|<[^<>]*>|"
    r"\.\.\.|xxx).*",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[a-z]+((?:[-_ .][a-z]+)*)", re.IGNORECASE)
_PASSWORD = re.compile(r"://[^\s/?#@:]*:([^\s/?#@]+)@([^\s/:?#]+)")


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
        match = _LINE.match(line)
        parts = _VALUE.fullmatch(match[2].strip()) if match else None
        value = (parts["quoted"] or parts["plain"] or "") if parts else ""
        if match and not (" " in value and line.lstrip().startswith("#")):  # a sentence
            yield number, match[1], value


def _problem(name: str, value: str, catalog: Catalog, live: AbstractSet[str]) -> Optional[str]:
    passwords = _PASSWORD.findall(value)
    if any(entry in live for entry in (value, *(password for password, _host in passwords))):
        return LIVE
    setting = next((setting for setting in catalog.settings.values() if setting.matches(name)), None)
    if setting and (setting.sensitivity == "low" or (setting.example and value == setting.example)):
        return None
    if "://" in value:
        real = [host for password, host in passwords if not _is_harmless(password) and not _HARMLESS.fullmatch(host)]
        return "holds a password that is not a placeholder" if real or production_rules.is_secret_url(value) else None
    is_secret = setting or production_rules.is_secret_name(re.sub("[.-]", "_", name))
    return "is not a placeholder" if is_secret and not _is_harmless(value) else None


def _is_harmless(value: str) -> bool:
    """Whether a value is short, a reference, an example, or made of words."""
    words = _WORDS.fullmatch(value)
    is_wordy = words and (words[1] or production_rules.strength(value) < production_rules.STRENGTH)
    is_short = len(value) < redaction.SHORTEST
    return bool(is_short or is_wordy or _HARMLESS.fullmatch(value) or production_rules.is_example(value))


def live_values(values: Mapping[str, str], sensitivity: Mapping[str, str]) -> AbstractSet[str]:
    """Values that no committed file may contain: masked values, and passwords in URLs."""
    return frozenset(redaction.maskable(values, sensitivity))
