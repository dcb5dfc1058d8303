# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A leak response from the operator's words to the declared incident; above all what stops it before that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.watchparty.secrets.plugins.action import leak_start
from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser as _catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import record as audit_record
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import evidence as leak_evidence
from tests.unit.plugins.action.leak_actions import act
from tests.unit.plugins.plugin_utils._rotation.rotator_world import CATALOG, World

HOSTS: dict[str, Any] = {
    "hosts": ["web1", "web2"],
    "targeted_hosts": ["web1", "web2"],
    "host": "web1",
    "candidates": ["web1", "web2"],
}
NAMED: dict[str, Any] = {"web1": {}, "web2": {}}
Lines = list[str]


@pytest.fixture
def world() -> World:
    credentials = {**CATALOG["credentials"]}
    credentials["token"] = {**credentials["token"], "exposes": ["django"]}
    return World(catalog=_catalog.parse({**CATALOG, "credentials": credentials}, "test"))


class Operator:
    """The command line, the terminal, and what the operator read before the question."""

    def __init__(self) -> None:
        self.extra: dict[str, Any] = {}
        self.lines: Lines = []
        self.read_before: Lines | None = None
        self.confirms = True
        self.planned: dict[str, Any] = {"refused": {}}
        self.asked: list[Any] = []

    def require(self, _question: str, **_how: Any) -> None:
        self.read_before = list(self.lines)
        self.asked.append("operator")
        if not self.confirms:
            raise AnsibleActionFail("not confirmed; nothing was changed")

    def trail(self, _setting: Any, credentials: Any, *, since: str, **_how: Any) -> leak_evidence.BackgroundCall:
        self.asked.append(("CloudTrail", sorted(credentials), since))
        return leak_evidence.BackgroundCall(lambda: {"messages": ["eve read it"]})

    def sessions(self, _server: Any, _connection: Any, credentials: Any, _until: float) -> list[Any]:
        assert self.lines, "the operator has the plan to read meanwhile"
        self.asked.append(("servers", sorted(credential["name"] for credential in credentials)))
        return [{"name": "token", "sessions": []}]


@pytest.fixture(autouse=True)
def operator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Operator:
    made = Operator()
    monkeypatch.chdir(tmp_path)  # evidence is written there
    monkeypatch.setattr(leak_start, "extra_variable", lambda name, **_how: made.extra.get(name))
    monkeypatch.setattr(leak_start.confirmation_prompt, "require", made.require)
    monkeypatch.setattr(leak_start, "show", made.lines.extend)
    begun = leak_start.rotation_preflight.begin_with_servers

    def planned(*args: Any, **how: Any) -> dict[str, Any]:
        return {**begun(*args, **how), **made.planned}

    monkeypatch.setattr(leak_start.rotation_preflight, "begin_with_servers", planned)
    monkeypatch.setattr(leak_start.leak_evidence, "trail", made.trail)
    monkeypatch.setattr(leak_start.leak_evidence, "sessions", made.sessions)
    monkeypatch.setattr(leak_start.ActionModule, "server", lambda *_args: None)
    monkeypatch.setattr(leak_start.ActionModule, "_connection", None, raising=False)
    return made


def start(world: World, *leaked: str, check: bool = False, **args: Any) -> dict[str, Any]:
    given = {**HOSTS, "leaked": list(leaked), "evidence_until": 1.0, "reached": True, **args}
    return act(world, leak_start, check=check, variables={"hostvars": NAMED}, **given)


def head(world: World) -> int:
    return world.rotator().look().head


def test_it_is_declared_once_it_is_confirmed(world: World, operator: Operator) -> None:
    result = start(world, "token", containment="immediate", exposed_since="2026-11-20T10:00Z")
    incident = world.rotator().look().incident
    assert incident is not None
    assert result["next"] == "wave"
    assert result["incident"] == {"id": incident.id, "since": "2026-11-20T10:00:00Z"}
    assert [wave["credentials"] for wave in result["carried"]["waves"]] == [["token"], ["django"]]
    assert result["carried"]["immediate"]
    names = ["django", "token"]
    assert operator.asked == [("CloudTrail", names, "2026-11-20T10:00:00Z"), ("servers", names), "operator"]
    assert result["carried"]["asked"]["readers"] == {"messages": ["eve read it"]}
    assert operator.read_before is not None
    assert any("point of no return" in line for line in operator.read_before)
    assert operator.lines[-1] == f"{incident.id}, containment: immediate"
    assert incident.evidence["planned"].endswith("credentials in the order of replacement: token; then django")
    assert head(world) == 1


