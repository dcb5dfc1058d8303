# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A catalog drafted from a .env: valid as it stands, and without a value in it."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, deliverable_values
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Parts
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import policy_scope
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import catalog_draft
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.catalog_draft import Guess, draft, guess

VALUES = {
    "SECRET_KEY": "canary-key" * 6,
    "SECRET_KEY_FALLBACKS": "",
    "DATABASE_URL": "postgresql://shop:canary-db@db.example.com/shop",
    "DB_USER": "shop",
    "DB_PASSWORD": "canary-db",
    "REDIS_URL": "rediss://:canary-cache@c/0",
    "CELERY_BROKER_URL": "rediss://:canary-cache@c/1",
    "OTHER_REDIS_URL": "redis://:canary-other@c/1",
    "AWS_ACCESS_KEY_ID": "AKIACANARY",
    "AWS_SECRET_ACCESS_KEY": "canary-aws",
    "TWITCH_CLIENT_SECRET": "canary-twitch",
    "NO": "canary",
}


def parsed(values: dict[str, str]) -> catalog_parser.Catalog:
    return catalog_parser.parse(yaml.safe_load(draft(values, "shop"))["secrets_catalog"], "production")


def test_the_lines_to_complete_are_a_catalog_too() -> None:
    lines = draft(VALUES, "shop").replace("\n  # services:", "\n  services:").replace("\n  # journal:", "\n  journal:")
    catalog = catalog_parser.parse(yaml.safe_load(lines.replace("BUCKET", "bucket"))["secrets_catalog"], "production")
    assert list(catalog.services) == ["web"]
    assert catalog.journal is not None


def test_the_draft_is_a_catalog_without_a_value() -> None:
    text = draft(VALUES, "shop")
    assert "canary" not in text.lower()
    catalog = parsed(VALUES)
    assert set(catalog.settings) == set(VALUES)
    result = {name: (credential.kind, credential.settings) for name, credential in catalog.credentials.items()}
    assert result == {
        "django_key": ("django_secret_key", ("SECRET_KEY",)),
        "aws_key": ("external", ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")),
        "database": ("postgresql_role", ("DATABASE_URL", "DB_USER", "DB_PASSWORD")),
        "cache": ("valkey_user", ("REDIS_URL", "CELERY_BROKER_URL")),
        "other_redis_url": ("valkey_user", ("OTHER_REDIS_URL",)),
        "twitch_client_secret": ("external", ("TWITCH_CLIENT_SECRET",)),
    }
    assert catalog.credentials["django_key"].fallbacks == "SECRET_KEY_FALLBACKS"
    settings = [
        line for line in text.splitlines() if (line.startswith("    ") and "{group" in line) or "{param" in line
    ]
    assert settings
    assert all("# guessed: " in line for line in settings)


@pytest.mark.parametrize(
    ("name", "value", "kind", "sensitivity"),
    [
        ("DEBUG", "False", "boolean", "low"),
        ("PORT", "587", "integer", "low"),
        ("ALLOWED_HOSTS", "a.example.com,b", "host_list", "low"),
        ("CSRF_TRUSTED_ORIGINS", "https://a,https://b", "origin_list", "low"),
        ("DEFAULT_FROM_EMAIL", "a@example.com", "email", "low"),
        ("FEATURES", '{"a": 1}', "json", "low"),
        ("SITE", "https://example.com/x", "url", "low"),
        ("DJANGO_SETTINGS_MODULE", "shop.settings", "string", "low"),
        ("REDIS_URL", "redis://:p@h/0", "url", "high"),
        ("REDIS_HOSTS", "redis://:p@h/0,redis://:p@i/0", "list", "high"),
        ("SENTRY_DSN", "https://k@h/1", "url", "high"),
        ("TWITCH_CLIENT_ID", "abc", "string", "medium"),
        ("WHO_KNOWS", "some words", "string", "medium"),
        ("WHO_KNOWS", "Zk3" * 10, "string", "high"),
        ("API_KEY", "", "string", "high"),
    ],
)
def test_guesses(name: str, value: str, kind: str, sensitivity: str) -> None:
    result = guess(name, value)
    assert (result.type, result.sensitivity) == (kind, sensitivity)
    assert "guessed" in result.line


def test_groups() -> None:
    assert "group: integrations" in Guess("TWITCH_CLIENT_SECRET", "string", "high", "x").line
    assert "group: core" in Guess("OWN_SECRET", "string", "high", "x").line
    assert "parameter: Email/EMAIL_PORT" in Guess("EMAIL_PORT", "integer", "low", "x").line


names = st.from_regex(r"[A-Z_][A-Z0-9_.-]{0,14}", fullmatch=True)
texts = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30),
    st.sampled_from(list(VALUES.values())),
    st.from_regex(r"[a-z]{0,6}://[^ ]{0,10}:[^ ]{0,10}@[^ ]{0,10}", fullmatch=True),
)


@given(st.dictionaries(names, texts, max_size=8))
def test_every_file_gives_a_catalog_that_takes_its_names(values: dict[str, str]) -> None:
    values = {**values, "A": "a"}
    assert set(parsed(values).settings) == {name for name in values if catalog_draft.is_name(name)}


@given(st.dictionaries(names, st.from_regex(r"#[a-z0-9]{9}#", fullmatch=True), min_size=1, max_size=5))
def test_no_value_is_in_it(values: dict[str, str]) -> None:
    urls = {f"{name}_URL": f"postgres://u:{value}@h/d" for name, value in values.items()}
    text = draft({**values, **urls}, "shop")
    assert not any(value in text for value in values.values())


