# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core import url_builder, value_types
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import (
    Compose,
    Part,
    Place,
    Setting,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def place(name: str) -> Place:
    return Place("secretsmanager", "s", name)


def url(held: dict[str, Any], query: tuple[str, ...] = (), scheme: str = "postgresql") -> str | None:
    """The URL whose parts are held under their own names."""
    parts = {name: place(name) for name in held if name not in query}
    compose = Compose(scheme=scheme, query=tuple((name, place(name)) for name in query), **parts)

    def value_of(part: Part) -> str | None:
        assert isinstance(part, Place)
        value: str | None = held[part.key or ""]
        return value

    return url_builder.url(compose, value_of)


@given(username=TEXT, password=TEXT, path=TEXT, query=st.dictionaries(st.sampled_from(["a", "b c", "&", "ü"]), TEXT))
def test_every_part_decodes_back(username: str, password: str, path: str, query: dict[str, str]) -> None:
    held = {"host": "db.internal", "port": "5432", "username": username, "password": password, "path": path, **query}
    made = url(held, tuple(query))
    assert made is not None
    split = urlsplit(made)
    assert (split.scheme, split.hostname, split.port) == ("postgresql", "db.internal", 5432)
    assert unquote(split.username or "") == username
    assert unquote(split.password or "") == password
    assert unquote(split.path[1:]) == path
    assert dict(parse_qsl(split.query, keep_blank_values=True, separator="&")) == query
    assert value_types.problem(Setting("URL", type="url", schemes=("postgresql",)), made) is None


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ({"host": "h"}, "postgresql://h"),
        ({"host": "h", "password": "p@:/"}, "postgresql://:p%40%3A%2F@h"),
        ({"host": "h", "username": "u"}, "postgresql://u@h"),
        ({"host": "h", "username": "u", "password": ""}, "postgresql://u:@h"),
        ({"host": "::1", "port": "1"}, "postgresql://[::1]:1"),
        ({"host": "[fe80::1]", "path": "0"}, "postgresql://[fe80::1]/0"),
        ({"host": "h", "path": ""}, "postgresql://h/"),
        ({"host": "h", "username": None}, None),
        ({"host": None}, None),
    ],
)
def test_urls(held: dict[str, Any], expected: str | None) -> None:
    assert url(held) == expected


def test_the_vhost_of_a_message_broker() -> None:
    held = {"host": "mq", "username": "shop_a", "password": "p/@", "path": "shop/eu"}
    assert url(held, scheme="amqps") == "amqps://shop_a:p%2F%40@mq/shop%2Feu"
    assert url({**held, "path": "/"}, scheme="amqps") == "amqps://shop_a:p%2F%40@mq/%2F"


@pytest.mark.parametrize(
    ("held", "message"),
    [
        ({"host": ""}, "host is not a host name"),
        ({"host": "canary.test/x"}, "host is not a host name"),
        ({"host": "u@canary.test"}, "host is not a host name"),
        ({"host": "canary.test\n"}, "host is not a host name"),
        ({"host": "canary.test:80"}, "host is not a host name"),
        ({"host": "h", "port": "canary"}, "port is not a number"),
        ({"host": "h", "port": "1\n"}, "port is not a number"),
        ({"host": "h", "port": "٣"}, "port is not a number"),
        ({"host": "h", "port": ""}, "port is not a number"),
        ({"host": "h", "username": "canary\ud800"}, "username is not text"),
        ({"host": "h", "password": "canary\ud800"}, "password is not text"),
        ({"host": "h", "path": "canary\ud800"}, "path is not text"),
    ],
)
def test_what_cannot_stand_in_a_url_is_named_without_its_value(held: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as raised:
        url(held)
    assert "canary" not in str(raised.value)
    assert "ud800" not in str(raised.value)
