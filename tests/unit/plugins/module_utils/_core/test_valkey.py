# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is known of Valkey without a server: URLs, answers and words."""

from __future__ import annotations

import hashlib
from urllib.parse import quote

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core import valkey
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey import Address

A, B = (letter * 64 for letter in "ab")


# --- URLs -----------------------------------------------------------------------------------------------------------


def test_a_plain_url() -> None:
    address = valkey.parse_url("redis://app:p%40ss@cache.internal:6380/2", "login_url")
    assert address == Address("cache.internal", 6380, "app", "p@ss", 2)
    assert str(address) == "cache.internal:6380"
    assert "p@ss" not in repr(address)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://:pw@h", Address("h", 6379, "default", "pw")),
        ("valkey://:pw@h/", Address("h", 6379, "default", "pw")),
        ("redis://:pw@h?db=3", Address("h", 6379, "default", "pw", 3)),
        ("redis://:pw@[::1]:6380", Address("::1", 6380, "default", "pw")),
        ("redis://:pw@/1", Address("localhost", 6379, "default", "pw", 1)),
        ("redis://:pw@h?socket_timeout=3&ssl_cert_reqs=none", Address("h", 6379, "default", "pw")),
        ("rediss://:pw@h", Address("h", 6379, "default", "pw", 0, {"ssl_cert_reqs": "required"})),
        (
            "rediss://:pw@h?ssl_cert_reqs=CERT_NONE&ssl_ca_certs=%2Fa%2Fb.crt",
            Address("h", 6379, "default", "pw", 0, {"ssl_cert_reqs": "none", "ssl_ca_certs": "/a/b.crt"}),
        ),
    ],
)
def test_other_urls(url: str, expected: Address) -> None:
    assert valkey.parse_url(url, "login_url") == expected


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("unix:///run/x.sock", "scheme 'unix'"),
        ("sentinel://:pw@h", "scheme 'sentinel'"),
        ("redis://app@h", "names no password"),
        ("redis://:pw@h:99999", "cannot be parsed"),
        ("redis://:pw@[::1", "cannot be parsed"),
        ("redis://:pw@h/one", "cannot be parsed"),
        ("", "no known scheme"),
        ("h:pw", "no known scheme"),
        ("H:pw://h", "no known scheme"),
    ],
)
def test_bad_urls(url: str, message: str) -> None:
    with pytest.raises(HostError, match=message) as raised:
        valkey.parse_url(url, "login_url")
    assert "pw" not in str(raised.value)


TEXT = st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable() and text.strip() == text)


@given(user=TEXT, password=TEXT, number=st.integers(0, 15), tls=st.booleans())
def test_urls_are_read_as_the_driver_reads_them(user: str, password: str, number: int, tls: bool) -> None:
    scheme = "rediss" if tls else "redis"
    url = f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@host:6380/{number}"
    ours = valkey.parse_url(url, "login_url")
    theirs = redis.ConnectionPool.from_url(url).connection_kwargs
    assert (ours.user, ours.password, ours.host, ours.port) == tuple(
        theirs[name] for name in ("username", "password", "host", "port")
    )
    assert ours.database == theirs.get("db", 0)


def test_another_node_of_the_same_login() -> None:
    address = Address("a", 1, "app", "pw", 2, {"ssl_cert_reqs": "none"})
    assert address.at("[::2]:7000") == Address("::2", 7000, "app", "pw", 2, {"ssl_cert_reqs": "none"})
    assert str(address.at("[::2]:7000")) == "[::2]:7000"
    for bad in ("", "host", ":6379", "host:", "host:0", "host:x", "host:70000"):
        with pytest.raises(HostError, match="not a node's address"):
            address.at(bad)


@pytest.mark.parametrize(
    ("host", "managed"),
    [
        ("master.watch.abc123.euw1.cache.amazonaws.com", True),
        ("watch-abc.serverless.use1.cache.amazonaws.com.", True),
        ("x.cache.cn-north-1.amazonaws.com.cn", True),
        ("clustercfg.x.memorydb.us-east-1.amazonaws.com", True),
        ("ec2-1-2-3-4.eu-west-1.compute.amazonaws.com", False),
        ("cache.example.com", False),
        ("x.cache.amazonaws.com.example.org", False),
    ],
)
def test_managed_servers(host: str, managed: bool) -> None:
    address = Address(host, 6379)
    if managed:
        with pytest.raises(HostError, match="elasticache_auth_token"):
            valkey.refuse_managed(address)
    else:
        valkey.refuse_managed(address)


# --- digests --------------------------------------------------------------------------------------------------------


def test_a_digest_is_valkeys() -> None:
    assert valkey.digest_of("pässword") == hashlib.sha256("pässword".encode()).hexdigest()
    assert valkey.checked_digest(A) == A
    for bad in ("", "A" * 64, "a" * 63, "a" * 64 + "\n"):
        with pytest.raises(HostError, match="64 hexadecimal digits"):
            valkey.checked_digest(bad)


@given(st.text(max_size=40))
def test_a_gate_is_the_digest_of_nothing_that_names_it(rotation: str) -> None:
    gate = valkey.gate_digest(rotation)
    assert valkey.checked_digest(gate) == gate
    named = "watchparty.secrets gate " + rotation
    assert gate not in (valkey.digest_of(named), valkey.digest_of(rotation))
    flipped = bytes(byte ^ 0xFF for byte in bytes.fromhex(gate)).hex()
    assert flipped == valkey.digest_of(named)


# --- answers --------------------------------------------------------------------------------------------------------

