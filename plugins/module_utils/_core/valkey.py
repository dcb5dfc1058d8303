# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Valkey's addresses, answers and error messages, without a connection."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from dataclasses import dataclass, field, replace
from typing import Dict, FrozenSet, Iterable, List, Mapping, Optional, Sequence, Tuple
from urllib.parse import parse_qs, unquote, urlsplit

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError

DEFAULT_USER = "default"
END_NOTED, END_UNVERIFIED, END_ALL = "noted", "unverified", "all"
"""Sessions that end with a password: those noted before the new password was valid; these, but all on nodes without
notes; all."""
PLAIN, TLS = ("redis", "valkey"), ("rediss", "valkeys")
TLS_OPTIONS = ("ssl_cert_reqs", "ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname")
MANAGED = re.compile(r"\.(cache|memorydb)\.([a-z0-9-]+\.)*amazonaws\.com(\.cn)?\.?$", re.IGNORECASE)
MANAGED_REMEDY = (
    "AWS manages this server and changes passwords only through its own API; use kind elasticache_auth_token"
)
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Address:
    """A server and a login."""

    host: str
    port: int
    user: str = DEFAULT_USER
    password: str = field(default="", repr=False)
    database: int = 0
    tls: Optional[Mapping[str, str]] = None
    """TLS options by their names in URLs of redis-py and Celery. None without TLS."""

    def __str__(self) -> str:
        return "%s:%d" % ("[%s]" % self.host if ":" in self.host else self.host, self.port)

    def at(self, node: str) -> Address:
        """The same login at another node's ``host:port``."""
        host, _colon, port = node.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise HostError("%s is not a node's address; give host:port" % node)
        return replace(self, host=host.strip("[]"), port=int(port))


def parse_url(url: str, label: str) -> Address:
    """The address in an application's URL. ``label`` names the URL in errors, which never contain it."""
    scheme = url.partition("://")[0]
    if scheme not in PLAIN + TLS:
        # In a malformed URL, the text before :// may be secret.
        named = (
            "the scheme %r" % scheme
            if re.fullmatch(r"[a-z][a-z+]{0,15}", scheme) and "://" in url
            else "no known scheme"
        )
        raise HostError("%s has %s; one of %s is needed" % (label, named, ", ".join(PLAIN + TLS)))
    try:
        parts = urlsplit(url)
        port, host, path = parts.port, parts.hostname, parts.path.strip("/")
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        database = int(query.get("db") or path or "0")
    except ValueError:
        raise HostError("%s cannot be parsed as redis://user:password@host:port/number" % label) from None
    if not parts.password:
        raise HostError("%s names no password; write redis://user:password@host:port/number" % label)
    tls = None
    if scheme in TLS:
        tls = {name: query[name] for name in TLS_OPTIONS if name in query}
        # Celery writes CERT_REQUIRED where redis-py wants required.
        tls["ssl_cert_reqs"] = tls.get("ssl_cert_reqs", "required").lower().replace("cert_", "")
    user = unquote(parts.username or "") or DEFAULT_USER
    return Address(host or "localhost", port or 6379, user, unquote(parts.password), database, tls)


def refuse_managed(address: Address) -> None:
    if MANAGED.search(address.host):
        raise HostError("%s: %s" % (address, MANAGED_REMEDY))


def digest_of(password: str) -> str:
    """The digest that Valkey stores."""
    return hashlib.sha256(password.encode("utf-8")).hexdigest()


def gate_digest(rotation: str) -> str:
    """A digest that marks a user as the rotation's, and that no known password has.

    It is the complement of a SHA-256.
    """
    whole = hashlib.sha256(("watchparty.secrets gate " + rotation).encode("utf-8")).digest()
    return bytes(byte ^ 0xFF for byte in whole).hex()


# --- what servers answer --------------------------------------------------------------------------------------------


def parse_info(text: str) -> Dict[str, str]:
    pairs = (line.partition(":") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: value for name, _colon, value in pairs}


def join(host: str, port: str) -> str:
    return "%s:%s" % ("[%s]" % host if ":" in host and not host.startswith("[") else host, port)


def replication_links(info: Mapping[str, str]) -> List[str]:
    """The primary and replicas in a node's INFO."""
    results = []
    if info.get("role") == "slave":
        results.append(join(info.get("master_host", ""), info.get("master_port", "0")))
    for name, value in info.items():
        if re.fullmatch(r"slave\d+", name):
            fields = dict(part.split("=", 1) for part in value.split(",") if "=" in part)
            results.append(join(fields.get("ip", ""), fields.get("port", "0")))
    return results


def cluster_links(text: str, *, names: bool) -> List[str]:
    """The other nodes in CLUSTER NODES. With ``names``, by their announced names, if any, because certificates contain
    names."""
    results = []
    for line in text.splitlines():
        fields = line.split()
        if len(fields) < 3 or "myself" in fields[2].split(","):
            continue
        place, _comma, value = fields[1].partition(",")
        name = value.split(",")[0] if "=" not in value.split(",")[0] else ""
        host, _colon, port = place.partition("@")[0].rpartition(":")
        results.append(join(name if names and name else host, port))
    return results


