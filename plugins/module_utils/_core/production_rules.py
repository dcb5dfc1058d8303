# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules for values in production, by the names that exceptions use.

A rule returns a problem, to follow the setting's name, or None. It never repeats the value.
"""

from __future__ import annotations

import math
import re
from typing import Callable, List, Mapping, Optional
from urllib.parse import SplitResult, unquote

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    production_servers,
    redaction,
    value_types,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Setting
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_endpoint import is_loopback

_PLACEHOLDER = re.compile(
    r"^(django-insecure-|change[-_ ]?me|replace[-_ ]?me|your[-_ ]|todo\b|dummy\b|placeholder|<.*>$|x{4,}$)", re.I
)
SECRET_KEY_LENGTH = 50
STRENGTH = 48
"""Bits of a secret that nobody can guess within the limits of a server's login."""
_WORDS = re.compile(
    r"(?:^|[-_ .])(?:example|sample|placeholder|insecure|change_?me|dummy|do[-_ ]not|lorem)(?:[-_ .]|$)"
    r"|EXAMPLE(?:KEY)?$"
    r"|^(?:ENC\[|\$ANSIBLE_VAULT|!vault|(?:op|file)://|(?:vault|ssm):|ref\+|arn:aws[\w-]*:(?:secretsmanager|ssm):|\{\{|AQICAH|\$\()"
    r"|^(?:@Microsoft\.KeyVault|-----BEGIN (?:PGP|AGE))",
    re.I,
)
"""Words that no generated value contains, and unresolved references."""
_KEYBOARD = re.compile(r"qwerty(?:uiop)?|qwertz(?:uiop)?|azerty(?:uiop)?|asdf(?:ghjkl)?|zxcv(?:bnm)?", re.I)
_COMMON = re.compile(r"p[a@4][s5$]{2}w[o0]rd|secret|production|prod|staging|admin|welcome|(?:19|20)[0-9]{2}", re.I)
_HEXADECIMAL = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_TEST_MODE = re.compile(r"(?:sk|pk|rk|whsec)_test_", re.I)
_SECRET_NAME = re.compile(
    r"(?:^|_)(?:(?:KEY|SECRET|TOKEN|PASSWORD|PASSWD|PWD|PASS|PASSPHRASE|PEPPER|SALT)S?|KEY_FALLBACKS)$", re.I
)
_PUBLIC_NAME = re.compile(r"PUBLIC|PUBLISHABLE|SITE_?KEY|KEY_ID$", re.I)
_REGISTRY = re.compile(
    r"[^.]*|(?:co|com|org|net|gov|ac|edu)\.[a-z]{2}|(?:.+\.)?amazonaws\.com|(?:github|gitlab|ngrok)\.io|herokuapp\.com|"
    r"ngrok-free\.(?:app|dev)|trycloudflare\.com|(?:up\.)?railway\.app|(?:.+\.)?azurecontainerapps\.io|replit\.app|loca\.lt|"
    r"(?:vercel|netlify|web|run|ngrok)\.app|(?:pages|workers|fly)\.dev|(?:appspot|onrender|firebaseapp)\.com|"
    r"cloudfront\.net|azurewebsites\.net|(?:.+\.)?(?:nip|sslip)\.io",
    re.I,
)
"""Domains below which anybody can register names: top-level domains, others such as co.uk, and hosting providers."""
_STAGES = (
    r"(?:dev|devel|develop|development|local|tests?|testing|debug|ci|stage|staging|qa|e2e|uat|demo|preview|sandbox|"
    r"example|sample)"
)
_DEVELOPMENT = re.compile(rf"(?:.*[._])?{_STAGES}(?:_?settings)?|(?:.*\.)?{_STAGES}\..*", re.I)
_WEAK_TLS = re.compile(
    r"[?&](ssl[-_]?mode=(?:disabled?|allow|prefer(?:red)?)?|(?:ssl_)?cert_reqs=(?:(?:cert_)?(?:none|optional)|0)|tls(?:insecure|allowinvalid\w+)=true|verify=verify_none|ssl_check_hostname=(?:false|0)|"
    r"(?:ssl|tls)=(?:false|0|no|off|skip-verify))(?:&|$)",
    re.I,
)
_QUERY_TOKEN = re.compile(r"[?&](?:\w*_)?(?:token|key|apikey|secret|sig|signature)=([^&#]+)", re.I)
_WEBHOOK = re.compile(
    r"https://(?:hooks\.slack\.com/(?:services|workflows)/|discord(?:app)?\.com/api/webhooks/|[\w.-]+\.webhook\.office\.com/)."
)
_PLAIN_SCHEMES = ("valkey", "amqp", "mqtt", "ldap", "ftp")
_SECURE_OPTION = re.compile(r"(?:SESSION|CSRF)_COOKIE_SECURE")
_OPEN_OPTION = re.compile(r"CORS_(?:ALLOW_ALL_ORIGINS|ORIGIN_ALLOW_ALL)|(?!DJANGO_).+_DEBUG")
_WITH_PASSWORD = ("postgres", "postgresql", "mysql", "redis", "rediss", "valkey", "valkeys", "amqp", "amqps", "mongodb")


