# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A user with a browser: cookies, single or parallel requests, and their results."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from .balancer import FIRST_HOST
from .process import SandboxError

SESSION_COOKIE = "sessionid"
KEPT_WORDS = 20
"""Limit of failures reported in words."""


@dataclass
class Tally:
    began: float = field(default_factory=time.monotonic)
    requests: int = 0
    failed: int = 0
    lost: int = 0
    anonymous: int = 0
    bursts: int = 0
    slowest: float = 0.0
    messages: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        if len(self.messages) < KEPT_WORDS:
            self.messages.append(f"{time.monotonic() - self.began:.2f} s: {text}")


@dataclass(frozen=True)
class _Answer:
    status: int
    cookies: SimpleCookie
    body: dict[str, Any]


@dataclass
class Browser:
    """A user's cookies, and the requests that carry them."""

    user: str
    password: str = field(repr=False)
    port: int
    name: str
    tally: Tally
    cookies: dict[str, str] = field(default_factory=dict, repr=False)
    address: str = "127.0.0.1"

    async def ask(
        self, method: str, path: str, *, form: Mapping[str, str] | None = None, first: int | None = None
    ) -> _Answer:
        """Sends a request and takes the cookies of its answer, as they arrive."""
        body = urlencode(form).encode("ascii") if form else b""
        head = [f"{method} {path} HTTP/1.1", f"Host: {self.name}", "Connection: close"]
        head += [f"Content-Length: {len(body)}", "Content-Type: application/x-www-form-urlencoded"] if form else []
        head += [f"Referer: https://{self.name}{path}"] if form else []
        head += (
            ["Cookie: " + "; ".join(f"{name}={text}" for name, text in self.cookies.items())] if self.cookies else []
        )
        head += [f"{FIRST_HOST}: {first}"] if first is not None else []
        reader, writer = await asyncio.open_connection(self.address, self.port)
        try:
            writer.write("\r\n".join([*head, "", ""]).encode("latin-1") + body)
            answer = await reader.read()
        finally:
            writer.close()
        result = _parse(answer)
        for name, cookie in result.cookies.items():
            if cookie.value and cookie["max-age"] != "0":
                self.cookies[name] = cookie.value
            else:
                self.cookies.pop(name, None)
        return result

    async def log_in(self) -> None:
        self.cookies.clear()
        token = (await self.ask("GET", "/login/")).body["csrf"]
        form = {"username": self.user, "password": self.password, "csrfmiddlewaretoken": token}
        answer = await self.ask("POST", "/login/", form=form)
        if answer.status != 200 or SESSION_COOKIE not in self.cookies:
            raise SandboxError(f"{self.user} cannot log in: the answer was {answer.status}.")

    async def whoami(self, first: int | None = None) -> bool:
        """Asks once. False if the answer is anonymous."""
        tally, began = self.tally, time.monotonic()
        tally.requests += 1
        try:
            answer = await self.ask("GET", "/whoami/", first=first)
        except (OSError, ValueError, asyncio.IncompleteReadError) as error:
            tally.failed += 1
            tally.say(f"{self.user}: {type(error).__name__}")
            return True
        finally:
            tally.slowest = max(tally.slowest, time.monotonic() - began)
        user = answer.body.get("user")
        if answer.status != 200 or user not in (self.user, None):
            tally.failed += 1
            tally.say(f"{self.user}: status {answer.status}, user {user}")
            return True
        if user is None:
            tally.anonymous += 1
        return user is not None

    async def still_in(self) -> bool:
        """Whether the current cookies still log in. The cookies stay as they are."""
        kept = dict(self.cookies)
        known = await self.whoami()
        self.cookies.clear()
        self.cookies.update(kept)
        return known

    async def round(self, firsts: Sequence[int | None]) -> None:
        """Asks once for each first host, in parallel. Logs in again if that lost the session."""
        known = await asyncio.gather(*(self.whoami(first) for first in firsts))
        kept = SESSION_COOKIE in self.cookies
        if all(known) and kept:
            return
        self.tally.lost += 1
        cookie = "kept" if kept else "deleted"
        self.tally.say(f"{self.user}: {known.count(False)} of {len(known)} anonymous answers, the cookie was {cookie}")
        if not kept:
            try:
                await self.log_in()
            except (OSError, ValueError, KeyError, SandboxError) as error:
                self.tally.failed += 1
                self.tally.say(f"{self.user}: {error}")


def _parse(answer: bytes) -> _Answer:
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    cookies: SimpleCookie = SimpleCookie()
    for line in lines:
        name, _, text = line.partition(":")
        if name.strip().lower() == "set-cookie":
            cookies.load(text.strip())
    code = int(status.split(" ")[1]) if " " in status else 0
    return _Answer(code, cookies, json.loads(body) if code == 200 else {})
