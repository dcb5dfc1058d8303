# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A leaked key of a provider's API: it goes first, and its holder cannot keep the run from making a new one."""

from __future__ import annotations

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import provider_client
from tests.unit.plugins.plugin_utils._rotation.kinds.provider_world import R2, Requests, Shop
from tests.unit.plugins.plugin_utils._rotation.kinds.test_http_api import (
    FIRST,
    STORED,
    Provider,
    credential,
    provider,
    requests,
)

__all__ = ["provider", "requests"]


@pytest.mark.parametrize("can_disable", [True, False])
def test_a_leaked_key_goes_before_a_new_one_is_made(provider: Provider, requests: Requests, can_disable: bool) -> None:
    del requests
    declared = credential(provider.url)
    if not can_disable:
        del declared["api"]["disable"]
        provider.keys["k0"]["on"] = False  # the stand-in deletes no other
    shop = Shop("http_api", declared, STORED)
    shop.act("block")
    assert list(provider.keys) == (["other", "k0"] if can_disable else ["other"])
    assert not provider.keys.get("k0", {}).get("on")
    provider.keys["k0"] = {**FIRST, "label": "of others"}
    with pytest.raises(RotationError, match="under an unknown label: no rotation of mail gave"):
        shop.act("block")
    assert provider.keys["k0"]["on"]


def test_a_list_that_is_full_makes_room_by_the_leaked_key(provider: Provider, requests: Requests) -> None:
    """Its holder may have made the others."""
    del requests
    shop = Shop("http_api", credential(provider.url, limit=2), STORED)
    shop.close("closed")
    shop.rotator = shop.world.begun("mail", rotation=R2, leak="leak-1")
    shop.rotate()
    assert list(provider.keys) == ["other", "k1"]
    calls = [call.partition(" ")[0] for call in provider.calls]
    assert calls.index("DELETE") < calls.index("POST")


def test_a_list_without_end_hinders_no_block(
    provider: Provider, requests: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pages of two keys stand for some hundred, and only the first one is read."""
    del requests
    monkeypatch.setattr(provider_client, "PAGES", 1)
    provider.keys.update({f"made-{number}": {**FIRST, "value": f"canary-{number}"} for number in range(3)})
    shop = Shop("http_api", credential(provider.url), STORED)
    with pytest.raises(RotationError, match="lists more than 1 pages of keys"):
        shop.act("check")
    shop.close("closed")
    shop.rotator = shop.world.begun("mail", rotation=R2, leak="leak-1")
    assert shop.act("check") == {}
    shop.act("block")
    assert not provider.keys["k0"]["on"]


def test_only_a_leaked_key_need_not_work(provider: Provider, requests: Requests) -> None:
    del requests
    provider.keys["k0"]["on"] = False
    shop = Shop("http_api", credential(provider.url), STORED)
    shop.declare_another_leak()
    with pytest.raises(RotationError, match="lists no active key k0"):
        shop.act("check")
    shop.close("closed")
    shop.rotator = shop.world.begun("mail", rotation=R2, leak="leak-1")
    assert shop.act("check") == {}
