# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values and declarations that are wrong, each with the check that finds it, and what is legitimate."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import collect_stores, shared_values
from tests import planted
from tests.unit.plugins.plugin_utils._verify import pasted_commands, verify_facts

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
    **{name: {"group": "core"} for name in ("DJANGO_SECRET_KEY", "JWT_SIGNING_KEY", "ADMIN_PASSWORD")},
    **{name: {"group": "core", "type": "url"} for name in ("BROKER_URL", "EMAIL_URL")},
    "API_KEYS": {"group": "core", "type": "list"},
    "CORS_ALLOWED_ORIGINS": {"parameter": "CORS_ALLOWED_ORIGINS", "type": "origin_list"},
    **{name: {"group": "core", "type": "url"} for name in ("CACHE_URL", "MONGODB_URI")},
    **{name: {"parameter": name} for name in ("EMAIL_BACKEND", "CACHE_BACKEND", "DATABASE_ENGINE", "POSTGRES_DB")},
    "JWT_PUBLIC_KEY": {"group": "core"},
    **{
        name: {"parameter": name, "type": "boolean", "sensitivity": "low"}
        for name in ("FLASK_DEBUG", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "CORS_ALLOW_ALL_ORIGINS")
    },
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
    ("SECRET_KEY_FALLBACKS", f"{SECRET_KEY},{'a' * 60}", "WPS903"),
    ("SECRET_KEY", "changemechangemechangemechangemechangemechangemechangemechangeme", "WPS903"),
    ("SECRET_KEY", "0000000000000000000000000000000000000000000000000000000000000000", "WPS903"),
    ("SECRET_KEY", "passwordpasswordpasswordpasswordpasswordpasswordpassword", "WPS903"),
    ("SECRET_KEY", "qwertyuiopasdfghjklzxcvbnmqwertyuiopasdfghjklzxcvbnm", "WPS903"),
    ("SECRET_KEY", "secret-key-for-production-do-not-share-please-12345678", "WPS903"),
    ("SECRET_KEY", "insecure-x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1", "WPS903"),
    ("SECRET_KEY", "lorem ipsum dolor sit amet consectetur adipiscing elit sed", "WPS903"),
    ("DATABASE_URL", "postgres://shop:password123@db.example.com/shop", "WPS903"),
    ("DATABASE_URL", "postgres://shop:Passw0rd!2024@db.example.com/shop", "WPS903"),
    ("DATABASE_URL", "postgres://shop:letmein123456@db.example.com/shop", "WPS903"),
    ("DATABASE_URL", "postgres://shop:shop-production@db.example.com/shop", "WPS903"),
    ("DATABASE_URL", "postgres://shop:correcthorsebattery@db.example.com/shop", "WPS903"),
    ("DATABASE_URL", "postgres://shop:example-password-here@db.example.com/shop", "WPS903"),
    ("DATABASE_URL", "mysql://shop:q8Zt3vXw1LmNp5RsYb7K@db.example.com/shop?ssl-mode=DISABLED", "WPS903"),
    ("DATABASE_URL", "postgres://shop:q8Zt3vXw1LmNp5RsYb7K@db.example.com/shop?ssl=no", "WPS903"),
    ("DATABASE_URL", "postgres://shop:q8Zt3vXw1LmNp5RsYb7K@db.example.com/shop?sslmode=DISABLE", "WPS903"),
    ("DATABASE_URL", "postgres://shop:q8Zt3vXw1LmNp5RsYb7K@db.example.com/shop?tls=false", "WPS903"),
    ("DATABASE_URL", "postgres://:q8Zt3vXw1LmNp5RsYb7K@db.example.com/shop?password=postgres", "WPS903"),
    ("DATABASE_URL", "postgres://shop@db.example.com/shop?password=postgres", "WPS903"),
    ("REDIS_URL", "rediss://:foobared@cache.example.com", "WPS903"),
    ("REDIS_URL", "rediss://:q8Zt3vXw1LmNp5RsYb7K@cache.example.com?ssl_cert_reqs=CERT_NONE", "WPS903"),
    ("REDIS_URL", "rediss://:q8Zt3vXw1LmNp5RsYb7K@cache.example.com?ssl_check_hostname=false", "WPS903"),
    ("REDIS_URL", "valkey://:q8Zt3vXw1LmNp5RsYb7K@cache.example.com", "WPS903"),
    ("REDIS_URL", "redis://localhost.evil.com:6379", "WPS903"),
    ("BROKER_URL", "amqp://guest:guest@mq.example.com//", "WPS903"),
    ("BROKER_URL", "amqp://app:q8Zt3vXw1LmNp5RsYb7K@mq.example.com//", "WPS903"),
    ("EMAIL_URL", "smtp://user:password@smtp.example.com:587", "WPS903"),
    ("EMAIL_HOST_PASSWORD", "smtp-password", "WPS903"),
    ("EMAIL_HOST_PASSWORD", "xxxxxxxx", "WPS903"),
    ("EMAIL_HOST_PASSWORD", "TODO", "WPS903"),
    ("STRIPE_KEY", "sk_test_51H8xYzAbCdEfGhIjKlMnOp", "WPS903"),
    ("STRIPE_KEY", "<your key>", "WPS903"),
    ("STRIPE_KEY", "REPLACE_ME_PLEASE", "WPS903"),
    ("STRIPE_KEY", "example-stripe-key", "WPS903"),
    ("STRIPE_KEY", "${STRIPE_KEY}", "WPS903"),
    ("STRIPE_KEY", "{{ stripe_key }}", "WPS903"),
    ("STRIPE_KEY", "null", "WPS903"),
    ("STRIPE_KEY", "ENC[AES256_GCM,data:abcdefghijklmnop]", "WPS903"),
    ("STRIPE_PUBLISHABLE_KEY", "pk_test_51H8xYzAbCdEfGhIjKlMnOp", "WPS903"),
    ("ALLOWED_HOSTS", ".github.io", "WPS903"),
    ("ALLOWED_HOSTS", ".herokuapp.com", "WPS903"),
    ("ALLOWED_HOSTS", ".compute.amazonaws.com", "WPS903"),
    ("ALLOWED_HOSTS", ".COM", "WPS903"),
    ("ALLOWED_HOSTS", ".com.", "WPS903"),
    ("ALLOWED_HOSTS", ".vercel.app", "WPS903"),
    ("CSRF_TRUSTED_ORIGINS", "https://*.github.io", "WPS903"),
    ("CSRF_TRUSTED_ORIGINS", "https://*.co.uk", "WPS903"),
    ("CSRF_TRUSTED_ORIGINS", "https://*:8443", "WPS903"),
    ("CSRF_TRUSTED_ORIGINS", "HTTP://shop.example.com", "WPS903"),
    ("DJANGO_SETTINGS_MODULE", "config.settings.dev_settings", "WPS903"),
    ("DJANGO_SETTINGS_MODULE", "shop.settings.ci", "WPS903"),
    ("DJANGO_SETTINGS_MODULE", "shop.local_settings", "WPS903"),
    ("DJANGO_SETTINGS_MODULE", "shop.settings.staging", "WPS903"),
    ("DJANGO_SETTINGS_MODULE", "shop.settings.example", "WPS903"),
    ("DJANGO_SETTINGS_MODULE", "shop.settings.Development", "WPS903"),
    ("DJANGO_SETTINGS_MODULE", "shop.settings_development", "WPS903"),
    ("DJANGO_SETTINGS_MODULE", "shop.development.settings", "WPS903"),
    ("CORS_ALLOW_ALL_ORIGINS", "True", "WPS903"),
    ("DJANGO_SECRET_KEY", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "WPS903"),
    ("JWT_SIGNING_KEY", "jwt-secret", "WPS903"),
    ("ADMIN_PASSWORD", "admin", "WPS903"),
    ("API_KEYS", "a,b", "WPS903"),
    ("JWT_SIGNING_KEY", "AKIAIOSFODNN7EXAMPLE", "WPS903"),
    ("JWT_SIGNING_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "WPS903"),
    ("ADMIN_PASSWORD", "P@ssw0rd2026!Prod", "WPS903"),
    ("ADMIN_PASSWORD", "Watchparty2026!Production", "WPS903"),
    ("DATABASE_URL", "postgres://shop:Watchparty-Production-2026@db.example.com/shop", "WPS903"),
    *(
        ("STRIPE_KEY", reference, "WPS903")
        for reference in (
            "arn:aws:secretsmanager:eu-west-3:123456789012:secret:x",
            "{{resolve:secretsmanager:shop:SecretString:key}}",
            "vault:secret/data/shop#stripe",
            "file:///run/secrets/stripe",
            "@Microsoft.KeyVault(SecretUri=https://x)",
            "-----BEGIN PGP MESSAGE-----abc",
            "AQICAHhEncryptedByKms" * 3,
        )
    ),
    *(("ALLOWED_HOSTS", host, "WPS903") for host in (".ngrok-free.app", ".trycloudflare.com", ".up.railway.app")),
    ("CORS_ALLOWED_ORIGINS", "https://*.ngrok-free.app", "WPS903"),
    *(
        ("DJANGO_SETTINGS_MODULE", f"shop.settings.{stage}", "WPS903")
        for stage in ("qa", "e2e", "uat", "demo", "preview", "sandbox")
    ),
    *(
        ("DATABASE_URL", f"postgres://shop:{GOOD}@db.example.com/shop?{option}", "WPS903")
        for option in ("ssl_mode=disable", "sslmode=%64isable", "tls=true&tlsInsecure=true", "verify=verify_none")
    ),
    ("REDIS_URL", f"rediss://:{GOOD}@cache.example.com?ssl_cert_reqs=optional", "WPS903"),
    ("BROKER_URL", f"mongodb://app:{GOOD}@m.example.com/?tlsAllowInvalidCertificates=true", "WPS903"),
    ("REDIS_URL", f"rediss://:{GOOD}@cache.example.com?ssl_cert_reqs=0", "WPS903"),
    ("STRIPE_KEY", "$(cat /run/secrets/stripe)", "WPS903"),
    *(("STRIPE_KEY", value, "WPS903") for value in (f"'{GOOD}'", f'"{GOOD}"', f"{GOOD}\n", f" {GOOD}")),
    *(
        ("STRIPE_KEY", value, "WPS903")
        for value in ("op://vault/item/field", "%(STRIPE_KEY)s", "@@STRIPE_KEY@@", "n/a")
    ),
    ("DATABASE_URL", f"postgres://shop:{GOOD}@db.example.com/shop?sslmode=", "WPS903"),
    ("DATABASE_URL", f"postgres://shop:{GOOD}@db.example.com/shop?sslmode=disable&sslmode=verify-full", "WPS903"),
    ("DATABASE_URL", "postgres://shop:%63hange_me@db.example.com/shop", "WPS903"),
    ("ALLOWED_HOSTS", ".nip.io", "WPS903"),
    ("CSRF_TRUSTED_ORIGINS", "https://shop.example.com,null", "WPS903"),
    ("CORS_ALLOWED_ORIGINS", "null", "WPS903"),
    ("DJANGO_SETTINGS_MODULE", "shop.devsettings", "WPS903"),
    ("LOW_URL", f"https://hooks.slack.com/services/T00000000/B00000000/{GOOD}", "WPS904"),
    ("LOW_URL", "https://discord.com/api/webhooks/1/x", "WPS904"),
    ("LOW_URL", f"https://api.example.com/v1?format=json&access_token={GOOD}", "WPS904"),
    ("LOW_TOKEN", GOOD, "WPS904"),
    ("LOW_URL", f"https://user:{GOOD}@example.com/", "WPS904"),
    *(
        ("DATABASE_URL", f"{scheme}://{user}:{GOOD}@db.example.com/shop", "WPS903")
        for scheme, user in (
            *(("mysql", "root"), ("mysql+pymysql", "ROOT"), ("mariadb", "root"), ("mysql", "r%6Fot")),
            *(("postgres", "postgres"), ("postgresql+psycopg", "postgres"), ("mssql", "sa")),
        )
    ),
    ("MONGODB_URI", f"mongodb://root:{GOOD}@db.example.com/shop?authSource=admin", "WPS903"),
    ("BROKER_URL", "amqps://guest:guest@mq.example.com//", "WPS903"),
    ("BROKER_URL", f"amqps://guest:{GOOD}@mq.example.com//", "WPS903"),
    ("BROKER_URL", f"amqp://guest:{GOOD}@localhost//", "WPS903"),
    *(
        ("DATABASE_URL", f"postgres://shop:{GOOD}@db.example.com/{name}", "WPS903")
        for name in (
            "shop_test",
            "test_shop",
            "test",
            "TEST_SHOP",
            "shop_dev",
            "shop-staging",
            "development",
            "sh%6Fp_ci",
        )
    ),
    ("DATABASE_URL", f"mysql://shop:{GOOD}@db.example.com/shop_test", "WPS903"),
    ("POSTGRES_DB", "shop_test", "WPS903"),
    *(
        ("BROKER_URL", url, "WPS903")
        for url in ("memory://", "MEMORY://localhost/", "filesystem://", "filesystem:///q")
    ),
    *(("CACHE_URL", url, "WPS903") for url in ("locmemcache://", "locmem://", "dummycache://", "dummy://x")),
    *(
        ("DATABASE_URL", url, "WPS903")
        for url in ("sqlite:///db.sqlite3", "sqlite:////srv/db", "sqlite+aiosqlite:///db")
    ),
    ("DATABASE_URL", "sqlite://:memory:", "WPS903"),
    ("DATABASE_ENGINE", "django.db.backends.sqlite3", "WPS903"),
    *(
        ("EMAIL_BACKEND", f"django.core.mail.backends.{kind}.EmailBackend", "WPS903")
        for kind in ("console", "filebased", "dummy", "locmem")
    ),
    *(("EMAIL_URL", url, "WPS903") for url in ("consolemail://", "console://", "filemail:///tmp/m", "memorymail://")),
    ("CACHE_BACKEND", "django.core.cache.backends.locmem.LocMemCache", "WPS903"),
    ("CACHE_BACKEND", "django.core.cache.backends.dummy.DummyCache", "WPS903"),
    ("JWT_SIGNING_KEY", GOOD, "WPS903"),
    ("JWT_SIGNING_KEY", SECRET_KEY[:31], "WPS903"),
    *(("DEBUG", value, "WPS903") for value in ("1", "on", "True", "TRUE", "t", "y")),
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
    ("LOW_URL", "https://example.com/?token=short&sort=a-very-long-but-public-argument"),
    ("LOW_URL", "https://hooks.slack.com/"),
    ("ALLOWED_HOSTS", "shop.example.com,.example.com"),
    ("ALLOWED_HOSTS", ".example.co.uk"),
    ("CSRF_TRUSTED_ORIGINS", "https://shop.example.com,https://*.example.com"),
    ("CSRF_TRUSTED_ORIGINS", "http://localhost:8000,https://shop.example.com"),
    ("DJANGO_SETTINGS_MODULE", "shop.settings.production"),
    ("DJANGO_SETTINGS_MODULE", "contest.settings"),
    ("DEBUG", "False"),
    ("SESSION_COOKIE_SECURE", "True"),
    ("FLASK_DEBUG", "0"),
    ("API_KEYS", f"{GOOD},{SECRET_KEY[:40]}"),
    ("SECRET_KEY_FALLBACKS", SECRET_KEY),
    ("SECRET_KEY_FALLBACKS", ""),
    ("BROKER_URL", f"amqps://app:{GOOD}@mq.example.com//"),
    ("BROKER_URL", f"amqp://app:{GOOD}@localhost//"),
    ("ALLOWED_HOSTS", "shop.github.io,.shop.herokuapp.com"),
    ("DJANGO_SETTINGS_MODULE", "local_market.settings"),
    ("DJANGO_SETTINGS_MODULE", "shop.settings.prod"),
    ("DJANGO_SETTINGS_MODULE", "demolition.settings"),
    ("DATABASE_URL", f"postgres://shop:{GOOD}@db.example.com/shop?sslmode=verify-ca&options=-c%20x%3D1"),
    ("STRIPE_KEY", f"prod-{GOOD}"),
    ("ALLOWED_HOSTS", "shop.example.com,localhost,127.0.0.1"),
    ("ALLOWED_HOSTS", "tunnel.trycloudflare.com"),
    *(
        ("DATABASE_URL", f"postgres://shop:{GOOD}@db.example.com/{name}")
        for name in ("contest", "latest", "shop_production", "local_market", "testimonials", "device", "qa_forum")
    ),
    ("DATABASE_URL", f"mysql://rooted:{GOOD}@db.example.com/shop"),
    ("DATABASE_URL", f"postgres://shop_admin:{GOOD}@db.example.com/shop"),
    ("POSTGRES_DB", "shop"),
    ("REDIS_URL", f"redis://:{GOOD}@127.0.0.1/0?ssl_cert_reqs=none"),
    ("REDIS_URL", f"rediss://default:{GOOD}@cache.example.com/0"),
    ("CACHE_BACKEND", "django.core.cache.backends.redis.RedisCache"),
    ("EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend"),
    ("EMAIL_URL", f"smtp+tls://user:{GOOD}@smtp.example.com:587"),
    ("DATABASE_ENGINE", "django.db.backends.postgresql"),
    ("JWT_SIGNING_KEY", SECRET_KEY),
    ("JWT_PUBLIC_KEY", GOOD),
    ("JWT_SIGNING_KEY", f"-----BEGIN PRIVATE KEY-----{GOOD}"),
]


