# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import (
    AlreadyExists,
    Denied,
    NotFound,
    RotationError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._graph import Found
from ansible_collections.watchparty.secrets.plugins.module_utils._kinds import Kind
from ansible_collections.watchparty.secrets.plugins.module_utils._model import Credential
from ansible_collections.watchparty.secrets.plugins.module_utils._new_values import Issued, kept_apart, login_for
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.memory import Hook, MemorySecrets
from ansible_collections.watchparty.secrets.plugins.module_utils._url import Login

FOUND = Found(Credential("database", "k"), Login("app_a", "old"))
MADE = Login("AKIA2", "canary")


def never(_length: int) -> str:
    pytest.fail("generates a value")


@pytest.fixture
def issued() -> Issued:
    return Issued(MemorySecrets(), "own/r1", "r1")


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        (Kind("k"), None, Login("app_a", "n" * 32)),
        (Kind("k", length=20, alternates="always"), None, Login("app_b", "n" * 20)),
        (Kind("k"), Login(None, "mine"), Login("app_a", "mine")),
        (Kind("k", value="supplied"), Login(None, "mine"), Login("app_a", "mine")),
        (Kind("k", value="supplied"), Login("other", "mine"), Login("other", "mine")),
        (Kind("k", value="supplied"), Login("other"), Login("other", "old")),
    ],
)
def test_a_login_that_takes_the_old_ones_place(kind: Kind, given: Login | None, expected: Login) -> None:
    generate = (lambda length: "n" * length) if given is None else never
    assert login_for(kind, FOUND, given, generate) == expected


@pytest.mark.parametrize("value", ["supplied", "provider"])
def test_what_is_not_generated_must_be_given(value: str) -> None:
    with pytest.raises(RotationError, match=r"^database: its new value is needed again; give it as you did"):
        login_for(Kind("k", value=value), FOUND, None, never)


class TestIssued:
    def test_it_is_kept_once(self, issued: Issued) -> None:
        assert issued.find("key") is None
        issued.keep("key", MADE)
        issued.keep("key", MADE)
        assert (issued.find("key"), issued.take("key")) == (MADE, MADE)
        with pytest.raises(AlreadyExists):
            issued.keep("key", Login("AKIA3", "other"))
        assert issued.take("key") == MADE

    def test_one_secret_a_credential(self, issued: Issued) -> None:
        issued.keep("key", MADE)
        assert issued.name("key") == "own/r1/key"
        assert issued.find("other") is None

    def test_not_made_yet(self, issued: Issued) -> None:
        with pytest.raises(NotFound, match=r"^key: its provider has made no new value for this rotation yet"):
            issued.take("key")

    def test_that_may_not_be_read_is_not_taken_for_unmade(self) -> None:
        class Deny(Hook):
            def before(self, op: str, name: str) -> None:
                if op == "read":
                    raise Denied("no", "no policy")

        issued = Issued(MemorySecrets(Deny()), "own/r1", "r1")
        with pytest.raises(Denied, match=r"^secret own/r1/key may not be read; allow secretsmanager:GetSecretValue"):
            issued.find("key")

    def test_it_is_forgotten(self, issued: Issued) -> None:
        for name in ("key", "other"):
            issued.keep(name, MADE)
        plan: Any = {"credentials": {"key": {"kind": "k", "issued": True}, "other": {"kind": "k"}}}
        assert kept_apart(plan) == ["key"]
        for _turn in range(2):
            issued.forget(plan)
            assert issued.find("key") is None
        assert issued.find("other") == MADE
        issued.forget_one("other")
        assert issued.find("other") is None
