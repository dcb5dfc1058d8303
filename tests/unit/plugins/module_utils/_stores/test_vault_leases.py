# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a hostile server answers about logins and leases: refused in our words, and what it made is ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound, StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.stores.vault import Vault
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import vault_client
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.vault_leases import DatabaseLeases, Lease
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission
from tests.unit.plugins.module_utils._stores.test_vault_client import Server

PASSWORD = "canary-of-a-login"
AUTH = {"client_token": "token-of-its-own", "accessor": "accessor-1", "lease_duration": 90000}
MADE = {"lease_id": "database/creds/web/id1", "data": {"username": "v-web-1", "password": PASSWORD}}
LEASE = Lease(MADE["lease_id"], "accessor-1")  # type: ignore[arg-type]
CREDS = "/v1/database/creds/web"


class Answers:
    """By path: a status, and what is answered."""

    def __init__(self, tmp_path: Path, **answers: Any) -> None:
        self.token = tmp_path / "token"
        self.token.touch(mode=0o600)
        self.token.write_text("ours")
        self.answers: dict[str, tuple[int, Any]] = {
            "/v1/auth/token/create-orphan": (200, {"auth": AUTH}),
            "/v1/auth/token/renew-accessor": (200, {"auth": AUTH}),
            "/v1/sys/leases/renew": (200, {"lease_duration": 80000}),
            CREDS: (200, MADE),
            **answers,
        }
        self.server = Server(self._answer)

    def _answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        status, document = self.answers.get(path, (204, None))
        return status, {}, b"" if document is None else json.dumps(document).encode()

    def leases(self) -> DatabaseLeases:
        vault = Vault(self.server.address, "token", token_file=str(self.token))
        return DatabaseLeases(vault_client.connect(vault), "database", "web")

    @property
    def asked(self) -> list[tuple[str, str]]:
        return [(path, token) for _method, path, token in self.server.asked]


def changed(document: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """With these keys; without those that are None."""
    return {key: text for key, text in {**document, **more}.items() if text is not None}


def test_a_login_is_made_by_a_token_of_its_own(tmp_path: Path) -> None:
    answers = Answers(tmp_path)
    with answers.server:
        leases = answers.leases()
        made = leases.make(fresh=WritePermission())
        assert (made.login.username, made.login.password, made.lease) == ("v-web-1", PASSWORD, LEASE)
        assert leases.extended(made.lease, 10**6, fresh=WritePermission()) == 80000, "the shorter of both"
        leases.end(made.lease, fresh=WritePermission())
    assert PASSWORD not in repr(made)
    assert answers.asked == [
        ("/v1/auth/token/create-orphan", "ours"),
        (CREDS, "token-of-its-own"),
        ("/v1/auth/token/renew-accessor", "ours"),
        ("/v1/sys/leases/renew", "ours"),
        ("/v1/sys/leases/revoke", "ours"),
        ("/v1/auth/token/revoke-accessor", "ours"),
    ]
    assert json.loads(answers.server.bodies[4]) == {"lease_id": LEASE.id, "sync": True}


@pytest.mark.parametrize(
    "made",
    [
        changed(MADE, lease_id=None),
        changed(MADE, lease_id=7),
        changed(MADE, lease_id="database/creds/web/id\n1"),
        changed(MADE, lease_id="database/creds/web/\x1b[31m"),
        changed(MADE, lease_id="database/creds/web/" + "x" * 513),
        changed(MADE, lease_id="database/creds/other/id1"),
        changed(MADE, lease_id=""),
        changed(MADE, data=None),
        changed(MADE, data=[]),
        changed(MADE, data={"username": "v-web-1"}),
        changed(MADE, data={"username": "v'; DROP ROLE a; --", "password": PASSWORD}),
        changed(MADE, data={"username": "v-web-1\n", "password": PASSWORD}),
        changed(MADE, data={"username": "v-web-1", "password": PASSWORD + "\nEVIL=1"}),
        changed(MADE, data={"username": "v-web-1", "password": "short"}),
        changed(MADE, data={"username": "v-web-1", "password": "x" * 1025}),
    ],
)
def test_an_answer_that_is_no_login_ends_what_it_made(tmp_path: Path, made: Any) -> None:
    answers = Answers(tmp_path, **{CREDS: (200, made)})
    with answers.server, pytest.raises(StoreError, match="is a database engine") as refused:
        answers.leases().make(fresh=WritePermission())
    assert answers.asked[-1] == ("/v1/auth/token/revoke-accessor", "ours")
    assert PASSWORD not in str(refused.value)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "auth",
    [{}, changed(AUTH, accessor=None), changed(AUTH, accessor="a\nb"), changed(AUTH, client_token="a b"), "text", None],
)
def test_an_answer_that_is_no_token_makes_no_login(tmp_path: Path, auth: Any) -> None:
    answers = Answers(tmp_path, **{"/v1/auth/token/create-orphan": (200, {"auth": auth})})
    with answers.server, pytest.raises(StoreError, match="making a token for a new login"):
        answers.leases().make(fresh=WritePermission())
    assert len(answers.asked) == 1


