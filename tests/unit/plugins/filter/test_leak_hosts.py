# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.watchparty.secrets.plugins.filter.leak_hosts import leak_candidates, leak_host

HOSTS = ["web1", "web2", "web3", "web4"]
SILENT: dict[str, Any] = {"leak_respond__seen": {"unreachable": True}}
FAILED: dict[str, Any] = {"leak_respond__seen": {"failed": True, "msg": "timed out"}}
SEEN: dict[str, Any] = {"leak_respond__seen": {"lines": []}}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, HOSTS),
        ({"targeted": ["web3"]}, ["web3"]),
        ({"targeted": ["web3"], "others": ["web2", "web3"]}, ["web3", "web2"]),
        ({"compromised": ["web1", "web4"]}, ["web2", "web3"]),
        ({"leaked": ["database", "host:web1"]}, ["web2", "web3", "web4", "web1"]),
        ({"targeted": [], "others": []}, []),
    ],
)
def test_the_best_candidate_is_first(options: dict[str, Any], expected: list[str]) -> None:
    assert leak_candidates(HOSTS, **{"targeted": HOSTS, **options}) == expected


@pytest.mark.parametrize(
    ("variables", "reached", "expected"),
    [
        ({}, {}, "web1"),
        ({"web1": SILENT, "web2": FAILED}, {}, "web3"),
        ({"web1": SILENT, "web2": SEEN}, {}, "web2"),
        (dict.fromkeys(HOSTS, SILENT), {}, "web4"),  # only the first three count
        ({}, {"results": [{"item": "web1", "unreachable": True}, {"item": "web2", "reachable": True}]}, "web2"),
        ({}, {"results": [{"item": "web1", "failed": True}], "skipped": False}, "web1"),
    ],
)
def test_a_host_that_answers_is_asked(variables: dict[str, Any], reached: dict[str, Any], expected: str) -> None:
    assert leak_host(HOSTS, {**{name: {} for name in HOSTS}, **variables}, reached) == expected


def test_of_silent_hosts_the_first() -> None:
    assert leak_host(["web1"], {"web1": SILENT}, {}) == "web1"


def test_no_host_is_left() -> None:
    with pytest.raises(AnsibleFilterError, match=r"^every host is compromised"):
        leak_host([], {}, {})
