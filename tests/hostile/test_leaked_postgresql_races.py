# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whoever repeats an act with a leaked login of PostgreSQL during its revocation keeps no way in unnamed."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import connection
from tests import background
from tests.hostile.test_leaked_postgresql import DATABASE, ITSELF, SETTINGS, Leak, each, leak, revoked, server

__all__ = ["leak", "server"]
RACES: dict[str, tuple[tuple[str, ...], str]] = {
    **{name: ((ITSELF, f"ALTER ROLE {{a}} SET {name} = {SETTINGS[name]}"), "") for name in list(SETTINGS)[:6]},
    "own password": ((ITSELF, "ALTER ROLE {a} PASSWORD 'evil'"), ""),
    "read only": (DATABASE["read only"], ""),
    "sessions end": (("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()",), ""),
    "our lock": ((f"SELECT pg_try_advisory_lock({connection.LOCK})",), ""),
    "a table for everybody": (
        ("CREATE TABLE IF NOT EXISTS orders ()", "GRANT SELECT ON orders TO PUBLIC"),
        "everybody has rights on public.orders: ",
    ),
    "a function for everybody": (
        ("CREATE OR REPLACE FUNCTION peek() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",),
        "function public.peek() runs with its owner's rights for everybody: ",
    ),
}
"""By name what is repeated every 10 ms during the response, and how the line on it begins."""


@contextmanager
def again_and_again(leak: Leak, *statements: str) -> Iterator[None]:
    """The statements in a loop, by somebody who logs in anew with the leaked password or his own."""

    def loop(over: threading.Event) -> None:
        for password in itertools.cycle((leak.shop.passwords[leak.shop.first], "evil")):
            if over.wait(0.01):
                return
            with suppress(psycopg.Error), psycopg.connect(url, password=password, autocommit=True) as session:
                while not over.wait(0.01):
                    for statement in statements:
                        session.execute(leak._named(statement))

    url = leak.shop.url(leak.shop.first)
    with background.running(loop):
        yield


@pytest.mark.parametrize("name", each(RACES))
def test_whoever_repeats_an_act_during_the_response_keeps_no_way_in(name: str, leak: Leak) -> None:
    statements, begins = RACES[name]
    with again_and_again(leak, *statements):
        time.sleep(0.2)
        footholds = revoked(leak)["footholds"]
    assert [line.startswith(begins) for line in footholds] == [True] * bool(begins)
