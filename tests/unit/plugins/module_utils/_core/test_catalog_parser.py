# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_aws import ROLES
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import (
    Aws,
    Catalog,
    Compose,
    GitHub,
    Place,
    SettingRef,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.dotenv_dialects import DEFAULT_READERS
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import CatalogError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER, SSM

Make = Callable[..., Catalog]
Problems = Callable[..., list[str]]


@pytest.mark.parametrize("name", ["", "Production", "a b", "prod\n", "-x", None, 7])
def test_what_is_no_environment_is_refused(name: Any) -> None:
    with pytest.raises(CatalogError, match=r"app_environment: .* is not an environment's name"):
        catalog_parser.parse({"application": "app", "settings": {"A": {"value": "x"}}}, name)


def test_whether_a_leak_response_evicts(catalog: Make, problems: Problems) -> None:
    settings = {"A": {"value": "x"}}
    assert not catalog(settings).leak_evicts
    assert catalog(settings, leak={"evict": True}).leak_evicts
    assert not catalog(settings, leak={"evict": True}, environments={"test": {"leak": {"evict": False}}}).leak_evicts
    assert problems(settings, leak={"evict": "yes"})


@pytest.mark.parametrize("name", ["Prod", "a b", "prod\n", 2024, True])
def test_what_is_no_environment_is_refused_in_the_catalog_too(problems: Problems, name: Any) -> None:
    results = problems({"A": {"value": "x"}}, environments={name: {}, "ci": {}})
    assert results == [f"environments.{name}: is not an environment's name (a-z, 0-9, - and _); rename it"]


@pytest.mark.parametrize("document", [None, "x", [], {}, {"application": "a"}, {"application": "a", "settings": {}}])
def test_a_malformed_document_is_refused(document: Any) -> None:
    with pytest.raises(CatalogError) as raised:
        catalog_parser.parse(document, "test")
    assert str(raised.value).startswith("The catalog (secrets_catalog) is not valid:\n  - ")


def test_defaults(catalog: Make) -> None:
    made = catalog({"A": {"group": "core"}, "B": {"parameter": "X/B"}, "C": {"value": "x"}})
    assert made.ssm_path == "/app/test"
    assert made.journal is None
    assert made.production is False
    assert made.settings["A"].place == Place(SECRETS_MANAGER, "app/test/core", "A")
    assert made.settings["B"].place == Place(SSM, "/app/test/X/B")
    assert [made.settings[name].sensitivity for name in "ABC"] == ["high", "medium", "low"]
    assert made.secret_names == ("app/test/core",)
    assert made.reads_ssm is True


@pytest.mark.parametrize(
    ("environment", "own", "expected"),
    [
        ("production", {}, True),
        ("test", {}, False),
        ("production", {"production": False}, False),
        ("eu", {"production": True}, True),
    ],
)
def test_what_counts_as_production(catalog: Make, environment: str, own: dict[str, Any], expected: bool) -> None:
    extra = {"contacts": {"security": "a@b.test"}, "audit_log": {"s3": "b"}, "environments": {environment: own}}
    assert catalog({"A": {"value": "x"}}, environment, **extra).production is expected


def test_sources(catalog: Make) -> None:
    made = catalog(
        {
            "WHOLE": {"secret": "{environment}-pem"},
            "PART": {
                "secret": "{environment}-pem",
                "key": "k",
                "copies": [{"parameter": "P"}, {"secret": "{environment}-2"}],
            },
            "RENAMED": {"group": "g", "key": "other"},
            "YES": {"value": True},
            "SEVEN": {"value": 7},
            "MIRRORED": {"github": "secret"},
            "HOST": {"inventory": "ansible_host", "github": "variable", "sensitivity": "low"},
        }
    )
    assert made.settings["WHOLE"].place == Place(SECRETS_MANAGER, "test-pem", None)
    assert made.settings["PART"].places == (
        Place(SECRETS_MANAGER, "test-pem", "k"),
        Place(SSM, "/app/test/P"),
        Place(SECRETS_MANAGER, "test-2", None),
    )
    assert made.settings["RENAMED"].place == Place(SECRETS_MANAGER, "app/test/g", "other")
    assert (made.settings["YES"].literal, made.settings["SEVEN"].literal) == ("True", "7")
    assert [name for name, setting in made.settings.items() if not setting.rendered] == ["MIRRORED", "HOST"]


def test_a_composed_setting(catalog: Make) -> None:
    made = catalog(
        {
            "HOST": {"value": "h"},
            "URL": {
                "compose": {
                    "scheme": "rediss",
                    "host": {"setting": "HOST"},
                    "port": 6379,
                    "password": {"secret": "{environment}-token", "key": "auth"},
                    "query": {"db": {"parameter": "X/DB"}, 7: "seven"},
                }
            },
        }
    )
    url = made.settings["URL"]
    assert url.type == "url"
    assert url.sensitivity == "high"
    assert url.compose == Compose(
        scheme="rediss",
        host=SettingRef("HOST"),
        port="6379",
        password=Place(SECRETS_MANAGER, "test-token", "auth"),
        query=(("db", Place(SSM, "/app/test/X/DB")), ("7", "seven")),
    )
    assert url.rendered


def test_a_secret_of_another_environment_is_neither_read_nor_missed(catalog: Make) -> None:
    settings = {
        "A": {"group": "core", "copies": [{"secret": "shared", "key": "a"}]},
        "B": {"secret": "shared", "key": "b"},
        "C": {"compose": {"scheme": "x", "host": {"secret": "shared", "key": "h"}}},
        "D": {"compose": {"scheme": "x", "host": "h", "query": {"q": {"secret": "shared"}}}},
    }
    extra = {
        "secrets": {"shared": {"environment": "live"}},
        "credentials": {"c": {"kind": "k", "appears_in": [{"secret": "shared"}]}},
    }
    result, there = catalog(settings, "test", **extra), catalog(settings, "live", **extra)
    assert result.secret_names == ("app/test/core",)
    assert [name for name, setting in result.settings.items() if setting.rendered] == ["A"]
    assert result.credentials["c"].places == ()
    assert there.secret_names == ("app/live/core", "shared")
    assert there.credentials["c"].places == (Place(SECRETS_MANAGER, "shared", None),)


def test_a_composed_setting_may_be_made_of_settings_alone(catalog: Make) -> None:
    made = catalog({"A": {"compose": {"scheme": "x", "host": {"setting": "B"}}, "required": True}, "B": {"value": "h"}})
    assert made.settings["A"].required


def test_a_required_setting_whose_secret_is_another_environments(problems: Problems) -> None:
    results = problems({"B": {"secret": "s", "required": True}}, secrets={"s": {"environment": "live"}})
    assert len(results) == 1
    assert results[0].startswith("settings.B: is required, but its secret belongs to another environment; override")


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (
            {},
            "settings.A: has no source; give one of group, secret, parameter, vault, value, compose, inventory",
        ),
        (
            {"group": "g", "parameter": "p"},
            "settings.A: has several sources (group, parameter); keep one and list the others as copies",
        ),
        (
            {"secret": "s"},
            "settings.A.secret: secret 's' names no {environment}; name the environment that owns it in secrets.s.",
        ),
        ({"group": "g", "copies": [{"secret": "s"}]}, "settings.A.copies[0]: secret 's' names no {environment}"),
        (
            {"parameter": "/X"},
            (
                "settings.A.parameter: '/X' must be a path below /app/test; write it without a slash at "
                "its start and end"
            ),
        ),
        ({"secret": "{environment}{group}"}, "settings.A.secret: '{environment}{group}' may hold only "),
        (
            {"compose": {"scheme": "x", "host": {"secret": "s"}}},
            "settings.A.compose.host: secret 's' names no {environment}",
        ),
    ],
)
def test_a_wrong_source_is_named(problems: Problems, setting: dict[str, Any], expected: str) -> None:
    results = problems({"A": setting})
    assert len(results) == 1
    assert results[0].startswith(expected)


