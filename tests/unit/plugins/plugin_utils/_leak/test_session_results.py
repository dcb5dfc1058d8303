# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What hosts reported about ended sessions; above all what was not ended anywhere."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.session_results import (
    NONE_FOUND,
    messages,
    websockets,
)

TRIED = ["a session that was ended: refused at http://127.0.0.1:8000/account/ (302)"]
ENDED = {"engine": "db", "count": 3, "only_the_key": False, "tried": TRIED, "accepted": [], "not_tried": []}
LOST = {"unreachable": True, "msg": "Failed to connect\nvia ssh"}
FAILED = {"failed": True, "msg": "/nowhere is not a directory"}
SKIPPED = {"skipped": True}
UNKNOWN = (
    "sessions in files were not ended. Set django_chdir or django_session_file_path for the host, then run the same "
    "command again"
)
NO_ADDRESS = "Set django_probe_url (an address that answers only logged-in users) and django_chdir for the host"
COOKIES = {"engine": "signed_cookies", "only_the_key": True, "tried": [], "accepted": [], "not_tried": []}
ONLY = "sessions are in cookies, so only a new SECRET_KEY ends them, and"
TAKES = {"tried": [], "accepted": ["a session that was ended is STILL ACCEPTED at http://a/"], "not_tried": []}


def gathered(ended: dict[str, Any], each: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"wanted": True, "host": "web1", "ended": ended, "each": each or {}}


def test_hosts_that_say_the_same_share_a_line() -> None:
    each = {"web2": {"tried": {**ENDED}}, "web3": {"tried": {**ENDED, "tried": [], "not_tried": ["it: no answer"]}}}
    result = messages(gathered(ENDED, each), ["cache"], {"django_key": False})
    assert result == {"tried": [f"web1, web2: {TRIED[0]}", "not tried: web3: it: no answer"], "problems": []}


@pytest.mark.parametrize(
    ("declared", "purged", "message"),
    [
        (False, False, "no sessions are declared. If"),
        (True, True, "the purge of the catalog ends them"),
        (True, False, "the catalog declares none (sessions.engine)"),
    ],
)
def test_an_application_without_sessions_keeps_no_leak_open(declared: bool, purged: bool, message: str) -> None:
    plan = {"ends": False, "declared": declared, "purged": purged, "against": ""}
    result = messages({**gathered({}), "plan": plan}, ["cache"], {})
    assert result["problems"] == []
    assert result["tried"][0].startswith(f"not ended: sessions, because {message}")
    assert websockets({**gathered({}), "plan": plan}, {}, {"web1": ["systemctl restart web.service"]}) == ""
    ending = {**gathered(FAILED), "plan": {**plan, "ends": True}}
    assert messages(ending, ["cache"], {})["problems"] == ["web1: sessions were not ended: /nowhere is not a directory"]


@pytest.mark.parametrize("engine", ["db", "cache", "cached_db", "file"])
def test_none_found_where_the_inventory_says_that_they_are(engine: str) -> None:
    """Perhaps they are elsewhere: a prefix, a table or a server of another name. The application itself would know."""
    ended = {**ENDED, "engine": engine, "count": 0, "tried": []}
    message = NONE_FOUND.format("")
    assert messages(gathered(ended), ["cache"], {}) == {"tried": [f"not tried: web1: {message}"], "problems": []}
    assert messages({**gathered(ended), "by_application": True}, ["cache"], {}) == {"tried": [], "problems": []}
    assert messages(gathered({**ended, "count": 1}), ["cache"], {})["tried"] == []
    assert "whether all sessions ended" not in str(messages(gathered(FAILED), ["cache"], {})), (
        "that is reported as what it is"
    )
    stores = [{"store": "db", "count": 0, "unreadable": 0}, {"store": "cache", "count": 1, "unreadable": 0}]
    result = messages(gathered({**ended, "count": 1, "stores": stores}), ["cache"], {})
    assert result == {"tried": [f"not tried: web1: {NONE_FOUND.format(' in the database')}"], "problems": []}


DOUBT = {"store": "cache", "why": "none was found", "options": ["cache_prefix", "chdir"], "restart": False}


