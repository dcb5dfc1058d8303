# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a credential appears, and that a new login changes those places and nothing beside them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Place
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import (
    BINARY,
    DENIED,
    MISSING,
    Contents,
    Failure,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.secret_json import as_text, parse_secret
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER, SSM
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login

Make = Callable[..., Catalog]
Holding = Callable[..., Contents]
CORE = "app/test/core"

SETTINGS: dict[str, Any] = {
    "DATABASE_URL": {"group": "core", "type": "url", "required": True},
    "REPLICAS": {"group": "core", "type": "list"},
    "DB_USER": {"group": "core"},
    "DB_PASSWORD": {"parameter": "DB/PASSWORD", "copies": [{"secret": "whole-{environment}"}]},
    "OTHER": {"group": "core"},
}
DATABASE = {
    "kind": "k",
    "appears_in": [
        *({"setting": name} for name in ("DATABASE_URL", "REPLICAS", "DB_USER", "DB_PASSWORD")),
        {"secret": "all-{environment}", "keys": ["username", "password"]},
    ],
}
KEEPS = {"OTHER": "stays", "NUMBER": 1.5, "NESTED": {"a": [None, True]}}
REMEDY = "store its value there, or remove the credential from the catalog"


def held(**changed: str) -> dict[str, str]:
    """The texts of the stores; ``changed`` are keys of the core secret."""
    core = {
        "DATABASE_URL": "postgres://app_a:canary@db:5432/app?sslmode=require",
        "REPLICAS": "postgres://app_a:canary@r1/app,postgres://app_a:canary@r2/app",
        "DB_USER": "app_a",
        **KEEPS,
    }
    return {
        CORE: json.dumps({**core, **changed}),
        "/app/test/DB/PASSWORD": "canary",
        "whole-test": "canary",
        "all-test": '{"username": "app_a", "password": "canary", "port": 5432.0}',
    }


@pytest.fixture(scope="module")
def made(catalog: Make) -> Catalog:
    return catalog(SETTINGS, credentials={"database": DATABASE})


class TestSpots:
    def test_every_place_once_and_what_it_holds(self, made: Catalog) -> None:
        credential_places = list(credential_graph.spots(made, made.credentials["database"]))
        assert [(str(spot.place), spot.is_user) for spot in credential_places] == [
            ("secret app/test/core key DATABASE_URL", False),
            ("secret app/test/core key REPLICAS", False),
            ("secret app/test/core key DB_USER", True),
            ("parameter /app/test/DB/PASSWORD", False),
            ("secret whole-test", False),
            ("secret all-test key username", True),
            ("secret all-test key password", False),
        ]
        assert str(credential_places[0]) == "DATABASE_URL (secret app/test/core key DATABASE_URL)"
        assert str(credential_places[-1]) == "secret all-test key password"

    def test_secrets_are_named_once_and_parameters_are_none(self, made: Catalog) -> None:
        assert credential_graph.secrets_of(made, made.credentials["database"]) == (CORE, "whole-test", "all-test")

    def test_of_all_settings_and_credentials(self, catalog: Make) -> None:
        token = {"kind": "k", "appears_in": [{"secret": "{environment}-token"}]}
        result = catalog({"A": {"group": "core"}}, credentials={"c": token})
        assert credential_graph.every_secret(result) == ("app/test/core", "test-token")
        assert not credential_graph.anything_in_ssm(result)
        old = {"kind": "k", "appears_in": [{"parameter": "Old"}]}
        assert credential_graph.anything_in_ssm(catalog({"A": {"group": "core"}}, credentials={"c": old}))
        assert credential_graph.anything_in_ssm(catalog({"A": {"parameter": "A"}}))

    @pytest.mark.parametrize(
        ("name", "is_user"),
        [
            *(("DB_USER", True), ("USERNAME", True), ("db-login", True), ("user", True)),
            *(
                ("AWS_ACCESS_KEY_ID", True),
                ("AccessKeyId", True),
                ("MAIL_API_KEY_ID", True),
                ("TWITCH_CLIENT_ID", True),
                ("Key/ACCESS_KEY_ID", True),
            ),
            *(("SUPERUSER", False), ("USER_TOKEN", False), ("login2", False), ("KEY_ID", False), ("client", False)),
        ],
    )
    def test_a_user_name_is_known_by_its_name(self, catalog: Make, name: str, is_user: bool) -> None:
        result = catalog(
            {"A": {"value": "x"}},
            credentials={"c": {"kind": "k", "appears_in": [{"secret": "s-{environment}", "key": name}]}},
        )
        assert [spot.is_user for spot in credential_graph.spots(result, result.credentials["c"])] == [is_user]

    def test_the_parts_of_a_composed_url(self, catalog: Make) -> None:
        result = catalog(
            {
                "NAME": {"group": "core", "copies": [{"parameter": "NAME"}]},
                "URL": {
                    "compose": {
                        "scheme": "postgres",
                        "host": "db",
                        "username": {"setting": "NAME"},
                        "password": {"secret": "all-{environment}", "key": "secret"},
                    }
                },
            },
            credentials={"c": {"kind": "k", "appears_in": [{"setting": "URL"}]}},
        )
        assert [(str(spot), spot.is_user) for spot in credential_graph.spots(result, result.credentials["c"])] == [
            ("NAME (secret app/test/core key NAME)", True),
            ("NAME (parameter /app/test/NAME)", True),
            ("URL (secret all-test key secret)", False),
        ]

    def test_a_literal_part_is_no_place(self, catalog: Make) -> None:
        result = catalog(
            {"URL": {"compose": {"scheme": "redis", "host": "h", "username": "app"}}},
            credentials={"c": {"kind": "k", "appears_in": [{"setting": "URL"}]}},
        )
        assert list(credential_graph.spots(result, result.credentials["c"])) == []


class TestFind:
    def test_all_of_it(self, made: Catalog, holding: Holding) -> None:
        stored_credential = credential_graph.find(made, made.credentials["database"], holding(held()))
        assert stored_credential.problems == ()
        assert stored_credential.login == Login("app_a", "canary")
        assert stored_credential.url == "postgres://app_a:canary@db:5432/app?sslmode=require"
        assert len(stored_credential.places) == 7
        assert "canary" not in repr(stored_credential)

    def test_what_is_optional_may_be_absent(self, made: Catalog, holding: Holding) -> None:
        texts = held(REPLICAS="", DB_USER="")
        del texts["/app/test/DB/PASSWORD"], texts["whole-test"]
        stored_credential = credential_graph.find(made, made.credentials["database"], holding(texts))
        assert stored_credential.problems == ()
        assert len(stored_credential.places) == 3

    def test_what_is_required_or_named_by_the_credential_may_not(self, made: Catalog, holding: Holding) -> None:
        texts = held(DATABASE_URL="")
        texts["all-test"] = '{"username": "app_a"}'
        assert credential_graph.find(made, made.credentials["database"], holding(texts)).problems == (
            "DATABASE_URL (secret app/test/core key DATABASE_URL) holds no value",
            "secret all-test key password holds no value",
        )

    def test_a_reason_is_reported(self, made: Catalog, holding: Holding) -> None:
        failures = {
            "all-test": Failure(SECRETS_MANAGER, "all-test", DENIED),
            CORE: Failure(SECRETS_MANAGER, CORE, BINARY),
        }
        contents = Contents({"whole-test": holding(held()).readings["whole-test"]}, failures)
        problems = credential_graph.find(made, made.credentials["database"], contents).problems
        assert "secret all-test key password holds no value (denied)" in problems
        assert f"secret {CORE}: is binary, but the catalog needs text; store a SecretString" in problems

    def test_what_is_no_json_is_a_problem(self, made: Catalog, holding: Holding) -> None:
        texts = {**held(), "all-test": "canary {"}
        problems = credential_graph.find(made, made.credentials["database"], holding(texts)).problems
        assert any(message.startswith("secret all-test: is not JSON") for message in problems)
        assert "canary" not in str(problems)

    def test_of_what_is_no_json_no_key_is_missed(self, made: Catalog, holding: Holding) -> None:
        texts = {**held(), "all-test": "canary {"}
        problems = credential_graph.find(made, made.credentials["database"], holding(texts)).problems
        assert len(problems) == 1

    def test_it_is_nowhere(self, catalog: Make, holding: Holding) -> None:
        result = catalog(
            {"A": {"group": "core"}, "B": {"value": "x"}},
            credentials={
                "c": {"kind": "k", "appears_in": [{"setting": "A"}]},
                "d": {"kind": "k", "appears_in": [{"setting": "B"}]},
            },
        )
        assert credential_graph.find(result, result.credentials["c"], holding({CORE: "{}"})).problems == (
            f"no store holds its value: A (secret {CORE} key A); {REMEDY}",
        )
        for reason, message in ((DENIED, f"not read: {CORE} (denied)"), (MISSING, REMEDY)):
            unread = Contents(failures={CORE: Failure("secretsmanager", CORE, reason)})
            (problem,) = credential_graph.find(result, result.credentials["c"], unread).problems
            assert problem.endswith(f"A (secret {CORE} key A); {message}")
        assert credential_graph.find(result, result.credentials["d"], Contents()).problems == (
            "no store holds its value: none of its locations is in a store; add one to its appears_in",
        )

    @pytest.mark.parametrize(
        ("kind", "name", "remedy"),
        [
            (
                "ssh_key",
                "deploy_ssh",
                'private half in a secret, too: add {secret: "app/{environment}/deploy-ssh", key: private_key}',
            ),
            ("external", "token", 'value in a secret, too: add {secret: "app/{environment}/token", key: value}'),
        ],
    )
    def test_github_alone_holds_it(self, catalog: Make, kind: str, name: str, remedy: str) -> None:
        credential = {"kind": kind, "appears_in": [{"github": "SSH_PRIVATE_KEY"}]}
        result = catalog({"A": {"group": "core"}}, credentials={name: credential})
        (problem,) = credential_graph.find(result, result.credentials[name], Contents()).problems
        assert problem.startswith("no store holds its value: its only location is GitHub (SSH_PRIVATE_KEY)")
        assert problem.endswith(f"; store its {remedy} to its appears_in, and store the value in use there")

    @pytest.mark.parametrize(
        ("changed", "which"),
        [
            (
                {"DATABASE_URL": "postgres://app_a:canary2@db/app"},
                ("DATABASE_URL", "REPLICAS", "passwords"),
            ),
            (
                {"DB_USER": "app_b"},
                ("DATABASE_URL", "DB_USER", "user names"),
            ),
        ],
    )
    def test_two_that_differ_are_both_named(
        self, made: Catalog, holding: Holding, changed: dict[str, str], which: tuple[str, str, str]
    ) -> None:
        stored_credential = credential_graph.find(made, made.credentials["database"], holding(held(**changed)))
        first, second = (f"{name} (secret {CORE} key {name})" for name in which[:2])
        assert f"{first} and {second} hold different {which[2]}; correct the wrong one" in stored_credential.problems
        assert "canary" not in str(stored_credential.problems)

    @pytest.mark.parametrize("second", ["postgres://app_a:canary2@r2/app", "postgres://r2/app", "canary"])
    def test_a_list_of_different_logins_is_never_taken_for_a_password(
        self, made: Catalog, holding: Holding, second: str
    ) -> None:
        texts = held(REPLICAS=f"postgres://app_a:canary@r1/app,{second}")
        stored_credential = credential_graph.find(made, made.credentials["database"], holding(texts))
        assert [message.partition(";")[0] for message in stored_credential.problems] == [
            f"REPLICAS (secret {CORE} key REPLICAS) lists URLs with different logins"
        ]
        assert "REPLICAS" not in {place.key for place in stored_credential.edits(Login("app_b", "new"))}

    def test_a_value_that_is_in_no_url(self, catalog: Make, holding: Holding) -> None:
        result = catalog(
            {"HOOK": {"group": "core", "type": "url"}},
            credentials={"c": {"kind": "external", "appears_in": [{"setting": "HOOK"}]}},
        )
        held_now = credential_graph.find(
            result, result.credentials["c"], holding({CORE: '{"HOOK": "https://hooks/canary"}'})
        )
        assert held_now.login == Login(None, "https://hooks/canary")
        assert held_now.url is None
        assert list(held_now.edits(Login(None, "https://hooks/new")).values()) == ["https://hooks/new"]


class TestEdits:
    def test_every_place_gets_its_part(self, made: Catalog, holding: Holding) -> None:
        edits = credential_graph.find(made, made.credentials["database"], holding(held())).edits(Login("app_b", "n/w"))
        assert {str(place): text for place, text in edits.items()} == {
            "secret app/test/core key DATABASE_URL": "postgres://app_b:n%2Fw@db:5432/app?sslmode=require",
            "secret app/test/core key REPLICAS": "postgres://app_b:n%2Fw@r1/app,postgres://app_b:n%2Fw@r2/app",
            "secret app/test/core key DB_USER": "app_b",
            "parameter /app/test/DB/PASSWORD": "n/w",
            "secret whole-test": "n/w",
            "secret all-test key username": "app_b",
            "secret all-test key password": "n/w",
        }

    def test_what_stays_is_no_edit(self, made: Catalog, holding: Holding) -> None:
        stored_credential = credential_graph.find(made, made.credentials["database"], holding(held()))
        assert stored_credential.edits(stored_credential.login) == {}
        assert stored_credential.edits(Login()) == {}
        names = {str(place) for place in stored_credential.edits(Login("app_a", "new"))}
        assert names.isdisjoint({"secret app/test/core key DB_USER", "secret all-test key username"})

    def test_contents_with_edits(self, made: Catalog, holding: Holding) -> None:
        contents = holding(held())
        stored_credential = credential_graph.find(made, made.credentials["database"], contents)
        secrets, parameters = credential_graph.contents_with(contents, stored_credential.edits(Login("app_b", "new")))
        assert parameters == {"/app/test/DB/PASSWORD": "new"}
        assert secrets["whole-test"] == "new"
        assert secrets["all-test"] == '{"username":"app_b","password":"new","port":5432.0}'
        core = parse_secret(secrets[CORE])
        assert list(core) == list(json.loads(held()[CORE]))
        assert {name: as_text(core[name]) for name in KEEPS} == {
            "OTHER": "stays",
            "NUMBER": "1.5",
            "NESTED": '{"a":[null,true]}',
        }
        assert credential_graph.contents_with(contents, {}) == ({}, {})

    def test_a_list_in_json_stays_a_list(self, catalog: Make, holding: Holding) -> None:
        result = catalog(
            {"HOSTS": {"group": "core", "type": "list"}},
            credentials={"c": {"kind": "k", "appears_in": [{"setting": "HOSTS"}]}},
        )
        contents = holding({CORE: '{"HOSTS": ["redis://:a@h1", "redis://:a@h2"]}'})
        edits = credential_graph.find(result, result.credentials["c"], contents).edits(Login(None, "b"))
        assert credential_graph.contents_with(contents, edits)[0] == {
            CORE: '{"HOSTS":["redis://:b@h1","redis://:b@h2"]}'
        }

    def test_text_at(self, holding: Holding) -> None:
        contents = holding(held())
        assert credential_graph.text_at(contents, Place(SECRETS_MANAGER, CORE, "DB_USER")) == "app_a"
        assert credential_graph.text_at(contents, Place(SSM, "/app/test/DB/PASSWORD")) == "canary"
        assert credential_graph.text_at(contents, Place(SECRETS_MANAGER, "none")) is None


# The property: any credential, spread over any places among anything else, whatever its values.
