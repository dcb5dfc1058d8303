# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks an application's health address from the controller.

``ansible.builtin.uri`` reads the answer's body whole, so that an application could exhaust the controller's memory,
and registers it, although an unhealthy application may show its settings there.
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
    """Why ``external_health_url`` of a host's ``services`` is not healthy after all tries; empty where it is."""
    url, seconds = str(services["external_health_url"]), float(services["health_timeout"])
    return health_check.repeated(
        lambda: problem_of(url, seconds),
        lambda text: not text,
        retries=int(services["health_retries"]),
        delay=float(services["health_delay"]),
        sleep=sleep,
    )


def problem_of(url: str, seconds: float) -> str:
    """Why one question was not answered by 200, in one line; empty where it was. Redirects are not followed."""
    status, message = within(seconds, lambda: _asked(url, seconds), (0, "no answer: timed out"))
    if status == http.client.OK:
        return ""
    message = host_answer.printable(message or f"HTTP status {status}")[: host_answer.SHOWN]
    return f"{_LOGIN.sub('//', url)}: {message}"


def _asked(url: str, seconds: float) -> tuple[int, str]:
    """Status, or the reason for a missing one. The body is not read."""
    if not url.startswith(SCHEMES):
        return 0, "is not an http or https address"
    try:
        with open_url(url, timeout=seconds, follow_redirects="none", http_agent=AGENT, decompress=False) as answer:
            return int(answer.status), ""
    except HTTPError as error:
        error.close()
        return error.code, ""
    except Exception as error:  # noqa: BLE001 - an answer may be anything, and libraries raise anything at it
        return 0, f"no answer: {getattr(error, 'reason', None) or error}"
