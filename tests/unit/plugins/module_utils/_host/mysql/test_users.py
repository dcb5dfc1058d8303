# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What MySQL alone is asked, which no test has as a server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql import users

LOGIN = {"username": "shop_b", "password": "canary"}


class FakeAdmin:
    place = "db.internal:3306"

    def __init__(self, version: str) -> None:
        self.version = version
        self.changes: list[str] = []

    def rows(self, query: str, _parameters: Sequence[Any] = (), *, columns: int = 1) -> list[tuple[Any, ...]]:
        if query.startswith("ALTER"):
            self.changes.append(query)
        return {"SELECT VERSION()": [(self.version,)], users.HOSTS: [("%",)]}.get(query, [])


@pytest.mark.parametrize(
    ("version", "is_discarded"),
    [("8.0.14", True), ("8.4.3-log", True), ("8.0.13", False), ("5.7.44", False), ("11.8.3-MariaDB-0+deb13u1", False)],
)
def test_a_second_password_goes_before_the_user_is_unlocked(version: str, is_discarded: bool) -> None:
    admin = FakeAdmin(version)
    users.set_password(admin, LOGIN)  # type: ignore[arg-type]
    discarded = ["ALTER USER %s@%s DISCARD OLD PASSWORD"] if is_discarded else []
    assert admin.changes == [*discarded, "ALTER USER %s@%s IDENTIFIED BY %s ACCOUNT UNLOCK"]
