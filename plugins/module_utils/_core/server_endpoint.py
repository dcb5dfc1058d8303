# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Addresses of servers in the catalog. Python 3.8."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

VERIFIED = "verify-full"
_NAME = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\.?(?::([0-9]+))?")
_IPV6 = re.compile(r"\[([0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)\](?::([0-9]+))?")
_SOCKET = re.compile(r"(/.*?)/?(?::([0-9]+))?")


class Endpoint(NamedTuple):
    host: str
    """Name in lower case, IP address or directory of a socket. Empty for libpq's default socket."""
    port: int

    @property
    def is_socket(self) -> bool:
        return not self.host or self.host.startswith("/")

    @property
    def is_local(self) -> bool:
        """Whether connections use no network."""
        return self.is_socket or is_loopback(self.host)

    def __str__(self) -> str:
        if not self.host:
            return "the local socket"
        return "%s:%d" % ("[%s]" % self.host if ":" in self.host else self.host, self.port)


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def parse(text: str, port: int) -> Endpoint:
    """Parses an address. ``port`` is the default. Raises ValueError."""
    match = (_SOCKET if text.startswith("/") else _IPV6 if text.startswith("[") else _NAME).fullmatch(text)
    if match is None:
        raise ValueError("is not an address; write host, host:port, [IPv6]:port or the directory of a socket")
    return normal(match.group(1), int(match.group(2) or port))


def normal(host: str, port: int) -> Endpoint:
    """The endpoint in normal form, for comparisons. Raises ValueError."""
    if not 0 < port < 65536:
        raise ValueError("has no port between 1 and 65535")
    host = host.strip("[]")
    if host.startswith("/"):
        return Endpoint(host.rstrip("/") or "/", port)
    try:
        return Endpoint(str(ipaddress.ip_address(host)), port)
    except ValueError:
        return Endpoint(host.lower().rstrip("."), port)
