# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A catalog drafted from an existing ``.env``. Every guess is marked, and the draft holds no value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import NamedTuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv, value_types
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Setting
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import (
    DJANGO_SECRET_KEY,
    ELASTICACHE_AUTH_TOKEN,
    EXTERNAL,
    POSTGRESQL_ROLE,
    VALKEY_USER,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login, login_of

HEADER = """\
# yaml-language-server: $schema=https://raw.githubusercontent.com/watchparty/secrets/main/docs/catalog.schema.json
# Drafted from a .env: names, and guesses at the rest. It holds no value. Check every line marked "guessed",
# complete the two lines that begin with "# services" and "# journal", and move the file into group_vars/all.
# docs/how-to/write-a-catalog.md explains each key.
"""
_TO_WRITE = (
    '  # services: {web: {units: [app.service], health: "http://127.0.0.1:8000/"}} # what a deploy restarts and checks',
    "  # journal: {s3: BUCKET} # rotations and leak responses need it; provision creates the bucket",
)
"""Keys that no ``.env`` shows, and that only the operator can write."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_+.-]*\Z")
_SECRET = re.compile(r"SECRET|PASSW|PWD|TOKEN|KEY|CREDENTIAL|PRIVATE|DSN|SALT|SIGN|WEBHOOK|CERT", re.IGNORECASE)
_USER = re.compile(r"(USER|USERNAME|LOGIN|_ID)$", re.IGNORECASE)
_MODULE = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)+\Z")
_YAML_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
_PREFIXES = {"DB": "DB", "DATABASE": "DB", "POSTGRES": "DB", "EMAIL": "Email", "SMTP": "Email", "AWS": "Storage"}
_THIRD = re.compile(
    r"(GOOGLE|YOUTUBE|TWITCH|GITHUB|GITLAB|SLACK|STRIPE|PAYPAL|TWILIO|SENDGRID|MAILGUN|OPENAI|FACEBOOK|TWITTER|DISCORD"
    r"|SENTRY|DATADOG|SEGMENT|ALGOLIA|CLOUDFLARE|APPLE|MICROSOFT|AZURE|SPOTIFY|TELEGRAM)_"
)
_KINDS = {"postgresql": POSTGRESQL_ROLE, "postgres": POSTGRESQL_ROLE}
_KINDS.update(dict.fromkeys(("redis", "rediss", "valkey", "valkeys"), VALKEY_USER))
_NAMES = {POSTGRESQL_ROLE: "database", VALKEY_USER: "cache"}
_PASSWORD = re.compile(r"([A-Za-z0-9_]*?_|PG)(?:PASSWORD|PASS|PWD|AUTH_TOKEN)")
_PARTS = {
    "user": ("USER", "USERNAME", "LOGIN"),
    "host": ("HOST", "HOSTNAME", "ENDPOINT"),
    "port": ("PORT",),
    "database": ("NAME", "DATABASE", "DB", "DBNAME"),
}
_PORTS = {"5432": POSTGRESQL_ROLE, "6432": POSTGRESQL_ROLE, "6379": VALKEY_USER, "6380": VALKEY_USER}
_OTHERS = ("3306", "1433", "1521", "27017", "25", "465", "587", "5672", "9200")
"""Ports of servers that have no kind of credential."""
_DATABASES = ("DB", "DATABASE", "POSTGRES", "POSTGRESQL", "PG")
_CACHES = ("REDIS", "VALKEY", "CACHE")
_LONG = 20
"""Characters from which on a text without spaces may be a secret."""


@dataclass(frozen=True)
class Guess:
    name: str
    type: str
    sensitivity: str
    why: str
    schemes: tuple[str, ...] = ()
    is_set: bool = True

    @property
    def line(self) -> str:
        where = (
            f"group: {'integrations' if _THIRD.match(self.name) else 'core'}"
            if self.sensitivity == "high"
            else f"parameter: {_PREFIXES.get(self.name.partition('_')[0], 'App')}/{self.name}"
        )
        parts = [where] + ([f"type: {self.type}"] if self.type != "string" else [])
        parts += [f"schemes: [{', '.join(_text(scheme) for scheme in self.schemes)}]"] if self.schemes else []
        parts.append(f"sensitivity: {self.sensitivity}")
        parts += ["required: true"] if self.is_set and self.sensitivity == "high" else []
        return f"    {_text(self.name)}: {{{', '.join(parts)}}} # guessed: {self.why}"


class Drafted(NamedTuple):
    """A guessed credential."""

    kind: str
    settings: list[str]
    why: str
    parts: Mapping[str, str] = {}
    """Settings that hold the parts of the server's address. Empty if a URL holds the address."""


def draft(values: Mapping[str, str], application: str) -> str:
    """The text of a catalog for these settings."""
    names = [name for name in values if is_name(name)]
    guesses = [replace(guess(name, values[name]), is_set=bool(values[name])) for name in names]
    omitted_lines = [at for at, name in enumerate(values, 1) if not is_name(name)]
    omissions = [f"  # left out: line {at} of the file has no setting's name" for at in omitted_lines]
    lines = [
        HEADER + "secrets_catalog:",
        f"  application: {_text(application)}",
        "  contacts: {security: security@example.com} # guessed: write the address that leak responses show",
        f"  audit_log: {{log_group: /{application}/secrets-audit}} # guessed",
        *_TO_WRITE,
        *_readers(values),
        "",
        "  settings:",
        *(item.line for item in guesses),
        *omissions,
    ]
    drafts = credentials({item.name: values[item.name] for item in guesses}, {item.name: item for item in guesses})
    if drafts:
        lines += ["", "  credentials:"]
        for name, drafted in drafts.items():
            appears = ", ".join(f"{{setting: {_text(setting)}}}" for setting in drafted.settings)
            fallbacks = drafted.kind == DJANGO_SECRET_KEY and _FALLBACKS in values
            text = ", fallbacks: SECRET_KEY_FALLBACKS" if fallbacks else ""
            if drafted.parts:
                parts = ", ".join(f"{part}: {_text(setting)}" for part, setting in drafted.parts.items())
                text += f", parts: {{{parts}}}"
            lines.append(f"    {_text(name)}: # guessed: {drafted.why}")
            lines.append(f"      {{kind: {drafted.kind}, max_age_days: 90{text}, appears_in: [{appears}]}}")
    return "\n".join(lines) + "\n"


_FALLBACKS = "SECRET_KEY_FALLBACKS"


def _readers(values: Mapping[str, str]) -> list[str]:
    """The line that names the default readers which can read every value. Empty if all of them can.

    Another line names values that none of them can read.
    """
    chosen: tuple[str, ...] = dotenv.DEFAULT_READERS
    reasons, unread = [], []
    for name, value in values.items():
        able = dotenv.capable(name, value, chosen) if is_name(name) else chosen
        if able and able != chosen:
            reasons.append(f"{' and '.join(name for name in chosen if name not in able)} cannot read {name}")
            chosen = able
        elif not able:
            unread.append(name)
    lines = [f"  readers: [{', '.join(chosen)}] # guessed: {', '.join(reasons)}; docs/explanation/dotenv.md"]
    remedy = "give each a file of its own: docs/how-to/several-files.md"
    return [*(lines if reasons else []), *([f"  # no reader can read {', '.join(unread)}; {remedy}"] if unread else [])]


def guess(name: str, value: str) -> Guess:
    """Guesses the type and the sensitivity of a setting from its name and the form of its value."""
    kind, schemes = _type(name, value)
    login = login_of(value.split(",")[0])
    if login and login.password:
        return Guess(name, kind, "high", "a URL with a password", schemes)
    if _SECRET.search(name):
        return Guess(name, kind, "high", "its name says that it is secret", schemes)
    if _USER.search(name):
        return Guess(name, kind, "medium", "its name says that it is a user or an id", schemes)
    if kind != "string":
        return Guess(name, kind, "low", f"its form is that of {kind}", schemes)
    if _MODULE.match(value):
        return Guess(name, kind, "low", "its form is that of a module's name")
    if len(value) >= _LONG and not re.search(r"\s", value):
        return Guess(name, kind, "high", "a long text without spaces may be secret")
    return Guess(name, kind, "medium", "its meaning is unknown")


def _type(name: str, value: str) -> tuple[str, tuple[str, ...]]:
    lowered = value.strip().lower()
    if lowered in ("true", "false", "yes", "no", "on", "off"):
        return "boolean", ()
    if re.fullmatch(r"[+-]?[0-9]+", value):
        return "integer", ()
    if "://" in value:
        if "," in value or name.upper().endswith("ORIGINS"):
            return ("origin_list" if _fits("origin_list", value) else "list"), ()
        scheme = value.partition("://")[0]
        fits = _fits("url", value) and re.fullmatch(r"[a-z][a-z0-9+.-]*", scheme)
        return ("url", (scheme,)) if fits else ("string", ())
    if "HOSTS" in name.upper() and _fits("host_list", value):
        return "host_list", ()
    if _fits("email", value) and "@" in value and " " not in value and not _SECRET.search(name):
        return "email", ()
    if value[:1] in "{[" and _fits("json", value):
        return "json", ()
    if _fits("pem", value):
        return "pem", ()
    return "string", ()


def _fits(kind: str, value: str) -> bool:
    return bool(value) and value_types.problem(Setting("X", type=kind), value) is None


def credentials(values: Mapping[str, str], guesses: Mapping[str, Guess]) -> dict[str, Drafted]:
    """Guessed credentials by name. Settings that share one login share one credential."""
    drafts: dict[str, Drafted] = {}
    names: set[str] = set()
    if "SECRET_KEY" in values:
        drafts["django_key"] = Drafted(DJANGO_SECRET_KEY, ["SECRET_KEY"], "Django's signing key, by its name")
        names |= {"SECRET_KEY", _FALLBACKS}
    pair = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    if all(name in values for name in pair):
        drafts["aws_key"] = Drafted(
            EXTERNAL,
            pair,
            "an IAM user's key; kind aws_access_key with options: {user: NAME} rotates it",
        )
        names |= set(pair)
    for login, settings, kind in _shared(values, names):
        name = _free(_NAMES.get(kind, settings[0].lower()), settings[0].lower(), drafts)
        settings += [
            value for value in values if value not in (*names, *settings) and _is_part(value, values[value], login)
        ]
        drafts[name] = Drafted(kind, settings, "the same login in each of them")
        names |= set(settings)
    for drafted in _in_parts(values, names):
        password = drafted.settings[-1].lower()
        drafts[_free(_NAMES.get(drafted.kind, password), password, drafts)] = drafted
        names |= set(drafted.settings)
    for name, item in guesses.items():
        if item.sensitivity == "high" and name not in names:
            drafts[_free(name.lower(), f"{name.lower()}_value", drafts)] = Drafted(
                EXTERNAL, [name], "a provider issues it"
            )
    return drafts


def _in_parts(values: Mapping[str, str], used_names: set[str]) -> Iterator[Drafted]:
    """Logins of servers whose address is in separate settings, such as DB_HOST beside DB_PASSWORD."""
    for name, value in values.items():
        match = _PASSWORD.fullmatch(name)
        if match is None or name in used_names or not value:
            continue
        start = match.group(1)
        names = {
            part: next((start + end for end in ends if values.get(start + end)), "") for part, ends in _PARTS.items()
        }
        kind = _kind_of(start, values.get(names["port"], ""), values.get(start + "ENGINE", ""))
        if not names["host"] or not kind:
            continue
        if values[names["host"]].endswith("amazonaws.com") and kind == VALKEY_USER:
            kind = ELASTICACHE_AUTH_TOKEN
        settings = [setting for setting in (names.pop("user"), name) if setting]
        parts = {part: setting_name for part, setting_name in names.items() if setting_name}
        yield Drafted(kind, settings, "a server's login, by the names and the port", parts)


def _kind_of(start: str, port: str, engine: str) -> str:
    if engine and "postg" not in engine.lower():
        return ""
    prefix = start.rstrip("_").rpartition("_")[2].upper()
    by_prefix = POSTGRESQL_ROLE if prefix in _DATABASES else VALKEY_USER if prefix in _CACHES else ""
    return _PORTS.get(port, "" if port in _OTHERS else by_prefix)


def _shared(values: Mapping[str, str], used_names: set[str]) -> list[tuple[Login, list[str], str]]:
    """Logins inside URLs, with the settings that hold each login, and the kind for the URL's scheme."""
    shared: dict[tuple[str, Login], list[str]] = {}
    for name, value in values.items():
        login = login_of(value.split(",")[0])
        if name not in used_names and login and login.password:
            kind = _KINDS.get(value.partition("://")[0].partition("+")[0].lower(), EXTERNAL)
            shared.setdefault((kind, login), []).append(name)
    return [(login, settings, kind) for (kind, login), settings in shared.items()]


def _is_part(name: str, value: str, login: Login) -> bool:
    if value == login.password:
        return True
    return value == login.username and bool(_USER.search(name))


def _free(name: str, other: str, used_names: Mapping[str, object]) -> str:
    """The first of the two names that is not used. If both are, ``other`` with a number at its end."""
    numbered = (f"{other}_{number}" for number in count(2))
    return next(candidate for candidate in chain((name, other), numbered) if candidate not in used_names)


def _text(name: str) -> str:
    """A word, quoted if YAML would read it as a number or another value."""
    return name if _WORD.match(name) and name.lower() not in _YAML_WORDS else json.dumps(name)


def is_name(name: str) -> bool:
    """Whether a setting may have this name."""
    return _NAME.match(name) is not None


def application_of(name: str | None) -> str:
    """A valid name of an application, made from the name of a folder."""
    return re.sub(r"[^a-z0-9-]+", "-", (name or "").lower()).strip("-") or "app"
