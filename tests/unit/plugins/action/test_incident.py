# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A leak from its declaration to its report, in a journal in memory."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from ansible_collections.watchparty.secrets.plugins.action import incident as module
from ansible_collections.watchparty.secrets.plugins.action.incident import ActionModule
from ansible_collections.watchparty.secrets.plugins.module_utils._errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import Setting
from tests.unit.plugins.module_utils._rotations.rotator_world import KINDS, World

DEFAULTS = {name: option.get("default") for name, option in ActionModule.extra_options.items()}
IMPACT = {
    "declared": ["token"],
    "credentials": [{"name": "token", "kind": "given", "severity": "high", "wave": 0, "via": []}],
    "edges": [],
}


@pytest.fixture
def world() -> World:
    return World()


def act(world: World, state: str, *, check: bool = False, run: str = "run1", **args: Any) -> dict[str, Any]:
    action = ActionModule.__new__(ActionModule)
    action._task = SimpleNamespace(check_mode=check)
    setting = Setting(world.catalog, KINDS, world.rotator(run), None)  # type: ignore[arg-type]
    return action.answer(setting, {**DEFAULTS, "state": state, **args}, {})


def declare(world: World, *leaked: str, **args: Any) -> dict[str, Any]:
    return act(world, "declared", leaked=list(leaked), impact=IMPACT, **args)


class TestDeclared:
    def test_in_the_journal(self, world: World) -> None:
        found = declare(world, "token", exposed_since="2026-11-20T10:00Z", containment="immediate")
        kept = world.rotator().look().incident
        assert kept is not None
        assert found["incident"] == kept.entry()
        assert (kept.declared, kept.since, kept.containment) == (("token",), "2026-11-20T10:00:00Z", "immediate")
        assert (found["changed"], found["open_rotation"]) == (True, None)

    def test_a_second_one_joins(self, world: World) -> None:
        first = declare(world, "token")["incident"]
        assert declare(world, "token")["incident"] == first
        head = world.rotator().look().head
        assert head == 1, "what adds nothing is not written"
        joined = declare(world, "database", "token", run="run2")["incident"]
        assert (joined["id"], joined["at"], joined["declared"]) == (first["id"], first["at"], ["token", "database"])

    def test_a_second_one_escalates_and_never_back(self, world: World) -> None:
        first = declare(world, "token")
        assert first["words"] == "containment: graceful"
        harder = declare(world, "token", containment="immediate", run="run2")
        assert harder["incident"]["containment"] == "immediate"
        said = f"containment: immediate from now on; {first['incident']['id']} was declared as graceful"
        assert harder["words"] == said
        head = world.rotator().look().head
        back = declare(world, "token", containment="graceful")
        assert back["incident"]["containment"] == "immediate"
        assert back["words"].startswith("containment: stays immediate, as leak-")
        assert world.rotator().look().head == head
        assert declare(world, "token", containment="immediate")["words"] == "containment: immediate"

    def test_the_earlier_beginning_of_two_counts(self, world: World) -> None:
        declare(world, "token", exposed_since="2026-11-20")
        second = declare(world, "token", exposed_since="2026-11-18", run="run2")
        assert second["incident"]["since"] == "2026-11-18T00:00:00Z"
        assert declare(world, "token", exposed_since="2026-11-19")["incident"]["since"] == "2026-11-18T00:00:00Z"
        assert declare(world, "token")["incident"]["since"] == "2026-11-18T00:00:00Z"
        assert world.rotator().look().head == 2

    def test_a_drill_of_an_escalation_writes_nothing(self, world: World) -> None:
        declare(world, "token")
        assert declare(world, "token", containment="immediate", check=True)["incident"]["containment"] == "immediate"
        assert world.rotator().look().head == 1

    def test_a_drill_writes_nothing(self, world: World) -> None:
        found = declare(world, "token", check=True)
        assert found["incident"]["declared"] == ["token"]
        assert world.rotator().look().head == 0

    def test_the_open_rotation_is_told(self, world: World) -> None:
        world.begun("token")
        match = {"credential": "token", "stage": "AWSPENDING", "form": "as it is"}
        opened = declare(world, "token", matches=[match], check=True)["open_rotation"]
        assert (opened["credentials"], opened["may_have_leaked"]) == (["token"], True)
        opened = declare(world, "token")["open_rotation"]
        assert opened["may_have_leaked"] is False
        assert world.rotator().look().rotation is not None

    @pytest.mark.parametrize(
        ("since", "words"),
        [
            ("yesterday", r"^exposed_since: 'yesterday' is no time such as 2026-11-20T10:00Z$"),
            ("9999-01-01", r"^exposed_since: 9999-01-01 lies in the future$"),
        ],
    )
    @pytest.mark.parametrize("check", [False, True])
    def test_a_beginning_that_cannot_be(self, world: World, since: str, words: str, check: bool) -> None:
        with pytest.raises(RotationError, match=words):
            declare(world, "token", exposed_since=since, check=check)
        assert world.rotator().look().head == 0

    @pytest.mark.parametrize(
        ("since", "kept"),
        [
            ("2026-11-20", "2026-11-20T00:00:00Z"),
            ("2026-11-20T10:00:00+02:00", "2026-11-20T08:00:00Z"),
            ("", ""),
        ],
    )
    def test_a_beginning_in_any_form(self, since: str, kept: str) -> None:
        assert module._since(since) == kept


