# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which step of a leak response comes next, and what each leaves in the journal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import StoreError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports import files as reports_files
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.seal import opened
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import (
    host_footholds,
    incident_notes,
    revoked_values,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import steps as leak_steps
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.response import Response
from tests.unit.plugins.plugin_utils._leak.leak_world import IMPACT, Leak

DONE = {"id": "r1", "closed": True, "step": "record"}


def ended(*names: str, **extra: Any) -> dict[str, Any]:
    return {**DONE, "credentials": [{"name": name} for name in names], **extra}


def waves(*names: str) -> list[dict[str, Any]]:
    return [{"credentials": [name], "abort": False, "answers": ""} for name in names]


class TestWaves:
    def test_as_many_as_the_graph_needs(self, leak: Leak, tmp_path: Path) -> None:
        names = [f"c{number}" for number in range(7)]
        impact = {**IMPACT, "waves": [[name] for name in names]}
        response = leak.response("", waves=waves(*names), impact=impact, report_path=str(tmp_path))
        done = []
        result = leak_steps.first(leak.run(response))
        while result["next"] == "wave":
            done += result["wave"]["credentials"]
            assert result["wave"]["reached"] == names
            response = Response.of(result["carried"])  # as a play registers it
            response, result = leak.following(response, ended(*result["wave"]["credentials"]))
        assert done == names
        assert (result["next"], response.replaced) == ("copies", names)

    def test_nothing_new_is_made_after_one_that_stands_still(self, leak: Leak) -> None:
        """What reveals it is still valid. Everything else is done all the same."""
        response = leak.response(
            "wave", waves=waves("token", "database"), needs=["django"], purge={"valkey": ["cache"]}
        )
        stands = {
            "id": "r1",
            "closed": False,
            "step": "set",
            "stopped": "web1 is away",
            "credentials": [{"name": "token"}],
        }
        leak.purged = {"count": 3, "milliseconds": 2, "purged": [{"name": "b", "count": 3}]}
        response, result = leak.following(response, stands)
        assert response.results["token"] == {"replaced": False, "why": "web1 is away", "evidence": "rotation r1"}
        assert result["next"] == "copies", "nothing is asked for either"
        assert leak.incident.evidence["purged"].endswith("3 keys in 2 ms (b 3)")

    @pytest.mark.parametrize(
        ("rotation", "why"),
        [
            ({"stopped": "another writer keeps changing"}, "another writer keeps changing"),
            ({"stopped": "", "reason": "no host is healthy"}, "no host is healthy"),
            ({}, "its rotation r1 stopped at step create, which this run skipped; run the same command again"),
        ],
    )
    def test_a_credential_that_is_still_open_has_a_reason(self, leak: Leak, rotation: dict[str, Any], why: str) -> None:
        stands = {"id": "r1", "step": "create", "credentials": [{"name": "token"}], **rotation}
        response, _result = leak.following(leak.response("wave", waves=waves("token")), stands)
        assert response.results["token"]["why"] == why

    def test_what_a_server_refuses_stops_the_next_wave(self, leak: Leak) -> None:
        """What the plan could not replace was known before, and stops nothing."""
        response = leak.response("wave", waves=waves("database", "token"), refused={"django": "ask"})
        refused = {"database": "no administrator", "django": "ask"}
        response, result = leak.following(response, ended(refused=refused))
        assert response.results == {"database": {"replaced": False, "why": "no administrator", "evidence": ""}}
        assert result["next"] == "copies"

    @pytest.mark.parametrize(("closed", "following"), [(True, "wave"), (False, "copies")])
    def test_an_open_rotation_is_aborted_first(self, leak: Leak, closed: bool, following: str) -> None:
        first = {"credentials": ["token"], "abort": True, "answers": ""}
        response = leak.response("wave", waves=[first, *waves("token")])
        rotation = {"id": "r0", "closed": closed, "step": "discard", "credentials": [{"name": "token"}]}
        response, result = leak.following(response, rotation)
        assert result["next"] == following
        assert ("token" in response.results) is not closed

    def test_those_that_reveal_each_other_go_first(self, leak: Leak) -> None:
        impact = {**IMPACT, "cycles": [["token", "django"]]}
        response = leak.response("wave", waves=waves("database", "token", "token"), impact=impact)
        response, result = leak.following(response, ended("database"))
        assert (result["wave"]["credentials"], result["wave"]["immediate"]) == (["token"], True)
        response = leak.response("wave", waves=waves("token", "database"), impact=impact)
        assert leak.following(response, ended("token"))[1]["wave"]["immediate"] is False

    def test_a_host_that_still_accepts_a_leaked_key_talks_to_no_server(
        self, leak: Leak, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(leak_steps.hosts_with_old_key, "withheld", lambda _journal: ["web1"])
        response = leak.response("wave", waves=waves("token"), behind=["web1", "web2"])
        response, result = leak.following(response, ended("token"))
        assert (result["host"], result["next"], result["verify_skipped"]) == (
            "web2",
            "verify_skipped",
            {"hosts": ["web2"]},
        )
        named = leak.response("wave", waves=waves("token"), named_host="web1")
        assert leak.following(named, ended("token"))[1]["host"] == "web1", "the operator's own choice"

    def test_where_no_host_is_left_only_ssh_keys_are_replaced(self, leak: Leak, tmp_path: Path) -> None:
        keys = [{"name": "ssh", "kind": "ssh_key", "severity": "high", "wave": 0, "via": []}]
        impact = {**IMPACT, "credentials": [*keys, *IMPACT["credentials"]]}
        given: dict[str, Any] = {"waves": waves("ssh", "token"), "impact": impact, "report_path": str(tmp_path)}
        for extra in ({"opened": ["web1", "web2"]}, {"opened": ["web1"], "named_host": "web1"}):
            response = leak.response("", **given, **extra)
            assert leak_steps.first(leak.run(response))["wave"]["credentials"] == ["ssh"]
            response = leak.response("", **{**given, "waves": waves("token")}, **extra)
            result = leak_steps.first(leak.run(response))
            assert (result["next"], result["look_again"]["since"]) == ("look_again", leak.incident.at)
        response = leak.response("", **{**given, "waves": waves("token")}, opened=["web1"])
        assert leak_steps.first(leak.run(response))["next"] == "wave"
        assert response.host == "web2"

    def test_what_came_meanwhile_is_noted(self, leak: Leak) -> None:
        impact = {**IMPACT, "credentials": [{"name": "ssh", "kind": "ssh_key"}]}
        found = {"footholds": [{"credential": "ssh", "text": "x", "key": ""}], "unfinished": "", "short": []}
        leak.hosts["web1"]["leak_respond__seen_again"] = found
        leak.hosts["web2"]["leak_respond__seen_again"] = {"failed": True, "msg": "no Python"}
        response, result = leak.following(leak.response("look_again", impact=impact))
        assert result["next"] == "copies"
        assert leak.incident.foothold_hosts == {"ssh": ["web1"]}
        assert response.failures == ["web2: footholds not checked (the next run checks them): no Python"]

    def test_an_added_key_that_was_removed_holds_nothing_back(self, leak: Leak) -> None:
        answers = {"web1": {"footholds": [{"credential": "ssh", "text": "x", "key": "SHA256:x", "file": "/keys"}]}}
        incident_notes.note(leak.setting, leak.setting.rotator.look(), host_footholds.events(answers, ["ssh"]))
        assert leak.incident.foothold_hosts == {"ssh": ["web1"]}
        leak.hosts["web1"]["secret_rotate__acts"] = {"results": [{"evicted": ["SHA256:x"], "file": "/keys"}]}
        response, _result = leak.following(leak.response("wave", waves=waves("ssh"), evict={"web1": ["SHA256:x"]}))
        assert (leak.incident.footholds, response.opened) == ([], [])


class TestEvidence:
    def test_it_is_on_disk_before_the_first_act(self, leak: Leak, tmp_path: Path) -> None:
        leak.hosts["web1"]["leak_respond__seen"] = {"lines": ["deploy logged in"], "short": []}
        asked = {
            "sessions": [{"name": "database", "msg": "no answer within 2 s", "failed": True}],
            "readers": {"messages": ["eve read it"], "asked": True},
        }
        given = {"waves": waves("token"), "report_path": str(tmp_path), "compromised": ["web2"]}
        assert leak_steps.first(leak.run(leak.response("", **given, asked=asked)))["next"] == "wave"
        (page,) = tmp_path.iterdir()
        text = page.read_text(encoding="utf-8")
        assert page.name == f"{leak.incident.id}-evidence.md"
        for line in (
            "web1: deploy logged in",
            "database: no answer within 2 s",
            "eve read it",
            "web2: was not searched, ",
        ):
            assert f"- {line}" in text

    def test_a_folder_that_went_delays_nothing(self, leak: Leak, tmp_path: Path) -> None:
        (tmp_path / "taken").write_text("")
        response = leak.response("", waves=waves("token"), report_path=str(tmp_path / "taken"))
        assert leak_steps.first(leak.run(response))["next"] == "wave"
        assert leak.warnings[0].startswith("only the post-mortem has evidence: ")


class TestBack:
    def test_only_a_host_that_is_verified_is_back(self, leak: Leak) -> None:
        run = leak.run(leak.response("wave"))
        leak_steps.incident_notes.note(run.setting, run.journal, {"skipped/web1": "", "skipped/web2": ""})
        response = leak.response("verify_skipped", behind=["web1", "web2"])
        verified = {"restart_needed": False, "changed": False}
        leak.hosts["web1"] |= {"secret_rotate_verification": verified, "secret_rotate_came_back": {"reachable": True}}
        leak.hosts["web2"] |= {"secret_rotate_verification": {**verified, "restart_needed": True}}
        leak.hosts["web2"] |= {"secret_rotate_came_back": {"reachable": True}}
        leak.following(response)
        assert leak.incident.behind == ["web2"]

    def test_a_proof_of_a_wave_before_is_none(self, leak: Leak) -> None:
        run = leak.run(leak.response("wave"))
        leak_steps.incident_notes.note(run.setting, run.journal, {"skipped/web1": ""})
        leak.hosts["web1"]["secret_rotate_verification"] = {"restart_needed": False, "changed": False}
        leak.hosts["web1"]["secret_rotate_came_back"] = {"failed": True, "msg": "no route"}
        leak.following(leak.response("verify_skipped", behind=["web1"]))
        assert leak.incident.behind == ["web1"]

    def test_one_that_is_not_in_the_run_is_not_waited_for(self, leak: Leak) -> None:
        response = leak.response("wave", waves=waves("token"), behind=["web9"])
        assert leak.following(response, ended("token"))[1]["next"] == "copies"


class TestSessions:
    PLAN: dict[str, Any] = {"ends": True, "declared": True, "against": ""}
    ENDED: dict[str, Any] = {"engine": "db", "count": 3, "only_the_key": False, "tried": ["refused"], "doubtful": []}

    def at(self, leak: Leak, step: str, **extra: Any) -> Response:
        return leak.response(step, session_plan=self.PLAN, **extra)

    def test_before_the_purge(self, leak: Leak) -> None:
        response = self.at(leak, "wave", waves=waves("token"), purge={"valkey": ["cache"]})
        response, result = leak.following(response, ended("token"))
        assert (result["next"], leak.asked) == ("sessions", [])
        leak.variables["leak_respond__ended"] = self.ENDED
        response, result = leak.following(response)
        assert (result["next"], leak.asked) == ("copies", [["cache", "sessions"]])
        assert leak.incident.evidence["sessions"].endswith("3 sessions of the engine db; refused")

    @pytest.mark.parametrize(
        ("extra", "kinds"),
        [({"logs_out": False}, ["cache"]), ({"session_plan": {"ends": False}}, ["cache", "sessions"])],
    )
    def test_where_none_are_to_be_ended(self, leak: Leak, extra: dict[str, Any], kinds: list[str]) -> None:
        given = {"session_plan": self.PLAN, "waves": waves("token"), "purge": {"valkey": ["cache"]}, **extra}
        result = leak.following(leak.response("wave", **given), ended("token"))[1]
        assert (result["next"], leak.asked) == ("copies", [kinds])

    def test_in_files_and_tried_on_the_other_hosts(self, leak: Leak) -> None:
        leak.hosts = {
            "web1": {"django_chdir": "/srv/app", "django_probe_url": "http://a/"},
            "web2": {"django_chdir": "/srv/app", "django_probe_url": "http://b/"},
            "web3": {"django_session_file_path": "/srv/sessions"},
            "web4": {},
        }
        leak.variables["leak_respond__ended"] = {**self.ENDED, "engine": "file"}
        response, result = leak.following(self.at(leak, "sessions"))
        assert result["next"] == "session_files"
        assert result["session_files"] == {"hosts": ["web2", "web3"], "command": []}
        assert "sessions" not in leak.incident.events
        for host in ("web2", "web3"):
            leak.hosts[host]["leak_respond__ended_here"] = {"engine": "file", "count": 1}
        response, result = leak.following(response)
        assert (result["next"], result["session_tries"]) == ("session_tries", {"hosts": ["web2"]})
        assert opened(result)["dead"] == {}
        leak.hosts["web2"]["leak_respond__tried_here"] = {"tried": ["refused"], "accepted": [], "not_tried": []}
        response, result = leak.following(response)
        assert result["next"] == "copies"
        assert "sessions" not in leak.incident.events, "web4 has files that nobody has ended"

    def test_the_applications_own_command_runs_on_every_host(self, leak: Leak) -> None:
        command = ["/srv/shop/log-out"]
        self.PLAN = {**self.PLAN, "command": command}
        probed = {"django_chdir": "/srv/app", "django_probe_url": "http://b/"}
        leak.hosts = {"web1": {}, "web2": probed}
        response, result = leak.following(self.at(leak, "wave", waves=waves("token")), ended("token"))
        assert (result["next"], result["sessions"]) == ("sessions", {"host": "web1", "command": command})
        leak.variables["leak_respond__ended"] = {"engine": "command", "only_the_key": False}
        response, result = leak.following(response)
        assert (result["next"], result["session_files"]) == ("session_files", {"hosts": ["web2"], "command": command})
        leak.hosts["web2"]["leak_respond__ended_here"] = {"engine": "command", "only_the_key": False}
        assert leak.following(response)[1]["next"] == "copies"
        assert leak.incident.evidence["sessions"].endswith("(sessions.command) succeeded on every host")

    def test_the_keys_that_were_replaced_are_tried(self, leak: Leak, monkeypatch: pytest.MonkeyPatch) -> None:
        leak.hosts["web2"] = {"django_chdir": "/srv/app", "django_probe_url": "http://b/"}
        leak.variables["leak_respond__ended"] = self.ENDED
        run = leak.run(self.at(leak, "sessions"))
        journal = leak_steps.incident_notes.note(run.setting, run.journal, {"refused/django": ""})
        run.setting.rotator.append(journal, "r0", "closed", replaced={"secrets": {"core": "v1"}})
        searched = searching(monkeypatch, {"django": ["canary-key"]})
        result = leak.following(self.at(leak, "sessions"))[1]
        assert searched == [(["django"], {"core": ["v1"]})]
        assert opened(result)["dead"] == {"django": ["canary-key"]}
        assert "canary" not in str(result)

    def test_keys_that_cannot_be_read_keep_nothing_up(self, leak: Leak, monkeypatch: pytest.MonkeyPatch) -> None:
        leak.hosts["web2"] = {"django_chdir": "/srv/app", "django_probe_url": "http://b/"}
        leak.variables["leak_respond__ended"] = self.ENDED
        searching(monkeypatch, StoreError("AWS denies it"))
        result = leak.following(self.at(leak, "sessions"))[1]
        assert (result["next"], "sealed" in result) == ("session_tries", False)
        assert leak.warnings[0].endswith("AWS denies it")

    def test_one_that_may_live_on_is_no_end(self, leak: Leak) -> None:
        leak.variables["leak_respond__ended"] = {"failed": True, "msg": "/nowhere is not a directory"}
        assert leak.following(self.at(leak, "sessions"))[1]["next"] == "copies"
        assert "sessions" not in leak.incident.events


class TestAsk:
    def test_for_what_is_still_needed_and_then_it_is_rotated(self, leak: Leak) -> None:
        results = {"token": {"replaced": True, "why": "", "evidence": ""}}
        response = leak.response(
            "invalidate", needs=["token", "django"], pages={"django": "https://p/"}, results=results
        )
        response, result = leak.following(response)
        assert (result["next"], result["ask"]) == ("ask", {"names": ["django"], "pages": {"django": "https://p/"}})
        leak.variables["leak_respond__answers"] = {"answered": ["django"]}
        response, result = leak.following(response)
        assert (result["next"], result["wave"]["credentials"]) == ("wave", ["django"])
        assert result["wave"]["answers"] == "leak_respond__answers"
        response, result = leak.following(Response.of(result["carried"]), ended("django"))
        assert (result["next"], response.replaced) == ("copies", ["token", "django"])

    def test_an_empty_answer_leaves_it_open(self, leak: Leak) -> None:
        leak.variables["leak_respond__answers"] = {"answered": []}
        response, result = leak.following(leak.response("ask", needs=["django"]))
        assert (result["next"], response.results) == ("copies", {})


class TestEnd:
    @pytest.fixture
    def response(self, leak: Leak) -> Response:
        rotator = leak.setting.rotator
        rotator.append(rotator.look(), "r0", "closed", replaced={"secrets": {"core": "v1"}, "parameters": ["/t"]})
        leak.hosts["web1"]["env_deploy_health_url"] = "http://a/"
        leak.hosts["web3"] = {"leak_respond__copies": {"unreachable": True}}
        return leak.response("answered", compromised=["web3"], waves=waves("token"))

    def test_what_is_looked_for(self, leak: Leak, response: Response, monkeypatch: pytest.MonkeyPatch) -> None:
        searched = searching(monkeypatch, {"token": ["canary-token"]}, unread=["django"])
        response, result = leak.following(response, ended("token"))
        assert result["copies"] == {"health": {"web1": ["http://a/"], "web2": []}, "unlooked": ""}
        assert searched == [(["token"], {"core": ["v1"]})]
        assert (opened(result)["dead"], result["unread"]) == ({"token": ["canary-token"]}, ["django"])
        assert result["_ansible_no_log"]
        assert "canary" not in str(result)
        for host in ("web1", "web2"):
            leak.hosts[host]["leak_respond__copies"] = {"health": []}
        assert leak.following(response)[1] == {"next": "end"}
        assert "healthy" in leak.incident.events

    def test_what_cannot_be_read_keeps_nothing_up(
        self, leak: Leak, response: Response, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        searching(monkeypatch, StoreError("AWS denies it"))
        result = leak.following(response, ended("token"))[1]
        assert (result["next"], result["copies"]["unlooked"], "sealed" in result) == ("copies", "AWS denies it", False)


def searching(monkeypatch: pytest.MonkeyPatch, answer: Any, unread: Sequence[str] = ()) -> list[Any]:
    """What is asked for, once the stores answer so."""
    asked: list[Any] = []

    def searchable(_setting: Any, names: list[str], secrets: Any) -> revoked_values.Searchable:
        asked.append((names, secrets))
        if isinstance(answer, Exception):
            raise answer
        return revoked_values.Searchable(answer, list(unread))

    monkeypatch.setattr(revoked_values, "searchable", searchable)
    return asked


def test_each_step_has_its_file_of_tasks() -> None:
    role = Path(reports_files.__file__).parents[4] / "roles" / "leak_respond" / "tasks"
    names = {step.file or step.name for step in leak_steps.STEPS if not step.here}
    names |= {"false_alarm", "paste", "gather", "reach", "look", "end"}
    assert {f"{name}.yml" for name in names} <= {path.name for path in role.iterdir()}
    main = (role / "main.yml").read_text()
    for name in names:
        tasks = leak_steps.with_tasks({"next": name})["tasks"]
        assert (tasks == "proceed") is (f"import_tasks: {name}.yml" in main)
        assert (role / f"{tasks}.yml").is_file()
