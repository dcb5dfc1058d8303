# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PostgreSQL's addresses, quoting, records and errors. Standard library only, without a driver; Python 3.8."""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple, Union
from urllib.parse import parse_qsl, unquote

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError

RECORD = "watchparty.secrets"
SCHEMES = ("postgresql", "postgres", "psql", "pgsql", "postgis")
VERIFIER = re.compile(r"SCRAM-SHA-256\$[1-9][0-9]*:[A-Za-z0-9+/]+=*\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=")
SUFFIXES = ("_a", "_b")
SCRAM = "scram-sha-256"
LOCAL = "local"
"""Stands for the address of a session over a Unix socket."""

# Other options in an application's URL are for the application, not for libpq.
_OPTIONS = frozenset(
    (
        *("channel_binding", "client_encoding", "gssencmode", "hostaddr", "krbsrvname", "options", "requirepeer"),
        *(
            "require_auth",
            "sslcert",
            "sslcrl",
            "sslkey",
            "sslmode",
            "sslpassword",
            "sslrootcert",
            "sslsni",
            "target_session_attrs",
        ),
    )
)


class DatabaseError(SecretsError):
    """Raised when the server or its state does not allow the request.

    ``reason`` is one word for programs.
    """

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class ConnectionTarget(NamedTuple):
    """The target of a connection, and its login."""

    user: str
    password: str
    host: str
    port: str
    database: str
    options: Dict[str, str]

    def __repr__(self) -> str:
        return "Target(%s)" % self.place

    @property
    def place(self) -> str:
        """The server and database, for messages."""
        return "database %s at %s, port %s" % (
            self.database or self.user,
            self.host or "the local socket",
            self.port or "5432",
        )

    def keywords(self) -> Dict[str, str]:
        """libpq's parameters."""
        named = {
            "user": self.user,
            "password": self.password,
            "host": self.host,
            "port": self.port,
            "dbname": self.database,
        }
        return {**self.options, **{name: value for name, value in named.items() if value}}


ADMIN_URL, LOGIN_URL = "the administrator's URL", "the credential's URL"
"""Labels of the catalog's URLs in errors."""


def parse_url(url: str, label: str) -> ConnectionTarget:
    """Parses a URL of libpq, or of a scheme that Django's readers accept. ``label`` names the URL in an error."""

    def wrong(problem: str) -> DatabaseError:
        hint = "write postgresql://user:password@host:port/database, with special characters as %XX"
        return DatabaseError("bad_url", "%s %s; %s" % (label, problem, hint))

    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in SCHEMES:
        raise wrong("is not a PostgreSQL URL")
    rest = rest.partition("#")[0]
    rest, _mark, query = rest.partition("?")
    authority, _slash, path = rest.partition("/")
    login, _at, places = authority.rpartition("@")
    user, _colon, password = login.partition(":")
    hosts, ports = _places(places)
    fields = {"user": user, "password": password, "host": ",".join(hosts), "dbname": path}
    if any(re.search(r"%(?![0-9A-Fa-f]{2})", text) for text in fields.values()):
        raise wrong("has a % that is not followed by two hexadecimal digits")
    try:
        fields = {name: unquote(text, errors="strict") for name, text in fields.items()}
    except UnicodeDecodeError:
        raise wrong("is not UTF-8") from None
    fields["port"] = ",".join(ports) if any(ports) else ""
    query_options = dict(parse_qsl(query))
    fields.update({name: query_options[name] for name in fields if query_options.get(name)})
    if not all(re.fullmatch(r"[0-9]*", port) for port in fields["port"].split(",")):
        raise wrong("has a port that is not a number")
    if any("\0" in text for text in fields.values()):
        raise wrong("has a NUL character")
    if not fields["user"]:
        raise wrong("names no user")
    options = {name: value for name, value in query_options.items() if name in _OPTIONS}
    return ConnectionTarget(
        fields["user"], fields["password"], fields["host"], fields["port"], fields["dbname"], options
    )


