# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What should be a URL and cannot be parsed is named as that, and not as another password."""

from __future__ import annotations

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from tests.unit.plugins.module_utils._core.test_credential_graph import CORE, DATABASE, SETTINGS, Holding, Make, held


@pytest.fixture(scope="module")
def made(catalog: Make) -> Catalog:
    return catalog(SETTINGS, credentials={"database": DATABASE})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("postgres//app_a:canary2@db/app", "cannot be parsed as a URL: it has no ://"),
        ("canary2", "cannot be parsed as a URL: it has no ://"),
        ("postgres://app_a:can/ary2@db/app", "cannot be parsed as a URL: a /, ? or # stands before its @"),
        ("postgres://db/app", "holds a URL without a user name and a password"),
    ],
)
def test_a_url_that_is_none_is_named_as_that(made: Catalog, holding: Holding, text: str, why: str) -> None:
    stored_credential = credential_graph.find(made, made.credentials["database"], holding(held(DATABASE_URL=text)))
    assert stored_credential.problems == (
        (
            f"DATABASE_URL (secret {CORE} key DATABASE_URL) {why}; write scheme://user:password@host/… there, with "
            "special characters of the user name and the password as %XX"
        ),
    )
    assert stored_credential.login == Login("app_a", "canary")


def test_an_item_that_is_no_url_is_named_by_its_number(made: Catalog, holding: Holding) -> None:
    texts = held(REPLICAS="postgres://app_a:canary@r1/app,postgres//app_a:canary@r2/app")
    [message] = credential_graph.find(made, made.credentials["database"], holding(texts)).problems
    assert message.startswith(f"item 2 of REPLICAS (secret {CORE} key REPLICAS) cannot be parsed as a URL")


def test_outside_settings_it_may_be_meant_as_a_url(made: Catalog, holding: Holding) -> None:
    texts = {**held(), "whole-test": "postgres//app_a:canary@db/app"}
    [message] = credential_graph.find(made, made.credentials["database"], holding(texts)).problems
    assert message.startswith("DB_PASSWORD (secret whole-test) cannot be parsed as a URL: it has no ://")


def test_a_password_that_looks_like_a_url_is_one(catalog: Make, holding: Holding) -> None:
    result = catalog(
        {"A": {"group": "core"}, "B": {"group": "core"}},
        credentials={"c": {"kind": "k", "appears_in": [{"setting": "A"}, {"setting": "B"}]}},
    )
    same = credential_graph.find(result, result.credentials["c"], holding({CORE: '{"A": "ca//nary", "B": "ca//nary"}'}))
    assert (same.problems, same.login.password) == ((), "ca//nary")
    [message] = credential_graph.find(
        result, result.credentials["c"], holding({CORE: '{"A": "a//b", "B": "c//d"}'})
    ).problems
    assert "hold different passwords" in message