PRIMARY = """# Replication\r
role:master\r
connected_slaves:2\r
slave0:ip=10.0.0.2,port=6379,state=online,offset=14,lag=0\r
slave1:ip=fd00::3,port=6380,state=wait_bgsave,offset=0,lag=0,type=replica\r
slave_expires_tracked_keys:0\r
"""
REPLICA = "role:slave\r\nmaster_host:fd00::1\r\nmaster_port:6379\r\nmaster_link_status:up\r\nconnected_slaves:0\r\n"
NODES = """\
07c3 10.0.0.4:7000@17000,host-4 myself,master - 0 0 1 connected 0-5460
17c3 10.0.0.5:7000@17000,host-5 master - 0 1426238316232 2 connected 5461-10922
27c3 10.0.0.6:7000@17000 slave 07c3 0 1426238317741 3 connected
37c3 10.0.0.7:7000@17000,,shard-id=5fc3 master,fail - 0 1426238317741 3 connected
47c3 :0@0 master,noaddr - 1426238317741 1426238316232 3 disconnected
57c3 10.0.0.8:7000 master - 0 1 2 connected
"""


def test_links_of_replication() -> None:
    assert valkey.replication_links(valkey.parse_info(PRIMARY)) == ["10.0.0.2:6379", "[fd00::3]:6380"]
    assert valkey.replication_links(valkey.parse_info(REPLICA)) == ["[fd00::1]:6379"]


def test_links_of_a_cluster() -> None:
    addresses = ["10.0.0.5:7000", "10.0.0.6:7000", "10.0.0.7:7000", ":0", "10.0.0.8:7000"]
    assert valkey.cluster_links(NODES, names=False) == addresses
    named = ["host-5:7000", *addresses[1:]]
    assert valkey.cluster_links(NODES, names=True) == named


def test_users() -> None:
    users = valkey.parse_users(
        [
            (
                f"user app_a on sanitize-payload #{A} #{B} ~app:* %R~ro:* &* +@all -@dangerous "
                "(~x* resetchannels -@all +get)"
            ),
            "user default off nopass ~* &* +@all",
        ]
    )
    app = users["app_a"]
    assert (app.enabled, app.nopass, app.digests, app.has_selectors) == (True, False, {A, B}, True)
    assert app.rules == (
        *("sanitize-payload", "~app:*", "%R~ro:*", "&*", "+@all", "-@dangerous"),
        "(~x* resetchannels -@all +get)",
    )
    assert A not in repr(app)
    default = users["default"]
    assert (default.enabled, default.nopass, default.has_selectors) == (False, True, False)


def test_clients() -> None:
    text = (
        "id=3 addr=127.0.0.1:60116 laddr=127.0.0.1:53399 fd=9 name=a=b age=0 flags=N db=0 cmd=ping user=app lib-ver=\n"
        "id=4 addr=[::ffff:10.0.0.9]:60116 flags=S user=replicator\n"
        "id=5 addr=/run/valkey.sock:0 flags=U user=default\n"
        "id=6 addr=[fe80::1%eth0]:1 flags=M\n"
    )
    clients = valkey.parse_clients(text)
    assert [(client.number, client.host, client.user, client.replication) for client in clients] == [
        (3, "127.0.0.1", "app", False),
        (4, "10.0.0.9", "replicator", True),
        (5, "/run/valkey.sock", "default", False),
        (6, "fe80::1", "default", True),
    ]
    assert valkey.by_host([clients[0], clients[0], clients[2]]) == {"/run/valkey.sock": 1, "127.0.0.1": 2}


def test_which_hosts_are_known() -> None:
    hosts = ["10.0.1.4", "10.0.2.4", "fd00::4", "/run/valkey.sock", "10.0.2.4"]
    assert valkey.unknown_hosts(hosts, ["10.0.1.0/24", "fd00::4"]) == ["/run/valkey.sock", "10.0.2.4"]
    assert valkey.unknown_hosts(hosts, ["0.0.0.0/0", "::/0", "/run/valkey.sock"]) == []
    with pytest.raises(HostError, match=r"known_addresses: web1 is neither an IP address nor a network"):
        valkey.unknown_hosts([], ["web1"])


# --- words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "meaning"),
    [
        (
            "WRONGPASS invalid username-password pair or user is disabled.",
            "the server rejects the user and the password",
        ),
        (
            "DENIED running in protected mode because it is enabled and no password is set for the default user",
            "protected-mode no",
        ),
        ("this user has no permissions to run the 'acl|list' command", "lacks a right on the server"),
        ("NOPERM User a has no permissions", "lacks a right on the server"),
        ("max number of clients reached", "maxclients"),
        ("unknown command 'ACL'", "kind elasticache_auth_token"),
        ("unknown subcommand or wrong number of arguments for 'SETUSER'", "kind elasticache_auth_token"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "TLS failed"),
        ("Error 111 connecting to 10.0.0.1:6379. Connection refused.", "cannot be reached"),
        ("Timeout connecting to server", "cannot be reached"),
        ("Error -2 connecting to nowhere:6379. Name or service not known.", "cannot be reached"),
        ("LOADING server is loading the dataset in memory", "still loading"),
        ("OOM command not allowed when used memory > 'maxmemory'.", "the server answered: OOM"),
    ],
)
def test_an_error_says_what_to_do(message: str, meaning: str) -> None:
    text = valkey.explain("10.0.0.1:6379", "admin_url", message)
    assert text.startswith("10.0.0.1:6379: ")
    assert meaning in text


def test_no_digest_is_in_an_error() -> None:
    text = valkey.explain("h:1", "admin_url", f"Error in ACL SETUSER modifier '!{A}': no such password")
    assert A not in text
    assert "'!********'" in text
