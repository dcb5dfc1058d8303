# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_actions.postgresql_login import (
    PostgresqlLoginAction,
)


class ActionModule(PostgresqlLoginAction):
    """Only what an operator asks for before the first rotation. A rotation asks for the rest without a task."""

    set_here = (*PostgresqlLoginAction.set_here, "known_addresses", "allow_sessions")

    def _own(self) -> dict[str, Any]:
        states = {"type": "str", "choices": ["prepared", "unprepared"], "default": "prepared"}
        return {**super()._own(), "state": states}
