# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tests old sessions against the running application over HTTP. Runs on the host; Python 3.8.

A session is made as the application makes one, kept in this process and by the engine, and removed before the module
ends. Its cookie goes only to the application, and is never shown.
"""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from http.cookies import CookieError, SimpleCookie
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple
from urllib.parse import urljoin, urlsplit

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError, one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._core.time_limit import within

SECONDS = 10
LIFETIME = 300
"""Seconds until a session that was not removed expires."""
LISTS = ("tried", "accepted", "not_tried")
BUSY = (408, 425, 429)
"""Statuses that tell nothing about the client, like all from 500."""
WORDS = 200
"""Limit of an application error's characters."""


class ProbeResponse(NamedTuple):
    status: int
    place: str = ""
    """A redirect's target, without its query, which may vary."""
    cookies: Sequence[str] = ()

    @property
    def refuses(self) -> bool:
        """Whether it may be a refusal at all."""
        return 300 <= self.status < 500 and self.status not in BUSY

    def is_as(self, other: ProbeResponse) -> bool:
        """Whether both answers redirect to the same place, or have the same status."""
        return self.place == other.place and (bool(self.place) or self.status == other.status)

    def __str__(self) -> str:
        return "%d to %s" % (self.status, self.place.rpartition("@")[2]) if self.place else str(self.status)