@pytest.mark.parametrize("pattern", ["{group.x}", "{group[x]}", "{nope}", "{}", "{0}", "{", "{group!z}"])
def test_a_wrong_pattern_is_named_and_never_crashes(problems: Problems, pattern: str) -> None:
    results = problems({"A": {"group": "g"}}, stores={"secrets_manager": {"name": pattern}})
    assert len(results) == 1
    assert "may hold only {application}, {environment}, {group}" in results[0]


@pytest.mark.parametrize(
    ("ssm", "expected"),
    [
        ({"path": "x"}, "stores.ssm.path: 'x' must start with a slash"),
        ({"path": "/x/"}, "stores.ssm.path: '/x/' must start with a slash and not end with one"),
    ],
)
def test_wrong_paths(problems: Problems, ssm: dict[str, str], expected: str) -> None:
    results = problems({"A": {"value": 1}}, stores={"ssm": ssm})
    assert results[0].startswith(expected)


@pytest.mark.parametrize(
    ("place", "results"),
    [
        ("shop-journal", ("shop-journal", "")),
        ("s3://shop-journal/a/b/", ("shop-journal", "a/b/")),
    ],
)
def test_where_the_journal_lies(catalog: Make, place: str, results: tuple[str, str]) -> None:
    assert catalog({"A": {"value": 1}}, journal={"s3": place}).journal == results


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("/journal", "journal.s3: '/journal' does not begin with the name of a bucket; give bucket/prefix"),
        ("Shop", "journal.s3: 'Shop' does not begin with the name of a bucket"),
        ("shop-journal/a*", "journal.s3: prefix 'a*/' may have letters, digits and /_.- only"),
    ],
)
def test_where_no_journal_lies(problems: Problems, place: str, expected: str) -> None:
    assert problems({"A": {"value": 1}}, journal={"s3": place})[0].startswith(expected)


