# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks a health address, once or until it is healthy.

The answer's body is never kept: an unhealthy application may show its settings there.
"""

from __future__ import annotations

import socket
import time
from typing import Any, BinaryIO, Callable, Dict, Mapping, Optional, TypeVar
from urllib.parse import SplitResult, urlsplit

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
"""Schema of an answer, as in a module's RETURNS."""
UNENCODED = "is not an address: IDNA refuses its host name, or its path is not written in ASCII"
UNPRINTABLE = "a space or a control character is in the address or in a header of the request"
NO_HTTP = "the server does not speak HTTP"
LONGEST_LINE = 65536


def is_address(url: str) -> bool:
    """Whether ``url`` is an http or https address with a host."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def ask_once(
    url: str,
    seconds: float = 5.0,
    *,
    cafile: Optional[str] = None,
    headers: Optional[Mapping[str, str]] = None,
    body: Optional[bytes] = None,
) -> Dict[str, Any]:
    """Sends one request, by POST if it has a ``body``. Follows no redirects.

    ``seconds`` limits the whole request: a server that sends single bytes never meets a socket's own timeout.
    """
    late = {"url": url, "status": 0, "seconds": round(seconds, 3), "problem": "no answer: timed out"}
    return within(seconds, lambda: _ask(url, seconds, cafile, headers, body), late)


def ask_until_healthy(
    ask: Callable[[], T],
    is_healthy: Callable[[T], bool],
    *,
    retries: int,
    delay: float,
    sleep: Callable[[float], object] = time.sleep,
) -> T:
    """Asks until the answer is healthy, at most 1 + ``retries`` times, ``delay`` seconds apart. Returns the last
    answer.
    """
    answer = ask()
    for _retry in range(retries):
        if is_healthy(answer):
            break
        sleep(max(delay, 0))
        answer = ask()
    return answer


def _ask(
    url: str, seconds: float, cafile: Optional[str], headers: Optional[Mapping[str, str]], body: Optional[bytes]
) -> Dict[str, Any]:
    result: Dict[str, Any] = {"url": url, "status": 0, "seconds": 0.0}
    if not is_address(url):
        return {**result, "problem": "is not an http or https address"}
    parts = urlsplit(url)
    began = time.monotonic()
    try:
        request = _request(parts, headers or {}, body)
        with _connected(parts, seconds, cafile, result) as connection:
            connection.sendall(request)
            with connection.makefile("rb") as answer:
                result["status"] = _status(answer, began + seconds)
    except OSError as error:
        message = getattr(error, "verify_message", "") or error.strerror or str(error) or type(error).__name__
        if isinstance(error, socket.timeout):
            message = "timed out"
        if hasattr(error, "verify_code"):
            result["tls"] = {"problem": str(message)}
        refused = hasattr(error, "verify_code")
        result["problem"] = (
            "no connection: the server's certificate was rejected" if refused else "no answer: %s" % message
        )
    except UnicodeError:
        result["problem"] = UNENCODED
    except ValueError:
        result["problem"] = UNPRINTABLE
    result["seconds"] = round(time.monotonic() - began, 3)
    return result


# Not http.client: its import takes a tenth of a host's whole run, and only the status is read here.
def _request(parts: SplitResult, headers: Mapping[str, str], body: Optional[bytes]) -> bytes:
    """Raises ValueError for text that would inject a line or word."""
    target = (parts.path or "/") + ("?" + parts.query if parts.query else "")
    host = parts.netloc.rpartition("@")[2]
    ours = {"Host": _encoded(host).decode(), "User-Agent": "watchparty.secrets", "Connection": "close"}
    if body is not None:
        ours["Content-Length"] = str(len(body))
    lines = ["%s: %s" % entry for entry in {**ours, **headers}.items()]
    if " " in target or not all(line.isprintable() for line in (target, *lines)):
        raise ValueError
    method = "GET" if body is None else "POST"
    first = ("%s %s HTTP/1.1" % (method, target)).encode("ascii")
    return b"\r\n".join([first, *(line.encode("latin-1") for line in lines), b"", body or b""])


def _encoded(host: str) -> bytes:
    """The import of Python's idna is slow."""
    is_plain = host.isascii() and all(0 < len(label) < 64 for label in host.split("."))
    return host.encode("ascii" if is_plain else "idna")


def _status(answer: BinaryIO, end: float) -> int:
    """Status of the final answer, after its headers. Raises OSError."""
    status = 100
    while status == 100:
        words = _line(answer, end).split(None, 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not (len(words[1]) == 3 and words[1].isdigit()):
            raise OSError(NO_HTTP if words else "the server closed the connection")
        status = int(words[1])
        while _line(answer, end) not in (b"\r\n", b"\n", b""):
            pass
    return status


def _line(answer: BinaryIO, end: float) -> bytes:
    """Raises OSError after ``end``. Otherwise a thread would read endless headers after the caller has gone on."""
    if time.monotonic() > end:
        raise socket.timeout
    return answer.readline(LONGEST_LINE)


def _connected(parts: SplitResult, seconds: float, cafile: Optional[str], result: Dict[str, Any]) -> socket.socket:
    is_secure = parts.scheme == "https"
    host = parts.hostname or ""
    address: Any = (_encoded(host), parts.port or (443 if is_secure else 80))
    connection = socket.create_connection(address, seconds)
    if not is_secure:
        return connection
    try:
        return _secured(connection, host, cafile, result)
    except BaseException:
        connection.close()
        raise


def _secured(connection: socket.socket, host: str, cafile: Optional[str], result: Dict[str, Any]) -> socket.socket:
    """The connection with TLS and a checked certificate. Adds the certificate's facts to ``result``."""
    import ssl  # slow import, and most health addresses on hosts use plain HTTP

    secured = ssl.create_default_context(cafile=cafile).wrap_socket(connection, server_hostname=host)
    until = str((secured.getpeercert() or {}).get("notAfter", ""))
    if until:
        ends = ssl.cert_time_to_seconds(until)
        result["tls"] = {"days": int((ends - time.time()) // DAY), "until": timestamps.stamp_of(ends)}
    return secured
