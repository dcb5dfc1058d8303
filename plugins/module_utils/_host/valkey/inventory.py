# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads what may let somebody in at a Valkey node.

Scripts are left out: the server forgets them, none runs by itself, and each EVAL adds one.
"""

from __future__ import annotations

import shlex
from typing import Any, Callable, Collection, Dict, Iterator, List, Mapping, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import valkey
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import TOO_MANY, entry_of, keyed

MOST = 2000
LARGEST_FUNCTIONS = 16 << 20
"""Limit of a node's functions in bytes of memory, because their code is read."""
SETTINGS = (
    *("aclfile", "bind", "dbfilename", "dir", "enable-debug-command", "enable-module-command", "masteruser"),
    *("enable-protected-configs", "port", "protected-mode", "tls-auth-clients", "tls-port", "unixsocket"),
)
SECRET_SETTINGS = ("masterauth",)
Ask = Callable[..., Any]
_Row = Tuple[str, str, str, str]
"""Kind, name, facts, and the command that removes it."""


def read(ask: Ask, node: str, users: Mapping[str, valkey.User], request: Mapping[str, Any]) -> Dict[str, Any]:
    """Kinds and entries. ``request`` has the ``key`` of digests, the catalog's ``own`` users with their shown names,
    and the declared ``nodes``. Kinds that the server refuses to show are left out."""
    if int(valkey.parse_info(ask("INFO", "memory")).get("used_memory_functions", 0)) > LARGEST_FUNCTIONS:
        raise HostError("%s: its functions take more than %d MiB, %s" % (node, LARGEST_FUNCTIONS >> 20, TOO_MANY))
    kinds, rows = ["user"], list(_users(users, request))
    readers: Dict[str, Callable[[], Iterator[_Row]]] = {
        "module": lambda: _modules(ask("MODULE", "LIST")),
        "function": lambda: _functions(ask("FUNCTION", "LIST", "WITHCODE"), request["key"]),
        "replication": lambda: _links(ask("INFO", "replication"), request["nodes"]),
        "setting": lambda: _settings(ask, request["key"]),
    }
    for kind, reader in readers.items():
        try:
            rows += list(reader())
        except HostError:
            continue
        kinds.append(kind)
    if len(rows) > MOST:
        raise HostError("%s: it has more than %d users and functions, %s" % (node, MOST, TOO_MANY))
    return {"kinds": kinds, "entries": [entry_of(kind, "%s at %s" % (name, node), *rest) for kind, name, *rest in rows]}


def _users(users: Mapping[str, valkey.User], request: Mapping[str, Any]) -> Iterator[_Row]:
    """Users; only the rules of the catalog's users, whose passwords are compared with the stores."""
    for name, user in users.items():
        undo = "ACL DELUSER %s" % shlex.quote(name)
        rules = " ".join(rule for rule in user.rules if rule != "sanitize-payload")
        if name in request["own"]:
            yield "user", request["own"][name], rules, undo
            continue
        digests = sorted(keyed(request["key"], digest) for digest in user.digests)
        passwords = "passwords %s" % " ".join(digests) if digests else "no password"
        state = ("on" if user.enabled else "off", *(["nopass"] if user.nopass else []), passwords)
        yield "user", name, "%s, rules %s" % (", ".join(state), rules), undo


def _pairs(item: List[Any]) -> Dict[str, Any]:
    return dict(zip(item[::2], item[1::2]))


def _modules(answer: List[Any]) -> Iterator[_Row]:
    for module in map(_pairs, answer):
        yield "module", module["name"], "", "MODULE UNLOAD %s" % shlex.quote(module["name"])


def _functions(answer: List[Any], key: str) -> Iterator[_Row]:
    for library in map(_pairs, answer):
        name = library["library_name"]
        digest = keyed(key, library["library_code"])
        yield "function", name, "digest %s" % digest, "FUNCTION DELETE %s" % shlex.quote(name)


def _links(answer: str, nodes: Collection[str]) -> Iterator[_Row]:
    """Links that the catalog does not declare. A failover among declared nodes changes nothing here."""
    for link in valkey.replication_links(valkey.parse_info(answer)):
        if link not in nodes:
            yield "replication", "link to %s" % link, "", "REPLICAOF NO ONE, or end the replica's session"


def _settings(ask: Ask, key: str) -> Iterator[_Row]:
    for name in (*SETTINGS, *SECRET_SETTINGS):
        for setting, value in _pairs(ask("CONFIG", "GET", name)).items():
            text = "digest %s" % keyed(key, value) if setting in SECRET_SETTINGS and value else value
            yield "setting", setting, text, "CONFIG SET %s …" % shlex.quote(setting)
