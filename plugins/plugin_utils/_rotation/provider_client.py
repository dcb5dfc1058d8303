# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sends the catalog's requests to a provider's API, from the controller.

Only the catalog's host is asked, over verified TLS (optional on loopback), without redirects and .netrc. An answer is
bounded in size and time. Messages never quote an answer: it may repeat the request.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin, urlsplit

from ansible.module_utils.urls import open_url

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    external_value_request,
    provider_requests,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_requests import (
    ApiRequest,
    ProviderApi,
    ValueProbe,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.provider_requests import ProviderKey
from ansible_collections.watchparty.secrets.plugins.module_utils._core.time_limit import within
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.module_utils._host.health_check import ask_until_healthy
from ansible_collections.watchparty.secrets.plugins.module_utils._host.revoked_logins import ACCEPTED, REFUSED, UNTRIED
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission

SECONDS, RETRIES, PAUSE = 30.0, 3, 2.0
"""Seconds of a request; retries of a repeatable request; seconds in between."""
ANSWER_BYTES, PAGES, LIST_SECONDS = 4 << 20, 100, 120
GONE = (404, 410)
_LINK = re.compile(r"<([^<>]*)>([^,<]*)")


@dataclass(frozen=True)
class HttpAnswer:
    """The answer to a request; status 0 with a ``problem`` if there was no answer."""

    status: int = 0
    content: bytes = field(default=b"", repr=False)
    link: str = ""
    problem: str = ""

    @property
    def is_final(self) -> bool:
        """Whether the same request, sent again, would get the same answer."""
        return self.status not in (0, 429) and self.status < 500


class ProviderClient:
    """A provider's API, with an administrator's login."""

    def __init__(self, api: ProviderApi, admin: Login, *, sleep: Callable[[float], object] = time.sleep) -> None:
        self.api, self.sleep = api, sleep
        self._headers = {**provider_requests.headers(api, admin), "Accept": "application/json"}
        self.host = urlsplit(api.url).netloc

    def listed(self, *, until: str = "") -> list[ProviderKey]:
        """Every key; if key ``until`` is listed, only pages up to it. Raises RotationError."""
        keys: list[ProviderKey] = []
        for page in self._pages():
            keys += provider_requests.keys(self.api, page)
            if until in [key.id for key in keys]:
                break
            if len(keys) > provider_requests.LISTED:
                raise RotationError(f"{self.host} lists more than {provider_requests.LISTED} keys; delete unused keys")
        return keys

    def _pages(self) -> Iterator[Any]:
        request = self.api.listing
        url, text = self.api.url + request.path, provider_requests.body(request)
        ends = time.monotonic() + LIST_SECONDS
        for _page in range(PAGES):
            answer = self._repeated(request.method, url, text)
            yield self._document("list", answer)
            following = _next_page(url, answer.link)
            if not following:
                return
            if urlsplit(following)[:2] != urlsplit(self.api.url)[:2]:
                raise RotationError(
                    f"{self.host} names a next page at another host, which gets no token; {self.api.correct('url')}"
                )
            if time.monotonic() > ends:
                raise RotationError(
                    f"{self.host} needs more than {LIST_SECONDS} s to list its keys; delete unused keys"
                )
            url = following
        raise RotationError(f"{self.host} lists more than {PAGES} pages of keys; delete keys that are not in use")

    def create(self, label: str, *, fresh: WritePermission) -> Login:
        """Makes a key. Sent once, because each request may make another key. Raises RotationError."""
        fresh.spend()
        request = self.api.create
        text = provider_requests.body(request, label=label)
        answer = send(request.method, self.api.url + request.path, self._sent(text), text, ca=self.api.ca)
        return provider_requests.made(self.api, self._document("create", answer))

    def disable(self, key: str, *, fresh: WritePermission) -> None:
        """Disables a key, which may be gone."""
        if self.api.disable is not None:
            self._change("disable", self.api.disable, key, fresh)

    def delete(self, key: str, *, fresh: WritePermission) -> None:
        """Deletes a key, which may be gone."""
        self._change("revoke", self.api.revoke, key, fresh)

    def _change(self, verb: str, request: ApiRequest, key: str, fresh: WritePermission) -> None:
        fresh.spend()
        url = self.api.url + provider_requests.path(request, key)
        answer = self._repeated(request.method, url, provider_requests.body(request, id=key))
        if answer.status not in GONE:
            self._require_success(verb, answer)

    def tried(self, probe: ValueProbe, login: Login) -> tuple[str, str]:
        """Whether the provider accepts the value, and a message. Raises RotationError."""
        request = external_value_request.request(probe, login)
        headers, text = dict(request["headers"]), None
        if request["form"]:
            text = urlencode(request["form"]).encode()
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        answer = send("POST" if text else "GET", request["url"], headers, text, ca=self.api.ca)
        parts = urlsplit(request["url"])
        place = f"{parts.scheme}://{parts.netloc}{parts.path}"
        if answer.status in request["status"]:
            return ACCEPTED, place
        message = f"{place} answers with {answer.problem or f'status {answer.status}'}"
        return (REFUSED if answer.status in request["refused"] else UNTRIED), message

    def _repeated(self, method: str, url: str, text: bytes | None) -> HttpAnswer:
        return ask_until_healthy(
            lambda: send(method, url, self._sent(text), text, ca=self.api.ca),
            lambda answer: answer.is_final,
            retries=RETRIES,
            delay=PAUSE,
            sleep=self.sleep,
        )

    def _sent(self, text: bytes | None) -> dict[str, str]:
        return self._headers if text is None else {**self._headers, "Content-Type": "application/json"}

    def _require_success(self, verb: str, answer: HttpAnswer) -> None:
        if 200 <= answer.status < 300:
            return
        reason = answer.problem or f"HTTP status {answer.status}"
        raise RotationError(f"{self.host} refused the request '{verb}': {reason}; {self._remedy(verb, answer.status)}")

    def _document(self, verb: str, answer: HttpAnswer) -> Any:
        self._require_success(verb, answer)
        try:
            return json.loads(answer.content)
        except (ValueError, RecursionError):
            message = f"{self.host} answers the request '{verb}' without JSON"
            raise RotationError(f"{message}; {self.api.correct('url', verb)}") from None

    def _remedy(self, verb: str, status: int) -> str:
        if status in (401, 403):
            return "give the administrator's token the permission for it, or replace an expired token"
        if 300 <= status < 400:
            return f"redirects are not followed; {self.api.correct('url')}"
        if 400 <= status < 500 and status != 429:
            return self.api.correct(verb)
        return "run the same command again when the provider answers"


def _next_page(url: str, link: str) -> str:
    """The address behind rel="next" of a Link header. Sentry adds results="false" where that page is empty."""
    for match in _LINK.finditer(link):
        parameters = match[2].replace(" ", "").split(";")
        if 'rel="next"' in parameters and 'results="false"' not in parameters:
            return urljoin(url, match[1])
    return ""


def send(method: str, url: str, headers: Mapping[str, str], text: bytes | None, *, ca: str | None = None) -> HttpAnswer:
    """Sends one request, with a limit on its total time. Raises nothing."""
    return within(SECONDS, lambda: _send(method, url, headers, text, ca), HttpAnswer(problem="no answer: timed out"))


def _send(method: str, url: str, headers: Mapping[str, str], text: bytes | None, ca: str | None) -> HttpAnswer:
    try:
        with open_url(
            url,
            data=text,
            method=method,
            headers=dict(headers),
            timeout=SECONDS,
            use_proxy=url.startswith("https:"),
            follow_redirects="none",
            use_netrc=False,
            decompress=False,
            ca_path=ca,
            http_agent="watchparty.secrets",
        ) as answer:
            content = answer.read(ANSWER_BYTES + 1)
            if len(content) > ANSWER_BYTES:
                return HttpAnswer(problem=f"an answer of more than {ANSWER_BYTES >> 20} MiB")
            return HttpAnswer(int(answer.status), content, ", ".join(answer.headers.get_all("Link") or ()))
    except HTTPError as error:
        error.close()
        return HttpAnswer(error.code)
    except Exception as error:  # noqa: BLE001 - an answer may be anything, and libraries raise anything at it
        reason = getattr(error, "reason", None)
        return HttpAnswer(problem=f"no answer: {reason if isinstance(reason, OSError) else type(error).__name__}")
