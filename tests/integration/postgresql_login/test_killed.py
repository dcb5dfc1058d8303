# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ended after each statement that it sends, the module leaves a login that works, and a second run finishes."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import login_states
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import main as postgresql_main
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql.connection import ServerConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.postgresql_scram import scram_verifier
from tests.integration.postgresql_login.shop import Shop

DEFAULTS = {name: option.get("default") for name, option in postgresql_main.ARGUMENT_SPEC.items()}


class Killed(BaseException):
    """What a killed process would have done next does not happen."""


def kill_points(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[dict[str, Any]], bool]]:
    """One way to run the module for each statement: it is cut off there. The last way is not cut off."""
    whole = ServerConnection.rows
    for last in itertools.count(1):
        sent, finished = itertools.count(1), []

        def rows(self: ServerConnection, text: str, *, doing: str, last: int = last, sent: Any = sent) -> Any:
            number = next(sent)
            answer = whole(self, text, doing=doing) if number <= last else None
            if number >= last:
                self._connection.close()
                raise Killed
            return answer

        def run(params: dict[str, Any], finished: list[bool] = finished, rows: Any = rows) -> bool:
            with monkeypatch.context() as patch:
                patch.setattr(ServerConnection, "rows", rows)
                try:
                    login_states.carry_out({**DEFAULTS, **params}, check_mode=False)
                except Killed:
                    return False
            finished.append(True)
            return True

        yield run
        if finished:
            return


@pytest.mark.slow
def test_set_and_revoke_killed_after_each_statement(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    tried, new, old, journal = 0, shop.second, shop.first, 0
    for killed in kill_points(monkeypatch):
        journal += 10
        shop.passwords[new] = f"canary-{secrets.token_hex(16)}"
        verifier = scram_verifier(shop.passwords[new], secrets.token_bytes(16))
        tried += 1
        killed({"state": "present", **shop.args(new, verifier=verifier, like=old, journal=journal)})
        assert shop.accepts(old)
        assert shop.set(new, journal=journal).get("failed") is None
        assert shop.accepts(old)
        assert shop.test(new).get("usable")
        with shop.connect(old):
            killed_revoke = {"state": "revoked", **shop.args(old, journal=journal + 1)}
            finished = killed(killed_revoke)
            assert shop.accepts(new)
            again = shop.revoke(old, journal=journal + 1)
            assert again.get("refused"), again
            assert not (finished and again["changed"])
        assert (shop.accepts(old), shop.accepts(new)) == (False, True)
        assert shop.sessions(old)["sessions"] == []
        new, old = old, new
    assert tried > 10