def broken(
    setting: Setting, value: str, excused: frozenset[str] = frozenset(), *, strictly: bool = False
) -> list[tuple[str, str]]:
    """Broken rules, as (name, problem). ``strictly`` adds the rules that no deploy enforces."""
    rules = {**RULES, **STRICT_RULES} if strictly else RULES
    results = ((name, rule(setting, value)) for name, rule in rules.items() if name not in excused)
    return [(name, message) for name, message in results if message]


def is_secret_name(name: str) -> bool:
    return bool(_SECRET_NAME.search(name)) and not _PUBLIC_NAME.search(name)


def strength(value: str) -> float:
    """A low estimate of the bits. Repetitions, and sequences such as abc, count once. In hexadecimal, only three
    characters make a sequence, because two are chance."""
    value = _COMMON.sub("", _KEYBOARD.sub("q", value[:200]))
    steps = [0, *(ord(after) - ord(before) for before, after in zip(value, value[1:]))]
    needs_three = _HEXADECIMAL.fullmatch(value)
    jumps = [
        letter
        for letter, before, step in zip(value, [0, *steps], [2, *steps[1:]])
        if abs(step) > 1 or (needs_three and step != before)
    ]
    once = re.sub(r"(.+?)\1+", r"\1", "".join(jumps), flags=re.DOTALL)
    return len(once) * math.log2(len(set(once))) if once else 0.0


def _no_debug(setting: Setting, value: str) -> Optional[str]:
    if setting.name in ("DEBUG", "DJANGO_DEBUG") and value_types.is_true(value):
        return "is on; turn it off in production"
    return None


def _redis_tls(setting: Setting, value: str) -> Optional[str]:
    if not value.lower().startswith("redis://"):
        return None
    try:
        host = value_types.split_url(value).hostname or ""
    except ValueError:
        return None
    return None if is_loopback(host) else "sends data over the network without TLS; use rediss://"


def _secret_key_length(setting: Setting, value: str) -> Optional[str]:
    if setting.name == "SECRET_KEY" and len(value) < SECRET_KEY_LENGTH:
        return f"is {len(value)} characters long; production needs at least {SECRET_KEY_LENGTH}"
    return None


def is_placeholder(value: str, example: Optional[str] = None) -> bool:
    return _PLACEHOLDER.match(value) is not None or bool(example and value == example)


def is_example(value: str) -> bool:
    """Whether the text is a placeholder, or refers to a value elsewhere."""
    return is_placeholder(value) or _WORDS.search(value) is not None


def _placeholder(setting: Setting, value: str) -> Optional[str]:
    if setting.sensitivity == "low":
        return None
    return "still holds a placeholder" if is_placeholder(value, setting.example) else None


def _any_host(setting: Setting, value: str) -> Optional[str]:
    if setting.type == "host_list" and "*" in value_types.items(value):
        return "accepts every host (*)"
    return None


def _weak(setting: Setting, value: str) -> Optional[str]:
    texts = [*redaction.passwords(value), *_query_passwords(value)]
    if not texts and setting.sensitivity == "high" and is_secret_name(setting.name):
        items = value_types.items(value) if setting.type == "list" else [value] if setting.type == "string" else []
        texts = [text for text in items if text or setting.type == "string"]
    if any(is_example(text) or strength(text) < STRENGTH for text in texts):
        return "is easy to guess; generate at least 20 random characters"
    return None


def _query_passwords(value: str) -> List[str]:
    return [unquote(text) for text in re.findall(r"://.*[?&](?:password|passwd|pwd)=([^&#]*)", value)]