def named(name: str, value: str) -> str:
    """Without what would look like a secret in the documentation."""
    for secret in (GOOD, SECRET_KEY, SECRET_KEY[:40], "51H8xYzAbCdEfGhIjKlMnOp"):
        value = value.replace(secret, f"RANDOM{len(secret)}")
    return f"{name}: {value or '(empty)'}"


def failed(name: str, value: str, **over: Any) -> set[str]:
    catalog = catalog_parser.parse(
        {**verify_facts.DOCUMENT, "settings": SETTINGS, "credentials": {}, **over}, "production"
    )
    stores = verify_facts.parts()["stores"]
    stores |= {
        "rules": collect_stores.broken(catalog, {name: value}),
        "undervalued": collect_stores.undervalued(catalog, {name: value}),
    }
    results = verify_check.run_checks(verify_check.registry(), verify_facts.facts(document=catalog, stores=stores))
    assert pasted_commands.flaws(results) == []
    return {*planted.found(results)}


@planted.mistakes("Values of settings", planted.PROGRAM)
@pytest.mark.parametrize(("name", "value", "check"), MISTAKES, ids=[named(*row[:2]) for row in MISTAKES])
def test_a_planted_value_is_found(name: str, value: str, check: str) -> None:
    assert failed(name, value) == {check}


