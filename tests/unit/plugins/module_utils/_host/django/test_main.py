# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The result for stores that were emptied, and what a try corrects in it; integration tests compare it with stores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.django import main as django_main
from ansible_collections.watchparty.secrets.plugins.module_utils._host.django import session_probe
from ansible_collections.watchparty.secrets.plugins.module_utils._host.django.session_formats import (
    DjangoSession,
    Doubt,
    SessionStore,
    Whose,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.django.via_application import Cached, InProcesses

LISTS_NONE = {
    "store": "cache",
    "why": "the cache cannot list its keys, so cached sessions that the database no longer has are not found",
    "options": ["clear_cache"],
    "restart": False,
}
OF_PROCESSES = {
    "store": "cache",
    "why": "the cache is in each process's own memory",
    "options": [],
    "restart": True,
}


class Held(SessionStore):
    """Sessions in the database, of which the last has expired."""

    name = "db"

    def pages(self, *, read: bool) -> Iterator[Sequence[DjangoSession]]:
        del read
        yield [DjangoSession("a", "1"), DjangoSession("b", "2"), DjangoSession("c", "1", live=False)]

    def end(self, keys: Sequence[str]) -> int:
        return len(keys)


class Copies(SessionStore):
    """A cache where none is found."""

    name = "cache"

    def pages(self, *, read: bool) -> Iterator[Sequence[DjangoSession]]:
        del read
        return iter(())

    def doubt(self, rows: int) -> Doubt:
        return Doubt(f"{rows} rows", ("cache_prefix", "cache_setting"))


@pytest.mark.parametrize("code", [{"chdir": "/nowhere"}, {"command": ["/nowhere/log-out"]}])
@pytest.mark.parametrize(("account", "allowed", "refused"), [(0, False, True), (0, True, False), (1000, False, False)])
def test_root_does_not_run_the_applications_code(
    monkeypatch: pytest.MonkeyPatch, account: int, allowed: bool, refused: bool, code: dict[str, Any]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: account)
    params = {**dict.fromkeys(django_main.ARGUMENT_SPEC), **code, "allow_root": allowed, "former": []}
    with pytest.raises(HostError) as raised:
        django_main.answer(params, check=False)
    assert (str(raised.value) == django_main.AS_ROOT) is refused


def test_what_the_database_had_is_what_had_not_expired() -> None:
    result = django_main.outcome("cached_db", Whose(), [Held(), Copies()], check=False)
    assert result["doubtful"] == [
        {"store": "cache", "why": "2 rows", "options": ["cache_prefix", "cache_setting"], "restart": False}
    ]
    assert result["warnings"] == ["2 rows; check cache_prefix and cache_setting against the application's settings"]
    result = django_main.outcome("cached_db", Whose(frozenset({"1"})), [Held(), Copies()], check=True)
    assert (result["count"], result["doubtful"][0]["why"]) == (2, "1 rows")
    assert django_main.outcome("db", Whose(), [Held()], check=False)["doubtful"] == []


@pytest.mark.parametrize("second", [401, 200, 503])
@pytest.mark.parametrize(
    ("place", "doubt"),
    [(Cached(None, ""), LISTS_NONE), (InProcesses(None, "", own=True, alone=False), OF_PROCESSES)],
)
def test_a_refusal_speaks_for_what_processes_share(
    monkeypatch: pytest.MonkeyPatch, second: int, place: SessionStore, doubt: dict[str, Any]
) -> None:
    answers = [401, 200, second]
    monkeypatch.setattr(session_probe.SessionProbe, "_login", lambda _self: None)
    monkeypatch.setattr(
        session_probe.SessionProbe, "_answer", lambda _self, _session: session_probe.ProbeResponse(answers.pop(0))
    )
    monkeypatch.setattr(session_probe, "user_of", lambda _name: None)
    monkeypatch.setattr(django_main.via_application, "engine_and_store", lambda _engine: ("cached_db", None))
    params = {"probe_url": "http://127.0.0.1/", "probe_user": None, "former": [], "former_unread": []}
    result = django_main.probed(
        params, [], lambda _session: django_main.outcome("cached_db", Whose(), [Held(), place], check=False), again=True
    )
    assert bool(result["tried"]) is (second == 401)
    assert result["doubtful"] == ([] if second == 401 and not doubt["restart"] else [doubt])
