# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Acts on every host: which are due, and what the answers come to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import host_acts
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.engine import Engine
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.run import RotationRun, RunState

KEY: dict[str, Any] = {
    "name": "deploy",
    "kind": "ssh_key",
    "act": "rotate",
    "stages": ["block", "set", "test", "revoke"],
    "hosts": [],
    "hosts_with_old_key": [],
    "later": False,
}
DROPPED: dict[str, Any] = {
    **KEY,
    "name": "django",
    "kind": "django_secret_key",
    "act": "drop_fallback",
    "stages": ["revoke"],
    "dropped_from": {"app/test/core": "v1"},
}


def engine(*credentials: dict[str, Any], incident: str = "", immediate: bool = False, **run: Any) -> Engine:
    hosts = ["web1", "web2"]
    made = object.__new__(Engine)
    made.run = RotationRun(**{"hosts": hosts, "targeted_hosts": hosts, "reachable": hosts, "incident": incident, **run})
    made.rotation = {"credentials": list(credentials), "revoking": list(credentials), "incident": incident}
    made.rotation["immediate"] = immediate
    made.state = RunState()
    made.setting = SimpleNamespace(catalog=None)
    return made


def answers(made: Engine, stage: str, **by_host: dict[str, Any]) -> list[dict[str, Any]]:
    due = host_acts.due(made, stage)
    assert due is not None
    return [{**by_host.get(act["host"], {}), "act": act} for act in due.fields["acts"]]


@pytest.mark.parametrize(
    ("stage", "state"),
    [
        ("set", "present"),
        ("test", "usable"),
        ("revoke_first", "revoked"),
        ("revoke", "revoked"),
        ("withdraw", "revoked"),
    ],
)
def test_a_key_changes_on_each_host(stage: str, state: str) -> None:
    due = host_acts.due(engine(KEY, env_paths={"web1": "/srv/.env"}), stage)
    assert due is not None
    assert due.work == "acts"
    assert [(act["host"], act["state"], act["env_path"]) for act in due.fields["acts"]] == [
        ("web1", state, "/srv/.env"),
        ("web2", state, ""),
    ]


@pytest.mark.parametrize(
    ("credentials", "opened", "needed"),
    [([KEY], ["web1", "web2"], True), ([KEY], ["web1"], False), ([KEY, DROPPED], ["web1", "web2"], False)],
)
def test_keys_are_replaced_where_no_host_may_get_anything(
    credentials: list[dict[str, Any]], opened: list[str], needed: bool
) -> None:
    made = engine(*credentials)
    made.rotation["opened"] = opened
    assert host_acts.needs_no_rollout(made) is needed


def test_a_leaked_key_is_blocked_first_and_what_fails_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credential_graph, "administrators", lambda _catalog, _names: set())
    assert host_acts.due(engine(KEY, incident="leak-1"), "create") is None, "graceful"
    made = engine(KEY, incident="leak-1", immediate=True)
    lost = answers(made, "create", web1={"messages": ["web1: 1 sessions ended"]}, web2={"unreachable": True})
    assert {act["act"]["state"] for act in lost} == {"blocked"}
    judged = host_acts.judge(made, "create", lost)
    assert (judged.failed, judged.blocked, judged.hosts_with_old_key) == ("", "", {})
    assert judged.messages == ["web1: 1 sessions ended", "not blocked: web2: no answer"]
    assert made.state.notes.blocked == []
    assert host_acts.due(made, "create") is None, "once"
    made = engine(KEY, incident="leak-1", immediate=True)
    host_acts.judge(made, "create", answers(made, "create"))
    assert made.state.notes.blocked == ["deploy"]
    for reachable in (["web1"], []):
        made = engine(KEY, incident="leak-1", immediate=True, reachable=reachable)
        host_acts.judge(made, "create", answers(made, "create"))
        assert made.state.notes.blocked == [], "web2 accepts it"


def test_where_an_pending_task_names_hosts_only_there() -> None:
    due = host_acts.due(engine({**KEY, "hosts": ["web2"], "pending_task": "r0/deploy"}), "revoke")
    assert due is not None
    assert [(act["host"], act["pending_task"]) for act in due.fields["acts"]] == [("web2", "r0/deploy")]


