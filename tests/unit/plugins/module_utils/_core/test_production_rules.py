# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Setting
from ansible_collections.watchparty.secrets.plugins.module_utils._core.production_rules import RULES, broken

HIGH = Setting("TOKEN", sensitivity="high", example="my-example-value")
HOSTS = Setting("ALLOWED_HOSTS", type="host_list", sensitivity="low")
KEY = Setting("SECRET_KEY", sensitivity="high")
URL = Setting("REDIS_URL", type="url", sensitivity="high")


@pytest.mark.parametrize(
    ("setting", "value", "rule"),
    [
        (Setting("DEBUG", sensitivity="low"), "True", "no_debug"),
        (Setting("DJANGO_DEBUG", sensitivity="low"), "1", "no_debug"),
        (URL, "redis://canary@cache.test:6379/0", "redis_tls"),
        (URL, "Redis://10.0.0.1", "redis_tls"),
        (KEY, "x" * 49 + "y", None),
        (KEY, "canary", "secret_key_length"),
        (HIGH, "change_me_canary", "placeholder"),
        (HIGH, "CHANGEME", "placeholder"),
        (HIGH, "change-me", "placeholder"),
        (HIGH, "django-insecure-canary", "placeholder"),
        (HIGH, "your-api-key", "placeholder"),
        (HIGH, "<token>", "placeholder"),
        (HIGH, "xxxxxxxx", "placeholder"),
        (HIGH, "todo", "placeholder"),
        (HIGH, "replace_me", "placeholder"),
        (HIGH, "my-example-value", "placeholder"),
        (HOSTS, "a.test, *", "any_host"),
        (Setting("DEBUG", sensitivity="low"), "False", None),
        (Setting("DEBUG", sensitivity="low"), "", None),
        (Setting("DEBUG_LEVEL", sensitivity="low"), "1", None),
        (URL, "rediss://cache.test:6379/0", None),
        (URL, "redis://127.0.0.1:6379/0", None),
        (URL, "redis://[::1]/0", None),
        (URL, "redis://localhost/0", None),
        (URL, "redis://[broken", None),
        (HIGH, "exchange_me", None),
        (HIGH, "xxxxy", None),
        (HIGH, "todos", None),
        (Setting("L", sensitivity="low"), "change_me", None),
        (HOSTS, "a.test,*.b.test", None),
        (Setting("X", sensitivity="low"), "*", None),
    ],
)
def test_each_rule_and_what_it_lets_pass(setting: Setting, value: str, rule: str | None) -> None:
    results = broken(setting, value)
    assert [name for name, _words in results] == ([rule] if rule else [])
    assert all("canary" not in message for _name, message in results)


@pytest.mark.parametrize("rule", sorted(RULES))
def test_each_rule_can_be_excused_by_its_name(rule: str) -> None:
    samples = [
        (Setting("DEBUG", sensitivity="low"), "on"),
        (URL, "redis://cache.test"),
        (KEY, "short"),
        (HIGH, "change_me"),
        (HOSTS, "*"),
    ]
    before = {name for setting, value in samples for name, _words in broken(setting, value)}
    after = {name for setting, value in samples for name, _words in broken(setting, value, frozenset([rule]))}
    assert before == set(RULES)
    assert after == before - {rule}