def test_an_application_is_named_after_its_folder() -> None:
    assert catalog_draft.application_of("Watch Party!") == "watch-party"
    assert catalog_draft.application_of("") == catalog_draft.application_of(None) == "app"


def test_a_drafted_credential_never_takes_anothers_name() -> None:
    taken = {"cache": 1, "redis_url": 1, "redis_url_2": 1}
    assert catalog_draft._free("cache", "redis_url", taken) == "redis_url_3"
    assert catalog_draft._free("cache", "redis_url", {}) == "cache"


def test_names_that_yaml_takes_for_another_value_stay_names() -> None:
    """Unquoted, ON and YES would both be the key true, and one credential would take the other's place."""
    values = dict.fromkeys(("ON", "YES", "NULL", "TRUE", "API_KEY", "api_key", "API_KEY_VALUE"), "x" * 30)
    credentials = parsed(values).credentials
    assert set(credentials) == {"on", "yes", "null", "true", "api_key", "api_key_value", "api_key_value_value"}
    assert sorted(name for credential in credentials.values() for name in credential.settings) == sorted(values)


@pytest.mark.parametrize("application", ["no", "123", "1e5", "2026-11-27", "watch-party"])
def test_what_yaml_takes_for_another_value_stays_text(application: str) -> None:
    """A folder may be called 123, and a URL may begin with no://."""
    document = yaml.safe_load(draft({"A_URL": "no://u:p@h/d"}, application))["secrets_catalog"]
    assert (document["application"], document["settings"]["A_URL"]["schemes"]) == (application, ["no"])


PEM = "-----BEGIN KEY-----\nY2FuYXJ5\n-----END KEY-----"


def test_the_readers_that_can_take_every_value() -> None:
    """The file is read by something that can; a deploy with the default readers would refuse its values."""
    values = {"A": "plain", "KEY": PEM, "JSON": '{"canary": "${HOME}"}', "0": "two\nlines"}
    text = draft(values, "shop")
    reasons = "django_environ cannot read KEY, python_dotenv cannot read JSON"
    assert (
        f"  readers: [shell, systemd, docker_compose] # guessed: {reasons}; docs/explanation/dotenv.md"
        in text.splitlines()
    )
    catalog = parsed(values)
    assert [catalog.settings[name].type for name in ("KEY", "JSON")] == ["pem", "json"]
    for name in catalog.settings:
        assert deliverable_values.problem(catalog, catalog.settings[name], name, values[name]) is None
    assert "readers:" not in draft(VALUES, "shop")
    unread = draft({"A": "canary\0", "B": "b"}, "shop")
    assert "  # no reader can read A; give each a file of its own: docs/how-to/several-files.md\n" in unread
    assert "readers:" not in unread


def test_what_the_file_keeps_secret_is_required() -> None:
    """So that nothing is generated or left out where provisioning comes before the import."""
    catalog = parsed(VALUES)
    required = {name for name, setting in catalog.settings.items() if setting.required}
    assert required == set(VALUES) - {"SECRET_KEY_FALLBACKS", "DB_USER", "NO"}


def test_provision_takes_it() -> None:
    """It refuses roles that would reach an IAM user whom the catalog does not name."""
    policy_scope.require_narrow(yaml.safe_load(draft(VALUES, "shop"))["secrets_catalog"], parsed(VALUES))


PARTS = {"DB_HOST": "db", "DB_PORT": "5432", "DB_NAME": "shop", "DB_USER": "shop_a", "DB_PASSWORD": "canary-p"}


@pytest.mark.parametrize(
    ("values", "kind", "settings", "parts"),
    [
        (
            PARTS,
            "postgresql_role",
            ("DB_USER", "DB_PASSWORD"),
            Parts(host="DB_HOST", port="DB_PORT", database="DB_NAME"),
        ),
        (
            {"PGHOST": "db", "PGUSER": "shop", "PGPASSWORD": "canary-p", "PGDATABASE": "shop"},
            "postgresql_role",
            ("PGUSER", "PGPASSWORD"),
            Parts(host="PGHOST", database="PGDATABASE"),
        ),
        (
            {"REDIS_HOST": "cache", "REDIS_PASSWORD": "canary-p"},
            "valkey_user",
            ("REDIS_PASSWORD",),
            Parts(host="REDIS_HOST"),
        ),
        (
            {"CACHE_HOST": "master.g.euw3.cache.amazonaws.com", "CACHE_PORT": "6379", "CACHE_AUTH_TOKEN": "canary-p"},
            "elasticache_auth_token",
            ("CACHE_AUTH_TOKEN",),
            Parts(host="CACHE_HOST", port="CACHE_PORT"),
        ),
        ({**PARTS, "DB_PORT": "3306"}, "external", ("DB_PASSWORD",), Parts()),
        ({**PARTS, "DB_ENGINE": "django.db.backends.mysql"}, "external", ("DB_PASSWORD",), Parts()),
        ({"DB_PASSWORD": "canary-p"}, "external", ("DB_PASSWORD",), Parts()),
        ({"EMAIL_HOST": "smtp", "EMAIL_PASSWORD": "canary-p"}, "external", ("EMAIL_PASSWORD",), Parts()),
    ],
)
def test_a_login_that_stands_in_parts(
    values: dict[str, str], kind: str, settings: tuple[str, ...], parts: Parts
) -> None:
    text = catalog_draft.draft(values, "shop")
    assert "canary" not in text
    catalog = catalog_parser.parse(yaml.safe_load(text)["secrets_catalog"], "production")
    (credential,) = catalog.credentials.values()
    assert (credential.kind, credential.settings, credential.parts) == (kind, settings, parts)