def test_overrides(catalog: Make) -> None:
    base = {
        "A": {"group": "core", "key": "a", "copies": [{"parameter": "A"}], "required": True, "category": "App"},
        "B": {"group": "core"},
        "C": {"parameter": "C", "sensitivity": "low"},
    }
    over = {
        "region": "eu-west-3",
        "contacts": {"dba": "d@b.test"},
        "services": {"web": {"units": ["two"]}},
        "settings": {"A": {"value": "x"}, "B": None, "C": {"sensitivity": "medium"}, "D": {"value": 4}},
        "credentials": {"c": None},
    }
    extra: dict[str, Any] = {
        "contacts": {"security": "s@b.test"},
        "services": {"web": {"units": ["one"], "health": "http://h"}},
        "credentials": {"c": {"kind": "k", "appears_in": [{"setting": "A"}]}},
        "environments": {"ci": over},
    }
    plain, ci = catalog(base, "test", **extra), catalog(base, "ci", **extra)
    assert ci.settings["A"].literal == "x"
    assert ci.settings["A"].places == ()
    assert (ci.settings["A"].required, ci.settings["A"].category) == (True, "App")
    assert sorted(ci.settings) == ["A", "C", "D"]
    assert ci.settings["C"].place == Place(SSM, "/app/ci/C")
    assert ci.settings["C"].sensitivity == "medium"
    assert (ci.region, plain.region) == ("eu-west-3", None)
    assert ci.contacts == {"security": "s@b.test", "dba": "d@b.test"}
    assert ci.services["web"].units == ("two",)
    assert ci.services["web"].health == "http://h"
    assert not ci.credentials
    assert sorted(plain.settings) == ["A", "B", "C"]
    assert plain.credentials["c"].settings == ("A",)


def test_every_declared_environment_is_checked_whichever_is_asked_for(problems: Problems) -> None:
    results = problems({"A": {"value": 1}}, environments={"ci": {"settings": {"B": {}}}})
    assert len(results) == 1
    assert results[0].startswith("settings.B: has no source")
    assert results[0].endswith("(in environment ci)")