def _places(places: str) -> Tuple[List[str], List[str]]:
    hosts, ports = [], []
    for place in places.split(","):
        match = re.fullmatch(r"\[([^\]]*)\](?::(.*))?", place)
        host, port = match.groups() if match else place.partition(":")[::2]
        hosts.append(host)
        ports.append(port or "")
    return hosts, ports


def identifier(name: str) -> str:
    """Quotes the name of a role or setting."""
    if not name or "\0" in name:
        raise DatabaseError(
            "bad_name", "a role's name is empty or has a NUL character; correct the name in the catalog"
        )
    if len(name.encode("utf-8")) > 63:
        raise DatabaseError("bad_name", "the role name %s is longer than PostgreSQL's 63 bytes; shorten it" % name)
    return '"%s"' % name.replace('"', '""')


def literal(text: str) -> str:
    quoted = "'%s'" % text.replace("'", "''")
    return "E" + quoted.replace("\\", "\\\\") if "\\" in text else quoted


def logins_of(owner: str) -> Tuple[str, str]:
    """The two login roles that alternate."""
    first, second = (owner + suffix for suffix in SUFFIXES)
    identifier(first)
    return first, second


def owner_of(login: str) -> str:
    """The role as which two logins that alternate act; any other login is its own."""
    return re.sub(r"(?<=.)(%s)\Z" % "|".join(SUFFIXES), "", login, flags=re.DOTALL)


def recorded(comment: Optional[str], role: str) -> int:
    """The journal number in a role's comment. 0 without one."""
    line = (comment or "").rpartition("\n")[2]
    if not line.startswith('{"%s"' % RECORD):
        return 0
    try:
        number = json.loads(line)[RECORD]["journal"]
    except (ValueError, KeyError, TypeError):
        number = None
    if not isinstance(number, int):
        raise DatabaseError(
            "bad_record",
            'the last line of the comment on role %s is damaged; it should be {"%s": {"journal": NUMBER}}. If no other '
            "run is active, read the comment (\\du+ in psql), and write it again without that line (COMMENT ON ROLE "
            "replaces the whole comment). The next run adds the line" % (role, RECORD),
        )
    return number


def with_record(comment: Optional[str], journal: int) -> str:
    """The comment with the journal number as its last line. Other lines stay."""
    lines = (comment or "").split("\n")
    if lines[-1].startswith('{"%s"' % RECORD):
        lines.pop()
    record = json.dumps({RECORD: {"journal": journal}})
    text = "\n".join(lines)
    return "%s\n%s" % (text, record) if text else record


def refuse_older(comment: Optional[str], role: str, journal: int) -> None:
    """Raises DatabaseError if another run has overtaken this one."""
    count = recorded(comment, role)
    if count > journal:
        raise DatabaseError(
            "overtaken",
            "another run changed role %s with a newer journal (number %d; this run read number %d). "
            "Nothing was changed; run the same command again" % (role, count, journal),
        )


def known(address: Optional[str], addresses: Sequence[str]) -> bool:
    """Whether the addresses and networks contain a session's address."""
    if address is None:
        return LOCAL in addresses
    ip = ipaddress.ip_address(address)
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return any(ip in network for network in _networks(addresses) if network.version == ip.version)


def _networks(addresses: Sequence[str]) -> List[Union[ipaddress.IPv4Network, ipaddress.IPv6Network]]:
    networks = []
    for address in addresses:
        if address == LOCAL:
            continue
        try:
            networks.append(ipaddress.ip_network(address, strict=False))
        except ValueError:
            raise DatabaseError(
                "bad_address",
                "known_addresses: %s is neither an IP address nor a network; write 10.0.1.7 or 10.0.1.0/24" % address,
            ) from None
    return networks


class Refusal(NamedTuple):
    """The reason of a failed connection: one word for programs, and the server's or libpq's message."""

    reason: str
    message: str

    @property
    def proves_refusal(self) -> bool:
        """Whether the server rejected the login itself."""
        return self.reason in ("wrong_password", "no_login", "no_role", "not_from_here", "refused")

    @property
    def may_pass(self) -> bool:
        """Whether a later attempt may succeed."""
        return self.reason in ("limit", "starting", "unreachable")