Made = Tuple[Any, Any]
"""The class of the application's sessions, and the session's user."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any, **_named: Any) -> None:
        """Makes a redirect, such as to the login page, an answer."""


def ask(url: str, headers: Mapping[str, str]) -> ProbeResponse:
    """The answer to one GET. Raises HostError without an answer in time."""
    answer = within(SECONDS, lambda: _ask(url, headers), None)
    if answer is None:
        raise HostError("%s: no answer: timed out" % url)
    return answer


def _ask(url: str, headers: Mapping[str, str]) -> Optional[ProbeResponse]:
    if not url.startswith(("http://", "https://")):
        raise HostError("%s: is not an address of a web server" % url)
    handlers = (urllib.request.ProxyHandler({}), _NoRedirect())
    try:
        request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310 - its scheme was looked at
        with urllib.request.build_opener(*handlers).open(request, timeout=SECONDS) as answer:
            return _answered(url, int(answer.status), answer.headers)
    except urllib.error.HTTPError as error:
        return _answered(url, int(error.code), error.headers)
    except (OSError, ValueError, ssl.SSLError) as error:
        raise HostError("%s: no answer: %s" % (url, getattr(error, "reason", None) or error)) from None


def _answered(url: str, status: int, headers: Any) -> ProbeResponse:
    place = headers.get("Location") or "" if 300 <= status < 400 else ""
    with suppress(ValueError):
        place = urljoin(url, place) if place else ""
    return ProbeResponse(status, place.partition("#")[0].partition("?")[0], headers.get_all("Set-Cookie") or [])


class SessionProbe:
    """Sessions of one user, tested at an address that only logged-in users get.

    Any problem is reported as not tried, and raises nothing: a failed test keeps no session. ``scrub`` masks values in
    the application's errors.
    """

    def __init__(self, url: str, made_by: Callable[[], Made], *, scrub: Callable[[str], str] = str) -> None:
        self._url, self._made_by, self._scrub = url, made_by, scrub
        self._store: Any = None
        self._user: Any = None
        self._made: List[Any] = []
        self._anonymous: Optional[ProbeResponse] = None
        self.answer: Dict[str, List[str]] = {name: [] for name in LISTS}
        self.tells = self.works = self.refused = False
        """Whether the address tells who is logged in; whether a new session is accepted; whether an ended session is
        refused."""

    def begin(self) -> Optional[Any]:
        """Makes a session that must be accepted. None, with the reason, if the address tells nothing."""
        session = None
        with self._noted("an old session"):
            self._store, self._user = self._made_by()
            anonymous = self._answer(None)
            if not anonymous.refuses:
                raise HostError("%s answers %s to clients that are not logged in" % (self._url, anonymous))
            self._anonymous, self.tells = anonymous, True
            session = self._login()
            answer = self._answer(session)
            if answer.status != 200:
                raise HostError("%s answers %s to a new session" % (self._url, answer))
            self.works = True
        return session if self.works else None

    def again(self, session: Any, message: str) -> None:
        """Tests the same session, which must be refused now."""
        with self._noted(message):
            self.refused = self._judge(session, message)

    def under(self, key: str, message: str) -> None:
        """Tests a session signed by a previous key, which must be refused. A refusal counts only if a new session is
        accepted; an acceptance always counts, as by a process that was never restarted."""
        with self._noted(message):
            with _signing(key):
                session = self._login()
            self._judge(session, message)

    def close(self) -> None:
        for session in self._made:
            with self._noted("the session made for this test cannot be removed, and expires by itself"):
                session.delete()

    @contextmanager
    def _noted(self, text: str) -> Iterator[None]:
        try:
            yield
        except HostError as error:
            self.answer["not_tried"].append("%s: %s" % (text, error))
        except Exception as error:  # noqa: BLE001 - the application's settings and drivers can raise anything
            message = one_line(self._scrub(str(error)))[:WORDS]
            self.answer["not_tried"].append("%s: %s: %s" % (text, type(error).__name__, message))

    def _judge(self, session: Any, message: str) -> bool:
        """Whether the session is refused, like an anonymous request. An overloaded or broken application, or another
        redirect, tells nothing."""
        answer = self._answer(session)
        if answer.status == 200:
            self.answer["accepted"].append("%s is STILL ACCEPTED at %s" % (message, self._url))
        elif self._anonymous is None or not answer.is_as(self._anonymous):
            wanted = ", and %s to clients that are not logged in" % (self._anonymous,) if answer.refuses else ""
            raise HostError("%s answers %s%s" % (self._url, answer, wanted))
        elif not self.works:
            raise HostError("rejected at %s, but so is a new session" % self._url)
        else:
            self.answer["tried"].append("%s: refused at %s (%d)" % (message, self._url, answer.status))
            return True
        return False

    def _login(self) -> Any:
        """A session as django.contrib.auth.login makes it, without signals: it is not a login."""
        from django.conf import settings
        from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

        session = self._store()
        session[SESSION_KEY] = self._user._meta.pk.value_to_string(self._user)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = self._user.get_session_auth_hash()
        session.set_expiry(LIFETIME)
        session.save()
        self._made.append(session)
        return session

    def _answer(self, session: Optional[Any]) -> ProbeResponse:
        from django.conf import settings

        headers = headers_for(self._url, settings.ALLOWED_HOSTS, settings.SECURE_PROXY_SSL_HEADER)
        if session is not None:
            headers["Cookie"] = "%s=%s" % (settings.SESSION_COOKIE_NAME, session.session_key)
        answer = ask(self._url, headers)
        # If a fallback key verifies the session, Django moves it to another key.
        self._made += [self._store(moved) for moved in set_to(answer.cookies, settings.SESSION_COOKIE_NAME)]
        return answer


def set_to(cookies: Sequence[str], name: str) -> List[str]:
    """Values that a cookie was set to, without deletions."""
    results = []
    for text in cookies:
        try:
            parsed = SimpleCookie(text)
        except CookieError:
            continue
        if name in parsed and parsed[name].value:
            results.append(parsed[name].value)
    return results


def headers_for(url: str, allowed: Sequence[str], proxy: Optional[Sequence[str]]) -> Dict[str, str]:
    """Headers of a proxy before the application: a host that it answers to, and that TLS was used."""
    host = urlsplit(url).hostname or ""
    named = [name for name in allowed if not name.startswith((".", "*"))]
    headers = {} if host in allowed or "*" in allowed or not named else {"Host": named[0]}
    if proxy:
        name, value = proxy
        headers[(name[len("HTTP_") :] if name.startswith("HTTP_") else name).replace("_", "-")] = value
    return headers


def user_of(name: Optional[str]) -> Any:
    """The named user, or the first active one. Raises HostError."""
    from django.contrib.auth import get_user_model

    model = get_user_model()
    users = model._default_manager.order_by(model._meta.pk.name)
    if name is not None:
        users = users.filter(**{model.USERNAME_FIELD: name})
    result = next((user for user in users[:100] if user.is_active), None)
    if result is None:
        raise HostError("there is no active user%s whose session could be tried" % (" %s" % name if name else ""))
    return result


@contextmanager
def _signing(key: str) -> Iterator[None]:
    """Makes this process sign with a previous key. Nothing else of the application runs in it."""
    from django.conf import settings

    present_keys = settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = key, []
    try:
        yield
    finally:
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = present_keys
