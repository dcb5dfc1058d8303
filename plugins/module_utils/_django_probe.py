# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Old sessions, tried against the running application over HTTP. Runs on the host; Python 3.8.

A session is made as the application makes one, lives in this process and where the engine keeps it, and is removed
before the module ends. Its cookie is sent to the application alone, and shown to nobody.
"""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from contextlib import contextmanager
from http.cookies import CookieError, SimpleCookie
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple
from urllib.parse import urlsplit

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import HostError

SECONDS = 10
LIFETIME = 300
"""Seconds that a session lives which nobody came to remove."""
TOLD = ("tried", "accepted", "not_tried")
Answer = Tuple[int, Sequence[str]]
"""A status, and the cookies that were set."""
Ask = Callable[[str, Mapping[str, str]], Answer]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any, **_named: Any) -> None:
        """A redirect, such as to the login page, is an answer."""


def ask(url: str, headers: Mapping[str, str]) -> Answer:
    """The answer to one GET. Raises HostError where there is no answer."""
    if not url.startswith(("http://", "https://")):
        raise HostError("%s: is no address of a web server" % url)
    handlers = (urllib.request.ProxyHandler({}), _NoRedirect())
    try:
        request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310 - its scheme was looked at
        with urllib.request.build_opener(*handlers).open(request, timeout=SECONDS) as answer:
            return int(answer.status), answer.headers.get_all("Set-Cookie") or []
    except urllib.error.HTTPError as error:
        return int(error.code), error.headers.get_all("Set-Cookie") or []
    except (OSError, ValueError, ssl.SSLError) as error:
        raise HostError("%s: no answer: %s" % (url, getattr(error, "reason", None) or error)) from None


class Probe:
    """One user's sessions, tried at one address that only those who are logged in get."""

    def __init__(self, url: str, store: Any, user: Any, *, ask: Ask = ask) -> None:
        self._url, self._store, self._user, self._ask = url, store, user, ask
        self._made: List[Any] = []
        self.told: Dict[str, List[str]] = {name: [] for name in TOLD}
        self.tells = self.works = False
        """Whether the address tells who is logged in; whether a session that was just made is accepted."""

    def begin(self) -> Optional[Any]:
        """Makes a session that must be accepted; None, with the reason, if the address tells nothing."""
        try:
            if self._status(None) == 200:
                raise HostError("%s answers 200 to those who are not logged in" % self._url)
            self.tells = True
            session = self._login()
            status = self._status(session)
            if status != 200:
                raise HostError("%s answers %d to a session that was just made" % (self._url, status))
        except HostError as error:
            self.told["not_tried"].append("an old session: %s" % error)
            return None
        self.works = True
        return session

    def again(self, session: Any, words: str) -> None:
        """The same session, which must be refused now."""
        self._judge(session, words)

    def under(self, key: str, words: str) -> None:
        """A session that a former key signed, which must be refused. A refusal tells only where a new one is accepted;
        an acceptance does anyway, as by a process that was never restarted."""
        with _signing(key):
            session = self._login()
        self._judge(session, words)

    def close(self) -> None:
        for session in self._made:
            session.delete()

    def _judge(self, session: Any, words: str) -> None:
        try:
            status = self._status(session)
        except HostError as error:
            self.told["not_tried"].append("%s: %s" % (words, error))
            return
        if status != 200 and not self.works:
            self.told["not_tried"].append("%s: refused at %s, as is a new one" % (words, self._url))
        elif status == 200:
            self.told["accepted"].append("%s is STILL ACCEPTED at %s" % (words, self._url))
        else:
            self.told["tried"].append("%s: refused at %s (%d)" % (words, self._url, status))

    def _login(self) -> Any:
        """What django.contrib.auth.login puts into a session, without its signals: nobody logs in."""
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

    def _status(self, session: Optional[Any]) -> int:
        from django.conf import settings

        headers = headers_for(self._url, settings.ALLOWED_HOSTS, settings.SECURE_PROXY_SSL_HEADER)
        if session is not None:
            headers["Cookie"] = "%s=%s" % (settings.SESSION_COOKIE_NAME, session.session_key)
        status, cookies = self._ask(self._url, headers)
        # Where a fallback verifies it, Django moves the session to another key.
        self._made += [self._store(moved) for moved in set_to(cookies, settings.SESSION_COOKIE_NAME)]
        return status


def set_to(cookies: Sequence[str], name: str) -> List[str]:
    """The values that a cookie was set to; not that it was deleted."""
    found = []
    for text in cookies:
        try:
            parsed = SimpleCookie(text)
        except CookieError:
            continue
        if name in parsed and parsed[name].value:
            found.append(parsed[name].value)
    return found


def headers_for(url: str, allowed: Sequence[str], proxy: Optional[Sequence[str]]) -> Dict[str, str]:
    """What a proxy before the application would send: a name that the application answers to, and that TLS was used."""
    host = urlsplit(url).hostname or ""
    named = [name for name in allowed if not name.startswith((".", "*"))]
    headers = {} if host in allowed or "*" in allowed or not named else {"Host": named[0]}
    if proxy:
        name, value = proxy
        headers[(name[len("HTTP_") :] if name.startswith("HTTP_") else name).replace("_", "-")] = value
    return headers


def user_of(name: Optional[str]) -> Any:
    """The user whose session is tried: the named one, or the first that is active. Raises HostError."""
    from django.contrib.auth import get_user_model

    model = get_user_model()
    users = model._default_manager.order_by(model._meta.pk.name)
    if name is not None:
        users = users.filter(**{model.USERNAME_FIELD: name})
    found = next((user for user in users[:100] if user.is_active), None)
    if found is None:
        raise HostError("there is no active user%s whose session could be tried" % (" %s" % name if name else ""))
    return found


@contextmanager
def _signing(key: str) -> Iterator[None]:
    """Inside, this process signs as the application did before. Nothing else of the application runs in it."""
    from django.conf import settings

    kept = settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = key, []
    try:
        yield
    finally:
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = kept