@pytest.mark.parametrize(
    ("extra", "do"),
    [
        (
            {},
            (
                "check django_session_cache_prefix and django_chdir against the application's settings, then run "
                "the same command again"
            ),
        ),
        (
            {"options": ["clear_cache"]},
            "set django_session_clear_cache=true, which empties the whole cache, then run the same command again",
        ),
        (
            {"options": [], "restart": True},
            "restart the services on every host, then run again with -e leak_sessions=false",
        ),
    ],
)
def test_what_may_not_have_ended_is_alive(extra: dict[str, Any], do: str) -> None:
    ended = {**ENDED, "engine": "cached_db", "tried": [], "doubtful": [{**DOUBT, **extra}]}
    line = f"web1: sessions in the cache may still be valid: none was found; {do}"
    for keys in ({}, {"django_key": False}):
        assert messages(gathered(ended), ["cache"], keys) == {"tried": [], "problems": [line]}
    none = messages(gathered({**ended, "count": 0}), ["cache"], {})
    assert none == {"tried": [], "problems": [line]}, "reported once"


def test_a_new_key_ends_what_may_not_have_ended() -> None:
    ended = {**ENDED, "engine": "cached_db", "tried": [], "doubtful": [DOUBT]}
    result = messages(gathered(ended), ["cache"], {"django_key": True})
    assert ([line.partition(": none")[0] for line in result["tried"]], result["problems"]) == (
        ["not tried: web1: sessions in the cache may still be valid"],
        [],
    )
    behind = messages(gathered(ended, {"web2": {}}), ["cache"], {"django_key": True}, ["web2"])
    assert len(behind["problems"]) == 1, "a skipped host accepts what the old key signed"
    assert messages(gathered(ended), ["cache"], {"django_key": True}, ["given-up"])["problems"] == []


def test_websockets_end_by_a_restart() -> None:
    both = ["systemctl restart web.service ws.service", "restart api (compose)"]
    restarts = {"web1": both, "web2": both, "work": []}
    message = "websockets that were opened before the sessions ended stay connected. If the application has any: "
    result = websockets(gathered(ENDED), {"django_key": False}, restarts)
    assert result == f"{message}on web1, web2: systemctl restart web.service ws.service; restart api (compose)"
    assert websockets(gathered(ENDED), {}, {"web1": []}) == f"{message}restart their services on every host"
    for nothing in (FAILED, COOKIES, {}):
        assert websockets(gathered(nothing), {}, restarts) == ""
    assert websockets({**gathered(ENDED), "wanted": False}, {}, restarts) == ""
    assert websockets({}, {}, restarts) == ""
    assert websockets(gathered(ENDED), {"django_key": True}, restarts) == "", "the rollout of the key ended them"


def test_what_a_host_accepts_is_alive() -> None:
    result = messages(gathered(ENDED, {"web2": {"tried": TAKES}}), ["cache"], {})
    assert result["problems"] == ["web2: a session that was ended is STILL ACCEPTED at http://a/"]


@pytest.mark.parametrize(
    ("result", "why"), [(FAILED, "/nowhere is not a directory"), (LOST, "cannot be reached: Failed to connect via ssh")]
)
def test_sessions_that_were_not_ended(result: dict[str, Any], why: str) -> None:
    assert messages(gathered(result), ["cache"], {})["problems"] == [f"web1: sessions were not ended: {why}"]


@pytest.mark.parametrize(
    ("result", "alive"),
    [
        ({**ENDED, "engine": "file"}, []),
        (LOST, ["web2: sessions in files were not ended: cannot be reached: Failed to connect via ssh"]),
        (FAILED, ["web2: sessions in files were not ended: /nowhere is not a directory"]),
        (
            SKIPPED,
            [f"web2: {UNKNOWN}"],
        ),
    ],
    ids=["ended", "lost", "failed", "unknown"],
)
def test_files_are_on_every_host(result: dict[str, Any], alive: list[str]) -> None:
    answer = messages(
        gathered({**ENDED, "engine": "file"}, {"web2": {"ended": result, "tried": SKIPPED}}), ["cache"], {}
    )
    assert answer["problems"] == alive


def test_files_of_a_host_that_was_never_asked() -> None:
    """It was lost before, so it has no result at all."""
    result = messages(gathered({**ENDED, "engine": "file"}, {"web2": {}}), ["cache"], {})
    assert result["problems"] == ["web2: sessions in files were not ended: it was not asked"]
    result = messages(gathered({**ENDED, "engine": "file"}, {"web2": {}}), ["cache"], {"django_key": True})
    assert result["problems"] == [], "it has the new key, which ends what the old one signed"


