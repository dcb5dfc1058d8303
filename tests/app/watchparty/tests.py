# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The session engine over the one that SESSION_ENGINE_BELOW names: ``manage.py test``, once for each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, aget_user, get_user, get_user_model, update_session_auth_hash
from django.http import HttpRequest
from django.test import TestCase, TransactionTestCase, override_settings

from watchparty.sessions import SessionStore, _by_the_present_key

A, B, C = "key-A-" * 10, "key-B-" * 10, "key-C-" * 10
STOCK = import_module(settings.SESSION_ENGINE_BELOW).SessionStore
IN_THE_COOKIE = settings.SESSION_ENGINE_BELOW.endswith("signed_cookies")


@contextmanager
def host(key: str, *fallbacks: str) -> Iterator[None]:
    """As a process that was started with these keys."""
    _by_the_present_key.cache_clear()
    with override_settings(SECRET_KEY=key, SECRET_KEY_FALLBACKS=list(fallbacks)):
        yield
    _by_the_present_key.cache_clear()


class Case(TestCase):
    def setUp(self) -> None:
        self.user = get_user_model().objects.create_user("kim", password="only for this test")
        with host(A):
            self.client.force_login(self.user)

    @property
    def key(self) -> str:
        cookie = self.client.cookies.get(settings.SESSION_COOKIE_NAME)
        return cookie.value if cookie else ""

    def who(self) -> str | None:
        return self.client.get("/whoami/").json()["user"]

    def signed(self) -> str:
        """The hash as it is stored."""
        return STOCK(self.key).load()[HASH_SESSION_KEY]

    def request(self) -> HttpRequest:
        request = HttpRequest()
        request.session = SessionStore(self.key)
        return request


class Rotation(Case):
    def test_a_session_of_the_former_key_stays_as_it_is(self) -> None:
        with host(B, A):
            before = self.key, self.signed()
            answer = self.client.get("/whoami/")
            assert answer.json()["user"] == "kim"
            assert settings.SESSION_COOKIE_NAME not in answer.cookies
            assert (self.key, self.signed()) == before

    def test_hosts_of_two_phases_read_each_others_sessions(self) -> None:
        for keys in ((A, B), (B, A)) * 2:
            with host(*keys):
                request = self.request()
                assert get_user(request) == self.user
                request.session["seen"] = 1
                if not IN_THE_COOKIE:
                    request.session.save()

    def test_who_compares_the_hash_himself_finds_the_present_one(self) -> None:
        """As Channels does, which knows no fallbacks and deletes the session of any other hash."""
        with host(B, A):
            assert self.request().session.get(HASH_SESSION_KEY) == self.user.get_session_auth_hash()

    def test_a_session_saved_after_the_switch_outlives_the_fallback(self) -> None:
        with host(B, A):
            session = self.request().session
            session["cart"] = [1]
            session.save()
            self.client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
        with host(B):
            assert self.who() == "kim"

    def test_one_not_saved_since_does_not(self) -> None:
        with host(B, A):
            assert self.who() == "kim"
        with host(B):
            assert self.who() is None

    def test_an_unknown_key_logs_out(self) -> None:
        with host(C, B):
            assert self.who() is None

    def test_the_oldest_of_several_fallbacks_counts_too(self) -> None:
        with host(C, B, A):
            assert self.who() == "kim"

    def test_the_user_is_looked_up_once_a_session(self) -> None:
        with host(B, A):
            self.who()
            with self.assertNumQueries(self.queries_of_stock()):
                self.who()

    def queries_of_stock(self) -> int:
        """One for the user, and one for the session where nothing else keeps it."""
        return 2 if settings.SESSION_ENGINE_BELOW.endswith(".db") else 1

    def test_without_fallbacks_nothing_is_looked_up(self) -> None:
        with host(A), self.assertNumQueries(self.queries_of_stock()):
            self.who()


class AsEver(Case):
    """What protects sessions works as without this engine, also while a fallback is there."""

    def test_a_changed_password_logs_out_the_other_sessions(self) -> None:
        with host(B, A):
            assert self.who() == "kim"
            self.user.set_password("another for this test")
            self.user.save()
            assert self.who() is None

    def test_and_gives_the_own_session_a_new_key(self) -> None:
        with host(B, A):
            request = self.request()
            request.user = get_user(request)
            request.user.set_password("another for this test")
            request.user.save()
            update_session_auth_hash(request, request.user)
            assert request.session.session_key != self.key
            request.session.save()
            request.session = SessionStore(request.session.session_key)
            assert get_user(request) == self.user

    def test_a_login_gives_an_anonymous_session_a_new_key(self) -> None:
        with host(B, A):
            session = SessionStore()
            session["cart"] = [1]
            session.save()
            self.client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
            form = {"username": "kim", "password": "only for this test"}
            assert self.client.post("/login/", form).json() == {"user": "kim"}
            assert self.key != session.session_key

    def test_a_logout_ends_the_session(self) -> None:
        with host(B, A):
            former = self.key
            self.client.post("/logout/")
            assert self.key == ""
            if not IN_THE_COOKIE:
                assert STOCK(former).load() == {}

    def test_a_deleted_user_is_nobody(self) -> None:
        self.user.delete()
        with host(B, A):
            assert self.who() is None

    def test_a_backend_that_is_no_longer_set_is_not_asked(self) -> None:
        with host(B, A), override_settings(AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.RemoteUserBackend"]):
            assert self.who() is None

    def test_an_anonymous_session_is_read(self) -> None:
        with host(B, A):
            session = SessionStore()
            session["cart"] = [1]
            session.save()
            assert SessionStore(session.session_key)["cart"] == [1]


class Asynchronous(TransactionTestCase):
    def setUp(self) -> None:
        Case.setUp(self)

    async def test_async_views_find_the_user(self) -> None:
        with host(B, A):
            request = HttpRequest()
            request.session = SessionStore(self.client.cookies[settings.SESSION_COOKIE_NAME].value)
            assert await aget_user(request) == self.user
            assert not request.session.modified

    async def test_where_nobody_can_be_looked_up_the_session_is_read_all_the_same(self) -> None:
        if "db" in settings.SESSION_ENGINE_BELOW:
            self.skipTest("the engine below reads a database, which Django refuses there")
        with host(B, A):
            stored = SessionStore(self.client.cookies[settings.SESSION_COOKIE_NAME].value).load()
            assert HASH_SESSION_KEY in stored
