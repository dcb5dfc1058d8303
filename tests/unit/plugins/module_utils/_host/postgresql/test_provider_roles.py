# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Login roles of a provider are no findings of a leak response; roles that whoever makes roles could make are."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import footholds, provider_roles

ROLES = ("cloudsqlimportexport", "cloudsqlreplica", "rdsrepladmin", "shop_a")


class FakeServer:
    def __init__(self, first: str) -> None:
        self.first = first

    def rows(self, query: str, *, doing: str) -> list[list[Any]]:
        del doing
        if query == provider_roles.FIRST_ROLE:
            return [[self.first]]
        return [[name, number, ""] for number, name in enumerate(ROLES, 16384)]


@pytest.mark.parametrize(
    ("first", "named"),
    [
        ("cloudsqladmin", ["cloudsqlreplica", "rdsrepladmin"]),
        ("rdsadmin", ["cloudsqlimportexport", "cloudsqlreplica"]),
        ("postgres", ["cloudsqlimportexport", "cloudsqlreplica", "rdsrepladmin"]),
    ],
)
def test_the_roles_of_a_provider(first: str, named: list[str]) -> None:
    server: Any = FakeServer(first)
    found = footholds.undeclared(server, {"logins": ["shop_a"], "since": "", "evicts": False}, seconds=1)
    assert [line.split('"')[1] for line in found["footholds"]] == named