def test_files_of_a_host_that_was_skipped() -> None:
    """It verifies with the old key, so what that one signed is alive there, whatever was replaced elsewhere."""
    each = {name: {"ended": LOST if name == "web2" else SKIPPED, "tried": SKIPPED} for name in ("web2", "web3")}
    result = messages(gathered({**ENDED, "engine": "file"}, each), ["cache"], {"django_key": True}, ["web2"])
    assert result["problems"] == [
        "web2: sessions in files were not ended: cannot be reached: Failed to connect via ssh"
    ]
    ended = {"web2": {"ended": ENDED, "tried": SKIPPED}}
    assert (
        messages(gathered({**ENDED, "engine": "file"}, ended), ["cache"], {"django_key": True}, ["web2"])["problems"]
        == []
    )


@pytest.mark.parametrize(
    ("result", "line"),
    [
        (LOST, "not tried: web2: an old session: cannot be reached: Failed to connect via ssh"),
        (FAILED, "not tried: web2: an old session: /nowhere is not a directory"),
        (SKIPPED, f"not tried: web2: an old session. {NO_ADDRESS}"),
    ],
)
def test_a_host_where_none_was_tried(result: dict[str, Any], line: str) -> None:
    answer = messages(gathered(ENDED, {"web2": {"ended": SKIPPED, "tried": result}}), ["cache"], {})
    assert answer == {"tried": [f"web1: {TRIED[0]}", line], "problems": []}


def test_sessions_in_cookies_end_by_the_key_alone() -> None:
    (line,) = messages(gathered(COOKIES), ["cache", "database"], {"django_key": False})["problems"]
    assert line.startswith(
        f"{ONLY} django_key was not replaced: run again with -e leak_credentials=cache,database,django_key, or"
    )
    assert line.endswith("-e leak_sessions=false to leave all users logged in")
    assert messages(gathered(COOKIES), ["cache"], {"django_key": True})["problems"] == []
    (line,) = messages(gathered(COOKIES, {"web2": {}}), ["cache"], {"django_key": True}, ["web2"])["problems"]
    assert line.startswith("web2: sessions are in cookies, and this host was skipped: sessions signed by the")


def test_sessions_in_cookies_on_a_host_that_is_given_up() -> None:
    """It is rebuilt, and nothing was asked of it."""
    assert messages(gathered(COOKIES), ["cache"], {"django_key": True}, ["web2"])["problems"] == []


def test_a_key_that_the_catalog_does_not_know() -> None:
    (line,) = messages(gathered(COOKIES), ["cache"], {})["problems"]
    message = "the catalog has no such credential: replace the key by hand, then run again with -e leak_sessions=false"
    assert line == f"{ONLY} {message}"


def test_nobody_was_to_be_logged_out() -> None:
    result = messages({**gathered({}), "wanted": False}, ["cache"], {})
    assert result == {"tried": ["not ended: sessions, because leak_sessions=false"], "problems": []}
    assert messages({}, ["cache"], {}) == {"tried": [], "problems": []}


@pytest.mark.parametrize(
    ("replaced", "behind", "problem"),
    [
        (True, (), ""),
        (True, ("web2",), "web2: sessions are in cookies, and this host was skipped"),
        (False, (), f"{ONLY} key was not replaced: run again with -e leak_credentials=cache,key, or with -e"),
    ],
)
def test_sessions_that_a_key_signs_live_as_long_as_the_key(
    replaced: bool, behind: tuple[str, ...], problem: str
) -> None:
    """Whatever the catalog says: with ``engine: none``, nothing else ends them."""
    plan = {"ends": False, "declared": True, "purged": False}
    result = messages({**gathered({}), "plan": plan}, ["cache"], {"key": replaced}, behind)
    assert [line[: len(problem)] for line in result["problems"]] == [problem] * bool(problem)
    assert messages({**gathered({}), "plan": {**plan, "purged": True}}, [], {"key": False})["problems"] == []


def test_the_applications_own_command_must_succeed_on_every_host() -> None:
    done = {"engine": "command", "only_the_key": False}
    plan = {"ends": True, "declared": True, "command": ["/srv/shop/log-out"]}
    each = {"web2": {"ended": done, "tried": SKIPPED}, "web3": {"ended": LOST, "tried": SKIPPED}}
    result = messages({**gathered(done, each), "plan": plan}, ["cache"], {"key": True})
    assert result["tried"] == ["not tried: an old session, because the application's own command ends sessions"]
    assert result["problems"] == ["web3: sessions were not ended: cannot be reached: Failed to connect via ssh"]
    result = messages({**gathered(FAILED, {"web2": {"ended": {}}}), "plan": plan}, ["cache"], {})
    assert [line.partition(":")[0] for line in result["problems"]] == ["web1", "web2"]
