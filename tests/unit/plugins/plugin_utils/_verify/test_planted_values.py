# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values and declarations that are wrong, each with the check that finds it, and what is legitimate."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import FAIL
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import collect_stores, shared_values
from tests.unit.plugins.plugin_utils._verify import verify_facts

GOOD = "q8Zt3vXw1LmNp5RsYb7K"
SECRET_KEY = "w3#kz9!pqm4vt7x2bn8yc5rj6hg1fd0sla_eu^io&QWXZRTYPLK"
SETTINGS: dict[str, Any] = {
    "SECRET_KEY": {"group": "core"},
    "SECRET_KEY_FALLBACKS": {"group": "core", "type": "list"},
    "DATABASE_URL": {"group": "core", "type": "url"},
    "REDIS_URL": {"group": "core", "type": "url"},
    "SITE_URL": {"parameter": "SITE_URL", "type": "url"},
    "EMAIL_HOST_PASSWORD": {"group": "mail"},
    "EMAIL_HOST": {"group": "mail"},
    "STRIPE_KEY": {"group": "integrations"},
    "STRIPE_PUBLISHABLE_KEY": {"parameter": "STRIPE_PUBLISHABLE_KEY", "sensitivity": "low"},
    "LOW_TOKEN": {"parameter": "LOW_TOKEN", "sensitivity": "low"},
    "LOW_URL": {"parameter": "LOW_URL", "sensitivity": "low", "type": "url"},
    "CACHE_KEY": {"parameter": "CACHE_KEY", "sensitivity": "low"},
    "ALLOWED_HOSTS": {"parameter": "ALLOWED_HOSTS", "type": "host_list"},
    "CSRF_TRUSTED_ORIGINS": {"parameter": "CSRF_TRUSTED_ORIGINS", "type": "origin_list"},
    "DJANGO_SETTINGS_MODULE": {"parameter": "DJANGO_SETTINGS_MODULE", "sensitivity": "low"},
    "DEBUG": {"parameter": "DEBUG", "type": "boolean"},
}
MISTAKES: list[tuple[str, str, str]] = [
    ("SECRET_KEY", "a" * 60, "WPS903"),
    ("SECRET_KEY", "abc" * 20, "WPS903"),
    ("SECRET_KEY", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz", "WPS903"),
    ("SECRET_KEY", "0123456789" * 6, "WPS903"),
    ("SECRET_KEY", "django-insecure-" + SECRET_KEY, "WPS903"),
    ("SECRET_KEY", SECRET_KEY[:40], "WPS903"),
    ("DATABASE_URL", "postgres://shop:change_me@db.example.com/shop", "WPS903"),
    ("DATABASE_URL", "postgres://shop:postgres@db.example.com/shop", "WPS903"),
    ("DATABASE_URL", "postgres://shop:shopshopshopshopshopshop@db.example.com/shop", "WPS903"),
    ("DATABASE_URL", "postgres://shop:Summer2026%21@db.example.com/shop", "WPS903"),
    ("DATABASE_URL", "postgres://shop@db.example.com/shop", "WPS903"),
    ("DATABASE_URL", f"postgres://shop:{GOOD}@db.example.com/shop?sslmode=disable", "WPS903"),
    ("DATABASE_URL", f"postgres://shop:{GOOD}@db.example.com/shop?application_name=x&sslmode=prefer", "WPS903"),
    ("DATABASE_URL", f"postgresql+psycopg://shop:{GOOD}@db.example.com/shop?sslmode=allow", "WPS903"),
    ("REDIS_URL", "rediss://cache.example.com:6379/0", "WPS903"),
    ("REDIS_URL", "rediss://:redis@cache.example.com:6379/0", "WPS903"),
    ("REDIS_URL", f"redis://:{GOOD}@cache.example.com:6379/0", "WPS903"),
    ("REDIS_URL", f"rediss://:{GOOD}@cache.example.com:6379/0?ssl_cert_reqs=none", "WPS903"),
    ("EMAIL_HOST_PASSWORD", "password", "WPS903"),
    ("EMAIL_HOST_PASSWORD", "hunter2hunter2", "WPS903"),
    ("EMAIL_HOST_PASSWORD", "Welcome123!", "WPS903"),
    ("STRIPE_KEY", "your-key-here", "WPS903"),
    ("ALLOWED_HOSTS", ".com", "WPS903"),
    ("ALLOWED_HOSTS", "shop.example.com,.co.uk", "WPS903"),
    ("ALLOWED_HOSTS", "*", "WPS903"),
    ("CSRF_TRUSTED_ORIGINS", "http://*", "WPS903"),
    ("CSRF_TRUSTED_ORIGINS", "https://*", "WPS903"),
    ("CSRF_TRUSTED_ORIGINS", "https://*.com", "WPS903"),
    ("CSRF_TRUSTED_ORIGINS", "https://shop.example.com,http://shop.example.com", "WPS903"),
    ("DJANGO_SETTINGS_MODULE", "shop.settings.development", "WPS903"),
    ("DJANGO_SETTINGS_MODULE", "shop.settings_dev", "WPS903"),
    ("DJANGO_SETTINGS_MODULE", "shop.settings.local", "WPS903"),
    ("DJANGO_SETTINGS_MODULE", "shop.test_settings", "WPS903"),
    ("DEBUG", "yes", "WPS903"),
    ("LOW_TOKEN", GOOD, "WPS904"),
    ("LOW_URL", f"https://user:{GOOD}@example.com/", "WPS904"),
]
LEGITIMATE: list[tuple[str, str]] = [
    ("SECRET_KEY", SECRET_KEY),
    ("SECRET_KEY", "1f" + "0123456789abcdef8d4e7a6b5c9f2e1d" * 2),
    ("DATABASE_URL", f"postgres://shop:{GOOD}@db.example.com/shop"),
    ("DATABASE_URL", f"postgres://shop:{GOOD}@db.example.com/shop?sslmode=verify-full"),
    ("DATABASE_URL", "postgres:///shop"),
    ("DATABASE_URL", f"postgres://shop:{GOOD}@127.0.0.1/shop?sslmode=disable"),
    ("DATABASE_URL", "postgres://shop@localhost/shop"),
    ("REDIS_URL", "redis://127.0.0.1:6379/0"),
    ("REDIS_URL", f"rediss://:{GOOD}@cache.example.com:6379/0?ssl_cert_reqs=required"),
    ("SITE_URL", "https://shop.example.com/"),
    ("EMAIL_HOST_PASSWORD", "kqzj vxwp mtrb nhgd"),
    ("EMAIL_HOST", "smtp"),
    ("STRIPE_KEY", "sk_live_51H8xYzAbCdEfGhIjKlMnOp"),
    ("STRIPE_PUBLISHABLE_KEY", "pk_live_51H8xYzAbCdEfGhIjKlMnOp"),
    ("CACHE_KEY", "shop"),
    ("LOW_URL", "https://user@example.com/"),
    ("ALLOWED_HOSTS", "shop.example.com,.example.com"),
    ("ALLOWED_HOSTS", ".example.co.uk"),
    ("CSRF_TRUSTED_ORIGINS", "https://shop.example.com,https://*.example.com"),
    ("CSRF_TRUSTED_ORIGINS", "http://localhost:8000,https://shop.example.com"),
    ("DJANGO_SETTINGS_MODULE", "shop.settings.production"),
    ("DJANGO_SETTINGS_MODULE", "contest.settings"),
    ("DEBUG", "False"),
]


def failed(name: str, value: str, **over: Any) -> set[str]:
    catalog = catalog_parser.parse(
        {**verify_facts.DOCUMENT, "settings": SETTINGS, "credentials": {}, **over}, "production"
    )
    stores = verify_facts.parts()["stores"]
    stores |= {
        "rules": collect_stores.broken(catalog, {name: value}),
        "undervalued": collect_stores.undervalued(catalog, {name: value}),
    }
    facts = verify_facts.facts(document=catalog, stores=stores)
    return {result.check.id for result in verify_check.run(verify_check.registry(), facts) if result.status == FAIL}


@pytest.mark.parametrize(("name", "value", "check"), MISTAKES)
def test_a_planted_value_is_found(name: str, value: str, check: str) -> None:
    assert failed(name, value) == {check}


@pytest.mark.parametrize(("name", "value"), LEGITIMATE)
def test_a_legitimate_value_passes(name: str, value: str) -> None:
    assert failed(name, value) == set()


def test_an_exception_of_the_catalog_is_respected() -> None:
    exception = {"rule": "url_password", "setting": "REDIS_URL", "reason": "IAM"}
    environments = {"production": {"exceptions": [exception]}}
    assert failed("REDIS_URL", "rediss://cache.example.com/0", environments=environments) == set()


@pytest.mark.parametrize("make", [secrets.token_hex, secrets.token_urlsafe], ids=["hex", "urlsafe"])
def test_random_secrets_are_strong(make: Any) -> None:
    assert [value for value in (make(16) for _ in range(500)) if failed_strength(value)] == []


def failed_strength(value: str) -> bool:
    catalog = catalog_parser.parse({**verify_facts.DOCUMENT, "settings": SETTINGS, "credentials": {}}, "production")
    return bool(collect_stores.broken(catalog, {"STRIPE_KEY": value}))


@pytest.mark.parametrize(("days", "result"), [(3650, {"WPS904"}), (365, set()), (None, set())])
def test_an_age_that_limits_nothing(days: int | None, result: set[str]) -> None:
    credential = {
        "kind": "external",
        "appears_in": [{"setting": "STRIPE_KEY"}],
        **({"max_age_days": days} if days else {}),
    }
    assert failed("STRIPE_KEY", GOOD, credentials={"stripe": credential}) == result


@pytest.mark.parametrize("own", [f"{SECRET_KEY}", f"older-key-of-production-{GOOD},{SECRET_KEY}"])
def test_fallbacks_that_hold_the_key_of_staging(own: str) -> None:
    settings = {"SECRET_KEY_FALLBACKS": "high", "SECRET_KEY": "high"}
    mine = shared_values.fingerprints({"SECRET_KEY_FALLBACKS": own, "SECRET_KEY": GOOD * 3}, settings, "k" * 64)
    theirs = shared_values.fingerprints({"SECRET_KEY": SECRET_KEY}, settings, "k" * 64)
    assert shared_values.shared(mine, theirs) == [{"own": "SECRET_KEY_FALLBACKS", "other": "SECRET_KEY"}]
