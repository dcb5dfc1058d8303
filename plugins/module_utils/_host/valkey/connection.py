# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Connections to Valkey nodes through the application's redis-py, one for each node."""

from __future__ import annotations

import re
import secrets
import sys
import time
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import valkey
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey import Address

SECONDS = 5
ADMIN, LOGIN = "the administrator's URL", "the credential's URL"
"""Names of the catalog's URLs in errors."""
ADMINISTRATORS_RIGHTS = ("+info", "+client", "+acl", "+config|get", "+config|rewrite", "+cluster|nodes")
INTERFERENCE = (
    "^BUSY|busy running a script|Timeout reading|closed by server|reset by peer|Broken pipe|max number of clients|"
    "protected mode"
)
UNREADABLE = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""Errors of answers in an unexpected form."""


class ValkeyLoginRefused(HostError):
    """Raised if a node rejects the user or the password."""


class NotAllowed(HostError):
    """Raised if a user may not run a command."""


class NodeInterrupted(HostError):
    """Raised if a connection is ended or not answered, as by whoever interferes with the server."""


class Absent(HostError):
    """Raised if the digest to remove does not exist."""


class Moved(HostError):
    """Raised if another node of the cluster has the key."""

    def __init__(self, message: str, to: str) -> None:
        self.to = to
        super().__init__(message)


def _driver() -> Any:
    try:
        import redis
    except ImportError:
        raise HostError(
            "%s has no redis package. Set rotation_python to an interpreter that has it, or install redis there"
            % sys.executable
        ) from None
    return redis


class Connection:
    """A login at a node. ``option`` names the login's source in errors."""

    def __init__(self, address: Address, option: str, *, label: str = "", logs_in: bool = True) -> None:
        redis = _driver()
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        options: Dict[str, Any] = dict(address.tls or {})
        if address.tls is not None:
            # redis-py before version 6 does not compare the name by itself.
            checks = options.get("ssl_check_hostname", str(options.get("ssl_cert_reqs") != "none")).lower()
            options["ssl_check_hostname"] = checks not in ("0", "f", "false", "n", "no")
        if int(redis.__version__.split(".")[0]) >= 5:
            options["protocol"] = 2
        if not logs_in:
            # Replaces the driver's own commands, which a server without a login refuses.
            options["redis_connect_func"] = lambda connection: connection._parser.on_connect(connection)
        kind = redis.Connection if address.tls is None else redis.SSLConnection
        self.node, self._what, self._error = str(address), option, redis.RedisError
        self._refusal = redis.ResponseError
        self._connection = kind(
            host=address.host,
            port=address.port,
            db=address.database,
            username=address.user,
            password=address.password,
            client_name=label or None,
            socket_timeout=SECONDS,
            socket_connect_timeout=SECONDS,
            # A retry would only hide the problem.
            retry=Retry(NoBackoff(), 0),
            **options,
        )
        try:
            self._connection.connect()
        except (self._error, OSError, ValueError) as error:
            self.close()
            raise self._translated(error) from None

    def _translated(self, error: Exception) -> HostError:
        message = str(error) or type(error).__name__
        text = valkey.explain(self.node, self._what, message)
        if re.search("WRONGPASS|invalid username-password|but no password is set", message):
            return ValkeyLoginRefused(text)
        if re.search("NOPERM|no permissions", message, re.IGNORECASE):
            return NotAllowed(text)
        # Newer drivers remove the code.
        if re.search(INTERFERENCE, message):
            return NodeInterrupted(text)
        moved = re.fullmatch(r"(?:MOVED )?\d+ (\S+:\d+)", message)
        if moved:
            return Moved(text, moved.group(1))
        return Absent(text) if "does not exist" in message else HostError(text)

    @property
    def peer(self) -> str:
        """The address of the connection, as servers name each other."""
        result = self._connection._sock.getpeername()
        return valkey.join(valkey.plain_host(result[0]), str(result[1]))

    def ask(self, *arguments: Any) -> Any:
        """The answer to a command, with bytes as text."""
        try:
            self._connection.send_command(*arguments)
            return _text(self._connection.read_response())
        except (self._error, OSError) as error:
            raise self._translated(error) from None

    def answers(self, commands: Sequence[Sequence[Any]]) -> List[Any]:
        """Answers to commands sent in one packet, so that no other client comes between them. Errors are answers."""
        return [_text(answer) for answer in self._raw(commands)]

    def _raw(self, commands: Sequence[Sequence[Any]]) -> List[Any]:
        try:
            self._connection.send_packed_command(self._connection.pack_commands(commands))
            return [self._answer() for _command in commands]
        except (self._error, OSError) as error:
            raise self._translated(error) from None

    def _answer(self) -> Any:
        try:
            return self._connection.read_response()
        except self._refusal as error:
            return error

    def own_client(self) -> valkey.Client:
        own = int(self.ask("CLIENT", "ID"))
        return next(client for client in valkey.parse_clients(self.ask("CLIENT", "LIST")) if client.number == own)

    def other_clients(self) -> List[valkey.Client]:
        """Every other session."""
        own = int(self.ask("CLIENT", "ID"))
        return [client for client in valkey.parse_clients(self.ask("CLIENT", "LIST")) if client.number != own]

    def close(self) -> None:
        self._connection.disconnect()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _text(answer: Any) -> Any:
    if isinstance(answer, bytes):
        return answer.decode("utf-8", "replace")
    return [_text(item) for item in answer] if isinstance(answer, list) else answer


