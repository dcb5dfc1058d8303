# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks an application's health address from the controller.

``ansible.builtin.uri`` reads and registers the whole body. An application could exhaust the controller's memory, and an
unhealthy one may show its settings there.
"""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.error import HTTPError

from ansible.module_utils.urls import open_url

from ansible_collections.watchparty.secrets.plugins.module_utils._core.time_limit import within
from ansible_collections.watchparty.secrets.plugins.module_utils._host import health_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import host_answer

AGENT = "watchparty.secrets"
SCHEMES = ("http://", "https://")
_LOGIN = re.compile(r"//[^/@]*@")


def problem(services: Mapping[str, Any], *, sleep: Callable[[float], object] = time.sleep) -> str:
    """The problem with ``external_health_url`` after all retries. Empty if it is healthy."""
    url, seconds = str(services["external_health_url"]), float(services["health_timeout"])
    return health_check.ask_until_healthy(
        lambda: problem_of(url, seconds),
        lambda text: not text,
        retries=int(services["health_retries"]),
        delay=float(services["health_delay"]),
        sleep=sleep,
    )


def problem_of(url: str, seconds: float) -> str:
    """The problem with one request, in one line. Empty for status 200. Does not follow redirects."""
    status, message = within(seconds, lambda: _request(url, seconds), (0, "no answer: timed out"))
    if status == http.client.OK:
        return ""
    message = host_answer.printable(message or f"HTTP status {status}")[: host_answer.SHOWN]
    return f"{_LOGIN.sub('//', url)}: {message}"


def _request(url: str, seconds: float) -> tuple[int, str]:
    """Status, or the reason for a missing one. The body is not read."""
    if not url.startswith(SCHEMES):
        return 0, "is not an http or https address"
    try:
        with open_url(url, timeout=seconds, follow_redirects="none", http_agent=AGENT, decompress=False) as answer:
            return int(answer.status), ""
    except HTTPError as error:
        error.close()
        return error.code, ""
    except Exception as error:  # noqa: BLE001 - libraries may raise anything at a hostile answer
        return 0, f"no answer: {getattr(error, 'reason', None) or error}"
