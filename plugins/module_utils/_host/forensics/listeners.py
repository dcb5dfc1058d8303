# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lists listeners on this machine, by address and program. Only reads."""

from __future__ import annotations

import ipaddress
import itertools
import os
import re
import struct
from typing import Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._host import processes

LISTENS = {"tcp": "0A", "udp": "07"}
"""State of a listening socket, by protocol."""
EPHEMERAL = (32768, 60999)
MOST_FILES = 4096
"""Open files of one process to check."""
UNKNOWN = "unknown program"
"""Program of a socket whose process could not be read completely: the socket may not be the kernel's."""
RANDOM_UDP = ("dnsmasq", "named", "unbound", "rpc.statd", "rpcbind")
"""Programs that also send from UDP ports of their own choice, even below the kernel's range."""
SERVICES = (53, 67, 69, 111, 547)
"""UDP ports on which clients find these programs."""
DHCP_CLIENT = (68, 546)
X11 = range(6010, 6101)
"""Loopback ports of sshd for forwarded windows."""
_SOCKET = re.compile(r"socket:\[(\d+)\]")
_VERSION = re.compile(r"[\d.]+$")


class Listener(NamedTuple):
    """A listening socket."""

    protocol: str
    address: str
    port: int
    uid: str
    """Account that made the socket."""
    program: str
    """Name of the oldest process's executable, without a version. Empty for the kernel."""
    began: Optional[float]
    """Start of that process, in seconds since 1970."""

    @property
    def name(self) -> str:
        """Includes no port if the program takes any free port."""
        return "%s %s:%s" % (self.protocol, self.address, self.port or "any free port, by %s" % self.facts)

    @property
    def facts(self) -> str:
        """Includes the uid, because accounts may name their programs as they like."""
        return "%s, uid %s" % (self.program or "the kernel", self.uid)


def listeners() -> List[Listener]:
    """Listeners of all accounts, which only root can see. Leaves out UDP ports of clients, and ports for windows that
    sshd forwards. A DHCP client's address is left out, because it may change.
    """
    low, high = _ephemeral()
    sockets = [socket for protocol in LISTENS for socket in _sockets(protocol)]
    owners, is_complete = _owners({inode for *_place, inode in sockets})
    result = []
    for protocol, address, port, uid, inode in sockets:
        is_chosen = low <= port <= high
        if not (is_chosen and protocol == "udp"):
            pid = owners.get(inode, 0)
            began = processes.start_time(pid) if pid else None
            program = _program(pid) or (UNKNOWN if pid or not is_complete else "")
            if protocol == "udp" and port in DHCP_CLIENT:
                address = "any address"
            if not (_passes(protocol, address, port, program) and _is_of_system(pid)):
                result.append(Listener(protocol, address, 0 if is_chosen else port, uid, program, began))
    return sorted(result, key=lambda listener: listener[:5])


def _passes(protocol: str, address: str, port: int, program: str) -> bool:
    """Whether the port differs at each session or query."""
    if protocol == "udp":
        return program in RANDOM_UDP and port not in SERVICES
    return port in X11 and program in ("sshd", "sshd-session") and address in ("127.0.0.1", "[::1]")


def _is_of_system(pid: int) -> bool:
    """Whether only root could install the program: others may choose its name."""
    return _target("%s/%d/exe" % (processes.PROC, pid)).startswith(("/usr/bin/", "/usr/sbin/", "/usr/lib", "/sbin/"))


def _ephemeral() -> Tuple[int, int]:
    try:
        with open("%s/sys/net/ipv4/ip_local_port_range" % processes.PROC, encoding="ascii") as stream:
            low, high = map(int, stream.read().split())
            return low, high
    except (OSError, ValueError):
        return EPHEMERAL


def _sockets(protocol: str) -> Iterator[Tuple[str, str, int, str, str]]:
    """Protocol, address, port, uid and inode."""
    for family in ("", "6"):
        try:
            with open("%s/net/%s%s" % (processes.PROC, protocol, family), encoding="ascii") as stream:
                lines = stream.read().splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == LISTENS[protocol]:
                address, port = fields[1].split(":")
                yield protocol, _address(address), int(port, 16), fields[7], fields[9]


def _address(text: str) -> str:
    """Parses the kernel's form: words of four bytes in the machine's order."""
    words = [struct.pack("=I", int(text[at : at + 8], 16)) for at in range(0, len(text), 8)]
    address = ipaddress.ip_address(b"".join(words))
    if address.version == 4:
        return str(address)
    return "[link-local]" if address.is_link_local else "[%s]" % address  # an interface may get another one at boot


def _owners(inodes: Set[str]) -> Tuple[Dict[str, int], bool]:
    """Oldest process by inode, because children may inherit the socket for a while. Also returns whether all files of
    all processes were checked.
    """
    oldest: Dict[str, Tuple[int, int]] = {}
    is_complete = True
    for pid in processes.pids():
        sockets = list(_held(pid))
        is_complete = is_complete and len(sockets) <= MOST_FILES
        own = inodes.intersection(sockets[:MOST_FILES])
        process = processes.stat(pid) if own else None
        if process:
            age = (process.ticks, pid)
            oldest.update({inode: min(age, oldest.get(inode, age)) for inode in own})
    return {inode: pid for inode, (_ticks, pid) in oldest.items()}, is_complete


def _held(pid: int) -> Iterator[str]:
    """Inodes of the process's sockets, empty for other files. Yields at most one more than ``MOST_FILES``."""
    try:
        with os.scandir("%s/%d/fd" % (processes.PROC, pid)) as files:
            for file in itertools.islice(files, MOST_FILES + 1):
                match = _SOCKET.fullmatch(_target(file.path))
                yield match[1] if match else ""
    except OSError:
        return


def _target(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _program(pid: int) -> str:
    """Name without a version, which an upgrade changes."""
    name = os.path.basename(_target("%s/%d/exe" % (processes.PROC, pid)))
    name = name[: -len(" (deleted)")] if name.endswith(" (deleted)") else name
    return _VERSION.sub("", name) or name
