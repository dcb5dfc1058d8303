# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A client of GitHub's API over an HTTP port: retries, waits for rate limits, translates refusals into errors."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    AlreadyExists,
    Denied,
    NoAccess,
    NotFound,
    StoreError,
)

TRIES = 4
"""Attempts of a request whose answer is lost or is a server error."""
LONGEST_WAIT = 60.0
"""Seconds that all waits of one client for GitHub's rate limit may take together."""
PAGES = 1000
"""The most pages of one list."""
BODY_BYTES = 32 * 1024 * 1024
"""The most bytes of one answer."""
API_VERSION = "2022-11-28"
TOKENS = "GITHUB_TOKEN, GH_TOKEN or GITHUB_TOKEN_FILE"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SCOPES = "a fine-grained token needs {permissions} on the repository; a classic one needs the scope {scope}"


class Unreachable(Exception):
    """Raised by a port if no answer came. The message holds no token."""


@dataclass(frozen=True)
class HttpResponse:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers by name in lower case."""
    body: bytes = field(default=b"", repr=False)

    @property
    def document(self) -> Any:
        return json.loads(self.body.decode("utf-8")) if self.body else None


class Http(ABC):
    """The port: sends one request and returns the answer, whatever its status. Redirects are not followed."""

    @abstractmethod
    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> HttpResponse:
        """Raises :class:`Unreachable`."""


@dataclass(frozen=True)
class Need:
    """The subject of a request, in words, and the permission or scope that the token needs."""

    what: str
    permissions: str = "Metadata: read"
    scope: str = "repo"


class Api:
    """Access to one API with one token. ``clock`` gives seconds since 1970."""

    def __init__(
        self, http: Http, *, url: str, token: str, sleep: Callable[[float], None], clock: Callable[[], float]
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise StoreError(f"github.api_url: {url} is not https, so no token was sent; write https://HOST/api/v3")
        self._http, self._url, self._token = http, url.rstrip("/"), token
        self._sleep, self._clock = sleep, clock
        self._patience = LONGEST_WAIT

    def get(self, path: str, need: Need) -> Any:
        return self._document(self._request("GET", path, need), need)

    def send(self, method: str, path: str, need: Need, document: Mapping[str, Any] | None = None) -> Any:
        return self._document(self._request(method, path, need, document), need)

    def _document(self, answer: HttpResponse, need: Need) -> Any:
        try:
            return answer.document
        except ValueError:
            raise self._odd(need) from None

    def _odd(self, need: Need) -> StoreError:
        return StoreError(
            f"{self._url}: the answer about {need.what} does not come from GitHub's API; correct "
            "github.api_url, or check whether a proxy answers"
        )

    def pages(self, path: str, key: str, need: Need, *, size: int = 100) -> Iterator[dict[str, Any]]:
        """Yields every item of a list that has ``total_count``, page by page."""
        seen = 0
        for number in range(1, PAGES + 1):
            page = self.get(f"{path}?per_page={size}&page={number}", need)
            try:
                items, total = page[key], int(page["total_count"])
                yield from items
                seen += len(items)
            except (KeyError, TypeError, ValueError):
                raise self._odd(need) from None
            if not items or seen >= total:
                return
        raise StoreError(f"{need.what}: GitHub lists more than {PAGES} pages at {self._url}; no page was used")

    def array(self, path: str, need: Need, *, size: int = 100) -> Iterator[dict[str, Any]]:
        """Yields every item of a list without ``total_count``, page by page."""
        for number in range(1, PAGES + 1):
            items = self.get(f"{path}?per_page={size}&page={number}", need)
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                raise self._odd(need)
            yield from items
            if len(items) < size:
                return
        raise StoreError(f"{need.what}: GitHub lists more than {PAGES} pages at {self._url}; no page was used")

    def _request(self, method: str, path: str, need: Need, document: Mapping[str, Any] | None = None) -> HttpResponse:
        failures = 0
        while True:
            try:
                answer = self._once(method, path, document)
                failure = f"{answer.status}" if answer.status >= 500 else ""
            except Unreachable as error:
                failure = str(error)
            if not failure:
                if answer.status < 300:
                    return answer
                wait = _limited(answer, self._clock())
                if wait is None:
                    raise _refusal(answer, need)
                self._wait(wait, answer, need)
                continue
            failures += 1
            if failures == TRIES:
                raise NoAccess(
                    f"GitHub gave no usable answer about {need.what} after {TRIES} tries ({failure}); run "
                    "the same command again later"
                )
            self._sleep(0.5 * 2**failures)

    def _once(self, method: str, path: str, document: Mapping[str, Any] | None) -> HttpResponse:
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self._token}",
            "X-GitHub-Api-Version": API_VERSION,
        }
        body = None
        if document is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(document).encode("utf-8")
        return self._http.send(method, f"{self._url}{path}", headers, body)

    def _wait(self, seconds: float, answer: HttpResponse, need: Need) -> None:
        if seconds > self._patience:
            raise NoAccess(
                f"GitHub's rate limit is reached at {need.what}{_until(answer, seconds)}; run the same "
                "command again after that, or "
                "with another token. Values that were sent are recorded and are not sent again"
            )
        self._patience -= seconds
        self._sleep(seconds)


def _limited(answer: HttpResponse, now: float) -> float | None:
    """Seconds to wait until the next request. None if GitHub refused for another reason than a rate limit."""
    if answer.status not in (403, 429):
        return None
    after = answer.headers.get("retry-after", "")
    if after.isdigit():
        return max(1.0, float(after))
    reset = answer.headers.get("x-ratelimit-reset", "")
    if answer.headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
        return max(1.0, float(reset) - now + 1)
    # A secondary limit may come without headers. GitHub's documentation asks for a minute then.
    if answer.status == 429 or "secondary rate limit" in _message(answer).lower():
        return 60.0
    return None


def _until(answer: HttpResponse, seconds: float) -> str:
    reset = answer.headers.get("x-ratelimit-reset", "")
    if not answer.headers.get("retry-after") and reset.isdigit():
        return f" until {timestamps.stamp_of(int(reset))}"
    return f" for {seconds:.0f} s"


def _refusal(answer: HttpResponse, need: Need) -> StoreError:
    message = _message(answer)
    text = f" ({message})" if message else ""
    if answer.status == 401:
        return NoAccess(f"GitHub rejects the token at {need.what}; give a valid one by {TOKENS}{text}")
    if answer.status == 403:
        if "saml" in message.lower() or "x-github-sso" in answer.headers:
            return Denied(
                f"GitHub requires single sign-on at {need.what}; authorize the token at "
                f"https://github.com/settings/tokens (Configure SSO){text}",
                message,
            )
        return Denied(f"GitHub denies {need.what}; {_wanted(answer, need)}{text}", message)
    if answer.status == 404:
        return NotFound(
            f"{need.what} does not exist at GitHub, or the token may not see it; correct the name in the catalog, or "
            f"give the token access: {_wanted(answer, need)}{text}"
        )
    if answer.status in (301, 302, 307, 308):
        return NotFound(
            f"GitHub has moved {need.what}: the repository was renamed or transferred; correct github.repository in "
            "the catalog, then run ansible-playbook watchparty.secrets.provision --tags access"
        )
    if answer.status == 409:
        return AlreadyExists(f"GitHub reports that {need.what} already exists{text}")
    return StoreError(f"GitHub refuses {need.what} with HTTP {answer.status}{text}")


def _wanted(answer: HttpResponse, need: Need) -> str:
    """The permissions that the token lacks. The answer's headers go before GitHub's documentation."""
    accepted = answer.headers.get("x-accepted-github-permissions", "").replace("=", ": ").replace(",", " and ")
    scopes = answer.headers.get("x-accepted-oauth-scopes", "")
    message = _SCOPES.format(permissions=accepted.replace(";", " or") or need.permissions, scope=scopes or need.scope)
    has = answer.headers.get("x-oauth-scopes")
    return message + (f", and this token has {has or 'none'}" if has is not None else "")


def _message(answer: HttpResponse) -> str:
    try:
        document = answer.document
    except ValueError:
        return ""
    message = document.get("message", "") if isinstance(document, dict) else ""
    return re.sub(r"\s+", " ", str(message))[:200]
