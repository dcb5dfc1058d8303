# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""DSNs of Sentry, at a stand-in for its API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import provider_requests
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds import BUILT_IN
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import Part
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.sentry_dsn import SentryDsn
from tests.fakes.provider_apis import Sentry
from tests.unit.plugins.plugin_utils._rotation.kinds.provider_world import ADMIN_TOKEN, R1, R2, Killed, Requests, Shop
from tests.unit.plugins.plugin_utils._rotation.rotator_world import KINDS

OLD, OTHER, FIRST, SECOND = (f"{number:032x}" for number in (1, 2, 3, 4))


@pytest.fixture
def sentry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sentry]:
    monkeypatch.setitem(KINDS, "sentry_dsn", BUILT_IN["sentry_dsn"].kind)
    sentry = Sentry(ADMIN_TOKEN)
    with sentry.serving():
        yield sentry


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> Requests:
    return Requests(monkeypatch)


def shop_of(dsn: str, **options: str) -> Shop:
    given = {"organization": "acme", "project": "shop", **options}
    return Shop("sentry_dsn", {"options": given}, {"DSN": dsn})


@pytest.fixture
def shop(sentry: Sentry, requests: Requests) -> Iterator[Shop]:
    del requests
    shop = shop_of(sentry.dsn(OLD), url=sentry.url)
    yield shop
    assert "canary" not in str(shop.world.journal.read().lines), "the journal holds no value"


def test_two_rotations(shop: Shop, sentry: Sentry) -> None:
    """The whole DSN is replaced: another key of a project may be at another address."""
    assert shop.act("check") == {}
    shop.rotate()
    assert shop.stored == (None, sentry.dsn(FIRST))
    assert sentry.keys[FIRST]["name"] == f"app-test-mail-{R1}"
    shop.rotator = shop.world.begun("mail", rotation=R2)
    shop.rotate()
    assert shop.stored == (None, sentry.dsn(SECOND))
    assert sorted(sentry.keys) == [OTHER, SECOND]
    deleted = sentry.calls.index(f"DELETE {sentry.PATH}{OLD}/")
    assert sentry.calls[deleted - 1] == f"PUT {sentry.PATH}{OLD}/", "it is disabled first"


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(6))
def test_killed_at_each_request(shop: Shop, sentry: Sentry, requests: Requests, when: str, at: int) -> None:
    count = requests.kill(when, at)
    with pytest.raises(Killed):
        shop.rotate()
    requests.spare()
    assert next(count) > at
    shop.rotator = shop.world.taken_over()
    if shop.rotator.holding()[1].step == "create":
        shop.rotate()
    else:
        shop.rotator.advance("revoke")
        shop.act("revoke")
    assert sorted(sentry.keys)[0] == OTHER
    assert len(sentry.keys) == 2


def test_a_rollback_deletes_the_new_key(shop: Shop, sentry: Sentry) -> None:
    shop.act("issue")
    shop.world.created(shop.rotator)
    shop.rotator.advance("withdraw")
    shop.act("revoke")
    assert sorted(sentry.keys) == [OLD, OTHER]


def test_a_key_that_somebody_disabled(shop: Shop, sentry: Sentry) -> None:
    shop.act("issue")
    shop.world.created(shop.rotator)
    shop.rotator.advance("test")
    sentry.keys[FIRST]["isActive"] = False
    with pytest.raises(RotationError, match=f"key {FIRST} is not accepted after 0 s: .* lists it as inactive"):
        shop.act("test")


def test_a_store_cannot_choose_a_key_of_others(sentry: Sentry, requests: Requests) -> None:
    del requests
    with pytest.raises(RotationError, match=f"key {OTHER} under an unknown label: no rotation of mail gave") as caught:
        shop_of(sentry.dsn(OTHER), url=sentry.url).act("check")
    assert str(caught.value).endswith("write its label into credentials.mail.options.first_label")


def test_the_remedy_names_options_since_the_catalog_has_no_requests(shop: Shop) -> None:
    api = SentryDsn.api(Part(shop.setting(), shop.server, {"name": "mail"}))
    with pytest.raises(RotationError, match=r"; correct url, organization and project in credentials\.mail\.options$"):
        provider_requests.keys(api, {"detail": "not a list"})


def test_a_token_that_is_refused(shop: Shop, sentry: Sentry) -> None:
    sentry.token = "another"
    with pytest.raises(
        RotationError, match="refused the request 'list': HTTP status 401; give the administrator's token"
    ) as caught:
        shop.act("check")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"project": "../acme"}, r"options\.project is not a slug of Sentry"),
        ({"url": "http://sentry.example"}, r"options\.url: would send the value unencrypted"),
    ],
)
def test_options_that_would_lead_elsewhere(sentry: Sentry, options: dict[str, str], message: str) -> None:
    with pytest.raises(RotationError, match=message):
        shop_of(sentry.dsn(OLD), **{"url": sentry.url, **options}).act("check")
    assert sentry.calls == []


def test_a_value_that_is_no_dsn(sentry: Sentry, requests: Requests) -> None:
    del requests
    with pytest.raises(RotationError, match="the stored key id of mail is not a key's id") as caught:
        shop_of("https://canary.example/7", url=sentry.url).act("check")
    assert "canary" not in str(caught.value)


def test_a_leaked_dsn_is_disabled_before_a_new_one_is_made(shop: Shop, sentry: Sentry) -> None:
    shop.act("block")
    assert sentry.keys[OLD]["isActive"] is False
    shop.rotate()
    assert sorted(sentry.keys) == [OTHER, FIRST]