def is_secret_url(value: str) -> bool:
    """Whether the URL alone gives access: a chat's webhook, or a token in the query."""
    tokens = _QUERY_TOKEN.findall(value.partition("://")[2])
    return bool(_WEBHOOK.match(value)) or any(strength(unquote(token)) >= STRENGTH for token in tokens)


def _test_mode(setting: Setting, value: str) -> Optional[str]:
    return "is a key of its provider's test mode" if _TEST_MODE.match(value) else None


def _insecure_option(setting: Setting, value: str) -> Optional[str]:
    is_on = value_types.is_true(value)
    if (_OPEN_OPTION.fullmatch(setting.name) and is_on) or (_SECURE_OPTION.fullmatch(setting.name) and not is_on):
        return f"is {'on' if is_on else 'off'}; turn it {'off' if is_on else 'on'} in production"
    return None


def _url_parts(value: str) -> Optional[SplitResult]:
    """The parts of a URL whose server is reached over the network. None for others."""
    try:
        parts = value_types.split_url(value)
        return parts if "://" in value and parts.hostname and not is_loopback(parts.hostname) else None
    except ValueError:
        return None


def _no_password(setting: Setting, value: str) -> Optional[str]:
    parts = _url_parts(value)
    if parts and parts.scheme.partition("+")[0].lower() in _WITH_PASSWORD and not parts.password:
        return "has no password in its URL"
    return None


def _weak_tls(setting: Setting, value: str) -> Optional[str]:
    parts = _url_parts(value)
    option = _WEAK_TLS.search(unquote(value)) if parts else None
    if parts and parts.scheme.lower() in _PLAIN_SCHEMES:
        return f"goes over the network without TLS; use {parts.scheme.lower()}s://"
    return f"does not require TLS ({option[1]})" if option else None


def _framed(setting: Setting, value: str) -> Optional[str]:
    """The value with the blanks or quotes of the file that it was copied from: the program gets them too."""
    text = value.strip()
    if setting.sensitivity == "low" or "\n" in text:
        return None
    is_quoted = text[:1] in ("'", '"') and text[1:-1].count(text[0]) == 0 and text.endswith(text[0]) and len(text) > 1
    return "has a blank, a line break or quotes around it" if is_quoted or text != value else None


def _any_domain(setting: Setting, value: str) -> Optional[str]:
    hosts = value_types.items(value) if setting.type in ("host_list", "origin_list") else []
    wide = [host.rpartition("://")[2].partition(":")[0].lstrip("*") for host in hosts]
    below = [host for host in wide if host.startswith(".") and _REGISTRY.fullmatch(host[1:].rstrip("."))]
    if below:
        return f"accepts every host name below {below[0]}"
    return "accepts every host (*)" if setting.type == "origin_list" and "" in wide else None


def _plain_origin(setting: Setting, value: str) -> Optional[str]:
    if setting.type != "origin_list":
        return None
    if "null" in value_types.items(value.lower()):
        return "trusts the origin null, which any page can have"
    plain = [item for item in value_types.items(value) if item.lower().startswith("http://") and _url_parts(item)]
    return "trusts an origin without TLS; use https://" if plain else None


def _development(setting: Setting, value: str) -> Optional[str]:
    if setting.name == "DJANGO_SETTINGS_MODULE" and _DEVELOPMENT.fullmatch(value):
        return "names the settings module of development, tests or staging"
    return None


RULES: Mapping[str, Callable[[Setting, str], Optional[str]]] = {
    "any_host": _any_host,
    "no_debug": _no_debug,
    "placeholder": _placeholder,
    "redis_tls": _redis_tls,
    "secret_key_length": _secret_key_length,
}
STRICT_RULES: Mapping[str, Callable[[Setting, str], Optional[str]]] = {
    "administrator_login": production_servers.administrator,
    "any_domain": _any_domain,
    "framed": _framed,
    "insecure_option": _insecure_option,
    "jwt_key": production_servers.jwt_key,
    "local_backend": production_servers.local_backend,
    "plain_origin": _plain_origin,
    "settings_module": _development,
    "strength": _weak,
    "test_database": production_servers.test_database,
    "test_mode": _test_mode,
    "url_password": _no_password,
    "url_tls": _weak_tls,
}
"""Rules that only a verification reports, because applications may run with such values today."""