def test_a_credential(catalog: Make) -> None:
    entries = [
        {"setting": "A"},
        {"secret": "{environment}-s", "keys": ["u", "p"]},
        {"secret": "{environment}-t", "key": "k"},
        {"parameter": "X/Y"},
        {"github": "G"},
    ]
    made = catalog({"A": {"value": 1}}, credentials={"c": {"kind": "k", "appears_in": entries, "max_age_days": 9}})
    credential = made.credentials["c"]
    assert credential.settings == ("A",)
    assert credential.github == ("G",)
    assert [str(place) for place in credential.places] == [
        "secret test-s key u",
        "secret test-s key p",
        "secret test-t key k",
        "parameter /app/test/X/Y",
    ]


def test_github(catalog: Make) -> None:
    plain = catalog({"A": {"value": "x"}}, github={"repository": "o/r"})
    assert plain.github == GitHub("o/r", "test", "repository", "https://api.github.com")
    assert plain.github.organization == "o"
    named = catalog(
        {"A": {"value": "x", "github": "secret", "github_scope": "organization"}},
        github={"repository": "o/r", "environment": "live", "scope": "environment", "repository_id": 2, "owner_id": 1},
    )
    assert named.github == GitHub("o/r", "live", "environment", repository_id=2, owner_id=1)
    assert named.settings["A"].github_scope == "organization"


def test_aws(catalog: Make) -> None:
    plain = catalog({"A": {"value": "x"}})
    assert plain.aws == Aws("alias/app-test", {role: f"app-test-{role}" for role in ROLES})
    named = catalog(
        {"A": {"value": "x"}},
        aws={"kms_key": "alias/k", "roles": {"host": "MyAppRole"}, "operators": ["arn:x"], "replicas": ["eu-west-1"]},
    )
    assert named.aws is not None
    assert named.aws.kms_key == "alias/k"
    assert named.aws.roles == {**plain.aws.roles, "host": "MyAppRole"}
    assert (named.aws.operators, named.aws.replicas) == (("arn:x",), ("eu-west-1",))


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        (
            {"github": {"scope": "environment"}},
            "github.scope: has no effect without github.repository; add github.repository: OWNER/NAME",
        ),
        ({"aws": {"kms_key": "k"}}, "aws.kms_key: 'k' is not an alias; begin it with alias/"),
        ({"aws": {"roles": {"host": "{x}"}}}, "aws.roles.host: '{x}' may hold only {application}, {environment}"),
    ],
)
def test_what_provisioning_cannot_use(problems: Problems, section: dict[str, Any], expected: str) -> None:
    assert problems({"A": {"value": "x"}}, **section) == [expected]


@pytest.mark.parametrize("example", ["watchparty", "minimal"])
@pytest.mark.parametrize("environment", ["production", "staging", "local"])
def test_the_examples_parse(load_catalog: Callable[[str], Any], example: str, environment: str) -> None:
    made = catalog_parser.parse(load_catalog(f"examples/{example}/group_vars/all/secrets_catalog.yml"), environment)
    assert made.production is (environment == "production")
    bound = {"all-in-one-credentials", "watch-party-valkey-001-auth-token"}
    assert bound.isdisjoint(made.secret_names) or environment == "production"


def test_the_readers_of_an_environment(catalog: Callable[..., Catalog], problems: Callable[..., list[str]]) -> None:
    settings = {"A": {"value": "1"}}
    assert catalog(settings).readers == DEFAULT_READERS
    extra = {"readers": ["shell", "systemd", "shell"], "environments": {"local": {"readers": ["python_dotenv"]}}}
    assert catalog(settings, **extra).readers == ("shell", "systemd")
    assert catalog(settings, environment="local", **extra).readers == ("python_dotenv",)
    assert problems(settings, readers=[]) == ["readers: needs at least 1 item(s)"]
    (text,) = problems(settings, readers=["django-environ"])
    assert text.startswith("readers[0]: must be one of python_dotenv, django_environ, ")
    assert text.endswith("did you mean django_environ?")