@dataclass(frozen=True)
class User:
    """A user of ACL LIST."""

    name: str
    enabled: bool
    nopass: bool
    digests: FrozenSet[str] = field(default=frozenset(), repr=False)
    rules: Tuple[str, ...] = ()
    """All other rules, for ACL SETUSER."""

    @property
    def has_selectors(self) -> bool:
        return any(rule.startswith("(") for rule in self.rules)


def parse_users(lines: Iterable[str]) -> Dict[str, User]:
    users = {}
    for line in lines:
        # A selector contains spaces, and its patterns may contain parentheses: (~x(1) +get)
        fields = re.findall(r"\(.*?\)(?= |$)|\S+", line)
        name, rest = fields[1], fields[2:]
        users[name] = User(
            name,
            enabled="on" in rest,
            nopass="nopass" in rest,
            digests=frozenset(word[1:] for word in rest if word.startswith("#")),
            rules=tuple(word for word in rest if word not in ("on", "off", "nopass") and not word.startswith("#")),
        )
    return users


@dataclass(frozen=True)
class Client:
    """A line of CLIENT LIST."""

    number: int
    host: str
    user: str
    replication: bool
    """Whether the client is a replica or primary, not an application's session."""


def parse_clients(text: str) -> List[Client]:
    clients = []
    for line in text.splitlines():
        fields = dict(word.split("=", 1) for word in line.split(" ") if "=" in word)
        host = fields.get("addr", "").rpartition(":")[0].strip("[]")
        links = bool(set(fields.get("flags", "")) & set("SM"))
        clients.append(Client(int(fields["id"]), plain_host(host), fields.get("user", DEFAULT_USER), links))
    return clients


def ending(clients: Iterable[Client], ends: str, last: Optional[int]) -> List[Client]:
    """Sessions of a user that end with the old password. ``last`` is None if nothing is noted of the node.

    Whoever has the password can pose as a replica. So if all sessions end, links of replicas end too, and replicas
    reconnect.
    """
    chosen = [client for client in clients if ends == END_ALL or not client.replication]
    if ends == END_ALL or (ends == END_UNVERIFIED and last is None):
        return chosen
    return [client for client in chosen if client.number <= (last or 0)]


def plain_host(host: str) -> str:
    """Converts an IPv4-mapped IPv6 address to IPv4."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host or "a Unix socket"
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def by_host(clients: Iterable[Client]) -> Dict[str, int]:
    counts: Dict[str, int] = {}
    for client in clients:
        counts[client.host] = counts.get(client.host, 0) + 1
    return dict(sorted(counts.items()))


def unknown_hosts(hosts: Iterable[str], known: Sequence[str]) -> List[str]:
    """Hosts that the ``known`` addresses and networks do not contain."""
    networks = []
    for name in known:
        if name.startswith("/"):  # a Unix socket
            continue
        try:
            networks.append(ipaddress.ip_network(name, strict=False))
        except ValueError:
            raise HostError(
                "known_addresses: %s is neither an IP address nor a network; write 10.0.1.7 or 10.0.1.0/24" % name
            ) from None

    def is_known(host: str) -> bool:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return host in known
        return any(address in network for network in networks)

    return sorted(host for host in set(hosts) if not is_known(host))


def checked_digest(digest: str) -> str:
    if not _DIGEST.fullmatch(digest):
        raise HostError("digest is not the 64 hexadecimal digits of a SHA-256")
    return digest


# --- error messages -------------------------------------------------------------------------------------------------

_MEANINGS = (
    (r"protected mode", "the server refuses other hosts; on its own host, run CONFIG SET protected-mode no"),
    (
        r"WRONGPASS|invalid username-password|invalid password|no password is set",
        "the server rejects the user and the password of %(what)s; correct them",
    ),
    (r"NOPERM|no permissions", "the user of %(what)s lacks a right on the server; grant it (%(text)s)"),
    (r"max number of clients", "the server is at its limit of connections (maxclients); raise it or end idle clients"),
    (
        r"unknown (sub)?command",
        "the server has no such command (%(text)s); if AWS manages it, use kind elasticache_auth_token",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|certificate|\bSSL\b|\bTLS\b",
        "TLS failed; check rediss:// and its ssl_ options in %(what)s, and the certificate's names (%(text)s)",
    ),
    (
        r"refused|timed? ?out|unreachable|No route|not known|resolution|reset|closed|Broken pipe",
        "the server cannot be reached; start it, or correct its address or scheme in %(what)s (%(text)s)",
    ),
    (r"LOADING", "the server is still loading its data; try again"),
)


def explain(node: str, label: str, message: str) -> str:
    """An error message: node, meaning and remedy."""
    message = re.sub(r"[0-9a-f]{64}", "********", message).strip()
    for pattern, meaning in _MEANINGS:
        if re.search(pattern, message, re.IGNORECASE):
            return "%s: %s" % (node, meaning % {"what": label, "text": message})
    return "%s: the server answered: %s" % (node, message)
