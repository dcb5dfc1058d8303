# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules of Valkey's users, planted and legitimate."""

from __future__ import annotations

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey import parse_users
from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey_rights import administration, may_run


@pytest.mark.parametrize(
    ("rules", "number"),
    [
        ("~* &* +@all", 9),
        ("~shop:* &* +@all", 9),
        ("~* -@all +@admin", 9),
        ("~* -@all +@slow", 9),
        ("~* -@all +@dangerous -@admin +acl", 1),
        ("~* +@all -@admin -@dangerous -@slow", 0),
        ("~* +@all -@admin -@dangerous", 0),
        ("~* -@all +@read +@write +@connection", 0),
        ("~* +@all -acl -config -module", 6),
        ("~* -@all +module|loadex", 1),
        ("~* -@all +replicaof", 1),
        ("~* -@all +slaveof", 1),
        ("~* -@all +psync", 1),
        ("~* -@all +sync", 1),
        ("~* -@all +monitor", 1),
        ("~* -@all +debug +shutdown +failover", 3),
        ("~* -@all +config|get", 0),
        ("~* -@all +config|set", 1),
        ("~* -@all +@read (~* +@all)", 9),
        ("~* -@all +@read (~x(1)* +@all)", 9),
        ("~* -@all +@read (~y* +config|set)", 1),
        ("~* -@all +@read (~y* +@all -@admin -@dangerous) +get", 0),
        ("~* +@all -@all", 0),
        ("", 0),
    ],
)
def test_rights_over_the_server(rules: str, number: int) -> None:
    assert len(administration(parse_users([f"user app on {rules}"])["app"].rules)) == number


def test_the_last_rule_decides() -> None:
    assert may_run(["-@all", "+acl", "-acl|setuser"], "acl|setuser") is False
    assert may_run(["-acl|setuser", "+@ALL"], "acl|setuser") is True