class TestNoted:
    def test_with_what_shows_it(self, world: World) -> None:
        declare(world, "token")
        found = act(world, "noted", event="purged", evidence="  12 keys\nin 3 ms " + "x" * 300)
        words = found["incident"]["evidence"]["purged"]
        assert words.startswith("journal entry 2: 12 keys in 3 ms xxx")
        assert len(words) < 240

    HEALTH: ClassVar = {
        "web1": {"health": [{"url": "http://a/", "status": 200}]},
        "web2": {"health": [{"url": "http://b/", "status": 200}, {"url": "http://c/", "status": 204}]},
        "web3": {"unreachable": True, "msg": "no route"},
    }

    def test_healthy_only_if_every_host_is(self, world: World) -> None:
        declare(world, "token")
        found = act(world, "noted", event="healthy", gathered={"health": self.HEALTH})
        assert (found["changed"], "healthy" in found["incident"]["events"]) == (False, False)
        assert found["problems"] == ["web2: http://c/ answers 204", "web3: cannot be reached: no route"]
        act(world, "noted", event="left/web3")
        sound = {**self.HEALTH, "web2": {"health": []}}
        found = act(world, "noted", event="healthy", gathered={"health": sound})
        assert (found["changed"], found["problems"]) == (True, [])
        words = "journal entry 3: web1: http://a/ answers 200; web2: no health address"
        assert found["incident"]["evidence"]["healthy"] == words

    def test_what_was_seen_first_counts(self, world: World) -> None:
        declare(world, "token")
        found = act(world, "noted", event="live/token", event_at=1795618800.0)
        assert found["changed"]
        assert found["incident"]["events"] == {"live/token": "2026-11-25T15:00:00Z"}
        again = act(world, "noted", event="live/token", event_at=1795618900.0)
        assert not again["changed"]
        assert again["incident"] == found["incident"]

    def test_a_host_is_left_behind_and_comes_back(self, world: World) -> None:
        declare(world, "token")
        assert act(world, "noted", event="back/web3")["changed"] is False, "it was not away"
        for event, behind in (("left/web3", ["web3"]), ("back/web3", []), ("left/web3", ["web3"])):
            assert act(world, "noted", event=event)["changed"]
            assert act(world, "shown")["behind"] == behind
            assert act(world, "noted", event=event)["changed"] is False
            assert declare(world, "token")["behind"] == behind
        head = world.rotator().look().head
        found = act(world, "noted", event="healthy", gathered={"health": {"web3": {"unreachable": True, "msg": "x"}}})
        assert found["problems"] == []
        act(world, "noted", event="back/web3")
        found = act(world, "noted", event="healthy", gathered={"health": {"web3": {"unreachable": True, "msg": "x"}}})
        assert found["problems"] == ["web3: cannot be reached: x"]
        assert world.rotator().look().head == head + 1

    def test_now_by_default(self, world: World) -> None:
        declare(world, "token")
        assert act(world, "noted", event="purged")["incident"]["events"]["purged"].endswith("Z")

    def test_what_was_seen_must_be_said(self, world: World) -> None:
        declare(world, "token")
        with pytest.raises(RotationError, match=r"^event: say what was seen"):
            act(world, "noted")


