# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest
from ansible import context
from ansible.errors import AnsibleError
from ansible.module_utils.common.collections import ImmutableDict
from ansible.parsing.dataloader import DataLoader

from ansible_collections.watchparty.secrets.plugins.lookup.app_hosts import LookupModule

GROUPS = {"all": ["web1", "web2", "db1"], "app_hosts": ["web1", "web2"]}


def look(known: dict[str, Any], **options: Any) -> list[str]:
    results: list[str] = LookupModule(loader=DataLoader(), templar=None).run(
        [], variables={"groups": GROUPS, **known}, **options
    )
    return results


@pytest.mark.parametrize(
    ("known", "skip", "expected"),
    [
        ({}, [], "app_hosts"),
        ({"ansible_limit": "web2"}, [], "app_hosts"),
        ({"ansible_limit": "web1"}, ["web2"], "app_hosts:!web2"),
        ({"app_hosts": "app_hosts:!web1"}, [], "app_hosts:!web1"),
    ],
)
def test_the_pattern(known: dict[str, Any], skip: list[str], expected: str) -> None:
    assert look(known, skip=skip) == [expected]


@pytest.mark.parametrize(
    ("known", "skip"),
    [
        ({"ansible_limit": "db1"}, []),
        ({"app_hosts": "nobody"}, []),
        ({}, ["web1", "web2"]),
        ({"groups": {"all": []}}, []),
        ({"ansible_skip_tags": ["always"]}, []),
        ({"ansible_skip_tags": ["tagged"]}, []),
    ],
    ids=[
        "the limit leaves none",
        "no such group",
        "all are skipped",
        "no inventory",
        "its tasks are skipped",
        "all that have a tag are skipped",
    ],
)
def test_a_run_without_a_host(known: dict[str, Any], skip: list[str]) -> None:
    with pytest.raises(
        AnsibleError, match=r"^Nothing was done: no host of this run matches .* let --limit and left include"
    ):
        look(known, skip=skip, skip_variable="left")


@pytest.mark.parametrize("reads", ["syntax", "listhosts", "listtasks", "listtags"])
def test_a_command_that_runs_nothing_needs_no_inventory(monkeypatch: pytest.MonkeyPatch, reads: str) -> None:
    monkeypatch.setattr(context, "CLIARGS", ImmutableDict({reads: True}))
    assert look({"groups": {"all": []}}) == ["app_hosts"]