def sent_at_once(address: Address, commands: Sequence[Sequence[str]], *, until: float) -> List[Any]:
    """Answers to commands that reach a server in one packet, including the login. Errors are answers.

    While a script keeps the server busy, the commands are sent again at once, to come before the next script.
    """
    with Connection(address, ADMIN, logs_in=False) as connection:
        while True:
            answers = connection.answers(commands)
            if not str(answers[-1]).startswith("BUSY") or time.monotonic() > until:
                return answers


class Node:
    """A server, as its administrator sees it."""

    def __init__(self, admin: Address, label: str) -> None:
        self.admin, self._label = admin, label
        self.connection = Connection(admin, ADMIN, label=label)
        self.names = {str(admin), self.connection.peer}
        self.links: List[str] = []
        """Other nodes that the server names. An attacker may have added them."""
        self.info: Mapping[str, str] = {}
        self.users: Mapping[str, valkey.User] = {}
        self.ask = self.connection.ask
        self.warnings: List[str] = []

    @property
    def name(self) -> str:
        return str(self.admin)

    @property
    def role(self) -> str:
        return "replica" if self.info.get("role") == "slave" else "primary"

    @property
    def run_id(self) -> str:
        return self.info.get("run_id", self.name)

    def described(self) -> Dict[str, str]:
        return {"node": self.name, "role": self.role}

    def read_facts(self) -> None:
        """Reads the node's facts and the other nodes that it names."""
        self.info = valkey.parse_info(self.ask("INFO"))
        self.links = valkey.replication_links(self.info)
        if self.info.get("cluster_enabled") == "1":
            self.links += valkey.cluster_links(self.ask("CLUSTER", "NODES"), names=self.admin.tls is not None)

    def load_users(self) -> None:
        self.users = valkey.parse_users(self.ask("ACL", "LIST"))

    def may(self, *arguments: str) -> None:
        """Raises if the administrator lacks the right, as far as the server tells without acting."""
        try:
            answer = self.ask("ACL", "DRYRUN", self.admin.user, *arguments)
        except HostError:  # Redis 6 has no such command, and not everyone may run it
            return
        if answer != "OK":
            raise NotAllowed(valkey.explain(self.name, ADMIN, "no permissions: %s" % answer))

    def keeper(self) -> Tuple[str, str]:
        """The command that saves the change for a restart."""
        with_file = self.setting("aclfile")
        if with_file:
            return ("ACL", "SAVE")
        if self.info.get("config_file"):
            return ("CONFIG", "REWRITE")
        raise HostError(
            "%s: the server has neither an ACL file (aclfile) nor a configuration file, so its next restart would lose "
            "the change. Restart the server with a configuration file" % self.name
        )

    def note(self) -> str:
        """A mark of this moment: sessions with a higher number logged in later."""
        with Connection(self.admin, ADMIN, label=self._label) as fresh:
            return "%s/%d" % (self.run_id, int(fresh.ask("CLIENT", "ID")))

    def number_of(self, note: Optional[str]) -> Optional[int]:
        """The number in a note. None if the node restarted since, because numbers began again."""
        run, _slash, number = (note or "").partition("/")
        return int(number) if run == self.run_id and number.isdigit() else None

    def setting(self, name: str) -> str:
        return str((self.ask("CONFIG", "GET", name) or ["", ""])[1])

    def replica_login(self) -> Optional[Tuple[str, str]]:
        """User and digest of the node's login at a primary, now or after a failover."""
        password = self.setting("masterauth")
        if not password:
            return None
        return self.setting("masteruser") or valkey.DEFAULT_USER, valkey.digest_of(password)