class TestReported:
    def test_both_files(self, world: World, tmp_path: Path) -> None:
        said = declare(world, "token")["incident"]["id"]
        act(world, "noted", event="planned")
        results = {"token": {"replaced": False, "why": "the provider is asked"}}
        found = act(world, "reported", impact=IMPACT, results=results, path=str(tmp_path / "out"))
        assert found["files"] == [str(tmp_path / "out" / f"{said}.{end}") for end in ("md", "html")]
        for path in found["files"]:
            assert "OPEN: the provider is asked" in Path(path).read_text()
        assert found["open"] == ["token: OPEN: the provider is asked"]
        assert found["contained_seconds"] is None
        assert found["clock"][1] == "first new value live: not yet"
        assert found["clock"][0].startswith("plan: ")

    def test_an_earlier_ones_files_stay(self, world: World, tmp_path: Path) -> None:
        declare(world, "token")
        gathered = {
            "seen": {"web1": {"lines": ["deploy logged in"], "short": []}},
            "readers": [{"words": ["eve read it"]}],
        }
        kept = act(world, "kept", gathered=gathered, path=str(tmp_path))["files"]
        names = [act(world, "reported", impact=IMPACT, path=str(tmp_path))["files"] for _run in range(3)]
        again = act(world, "kept", gathered={}, path=str(tmp_path))["files"]
        name = world.rotator().look().incident.id  # type: ignore[union-attr]
        assert [Path(one).name for one in (*kept, *again)] == [f"{name}-evidence.md", f"{name}-evidence-2.md"]
        assert [Path(one[1]).name for one in names] == [f"{name}.html", f"{name}-2.html", f"{name}-3.html"]
        text = Path(kept[0]).read_text(encoding="utf-8")
        assert "- eve read it" in text
        assert "- web1: deploy logged in" in text
        assert "- CloudTrail was not asked: there was no time" in Path(again[0]).read_text(encoding="utf-8")

    def test_what_was_gathered_becomes_words(self, world: World, tmp_path: Path) -> None:
        declare(world, "token")
        gathered = {"copies": {"web1": {"removed": [".env.proven"], "left": [".env.bak"]}}, "left_out": ["web2"]}
        told = {"not_scrubbed": ["said otherwise"]}
        found = act(world, "reported", impact=IMPACT, gathered=gathered, told=told, path=str(tmp_path))
        text = Path(found["files"][0]).read_text(encoding="utf-8")
        assert "- web1: removed .env.proven" in text
        assert "- web2: was not asked, being compromised" in text
        assert "- said otherwise" in text
        assert ".env.bak" not in text

    def test_what_an_earlier_run_replaced_is_not_open(self, world: World, tmp_path: Path) -> None:
        declare(world, "token")
        assert act(world, "reported", impact=IMPACT, path=str(tmp_path))["open"] == ["token: OPEN: not replaced"]
        act(world, "noted", event="refused/token", event_at=1795618800.0)
        found = act(world, "reported", impact=IMPACT, path=str(tmp_path))
        assert found["open"] == []
        assert "refused since 2026-11-25T15:00:00Z" in Path(found["files"][0]).read_text(encoding="utf-8")
        stopped = {"token": {"replaced": False, "why": "it leaked again"}}
        assert act(world, "reported", impact=IMPACT, results=stopped, path=str(tmp_path))["open"] != []

    def test_sessions_that_may_live_on_and_websockets(self, world: World, tmp_path: Path) -> None:
        """Websockets are left to people and keep nothing open; sessions that may live on do."""
        declare(world, "token")
        act(world, "noted", event="refused/token", event_at=1795618800.0)
        ended: dict[str, Any] = {"engine": "cached_db", "count": 3, "only_the_key": False, "doubtful": []}
        told = {"hosts": {"web1": ""}}

        def ends(**more: Any) -> dict[str, Any]:
            out = {"wanted": True, "host": "web1", "by_application": True, "ended": {**ended, **more}, "each": {}}
            noted = act(world, "noted", event="sessions", gathered={"logged_out": out})
            found = act(world, "reported", impact=IMPACT, gathered={"logged_out": out}, told=told, path=str(tmp_path))
            assert noted["changed"] is (found["contained_seconds"] is not None)
            for path in found["files"]:
                assert "websockets that were opened before the sessions ended" in Path(path).read_text()
            return found

        doubt = {"store": "cache", "why": "in each process's own memory", "options": [], "restart": True}
        line, sockets = ends(doubtful=[doubt])["open"]
        assert line.startswith("web1: sessions in the cache may live on: in each process's own memory; restart")
        assert ends()["open"] == [sockets]
        assert sockets.startswith("websockets that were opened before ")

    def test_another_rotation_that_stands_in_the_way_is_named(self, world: World, tmp_path: Path) -> None:
        world.begun("database")
        declare(world, "token", run="run2")
        results = {"database": {"replaced": False, "why": "web3 cannot be reached"}}
        found = act(world, "reported", impact=IMPACT, results=results, path=str(tmp_path))
        rotation = world.rotator().look().rotation
        assert rotation is not None
        line = found["open"][-1]
        assert line.startswith(
            f"{rotation} of database, that was open before, stands in the way: web3 cannot be reached."
        )
        assert f"watchparty.secrets.rotate -e rotation_abort=true -e rotation_resume={rotation.id}" in line
        assert found["contained_seconds"] is None

    def test_contained_and_not_healthy(self, world: World, tmp_path: Path) -> None:
        declare(world, "token")
        act(world, "noted", event="refused/token")
        health = {"web1": {"health": [{"url": "http://a/", "status": 200}]}}
        sound = act(world, "reported", impact=IMPACT, gathered={"health": health}, path=str(tmp_path))
        assert (sound["unhealthy"], sound["open"]) == ([], [])
        health["web2"] = {"health": [{"url": "http://b/", "status": 500}]}
        found = act(world, "reported", impact=IMPACT, gathered={"health": health}, path=str(tmp_path))
        assert found["contained_seconds"] is not None
        assert found["unhealthy"] == ["web2: http://b/ answers 500"]
        assert found["open"] == ["not seen healthy in the end: web2: http://b/ answers 500"]
        for path in found["files"]:
            assert "not healthy" in Path(path).read_text(encoding="utf-8")

    @pytest.mark.parametrize(
        ("below", "words"),
        [
            ("taken", r"/taken/leak-.*\.md: cannot be written: (Not a directory|File exists)"),
            ("leak.html", r"leak\.html: is a file's name; give a folder"),
        ],
    )
    def test_a_folder_that_went_keeps_nothing_back(self, world: World, tmp_path: Path, below: str, words: str) -> None:
        """Everything is replaced by then: what is open and the clock must be told all the same."""
        declare(world, "token")
        act(world, "noted", event="refused/token")
        (tmp_path / "taken").write_text("")
        found = act(world, "reported", impact=IMPACT, path=str(tmp_path / below))
        assert (found["files"], found["changed"], found["open"]) == ([], False, [])
        assert found["contained_seconds"] is not None
        assert found["clock"][2].startswith("last old value refused: ")
        said = rf"^the post-mortem is not written: .*{words}; -e leak_report_path=… names another folder$"
        assert re.search(said, found["unwritten"]), found["unwritten"]
        assert act(world, "reported", impact=IMPACT, path=str(tmp_path / "out"))["unwritten"] == ""