@planted.variations("Values of settings", planted.PROGRAM)
@pytest.mark.parametrize(("name", "value"), LEGITIMATE, ids=[named(*row) for row in LEGITIMATE])
def test_a_legitimate_value_passes(name: str, value: str) -> None:
    assert failed(name, value) == set()


def test_an_exception_of_the_catalog_is_respected() -> None:
    exception = {"rule": "url_password", "setting": "REDIS_URL", "reason": "IAM"}
    environments = {"production": {"exceptions": [exception]}}
    assert failed("REDIS_URL", "rediss://cache.example.com/0", environments=environments) == set()


@pytest.mark.parametrize(
    ("algorithm", "size", "is_broken"), [("HS384", 47, True), ("HS512", 50, True), ("HS384", 48, False)]
)
def test_a_jwt_key_that_its_algorithm_finds_short(algorithm: str, size: int, *, is_broken: bool) -> None:
    catalog = catalog_parser.parse({**verify_facts.DOCUMENT, "settings": SETTINGS, "credentials": {}}, "production")
    values = {"JWT_SIGNING_KEY": SECRET_KEY[:size], "JWT_ALGORITHM": algorithm}
    assert bool(collect_stores.broken(catalog, values)) == is_broken


@pytest.mark.parametrize("make", [secrets.token_hex, secrets.token_urlsafe], ids=["hex", "urlsafe"])
def test_random_secrets_are_strong(make: Any) -> None:
    assert [value for value in (make(16) for _ in range(500)) if failed_strength(value)] == []


def test_a_random_value_with_neighbours_is_strong() -> None:
    assert not failed_strength("2049fe006ca6bc8b476589867a8677a6")


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