def discover(addresses: Sequence[Address], *, label: str, gone_nodes: Sequence[str] = ()) -> List[Node]:
    """Nodes at these addresses, primaries last. Raises an error that names all unusable nodes."""
    nodes, problems = seen(addresses, label=label, gone_nodes=gone_nodes)
    if problems:
        close(nodes)
        raise HostError(
            "Nothing was changed on any node, because not all nodes can be used. If a node no longer exists, leave it "
            "out by -e rotation_gone_nodes=host:port (the modules' option gone_nodes):\n  - " + "\n  - ".join(problems)
        )
    return nodes


def nothing_changed(problems: Sequence[str]) -> str:
    return "Nothing was changed on any node:\n  - " + "\n  - ".join(problems)


def seen(
    addresses: Sequence[Address], *, label: str, gone_nodes: Sequence[str] = (), leaked: Optional[Address] = None
) -> Tuple[List[Node], List[str]]:
    """Usable nodes, primaries last, and problems of the others.

    A node that only a server names is never contacted: any client with a password can pose as a replica. The ``leaked``
    login repairs a refused administrator, by the rights with which it was changed.
    """
    nodes: Dict[str, Node] = {}
    problems: List[str] = []
    for address in {str(address): address for address in addresses if str(address) not in gone_nodes}.values():
        try:
            valkey.refuse_managed(address)
            node = _open(address, label, leaked)
        except (HostError, *UNREADABLE) as error:
            if leaked is not None and isinstance(error, NodeInterrupted):
                close(list(nodes.values()))
                raise
            problems.append(str(error) if isinstance(error, HostError) else unreadable(str(address)))
            continue
        if node.run_id in nodes:
            nodes[node.run_id].names |= node.names
            node.connection.close()
            continue
        nodes[node.run_id] = node
    return sorted(nodes.values(), key=lambda node: node.role == "primary"), problems


def _open(address: Address, label: str, leaked: Optional[Address]) -> Node:
    try:
        node = Node(address, label)
        node.read_facts()
        return node
    except (ValkeyLoginRefused, NotAllowed):
        if leaked is None or not put_right(address, leaked):
            raise
    node = Node(address, label)
    node.read_facts()
    node.warnings.append(was_put_right(node))
    return node


def was_put_right(node: Node) -> str:
    return (
        "%s: somebody changed the administrator %s. The run restored this user's password and the rights that a "
        "rotation needs. Check the other rights: ACL GETUSER %s" % (node.name, node.admin.user, node.admin.user)
    )


def put_right(admin: Address, leaked: Address) -> bool:
    """Restores the administrator's password and rights, as the leaked login. Returns whether that was allowed."""
    rules = ("on", "resetpass", "#" + valkey.digest_of(admin.password), *ADMINISTRATORS_RIGHTS)
    try:
        with Connection(leaked.at(str(admin)), "the leaked login") as connection:
            connection.ask("ACL", "SETUSER", admin.user, *rules)
    except HostError:
        return False
    return True


def undeclared(nodes: Sequence[Node], known: Sequence[str]) -> Dict[str, str]:
    """Nodes that only servers name, by address, each with the remedy."""
    names = set(known).union(*(node.names for node in nodes))
    names_of_links = {link: node.name for node in nodes for link in node.links if link not in names}
    return {
        link: "%s names the node %s, but the catalog does not declare it; no password was sent there. If the node "
        "is yours, add it to server.nodes of the administrator in the catalog (or to server.aliases, if it "
        "is another address of a declared node). If not, an intruder poses as a replica: start a leak response"
        % (by, link)
        for link, by in sorted(names_of_links.items())
    }


def unreadable(node: str) -> str:
    return "%s: its answer cannot be read; check that a Valkey or Redis server listens there" % node


def close(nodes: Sequence[Node]) -> None:
    for node in nodes:
        node.connection.close()


def try_keys(connection: Connection, prefix: str, login: Address, names: Collection[str]) -> str:
    """Writes, reads and deletes a random key, if the user may. Returns the result as text.

    ``names`` are nodes to which a cluster may redirect.
    """
    key, value = prefix + "watchparty-secrets-test-" + secrets.token_hex(8), secrets.token_hex(8)
    try:
        return _write_read_delete(connection, key, value)
    except NotAllowed:
        return "not allowed"
    except Moved as moved:
        if moved.to not in names:
            return "at %s, which the catalog does not declare" % moved.to
        with Connection(login.at(moved.to), LOGIN) as other:
            return _write_read_delete(other, key, value)


def _write_read_delete(connection: Connection, key: str, value: str) -> str:
    connection.ask("SET", key, value, "EX", 60)
    read = connection.ask("GET", key)
    connection.ask("DEL", key)
    if read != value:
        raise HostError(
            "%s: the run wrote a test key and read another value. Another program writes keys named "
            "watchparty-secrets-test-*; stop that program, then run the same command again" % connection.node
        )
    return "written"