class TestFolder:
    """The folder is known to be good before anything is asked."""

    @pytest.fixture(autouse=True)
    def nothing_ahead(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module._leak_ahead, "ahead", lambda *_told: None)
        monkeypatch.setattr(module._warning, "lines", lambda _found: ["a line"])

    def test_the_folder_is_made_but_in_a_drill(self, world: World, tmp_path: Path) -> None:
        path = tmp_path / "reports.d"
        assert act(world, "warned", check=True, path=str(path)) == {"changed": False, "lines": ["a line"]}
        assert not path.exists()
        assert act(world, "warned", path=str(path))["changed"] is True
        assert path.is_dir()
        assert act(world, "warned", path=str(path))["changed"] is False

    @pytest.mark.parametrize("check", [True, False])
    def test_a_folder_that_cannot_be(self, world: World, tmp_path: Path, *, check: bool) -> None:
        (tmp_path / "taken").write_text("")
        with pytest.raises(RotationError, match=r"^leak_report_path: .*/taken: cannot be written: .*another folder"):
            act(world, "warned", check=check, path=str(tmp_path / "taken"))


class TestShown:
    def test_what_the_journal_keeps(self, world: World) -> None:
        declare(world, "token")
        replaced = {"secrets": {"core": "v1"}}
        rotator = world.rotator()
        rotator.append(rotator.look(), "r0", "closed", replaced=replaced)
        found = act(world, "shown")
        assert (found["changed"], found["incident"]["dead"]) == (False, {"core": ["v1"]})