def test_what_is_done_is_not_due_again() -> None:
    made = engine(KEY)
    host_acts.judge(made, "set", answers(made, "set"))
    assert host_acts.due(made, "set") is None
    assert host_acts.due(engine(KEY), "create") is None


def test_a_host_that_cannot_be_reached_stops_the_run_with_the_remedy() -> None:
    made = engine(KEY, reachable=["web1"])
    judged = host_acts.judge(made, "set", answers(made, "set", web1={"unreachable": True}))
    assert judged.blocked == (
        "web1 cannot be reached, web2 is not in this run (--limit); make them reachable, or "
        "continue without them by -e rotation_skip_hosts=web1,web2"
    )


def test_in_a_leak_it_is_skipped_and_kept() -> None:
    made = engine(KEY, incident="leak-1", leaves_lost=True)
    unusable = {"failed": True, "unusable": True, "msg": "web2: is a symbolic link"}
    judged = host_acts.judge(made, "revoke", answers(made, "revoke", web1={"ended": ["x"]}, web2=unusable))
    assert (judged.blocked, judged.failed) == ("", "")
    assert judged.hosts_with_old_key == {"deploy": ["web2"]}
    assert judged.messages[0] == (
        "skipped hosts, where the old key of deploy is still authorized: web2. web2: is a symbolic link"
    )
    assert [item["secret_rotate_each"] for item in judged.refusals["deploy"]["results"]] == ["web1", "web2"]


def test_when_none_is_left_a_leak_stops_too() -> None:
    made = engine(KEY, incident="leak-1", leaves_lost=True)
    lost = {"unreachable": True}
    assert host_acts.judge(made, "set", answers(made, "set", web1=lost, web2=lost)).blocked


def test_a_refusal_is_a_failure_in_the_hosts_words() -> None:
    made = engine(KEY)
    wrong = {"failed": True, "msg": "STILL ACCEPTS the key", "messages": ["web1: a word"]}
    judged = host_acts.judge(made, "revoke", answers(made, "revoke", web1=wrong))
    assert (judged.failed, judged.messages) == ("web1: STILL ACCEPTS the key", ["web1: a word"])


class TestSessions:
    def test_each_host_that_says_how_is_asked(self) -> None:
        made = engine(DROPPED, probed=["web2"])
        due = host_acts.due(made, "revoke")
        assert due is not None
        assert (due.work, due.fields["dropped"]["name"]) == ("sessions", "django")
        assert due.fields["acts"] == [{"credential": "django", "host": "web2"}]

    def test_what_was_tried_and_what_was_not(self) -> None:
        made = engine(DROPPED, probed=["web2"])
        judged = host_acts.judge(made, "revoke", answers(made, "revoke", web2={"tried": ["refused"]}))
        assert judged.lines == [
            "web2: refused",
            (
                "web1: NOT tried: a session that the previous key of django signed: set django_chdir and "
                "django_probe_url for the host"
            ),
        ]
        assert host_acts.due(made, "revoke") is None

    def test_a_host_without_an_answer(self) -> None:
        made = engine(DROPPED, probed=["web1", "web2"])
        silent = {"failed": True, "msg": "no\nanswer"}
        judged = host_acts.judge(made, "revoke", answers(made, "revoke", web1=silent, web2={"tried": []}))
        assert judged.lines == ["web1: NOT tried: no answer"]

    def test_a_session_that_is_accepted_fails(self) -> None:
        made = engine(DROPPED, probed=["web1", "web2"])
        open_one = {"tried": ["accepted"], "accepted": ["web1 accepts it"]}
        judged = host_acts.judge(made, "revoke", answers(made, "revoke", web1=open_one, web2={"tried": ["refused"]}))
        assert judged.failed == "web1 accepts it. Restart the service at that address, then run the same command again"

    def test_a_key_that_cannot_be_read_is_tried_nowhere(self) -> None:
        made = engine(DROPPED, probed=["web1", "web2"])
        judged = host_acts.judge(made, "revoke", answers(made, "revoke"), "may not be read")
        assert len(judged.lines) == 2
        assert judged.lines[0].endswith("signed: may not be read")


def test_one_planned_from_no_version_is_not_tried() -> None:
    assert host_acts.due(engine({**DROPPED, "dropped_from": {}}), "revoke") is None
