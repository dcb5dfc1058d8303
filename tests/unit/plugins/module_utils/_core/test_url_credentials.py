# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The login inside a URL: replaced in any URL, and nothing else touched."""

from __future__ import annotations

from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import (
    Login,
    flaw,
    login_of,
    resembles_url,
    with_login,
)

SCHEMES = st.sampled_from(["postgres", "postgresql+psycopg", "redis", "rediss", "amqp", "https", "X-a.b"])
HOSTS = st.sampled_from(["db", "db:5432", "[::1]", "[2001:db8::5]:6379", "a:1,b:2", "", "%2Fvar%2Frun", "ü.example"])
TAILS = st.sampled_from(["", "/", "/db", "/a@b:c", "?x=1", "?host=/run&at=@", "#f@g", "/db?q=%40#:@", "/é\n/x"])
TEXTS = st.text(max_size=12)
# What may stand in a URL's login as it is; everything else has to be percent-encoded.
RAW = st.text(st.sampled_from("aZ09-._~!$&'()*+,;=:@%é"), max_size=12)


def encoded(text: str, how: int) -> str:
    """The text percent-encoded, in one of the spellings that decode to it."""
    if how == 0:
        return quote(text, safe="")
    return "".join(f"%{byte:02x}" if how == 1 else f"%{byte:02X}" for byte in text.encode())


class TestLoginOf:
    @pytest.mark.parametrize(
        ("url", "username", "password"),
        [
            ("postgres://app:canary@db:5432/app?sslmode=require", "app", "canary"),
            ("redis://:canary@cache/0", None, "canary"),
            ("redis://app@cache/0", "app", None),
            ("redis://app:@cache", "app", ""),
            ("redis://@cache", None, None),
            ("redis://:@cache", None, ""),
            ("redis://a%40b:c%2Fd%3A%25@cache", "a@b", "c/d:%"),
            ("redis://u:p:q@cache", "u", "p:q"),
            ("redis://u:p@q@cache", "u", "p@q"),
            ("redis://u:p@[::1]:6379/0", "u", "p"),
            ("postgres://u:p@/app?host=/run", "u", "p"),
        ],
    )
    def test_found(self, url: str, username: str | None, password: str | None) -> None:
        assert login_of(url) == Login(username, password)

    @pytest.mark.parametrize(
        "text",
        [
            *("", "canary", "canary@example.org", "redis://cache/0", "https://site/a@b", "https://site?to=a:b@c"),
            *("https://site#a@b", "//u:p@host", "1x://u:p@host", "://u:p@h", "mailto:a@b"),
        ],
    )
    def test_none(self, text: str) -> None:
        assert login_of(text) is None

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("redis://:canary@cache/0", None),
            ("canary", "it has no ://"),
            ("redis//:canary@cache/0", "it has no ://"),
            ("redis:/:canary@cache/0", "it has no ://"),
            ("canary ://:canary@cache/0", "the text before its :// is not a scheme"),
            ("redis://:can/ary@cache/0", "a /, ? or # stands before its @"),
            ("redis://:can#ary@cache/0", "a /, ? or # stands before its @"),
            ("redis://cache/0", "without a user name and a password"),
        ],
    )
    def test_what_is_wrong_with_it(self, text: str, message: str | None) -> None:
        result = flaw(text)
        assert result is None if message is None else result is not None and message in result
        assert "canary" not in str(result)

    @pytest.mark.parametrize(
        ("text", "resembles"),
        [
            ("redis//:p@h/0", True),
            ("redis:/:p@h/0", True),
            ("redis://h", True),
            ("p@ss:w/rd", False),
            ("canary", False),
        ],
    )
    def test_what_somebody_may_have_meant(self, text: str, *, resembles: bool) -> None:
        assert resembles_url(text) is resembles

    def test_a_login_shows_no_password(self) -> None:
        assert repr(Login("app", "canary")) == "Login(username='app')"