class TestContained:
    def test_it_ends(self, world: World) -> None:
        said = declare(world, "token")["incident"]["id"]
        assert act(world, "contained")["incident"]["id"] == said
        assert world.rotator().look().incident is None


@pytest.mark.parametrize("state", ["noted", "kept", "reported", "contained"])
def test_none_is_declared(world: World, state: str) -> None:
    with pytest.raises(
        RotationError, match=r"^no leak is declared; start watchparty.secrets.leak_response from its beginning$"
    ):
        act(world, state)


@pytest.mark.parametrize("state", ["noted", "kept", "reported", "contained"])
def test_a_drill_adds_nothing(world: World, state: str, tmp_path: Path) -> None:
    declare(world, "token")
    found = act(world, state, check=True, event="planned", path=str(tmp_path))
    assert found["changed"] is False
    assert world.rotator().look().head == 1
    assert list(tmp_path.iterdir()) == []


class TestWarned:
    """What is told before anybody is asked."""

    def test_of_what_was_planned(self, world: World) -> None:
        world.begun("database")
        impact = {**IMPACT, "waves": [["token"], ["django"]], "first_off": []}
        would = declare(world, "token", containment="immediate", check=True, run="run2")
        plan = {"refused": {"token": "ask"}, "needs": ["token"], "takes_down": ["django"], "plan": {"rollouts": 1}}
        told = {"plan": plan, "would": would, "logs_out": True, "compromised": ["web9"], "contact": "s@example.com"}
        found = act(world, "warned", impact=impact, told=told, check=True)["lines"]
        assert found[0].startswith("first, rotation ")
        assert " of database is ended; " in found[0]
        assert "the application is down from the removal of django until" in found[1]
        assert any(one.startswith("by hand: token: issue a new value") for one in found)
        assert found[-2:] == ["web9 gets no new value and must be rebuilt", "security contact: s@example.com"]

    def test_of_an_access_key(self, world: World) -> None:
        token = replace(world.catalog.credentials["token"], kind="aws_access_key")
        world.catalog = replace(world.catalog, credentials={**world.catalog.credentials, "token": token})
        impact = {**IMPACT, "waves": [["token"]], "first_off": []}
        told = {"plan": {}, "would": declare(world, "token", check=True), "logs_out": False}
        found = act(world, "warned", impact=impact, told=told, check=True)["lines"]
        assert any(one.startswith("by hand: token: temporary credentials that somebody got") for one in found)

    def test_beside_an_open_rotation(self, world: World) -> None:
        """What its end takes away comes first; taken over past its return, it leaves no false alarm."""
        world.begun("database")
        impact = {**IMPACT, "waves": [["token"]], "first_off": []}
        would = declare(world, "token", check=True, run="run2")
        ends = {"removes": ["database"], "first": False, "past": False, "restarts": True}
        plan = {"refused": {}, "plan": {"rollouts": 0}, "ends": ends, "rotation": {"incident": ""}}
        told = {"plan": plan, "would": would, "logs_out": False}
        found = act(world, "warned", impact=impact, told=told, check=True)["lines"]
        assert "and its hosts restart batch by batch" in found[1]
        assert "the removal of database, once" in found[2]
        plan.update(ends={**ends, "past": True}, rotation={"incident": "assessed"})
        found = act(world, "warned", impact=impact, told=told, check=True)["lines"]
        assert "it is no false alarm any more" in found[4]

    def test_started_again(self, world: World) -> None:
        """Of what was replaced only what is yet to be revoked is said, and no way back that would be refused."""
        declare(world, "token", containment="immediate")
        act(world, "noted", event="given/token")
        plan = {
            "refused": {},
            "takes_down": ["django"],
            "plan": {"rollouts": 0, "passed_over": {"django": "x", "token": "x"}},
        }
        impact = {**IMPACT, "waves": [["token", "django"]], "first_off": []}
        would = declare(world, "token", check=True)
        told = {"plan": plan, "would": would, "logs_out": True}
        found = act(world, "warned", impact=impact, told=told, check=True)["lines"]
        assert found[0] == "what users notice: the application stays up; everybody is logged out"
        assert found[1].endswith("; this run takes no value away")
        assert "since token was replaced or revoked already: it is no false alarm any more" in found[3]
        assert (
            found[4] == "by hand: token: revoke the old value where it was issued, then say so by -e leak_revoked=token"
        )
        said = act(world, "warned", impact=impact, told={**told, "revoked": ["token"]}, check=True)["lines"]
        act(world, "noted", event="revoked/token")
        told["would"] = declare(world, "token", check=True)
        for lines in (said, act(world, "warned", impact=impact, told=told, check=True)["lines"]):
            assert not any("leak_revoked" in one for one in lines)

    def test_without_an_open_rotation(self, world: World) -> None:
        would = declare(world, "token", check=True)
        impact = {**IMPACT, "waves": [["token"]], "first_off": []}
        found = act(world, "warned", impact=impact, told={"plan": {}, "would": would, "logs_out": False}, check=True)
        assert found["lines"][0].startswith("what users notice: the application stays up")


class TestUnfounded:
    """A leak that was none."""

    def test_it_is_closed_and_told(self, world: World) -> None:
        name = declare(world, "token")["incident"]["id"]
        found = act(world, "unfounded", check=True)
        assert found["changed"]
        assert found["record"]["rotation"] == name
        assert found["audit"] == {"wanted": bool(world.catalog.audit_log), "head": {}}
        assert world.rotator().look().incident is not None, "a look closes nothing"
        head = {"number": 3, "digest": "0" * 64}
        act(world, "unfounded", audit=head)
        journal = world.rotator().look()
        assert journal.incident is None
        assert journal.audit == head
        assert declare(world, "token")["incident"]["at"]

    def test_not_once_a_value_is_gone(self, world: World) -> None:
        declare(world, "token")
        act(world, "noted", event="refused/token")
        with pytest.raises(RotationError, match="cannot be closed as a false alarm: token was replaced or revoked"):
            act(world, "unfounded", check=True)
        assert world.rotator().look().incident is not None

    def test_none_is_declared(self, world: World) -> None:
        with pytest.raises(RotationError, match="no leak is declared; there is nothing to close"):
            act(world, "unfounded")