def test_hosts_are_asked_for_evidence_before_the_plan_is_made(world: World, operator: Operator) -> None:
    result = start(world, "token", exposed_since="2026-11-20T10:00Z", evidence_until=0.0, evidence_seconds=8)
    gather = result["gather"]
    assert (result["next"], gather["since"], gather["units"]) == ("gather", "2026-11-20T10:00:00Z", [])
    assert gather["hosts_until"] < result["evidence_until"]
    assert (operator.asked, operator.lines, head(world)) == ([], [], 0)


def test_a_false_alarm_needs_nothing_else(world: World) -> None:
    assert start(world, false_alarm=True, evidence_until=0.0) == {
        "changed": False,
        "next": "false_alarm",
        "tasks": "false_alarm",
    }


def test_accounts_are_compared_before_the_confirmation(
    world: World, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def beforehand(_setting: Any, _journal: Any, reach: Any, seconds: float) -> Any:
        assert (reach, 0 < seconds < 8) == ({}, True)
        return {"GitHub": SimpleNamespace(answer=lambda _seconds: {"baseline": "", "footholds": ["deploy key 9"]})}

    monkeypatch.setattr(leak_start.account_footholds, "beforehand", beforehand)
    result = start(world, "token")
    assert operator.read_before is not None
    assert operator.read_before[-1] == "possible foothold: GitHub: deploy key 9"
    assert result["carried"]["asked"]["compared"][-1]["name"] == "GitHub"


def test_without_the_confirmation_nothing_is_written(world: World, operator: Operator) -> None:
    operator.confirms = False
    with pytest.raises(AnsibleActionFail, match="not confirmed"):
        start(world, "token")
    assert head(world) == 0


def test_a_drill_looks_for_a_host_that_answers_first(world: World) -> None:
    assert start(world, "token", check=True, reached=False)["tasks"] == "reach"
    assert start(world, "token", reached=False)["next"] != "reach", "a real run has gathered evidence"


def test_a_drill_asks_nobody_and_writes_nothing(world: World, operator: Operator, tmp_path: Path) -> None:
    path = tmp_path / "reports.d"
    result = start(world, "token", check=True, report_path=str(path))
    assert (result["next"], operator.asked, operator.read_before, head(world)) == ("end", [], None, 0)
    assert result["lines"] == operator.lines
    assert not path.exists()


class Log:
    """The audit log, as a record comes into it."""

    records: list[Any]

    def __init__(self, *_args: Any, required: bool) -> None:
        assert required

    def recorded(self, record: Any, _head: Any) -> Any:
        self.records.append(record)
        return {"unannounced": ["slack was not notified"]}


def test_a_drill_is_recorded_where_that_is_asked_for(
    world: World, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    Log.records = []
    monkeypatch.setattr(leak_start.rotation_segment, "Audit", Log)
    start(world, "token", check=True)
    assert Log.records == []
    start(world, "token", check=True, record_drill=True)
    (record,) = Log.records
    audit_record.require({**record, "application": "app", "environment": "test"})
    assert (record["outcome"], record["credentials"]) == ("drill", ["token", "django"])
    assert record["notes"][0] == "declared: token"
    assert 0 <= record["seconds"]["planned"] < 86400
    assert operator.lines[-1] == "slack was not notified"
    assert head(world) == 0


def test_it_joins_the_incident_that_is_open(world: World) -> None:
    first = start(world, "database")["incident"]["id"]
    result = start(world, "token")
    assert result["incident"]["id"] == first
    assert {name for wave in result["carried"]["waves"] for name in wave["credentials"]} == {
        "database",
        "token",
        "django",
    }


def test_an_open_rotation_comes_first(world: World) -> None:
    world.begun("database")
    result = start(world, "token")
    first = result["carried"]["waves"][0]
    assert (first["credentials"], first["abort"]) == (["database"], False)


def test_the_string_is_asked_for_where_nothing_is_named(world: World) -> None:
    assert start(world) == {"changed": False, "next": "paste", "tasks": "paste"}
    answers = {"leak_respond__found": {"answers": {"found": "nothing of ours"}}}
    with pytest.raises(RotationError, match=r"^no credential in this catalog has the leaked string"):
        act(world, leak_start, variables={"hostvars": NAMED, **answers}, **HOSTS, found_by="leak_respond__found")
    with pytest.raises(RotationError, match=r"^no leaked credential was named\. Name it"):
        act(world, leak_start, variables={"hostvars": NAMED}, **HOSTS, found_by="leak_respond__found")
    assert head(world) == 0


def test_hosts_are_looked_at_before_the_plan_is_complete(world: World, operator: Operator) -> None:
    operator.planned["looks"] = ["token"]
    look = {"next": "look", "tasks": "look", "look": {"credentials": ["token"]}, "evidence_until": 1.0}
    assert start(world, "token") == {"changed": False, **look}
    assert (operator.asked, operator.read_before, head(world)) == ([], None, 0)


def test_what_each_host_answered_is_in_the_plan(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[Any] = []
    begun = leak_start.rotation_preflight.begin_with_servers

    def planned(setting: Any, options: Any, *additions: Any, **how: Any) -> Any:
        plans.append(options["seen"])
        return begun(setting, options, *additions, **how)

    monkeypatch.setattr(leak_start.rotation_preflight, "begin_with_servers", planned)
    answer = {"leak_respond_look": "deploy", "old": True, "file": "keys", "account": "ci"}
    hosts = {"web1": {"leak_respond__looked": {"results": [answer]}}, "web2": {}}
    given = {**HOSTS, "leaked": ["token"], "looked": ["deploy"], "reached": True}
    act(world, leak_start, variables={"hostvars": hosts}, check=True, **given)
    ((first, second),) = plans
    assert (first["host"], first["there"], first["file"], first["lost"]) == ("web1", True, "keys", False)
    assert (second["host"], second["lost"]) == ("web2", True)


class TestStops:
    """What reveals others and cannot be replaced leaves every new value to a thief."""

    @pytest.fixture(autouse=True)
    def _refused(self, operator: Operator) -> None:
        operator.planned = {"refused": {"token": "ask"}, "needs": ["token"], "messages": []}

    def test_before_the_question(self, world: World, operator: Operator) -> None:
        message = (
            "^token reveals other credentials and cannot be replaced here, so an intruder would read every new "
            "value\\. Nothing was changed\\. Give token: 'VALUE' in -e "
            "rotation_values_file=FILE \\(mode 0600\\)\\. Or: Replace it by hand first, then run "
            "again with -e leak_ignore_blockers=true$"
        )
        with pytest.raises(RotationError, match=message):
            start(world, "token")
        assert (operator.read_before, head(world)) == (None, 0)

    def test_a_drill_goes_on_and_says_so(self, world: World, operator: Operator) -> None:
        start(world, "token", check=True)
        assert operator.lines[-1].startswith("a real run would stop here: token reveals other credentials")

    def test_unless_the_operator_says_so(self, world: World) -> None:
        assert start(world, "token", go_on=True)["next"] == "wave"

    def test_what_a_drill_alone_asked_the_servers_stops_nothing(self, world: World, operator: Operator) -> None:
        operator.planned["against"] = {"token": "no administrator"}
        start(world, "token", check=True)
        assert not any(line.startswith("a real run would stop here") for line in operator.lines)

    def test_what_reveals_nothing_stops_nothing(self, world: World, operator: Operator) -> None:
        operator.planned = {"refused": {"django": "ask"}, "needs": [], "messages": []}
        assert start(world, "token")["carried"]["refused"] == {"django": "ask"}


class TestRefused:
    """Before anything is touched."""

    @pytest.mark.parametrize(
        ("args", "message"),
        [
            (
                {"compromised_hosts": ["web2", "web9"]},
                "^leak_compromised_hosts: group app_hosts has no host web9; its hosts are web1, web2. Nothing",
            ),
            (
                {"hosts": ["web1", "web2", "web3"], "compromised_hosts": ["web2"]},
                r"^web3: in group app_hosts, but not in this run \(--limit\)\. .*=web2,web3 and rebuild",
            ),
            (
                {"compromised_hosts": ["web2"], "rotation_host": "web2"},
                "^rotation_host: web2 is in leak_compromised_hosts; give a clean host by -e rotation_host=HOST$",
            ),
            ({"revoked": ["tokn"]}, "^leak_revoked: tokn: is not a credential of the catalog; choose from "),
            ({"exposed_since": "9999-01-01"}, "^leak_exposed_since: 9999-01-01 lies in the future; give a past time"),
        ],
    )
    def test_words_that_cannot_be(self, world: World, args: dict[str, Any], message: str) -> None:
        with pytest.raises(RotationError, match=message):
            start(world, "token", **args)
        assert head(world) == 0

    def test_a_value_on_the_command_line(self, world: World, operator: Operator) -> None:
        operator.extra["leak_value"] = "canary"
        with pytest.raises(
            RotationError, match=r"^leak_value is refused: the leaked value is now in the shell's history"
        ) as refusal:
            start(world, "token")
        assert "canary" not in str(refusal.value)

    @pytest.mark.parametrize("check", [True, False])
    def test_a_folder_that_cannot_be(self, world: World, operator: Operator, tmp_path: Path, check: bool) -> None:
        (tmp_path / "taken").write_text("")
        with pytest.raises(RotationError, match=r"^leak_report_path: .*/taken: cannot be written: .*another folder"):
            start(world, "token", check=check, report_path=str(tmp_path / "taken"))
        assert operator.read_before is None

    def test_the_folder_is_made_before_the_question(self, world: World, operator: Operator, tmp_path: Path) -> None:
        operator.confirms = False
        with pytest.raises(AnsibleActionFail):
            start(world, "token", report_path=str(tmp_path / "reports.d"))
        assert (tmp_path / "reports.d").is_dir()


@pytest.mark.parametrize(
    ("default", "given", "evicts"),
    [(False, {}, False), (True, {}, True), (True, {"evict": False}, False), (False, {"evict": True}, True)],
)
def test_the_catalog_says_whether_keys_and_logins_are_removed(
    default: bool, given: dict[str, bool], evicts: bool, world: World, operator: Operator
) -> None:
    world.catalog = replace(world.catalog, leak_evicts=default)
    assert start(world, "token", **given)["carried"]["evicts_keys"] is evicts
    incident = world.rotator().look().incident
    assert (incident and incident.evicts) is evicts
    assert any("(leak_evict)" in line for line in operator.read_before or ()) is evicts


def test_a_host_with_a_possible_foothold_gets_nothing_new(
    world: World, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless the operator says that somebody has looked there."""
    monkeypatch.setattr(leak_start.host_footholds, "keys_of", lambda _impact: ["token"])
    key = {"credential": "token", "text": "x", "key": "SHA256:x", "file": "/x"}
    found = {"footholds": [key], "lines": [], "short": [], "unfinished": ""}
    monkeypatch.setitem(NAMED, "web1", {"leak_respond__seen": found})
    carried = start(world, "token", evict=True)["carried"]
    assert operator.read_before is not None
    assert "possible foothold: token: web1: x" in operator.read_before
    assert any("no new values are sent to web1" in line for line in operator.read_before)
    assert (carried["opened"], carried["evict"]) == (["web1"], {"web1": ["SHA256:x"]})
    operator.extra["leak_footholds_checked"] = "token"
    carried = start(world, "token")["carried"]
    assert "possible foothold, checked by the operator: token: web1: x" in operator.lines
    assert (carried["opened"], carried["evict"]) == ([], {"web1": ["SHA256:x"]}), "it holds for the whole incident"
    assert carried["evicts_keys"]
    operator.extra.clear()
    assert start(world, "token")["carried"]["opened"] == [], "it is the same finding"
    key["text"] = "x changed"
    assert start(world, "token")["carried"]["opened"] == ["web1"]
    monkeypatch.setitem(NAMED, "web2", {"leak_respond__seen": {"skipped": True}})
    assert start(world, "token")["carried"]["opened"] == ["web1", "web2"]
    assert any(
        "web2: footholds not checked (the next run checks them): no time was left" in line for line in operator.lines
    )


def test_another_host_talks_to_the_servers(world: World, operator: Operator) -> None:
    result = start(world, "token", host="web2")
    assert "web1 does not answer, so web2 is the rotation host" in operator.lines
    assert result["host"] == "web2"
    operator.lines.clear()
    assert start(world, "token", host="ops1", rotation_host="ops1")["host"] == "ops1"
    assert not any("does not answer" in line for line in operator.lines)
