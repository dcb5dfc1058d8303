# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fleet's bridge, and for each host a namespace with a cable to it. No host reaches beyond the bridge."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Sequence
from pathlib import Path

from sandbox.hosts._commands import run
from sandbox.hosts._names import Names
from sandbox.process import SandboxError, wait_until

FIRST_HOST = 11
NAMESPACES = Path("/run/netns")
DEVICES = Path("/sys/class/net")


def free_subnet(names: Names) -> ipaddress.IPv4Network:
    """A 10.x.y.0/24 without a route on this machine. The fleet decides where the search begins."""
    taken = [
        ipaddress.ip_network(route["dst"])
        for route in json.loads(run(["ip", "-4", "-json", "route", "show", "table", "all"]))
        if route["dst"] != "default"
    ]
    start = int(names.run, 16)
    for step in range(4096):
        second, third = divmod((start + step) % 0xFFFF, 256)
        subnet = ipaddress.IPv4Network(f"10.{second}.{third}.0/24")
        if not any(subnet.overlaps(other) for other in taken):
            return subnet
    raise SandboxError("No free 10.x.y.0/24 was found for the test hosts.")


def addresses(subnet: ipaddress.IPv4Network, count: int) -> list[str]:
    """The hosts' addresses, in order. The bridge has the subnet's first address."""
    return [str(subnet[FIRST_HOST + number]) for number in range(count)]


def connect(names: Names, subnet: ipaddress.IPv4Network, hosts: Sequence[str]) -> None:
    """Creates the bridge, the namespaces and the cables, and brings all up."""
    bridge = names.bridge
    run(["ip", "link", "add", bridge, "type", "bridge"])
    # Duplicate address detection would delay an IPv6 address for seconds, and nothing here uses one.
    Path(f"/proc/sys/net/ipv6/conf/{bridge}/disable_ipv6").write_text("1", encoding="ascii")
    batch = [f"addr add {subnet[1]}/24 dev {bridge}", f"link set {bridge} up"]
    for number, host in enumerate(hosts):
        namespace, link = names.machine(host), names.link(number)
        batch += [
            f"netns add {namespace}",
            f"link add {link} type veth peer name eth0 netns {namespace}",
            f"link set {link} master {bridge} up",
        ]
    run(["ip", "-batch", "-"], text="\n".join(batch) + "\n")
    for host, address in zip(hosts, addresses(subnet, len(hosts)), strict=True):
        batch = [f"addr add {address}/24 dev eth0", "link set lo up", "link set eth0 up"]
        run(["ip", "-netns", names.machine(host), "-batch", "-"], text="\n".join(batch) + "\n")


def disconnect(names: Names) -> None:
    """Removes everything. Cables disappear with their namespaces, a moment later."""
    for namespace in sorted(NAMESPACES.glob(f"{names.bridge}-*")):
        run(["ip", "netns", "delete", namespace.name])
    if (DEVICES / names.bridge).exists():
        run(["ip", "link", "delete", names.bridge])
    wait_until(lambda: not any(DEVICES.glob(f"{names.bridge}*")), seconds=10, interval=0.01)
