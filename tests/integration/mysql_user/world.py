# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An application whose login to a real MariaDB rotates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql import main as program
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql.connection import (
    MysqlConnection,
)
from sandbox.mariadb import ADMINISTRATOR, MariaDB
from tests.integration.two_users import TwoUsersShop

OLD = "canary-of-the-old-password"


class Programs:
    """What is asked of the rotation host; ``before`` is called before each statement, and ``seen``
    changes each row of an answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.before: Callable[[], None] = lambda: None
        self.seen: Callable[[tuple[Any, ...]], tuple[Any, ...]] = lambda row: row
        rows = MysqlConnection.rows

        def watched(admin: MysqlConnection, *arguments: Any, **more: Any) -> Any:
            self.before()
            return [row for row in map(self.seen, rows(admin, *arguments, **more)) if row]

        monkeypatch.setattr(MysqlConnection, "rows", watched)

    def execute(self, module: ModuleType, *, args: Mapping[str, Any], **_how: Any) -> dict[str, Any]:
        assert module is program
        assert set(args) <= set(program.ARGUMENT_SPEC)
        answer = program.answer({"other": "", "leaked": False, "search": None, **args})
        assert set(answer) <= {name.rstrip("?") for name in program.RETURNS}
        return answer


class MysqlShop(TwoUsersShop):
    def __init__(
        self, maria: MariaDB, programs: Programs, *, user: str = "app_a", revoke_after: int = 0, **server: Any
    ) -> None:
        address = {"server": {"address": f"127.0.0.1:{maria.port}", **server}}
        login = {"MAIL_USER": user, "MAIL_PASSWORD": OLD}
        super().__init__(
            "mysql_user",
            {"options": {"user": "app"}, "revoke_after": revoke_after},
            login,
            admin=(ADMINISTRATOR, maria.password, address),
        )
        self.server = programs


def args_of(shop: MysqlShop) -> Mapping[str, Any]:
    seen: list[Mapping[str, Any]] = []
    shop.server = type("Seen", (), {"execute": lambda _self, _module, *, args, **_how: seen.append(args) or {}})()
    shop.act("check")
    return seen[0]
