# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keys that a provider's API makes: each stage, killed at each of its requests, and answers that are hostile."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Overtaken, RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import provider_client
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds import BUILT_IN
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import Part
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from tests.fakes.memory_stores import Hook
from tests.fakes.provider_apis import Answer, StandIn
from tests.unit.plugins.plugin_utils._rotation.kinds.provider_world import (
    ADMIN_TOKEN,
    R1,
    R2,
    R3,
    Killed,
    Requests,
    Shop,
)
from tests.unit.plugins.plugin_utils._rotation.rotator_world import KINDS

FIRST: dict[str, Any] = {"label": "by hand", "value": "canary-of-the-first-key", "on": True}
STORED = {"MAIL_API_KEY_ID": "k0", "MAIL_API_KEY": FIRST["value"]}


class Provider(StandIn):
    """Keys in pages of two."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = {"other": {**FIRST, "label": "of others", "value": "canary-of-others"}, "k0": dict(FIRST)}
        self.numbers = itertools.count(1)
        self.replies: dict[str, Answer] = {}
        """By method, what is answered instead."""

    def answer(self, method: str, path: str, headers: Any, body: Any) -> Answer:
        token = headers["Authorization"].removeprefix("Bearer ")
        if path == "/me":
            valid = [key for key in self.keys.values() if key["on"] and key["value"] == token]
            return (200 if valid else 401), {}, {}
        assert token == ADMIN_TOKEN
        if method in self.replies:
            return self.replies[method]
        return self._of_keys(method, path, body)

    def _of_keys(self, method: str, path: str, body: Any) -> Answer:
        key = path.rpartition("/")[2]
        if method == "GET":
            return self._page(int(path.partition("page=")[2] or 0))
        if method == "POST":
            return 201, self._made(body["name"]), {}
        if key not in self.keys:
            return 404, {}, {}
        if method == "PUT":
            self.keys[key]["on"] = body["on"]
        else:
            assert not self.keys.pop(key)["on"], "it was disabled first"
        return 200, {}, {}

    def _page(self, page: int) -> Answer:
        names = list(self.keys)[2 * page : 2 * page + 2]
        keys = [{"id": name, "name": self.keys[name]["label"], "on": self.keys[name]["on"]} for name in names]
        more = {"Link": f'<{self.url}/v1/keys?page={page + 1}>; rel="next"'} if len(self.keys) > 2 * page + 2 else {}
        return 200, {"data": {"keys": keys}}, more

    def _made(self, label: str) -> dict[str, Any]:
        number = next(self.numbers)
        self.keys[f"k{number}"] = {"label": label, "value": f"canary-of-key-{number}", "on": True}
        return {"key": {"id": f"k{number}"}, "secrets": [f"canary-of-key-{number}"]}


def credential(url: str, **more: Any) -> dict[str, Any]:
    api = {
        "url": f"{url}/v1",
        "headers": {"Authorization": "Bearer {admin}"},
        "list": {"path": "/keys", "items": "data.keys", "id": "id", "label": "name", "active": "on"},
        "create": {"path": "/keys", "body": {"name": "{label}"}, "id": "key.id", "value": "secrets.0"},
        "disable": {"path": "/keys/{id}", "body": {"on": False}},
        "revoke": {"path": "/keys/{id}"},
        "first_label": "by hand",
    }
    return {"api": {**api, **more}, "test": {"url": f"{url}/me", "headers": {"Authorization": "Bearer {value}"}}}


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setitem(KINDS, "http_api", BUILT_IN["http_api"].kind)
    provider = Provider()
    with provider.serving():
        yield provider
    assert "canary" not in "".join(provider.calls), "no address holds a value"


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> Requests:
    return Requests(monkeypatch)


@pytest.fixture
def shop(provider: Provider, requests: Requests) -> Iterator[Shop]:
    del requests
    shop = Shop("http_api", credential(provider.url), STORED)
    yield shop
    assert "canary" not in str(shop.world.journal.read().lines), "the journal holds no value"


def test_two_rotations(shop: Shop, provider: Provider) -> None:
    assert shop.act("check") == {}
    shop.rotate()
    assert shop.stored == ("k1", "canary-of-key-1")
    assert provider.keys["k1"]["label"] == f"app-test-mail-{R1}"
    shop.rotator = shop.world.begun("mail", rotation=R2)
    shop.rotate()
    assert shop.stored == ("k2", "canary-of-key-2")
    assert sorted(provider.keys) == ["k2", "other"]
    assert shop.waited == [], "no value is waited for before it was made"


def test_the_same_stages_again(shop: Shop, provider: Provider) -> None:
    assert shop.act("issue") == shop.act("issue")
    shop.world.created(shop.rotator)
    shop.rotator.advance("revoke")
    answer = shop.act("revoke")
    assert answer["message"] == "key k0 is deleted and rejected"
    assert answer["refused"] == [provider.url.removeprefix("http://")], "what a post-mortem names"
    assert shop.act("revoke") == answer
    assert sorted(provider.keys) == ["k1", "other"]


@pytest.mark.parametrize(("step", "token"), [("test", ADMIN_TOKEN), ("revoke_first", "canary-of-the-new")])
def test_the_new_token_of_the_administrator_counts_once_it_is_tested(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, step: str, token: str
) -> None:
    """A stage that is carried out once more finds its old one revoked already."""
    shop.act("issue")
    shop.world.created(shop.rotator)
    shop.rotator.advance(step)
    monkeypatch.setattr(RotationSetup, "new_value", lambda *_about: Login(None, "canary-of-the-new"))
    kind: Any = BUILT_IN["http_api"]()
    client = kind._keys(Part(shop.setting(), shop.server, {"name": "mail"})).client
    assert client._headers["Authorization"] == f"Bearer {token}"


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(7))
def test_killed_at_each_request_of_the_making(
    shop: Shop, provider: Provider, requests: Requests, when: str, at: int
) -> None:
    """The next run has one key; what the killed one made and nobody kept is gone."""
    provider.keys["stray"] = {"label": f"app-test-mail-{R1}", "value": "canary-of-a-stray", "on": True}
    count = requests.kill(when, at)
    with pytest.raises(Killed):
        shop.act("issue")
    requests.spare()
    assert next(count) > at
    shop.rotator = shop.world.taken_over()
    shop.act("issue")
    shop.world.created(shop.rotator)
    issued = shop.rotator.issued(shop.rotator.holding()[1]).take("mail")
    assert sorted(provider.keys) == sorted(["k0", "other", str(issued.username)])
    shop.rotator.advance("test")
    shop.act("test")


def test_killed_after_the_creation_and_rolled_back(shop: Shop, provider: Provider, requests: Requests) -> None:
    requests.kill("after", 1)
    with pytest.raises(Killed):
        shop.act("issue")
    requests.spare()
    assert "k1" in provider.keys
    shop.rotator = shop.world.taken_over()
    shop.rotator.advance("withdraw")
    message = "no new key was kept; deleted keys of this rotation: k1. If the provider lists app-test-mail-"
    assert shop.act("revoke")["message"] == f"{message}{R1} later, delete that key"
    assert sorted(provider.keys) == ["k0", "other"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(5))
def test_killed_at_each_request_of_the_revocation(
    shop: Shop, provider: Provider, requests: Requests, when: str, at: int
) -> None:
    shop.act("issue")
    shop.world.created(shop.rotator)
    shop.rotator.advance("revoke")
    count = requests.kill(when, at)
    with pytest.raises(Killed):
        shop.act("revoke")
    requests.spare()
    assert next(count) > at
    shop.rotator = shop.world.taken_over()
    shop.act("revoke")
    assert sorted(provider.keys) == ["k1", "other"]


def test_a_rollback_deletes_the_new_key(shop: Shop, provider: Provider) -> None:
    shop.act("issue")
    shop.world.created(shop.rotator)
    shop.rotator.advance("withdraw")
    del provider.keys["k0"]  # which may be why the rotation failed
    shop.act("revoke")
    assert sorted(provider.keys) == ["other"]


def test_keys_that_wait_for_a_later_revocation(provider: Provider, requests: Requests) -> None:
    """After a leak they go with the present one."""
    del requests
    shop = Shop("http_api", {**credential(provider.url), "revoke_after": 7200}, STORED)
    shop.rotate()
    shop.rotator = shop.world.begun("mail", rotation=R2)
    shop.rotate()
    assert sorted(provider.keys) == ["k0", "k1", "k2", "other"]
    shop.rotator = shop.world.begun("mail", rotation=R3, leak="leak-1")
    shop.act("issue")
    shop.world.created(shop.rotator)
    shop.rotator.advance("revoke")
    for task in (f"{R1}/mail", f"{R2}/mail", ""):
        shop.act("revoke", pending_task=task)
    assert sorted(provider.keys) == ["k3", "other"]


class Late(Hook):
    """Another run ends the rotation while this one keeps what it was given."""

    def __init__(self, shop: Shop, moment: str) -> None:
        self.shop, self.moment, self.done = shop, moment, False

    def before(self, op: str, name: str) -> None:
        self._ends(op, name, "before")

    def after(self, op: str, name: str) -> None:
        self._ends(op, name, "after")

    def _ends(self, op: str, name: str, moment: str) -> None:
        if op == "create" and name.endswith("/mail") and moment == self.moment and not self.done:
            self.done = True
            other = self.shop.world.taken_over("run9")
            other.advance("withdraw")
            other.advance("discard")
            other.clear(other.holding()[1])
            journal, rotation = other.holding()
            other.append(journal, rotation.id, "aborted")


@pytest.mark.parametrize("moment", ["before", "after"])
def test_another_run_ends_the_rotation_meanwhile(shop: Shop, provider: Provider, moment: str) -> None:
    shop.world.secrets.hook = Late(shop, moment)
    with pytest.raises(Overtaken):
        shop.act("issue")
    assert shop.world.secrets.hook.done
    assert sorted(provider.keys) == ["k0", "other"]
    assert [name for name in shop.world.secrets._secrets if "rotation" in name] == []


def test_a_store_cannot_choose_a_key_of_others(provider: Provider, requests: Requests) -> None:
    del requests
    shop = Shop("http_api", credential(provider.url), {**STORED, "MAIL_API_KEY_ID": "other"})
    with pytest.raises(RotationError, match="lists key other under an unknown label: no rotation of mail gave"):
        shop.act("check")
    shop.act("issue")
    shop.world.created(shop.rotator)
    shop.rotator.advance("revoke")
    with pytest.raises(RotationError, match="lists key other under an unknown label: no rotation of mail gave"):
        shop.act("revoke")
    assert provider.keys["other"]["on"]


@pytest.mark.parametrize("key", ["../../admin", "..", "k0?x=y", "k0\n", "a/b", ""])
def test_an_id_that_would_lead_elsewhere(provider: Provider, requests: Requests, key: str) -> None:
    del requests
    shop = Shop("http_api", credential(provider.url), STORED)
    shop.world.write("MAIL_API_KEY_ID", key or " ")
    provider.calls.clear()
    with pytest.raises(RotationError, match="the stored key id of mail is not a key's id"):
        shop.act("check")
    assert provider.calls == []


def test_what_check_finds(shop: Shop, provider: Provider) -> None:
    provider.keys["k0"]["value"] = "another"
    with pytest.raises(RotationError, match=r"key k0 in use is not accepted: .*/me answers with status 401"):
        shop.act("check")
    provider.keys["k0"]["on"] = False
    with pytest.raises(RotationError, match="lists no active key k0"):
        shop.act("check")
    assert all(call.startswith("GET") for call in provider.calls)


def test_a_provider_with_a_limit(provider: Provider, requests: Requests) -> None:
    del requests
    shop = Shop("http_api", credential(provider.url, limit=2), STORED)
    with pytest.raises(RotationError, match=r"lists 2 keys, and api\.limit is 2; delete a key"):
        shop.act("check")


def test_a_key_that_stays_accepted(shop: Shop, provider: Provider) -> None:
    shop.act("issue")
    shop.world.created(shop.rotator)
    shop.rotator.advance("revoke")
    provider.replies["DELETE"] = provider.replies["PUT"] = (204, b"", {})
    with pytest.raises(RotationError, match=r"key k0 is not rejected after 0 s: http://127\.0\.0\.1:[0-9]+/me"):
        shop.act("revoke")


def test_a_new_key_that_does_not_work_keeps_the_old_one(shop: Shop, provider: Provider) -> None:
    shop.act("issue")
    shop.world.created(shop.rotator)
    provider.keys["k1"]["on"] = False
    shop.rotator.advance("revoke")
    with pytest.raises(RotationError, match="key k1 is not accepted"):
        shop.act("revoke")
    assert provider.keys["k0"]["on"]


ANSWERS: dict[str, Answer] = {
    "a redirect": (302, {}, {"Location": "http://127.0.0.1:1/"}),
    "no JSON": (200, b"<html>canary-of-the-answer", {}),
    "deep JSON": (200, b"[" * 100000, {}),
    "no id": (200, {"secrets": ["canary-of-the-answer"]}, {}),
    "a path as id": (200, {"key": {"id": "../x"}, "secrets": ["canary-of-the-answer"]}, {}),
    "no text as value": (200, {"key": {"id": "k9"}, "secrets": [{"canary": 1}]}, {}),
    "a short value": (200, {"key": {"id": "k9"}, "secrets": ["canary"]}, {}),
    "a long value": (200, {"key": {"id": "k9"}, "secrets": ["canary" * 20000]}, {}),
    "the key in use": (200, {"key": {"id": "k0"}, "secrets": ["canary-of-the-answer"]}, {}),
    "half a character": (200, {"key": {"id": "k9"}, "secrets": ["canary-of-the-\ud800"]}, {}),
    "a value that no header carries": (200, {"key": {"id": "k9"}, "secrets": ["canary-of\nthe-answer"]}, {}),
    "a key of others": (200, {"key": {"id": "other"}, "secrets": ["canary-of-others"]}, {}),
    "a key that is not listed": (200, {"key": {"id": "k9"}, "secrets": ["canary-of-the-answer"]}, {}),
    "a long answer": (200, b" " * (5 << 20), {}),
    "a refusal that repeats the token": (403, {"error": ADMIN_TOKEN}, {}),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_hostile_answers_to_the_creation(shop: Shop, provider: Provider, name: str) -> None:
    provider.replies["POST"] = ANSWERS[name]
    with pytest.raises(RotationError) as caught:
        shop.act("issue")
    assert "canary" not in str(caught.value)
    assert len([call for call in provider.calls if call.startswith("POST")]) == 1, "it is sent once"
    assert shop.rotator.issued(shop.rotator.holding()[1]).find("mail") is None


LISTS: dict[str, tuple[Answer, str]] = {
    "no list": ((200, {"data": {"keys": 1}}, {}), "has no list of at most 10000 keys at data.keys"),
    "too many keys": ((200, {"data": {"keys": [{}] * 10001}}, {}), "has no list of at most 10000 keys"),
    "another host": (
        (200, {"data": {"keys": []}}, {"Link": '<http://127.0.0.1:1/canary>; rel="next"'}),
        "names a next page at another host, which gets no token",
    ),
    "pages without end": (
        (200, {"data": {"keys": []}}, {"Link": '</v1/keys>; rel="next"'}),
        "lists more than 100 pages of keys",
    ),
    "pages with too many keys": (
        (200, {"data": {"keys": [{"id": 1}] * 6000}}, {"Link": '</v1/keys>; rel="next"'}),
        "lists more than 10000 keys",
    ),
    "an error": ((503, {}, {}), "refused the request 'list': HTTP status 503; run the same command again"),
}


@pytest.mark.parametrize("name", LISTS)
def test_hostile_lists(shop: Shop, provider: Provider, name: str) -> None:
    provider.replies["GET"], message = LISTS[name]
    with pytest.raises(RotationError, match=message) as caught:
        shop.act("issue")
    assert "canary" not in str(caught.value)
    assert not [call for call in provider.calls if call.startswith("POST")]


def test_pages_that_come_slowly(shop: Shop, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_client, "LIST_SECONDS", 0, raising=False)
    provider.keys["third"] = dict(FIRST)
    with pytest.raises(RotationError, match="needs more than 0 s to list its keys"):
        shop.act("issue")


@pytest.mark.usefixtures("provider")
def test_a_provider_that_is_down(requests: Requests) -> None:
    shop = Shop("http_api", credential("http://127.0.0.1:1"), STORED)
    seen: list[str] = []
    requests.before = lambda method, _url: seen.append(method)
    with pytest.raises(
        RotationError, match=r"127\.0\.0\.1:1 refused the request 'list': no answer: .*Connection refused"
    ):
        shop.act("issue")
    assert seen == ["GET"] * 4, "what may be repeated is"