# PostgreSQL checks in this order: its own limit, pg_hba.conf, the password, LOGIN, the role's limit, the database.
_SAID = tuple(
    (reason, re.compile(pattern, re.IGNORECASE))
    for reason, pattern in (
        ("wrong_password", r"password authentication failed|SASL authentication failed|authentication failed for user"),
        ("no_login", r"is not permitted to log in"),
        ("role_limit", r"too many connections for role"),
        ("database_limit", r"too many connections for database"),
        ("limit", r"too many clients|remaining connection slots|too many connections|no more connections allowed"),
        ("no_locks", r"out of shared memory"),
        ("no_database", r'database "[^"]*" does not exist|no such database'),
        ("no_role", r'role "[^"]*" does not exist|no such user'),
        ("no_connect", r"permission denied for database"),
        ("not_accepting", r'database "[^"]*" is not currently accepting connections'),
        ("not_from_here", r"no pg_hba\.conf entry|pg_hba\.conf rejects"),
        ("starting", r"database system is|not yet accepting connections|consistent recovery state"),
        ("not_scram", r"authentication method requirement|channel binding required"),
        ("tls", r"certificate|SSL error|does not support SSL|channel binding"),
    )
)

_WORDS = {
    "wrong_password": "the server rejects the password of {user}, or has no such role. If somebody changed the "
    "password by hand, store the right one; after an interrupted rotation, run the rotation "
    "again",
    "no_login": (
        "role {user} may not log in (NOLOGIN): it was revoked, or a rotation has not set it yet. Run the rotation again"
    ),
    "role_limit": "role {user} has reached its connection limit. End idle sessions or raise it: "
    "ALTER ROLE … CONNECTION LIMIT",
    "database_limit": "the database has reached its connection limit. End idle sessions or raise it: "
    "ALTER DATABASE … CONNECTION LIMIT",
    "limit": "the server has reached max_connections. End idle sessions, raise max_connections, or lower the "
    "applications' pools; then run again",
    "no_locks": "the server's table of locks is full (max_locks_per_transaction). On the server, end "
    "the process of the session that holds the locks (kill -TERM), or restart the server; then run again",
    "no_database": "the database does not exist. Create it, or correct the URL's path",
    "no_role": "role {user} does not exist. Create it, or correct the user in the URL",
    "no_connect": "role {user} may not connect to the database. Run as its owner: GRANT CONNECT ON DATABASE … TO …",
    "not_accepting": "the database accepts no connections. Run as its owner: ALTER DATABASE … ALLOW_CONNECTIONS true",
    "not_from_here": "pg_hba.conf has no line for {user} from this address. A line that names only the owner "
    "does not cover its logins: write +owner there. A line that requires TLS needs "
    "sslmode=require in the URL",
    "starting": "the server is starting or stopping. Run again when it is up",
    "not_scram": "the server asks for the password itself or for its MD5 hash, and only SCRAM is allowed. Set "
    "scram-sha-256 in its pg_hba.conf, and give {user} a password under password_encryption = "
    "'scram-sha-256'",
    "tls": "TLS could not be negotiated. Check sslmode and sslrootcert in the URL, for an administrator "
    "server.tls in the catalog, and the server's certificate",
    "unreachable": "the server cannot be reached. Check that it runs, and that this host may connect to it (security "
    "group, firewall, name)",
    "refused": "the server refuses the login",
}


def refusal(message: str) -> Refusal:
    """The reason of a failed connection. A message in an unknown language is only quoted."""
    text = " ".join(message.split())
    for reason, pattern in _SAID:
        if pattern.search(text):
            return Refusal(reason, text)
    # libpq prefixes a server's answer with SEVERITY, colon, two spaces; its own messages have no prefix.
    return Refusal("refused" if re.search(r"(?:^|: )\w+:  \S", message.strip()) else "unreachable", text)


def not_connected(failure: Refusal, target: ConnectionTarget, label: str) -> DatabaseError:
    """The error of a failed connection."""
    message = _WORDS[failure.reason].format(user=target.user)
    return DatabaseError(
        failure.reason,
        "%s (%s to %s): %s. The answer was: %s" % (label, target.user, target.place, message, failure.message),
    )
