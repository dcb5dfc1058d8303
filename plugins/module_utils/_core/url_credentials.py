# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds and replaces the login in a URL. Every other byte stays."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Optional
from urllib.parse import quote, unquote

_URL = re.compile(
    r"^(?P<start>[A-Za-z][A-Za-z0-9+.-]*://)(?:(?P<login>[^/?#]*)@)?(?P<rest>[^@/?#]*(?:[/?#].*)?)$", re.DOTALL
)


@dataclass(frozen=True)
class Login:
    """A decoded user name and password. None is absent, which differs from empty."""

    username: Optional[str] = None
    password: Optional[str] = field(default=None, repr=False)


def login_of(url: str) -> Optional[Login]:
    """The login in the URL. None without one, or if the text is not a URL."""
    match = _URL.match(url)
    if match is None or match["login"] is None:
        return None
    username, colon, password = match["login"].partition(":")
    return Login(unquote(username) or None, unquote(password) if colon else None)


def flaw(text: str) -> Optional[str]:
    """The reason why ``text`` is not a URL with a login, without quoting it. None if it is one."""
    if login_of(text) is not None:
        return None
    _scheme, mark, rest = text.partition("://")
    if not mark:
        return "cannot be parsed as a URL: it has no ://"
    if not is_url(text):
        return "cannot be parsed as a URL: the text before its :// is not a scheme"
    if "@" in rest:
        return "cannot be parsed as a URL: a /, ? or # stands before its @"
    return "holds a URL without a user name and a password"


def is_url(text: str) -> bool:
    """Whether the text is a URL, with or without a login."""
    return _URL.match(text) is not None


def resembles_url(text: str) -> bool:
    """Whether the author may have meant a URL."""
    return "//" in text or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:/", text) is not None


def with_login(url: str, login: Login) -> str:
    """The URL with another login. A part that is None stays as it is, byte for byte.

    Raises ValueError, without the URL, if there is no login to replace.
    """
    match = _URL.match(url)
    if match is None or match["login"] is None:
        raise ValueError("is not a URL with a login in it")
    username, colon, password = match["login"].partition(":")
    if login.username is not None and login.username != unquote(username):
        username = quote(login.username, safe="")
    if login.password is not None and not (colon and login.password == unquote(password)):
        colon, password = ":", quote(login.password, safe="")
    return f"{match['start']}{username}{colon}{password}@{match['rest']}"
