# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import PolicyError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.oidc_provider import (
    Changes,
    Provider,
    ProviderSpec,
    after,
    changes,
    checked,
    plain_url,
)

URL = "token.actions.githubusercontent.com"
ARN = f"arn:aws:iam::123456789012:oidc-provider/{URL}"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"https://{URL}", URL),
        (f"https://{URL}/", URL),
        (URL, URL),
        ("https://github.example.com/_services/token", "github.example.com/_services/token"),
    ],
)
def test_urls(url: str, expected: str) -> None:
    assert plain_url(url) == expected


@pytest.mark.parametrize(
    "url", ["http://example.com", "", "https://", "https://localhost", "https://a.b/?x=1", "https://*.b"]
)
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(PolicyError, match=r"^url: .* is not a valid URL"):
        plain_url(url)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (ProviderSpec(URL, ()), "client_ids: is empty, so IAM would reject every token"),
        (ProviderSpec(URL, ("",)), "client_ids: ''"),
        (ProviderSpec(URL, ("*",)), r"without \*"),
        (ProviderSpec(URL, tuple(map(str, range(101)))), "client_ids: has 101 ids, but IAM keeps at most 100"),
    ],
)
def test_what_iam_would_refuse(wanted: ProviderSpec, message: str) -> None:
    with pytest.raises(PolicyError, match=message.replace("*", r"\*")):
        checked(wanted)


def test_a_new_one() -> None:
    result = changes(None, ProviderSpec(URL, ("a",), tags={"x": "1"}))
    assert result == Changes(create=True, add_clients=("a",), add_tags={"x": "1"})
    assert result


STANDING = Provider(ARN, URL, ("a", "b"), {"x": "1", "y": "2"})


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (ProviderSpec(URL, ("a",)), Changes()),
        (ProviderSpec(URL, ("b", "a"), tags={"x": "1"}), Changes()),
        (ProviderSpec(URL, ("c", "a")), Changes(add_clients=("c",))),
        (ProviderSpec(URL, ("a",), tags={"x": "2", "z": "3"}), Changes(add_tags={"x": "2", "z": "3"})),
    ],
)
def test_what_lies_between(wanted: ProviderSpec, expected: Changes) -> None:
    assert changes(STANDING, wanted) == expected


ids = st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True).map(tuple)
tags = st.dictionaries(st.sampled_from("xyz"), st.sampled_from("12"))
providers = st.none() | st.builds(Provider, st.just(ARN), st.just(URL), ids, tags)
wanteds = st.builds(ProviderSpec, st.just(URL), ids, tags)


@given(standing=providers, wanted=wanteds)
def test_afterwards_nothing_is_left_to_do_and_nobodys_is_lost(standing: Provider | None, wanted: ProviderSpec) -> None:
    then = after(standing, wanted, changes(standing, wanted))
    assert not changes(then, wanted)
    assert set(wanted.clients) <= set(then.clients)
    assert set(wanted.tags.items()) <= set(then.tags.items())
    if standing:
        assert set(standing.clients) <= set(then.clients)
        assert set(standing.tags) <= set(then.tags)