class TestWithLogin:
    @pytest.mark.parametrize(
        ("url", "login", "expected"),
        [
            ("redis://u:p@h/0", Login("v", "q"), "redis://v:q@h/0"),
            ("redis://u:p@h/0", Login(None, "q"), "redis://u:q@h/0"),
            ("redis://u:p@h/0", Login("v", None), "redis://v:p@h/0"),
            ("redis://u@h", Login(None, "q"), "redis://u:q@h"),
            ("redis://u@h", Login("v"), "redis://v@h"),
            ("redis://:p@h", Login(None, "q"), "redis://:q@h"),
            ("redis://:p@h", Login("v", "q"), "redis://v:q@h"),
            ("redis://@h", Login(None, ""), "redis://:@h"),
            ("redis://u:p@h", Login(None, ""), "redis://u:@h"),
            ("redis://u:p@h", Login("a b/@:", "é%"), "redis://a%20b%2F%40%3A:%C3%A9%25@h"),
            # An encoding that nobody asked to change stays, however it is spelled.
            ("redis://%75:%70%2f@h", Login("u", "q"), "redis://%75:q@h"),
            ("redis://%75:%70%2f@h", Login("v", "p/"), "redis://v:%70%2f@h"),
        ],
    )
    def test_replaced(self, url: str, login: Login, expected: str) -> None:
        assert with_login(url, login) == expected

    @pytest.mark.parametrize("text", ["canary", "redis://canary/0", "https://site/canary@x", ""])
    def test_where_there_is_none(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"^is not a URL with a login in it$"):
            with_login(text, Login("u", "p"))

    @given(SCHEMES, RAW, HOSTS, TAILS, st.none() | TEXTS, st.none() | TEXTS)
    @example("redis", "u", "h", "", "@", ":")
    def test_only_the_login_changes(
        self, scheme: str, before: str, host: str, tail: str, username: str | None, password: str | None
    ) -> None:
        url = f"{scheme}://{before}@{host}{tail}"
        text = with_login(url, Login(username, password))
        start, end = f"{scheme}://", f"@{host}{tail}"
        assert text.startswith(start)
        assert text.endswith(end)
        login = text[len(start) : len(text) - len(end)]
        old_user, _, old_password = before.partition(":")
        new_user, colon, new_password = login.partition(":")
        kept = username is None or unquote(old_user) == username
        assert new_user == (old_user if kept else quote(str(username), safe=""))
        kept = password is None or (":" in before and unquote(old_password) == password)
        assert new_password == (old_password if kept else quote(str(password), safe=""))
        assert bool(colon) == (":" in before or password is not None)

    @given(SCHEMES, RAW, HOSTS, TAILS, TEXTS, TEXTS)
    def test_it_is_read_back(
        self, scheme: str, before: str, host: str, tail: str, username: str, password: str
    ) -> None:
        login = login_of(with_login(f"{scheme}://{before}@{host}{tail}", Login(username, password)))
        assert login == Login(username or None, password)

    @given(SCHEMES, RAW, HOSTS, TAILS)
    def test_the_same_login_changes_nothing(self, scheme: str, before: str, host: str, tail: str) -> None:
        url = f"{scheme}://{before}@{host}{tail}"
        login = login_of(url)
        assert login is not None
        assert with_login(url, login) == url
        assert with_login(url, Login()) == url

    @given(TEXTS, TEXTS, st.integers(0, 2), st.integers(0, 2))
    def test_every_spelling_is_understood_and_kept(self, username: str, password: str, number: int, other: int) -> None:
        url = f"redis://{encoded(username, number)}:{encoded(password, other)}@h/0"
        assert login_of(url) == Login(username or None, password)
        assert with_login(url, Login(username, password)) == url

    @given(TEXTS, TEXTS)
    def test_there_and_back(self, username: str, password: str) -> None:
        url = "postgres://app:a-b@[::1]:5432/app?sslmode=require"
        assert with_login(with_login(url, Login(username, password)), Login("app", "a-b")) == url