@pytest.mark.parametrize("seconds", [None, 0, -1, True, "soon", 1.5, 10**11, [], "1\n"])
def test_a_lease_without_a_time(tmp_path: Path, seconds: Any) -> None:
    answers = Answers(tmp_path, **{"/v1/sys/leases/renew": (200, {"lease_duration": seconds})})
    with answers.server, pytest.raises(StoreError, match="lease_duration is missing or not a time"):
        answers.leases().extended(LEASE, 10**6, fresh=WritePermission())


@pytest.mark.parametrize("path", ["/v1/sys/leases/renew", "/v1/auth/token/renew-accessor"])
def test_a_lease_that_has_ended(tmp_path: Path, path: str) -> None:
    answers = Answers(tmp_path, **{path: (400, {"errors": ["lease not found"]})})
    with answers.server, pytest.raises(NotFound, match="the lease of database/creds/web has ended"):
        answers.leases().extended(LEASE, 10**6, fresh=WritePermission())


@pytest.mark.parametrize("status", [400, 404])
def test_a_role_that_is_not_there(tmp_path: Path, status: int) -> None:
    answers = Answers(tmp_path, **{CREDS: (status, {"errors": []})})
    with answers.server, pytest.raises(NotFound, match=r"no role database/creds/web; correct options\.role"):
        answers.leases().make(fresh=WritePermission())
    assert answers.asked[-1] == ("/v1/auth/token/revoke-accessor", "ours")


def test_a_database_that_keeps_the_login(tmp_path: Path) -> None:
    answers = Answers(tmp_path, **{"/v1/sys/leases/revoke": (400, {"errors": ["cannot drop role"]})})
    with answers.server, pytest.raises(StoreError, match="could not revoke a lease of database/creds/web"):
        answers.leases().end(LEASE, fresh=WritePermission())
    assert answers.asked == [("/v1/sys/leases/revoke", "ours")], "the token stays, by which it can be tried again"


@pytest.mark.parametrize(
    ("held", "denied"),
    [
        (["read", "update"], 0),
        (["root"], 0),
        (["deny"], 6),
        (["update"], 1),
        ([], 6),
    ],
)
def test_what_no_policy_allows(tmp_path: Path, held: list[str], denied: int) -> None:
    paths = ("create-orphan", "renew-accessor", "revoke-accessor")
    asked = ["database/creds/web", *(f"auth/token/{path}" for path in paths), "sys/leases/renew", "sys/leases/revoke"]
    answers = Answers(tmp_path, **{"/v1/sys/capabilities-self": (200, {"data": dict.fromkeys(asked, held)})})
    with answers.server:
        found = answers.leases().denied()
    assert len(found) == denied
    assert found[:1] == (["read on database/creds/web"] if denied else [])


@pytest.mark.parametrize("data", [None, [], {}, {"database/creds/web": 7}])
def test_an_answer_that_tells_nothing_of_policies(tmp_path: Path, data: Any) -> None:
    answers = Answers(tmp_path, **{"/v1/sys/capabilities-self": (200, {"data": data})})
    with answers.server, pytest.raises(StoreError, match="it lacks the rights of its token"):
        answers.leases().denied()
