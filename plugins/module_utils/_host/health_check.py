# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks a health address once: status, time, and how long its certificate lasts. Standard library only; Python 3.8.

The answer's body is never kept: an unhealthy application may show its settings there.
"""

from __future__ import annotations

import http.client
import socket
import time
from typing import Any, Callable, Dict, Mapping, Optional, TypeVar
from urllib.parse import urlsplit

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.time_limit import within

DAY = 86400.0
T = TypeVar("T")
ANSWER = {
    "url": str,
    "status": int,
    "seconds": float,
    "problem?": str,
    "tls?": {"days?": int, "until?": str, "problem?": str},
}
"""What an answer holds, as a module declares what it returns."""
UNENCODED = "is not an address: IDNA refuses its host name, or its path is not written in ASCII"


def is_address(url: str) -> bool:
    """Whether it can be asked at all."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def asked(
    url: str,
    seconds: float = 5.0,
    *,
    cafile: Optional[str] = None,
    headers: Optional[Mapping[str, str]] = None,
    body: Optional[bytes] = None,
) -> Dict[str, Any]:
    """What came of one question; redirects are not followed. With a ``body`` it is posted.

    ``seconds`` is for all of it: a server that sends a byte now and then never meets a socket's own timeout.
    """
    late = {"url": url, "status": 0, "seconds": round(seconds, 3), "problem": "no answer: timed out"}
    return within(seconds, lambda: _asked(url, seconds, cafile, headers, body), late)


def repeated(
    ask: Callable[[], T],
    is_healthy: Callable[[T], bool],
    *,
    retries: int,
    delay: float,
    sleep: Callable[[float], object] = time.sleep,
) -> T:
    """The first healthy answer, or the last one after so many retries. Seconds pass between two tries."""
    answer = ask()
    for _retry in range(retries):
        if is_healthy(answer):
            break
        sleep(max(delay, 0))
        answer = ask()
    return answer


def _asked(
    url: str, seconds: float, cafile: Optional[str], headers: Optional[Mapping[str, str]], body: Optional[bytes]
) -> Dict[str, Any]:
    result: Dict[str, Any] = {"url": url, "status": 0, "seconds": 0.0}
    if not is_address(url):
        return {**result, "problem": "is not an http or https address"}
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    began = time.monotonic()
    try:
        if parts.scheme == "https":
            connection = _secure(host, port, seconds, cafile, result)
        else:
            connection = http.client.HTTPConnection(host, port, timeout=seconds)
        try:
            target = (parts.path or "/") + ("?" + parts.query if parts.query else "")
            ours = {"User-Agent": "watchparty.secrets", "Connection": "close"}
            connection.request("GET" if body is None else "POST", target, body, {**ours, **(headers or {})})
            result["status"] = connection.getresponse().status
        finally:
            connection.close()
    except UnicodeError:
        result["problem"] = UNENCODED
    except (OSError, http.client.HTTPException) as error:
        message = getattr(error, "verify_message", "") or getattr(error, "strerror", "") or type(error).__name__
        if isinstance(error, socket.timeout):
            message = "timed out"
        if hasattr(error, "verify_code"):
            result["tls"] = {"problem": str(message)}
        refused = hasattr(error, "verify_code")
        result["problem"] = (
            "no connection: the server's certificate was rejected" if refused else "no answer: %s" % message
        )
    result["seconds"] = round(time.monotonic() - began, 3)
    return result


def _secure(
    host: str, port: Optional[int], seconds: float, cafile: Optional[str], result: Dict[str, Any]
) -> http.client.HTTPConnection:
    """A connection whose certificate is checked; the facts about it go into ``result``."""
    import ssl  # most health addresses on hosts are plain, and this import takes its time there

    context = ssl.create_default_context(cafile=cafile)
    connection = http.client.HTTPSConnection(host, port, timeout=seconds, context=context)
    connection.connect()
    certificate = connection.sock.getpeercert() if connection.sock else None
    until = str((certificate or {}).get("notAfter", ""))
    if until:
        ends = ssl.cert_time_to_seconds(until)
        stamp = timestamps.stamp_of(ends)
        result["tls"] = {"days": int((ends - time.time()) // DAY), "until": stamp}
    return connection
