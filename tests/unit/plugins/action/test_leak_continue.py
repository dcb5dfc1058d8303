# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The end of a leak response: its report, and the incident that ends only when nothing is open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.action import leak_continue
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError, StoreError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import evidence as leak_evidence
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import segment as rotation_segment
from tests.unit.plugins.action.leak_actions import act
from tests.unit.plugins.plugin_utils._leak.leak_world import Leak


class Stores:
    """What AWS is asked in the end."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def scrubbed(self, _setting: Any, _journal: Any, *what: Any) -> dict[str, Any]:
        self.asked.append(("scrubbed", *what))
        return {"scrubbed": ["a policy of core denies version v1"], "not_scrubbed": []}

    def trail(self, _setting: Any, credentials: Any, **options: Any) -> leak_evidence.BackgroundCall:
        self.asked.append(("trail", credentials, options))
        return leak_evidence.BackgroundCall(lambda: {"messages": ["eve read it"], "asked": True})


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(Display, "display", lambda _display, line, **_how: lines.append(line))
    return lines


@pytest.fixture
def leak() -> Leak:
    made = Leak()
    made.declare("token")
    for host in made.hosts:
        made.hosts[host]["leak_respond__copies"] = {"health": []}
    return made


@pytest.fixture(autouse=True)
def stores(monkeypatch: pytest.MonkeyPatch) -> Stores:
    made = Stores()
    monkeypatch.setattr(leak_continue.scrubbing, "scrub", made.scrubbed)
    monkeypatch.setattr(leak_continue.leak_evidence, "trail", made.trail)
    return made


def go_on(leak: Leak, step: str, unlooked: str = "", **extra: Any) -> dict[str, Any]:
    response = {"next": step, "carried": leak.response(step, **extra).carried(), "copies": {"unlooked": unlooked}}
    return act(leak.world, leak_continue, response=response, variables={**leak.variables, "hostvars": leak.hosts})


def seen(leak: Leak, event: str) -> None:
    rotator = leak.setting.rotator
    rotator.append(rotator.look(), leak.incident.id, "closed", events={event: "2026-11-25T15:00:00Z"})


def test_the_next_step(leak: Leak) -> None:
    result = go_on(leak, "ask")
    assert (result["next"], result["incident"]["id"]) == ("copies", leak.incident.id)


def test_it_ends_once_nothing_is_open(leak: Leak, shown: list[str], tmp_path: Path) -> None:
    seen(leak, "refused/token")
    result = go_on(leak, "copies", report_path=str(tmp_path))
    assert (result["next"], result["report"]["verdict"]) == ("end", "")
    assert leak.setting.rotator.look().incident is None
    assert shown[-1].startswith("contained in ")
    assert shown[:2] == result["report"]["files"]


def test_who_was_not_notified_is_named_at_the_end(leak: Leak, shown: list[str], tmp_path: Path) -> None:
    """However early that was; it keeps nothing open."""
    seen(leak, "refused/token")
    missed = "slack was not notified of leak.declared: no answer within 2 s"
    found = go_on(leak, "copies", report_path=str(tmp_path), unannounced=[missed])
    assert (found["report"]["verdict"], shown[-1]) == ("", missed)
    assert leak.setting.rotator.look().incident is None


def test_an_error_that_ends_the_run_is_announced(leak: Leak, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[Any, ...]] = []
    warned: list[str] = []

    def announced(_setting: Any, name: str, about: str, outcome: str, **fields: Any) -> list[str]:
        sent.append((name, about, outcome, fields["credentials"], fields["reason"]))
        return ["slack was not notified"]

    def refused(_run: Any) -> Any:
        raise StoreError("AWS denies\nit")

    monkeypatch.setattr(rotation_segment, "announce", announced)
    monkeypatch.setattr(leak_continue.leak_steps, "following", refused)
    monkeypatch.setattr(Display, "warning", lambda _display, line: warned.append(line))
    with pytest.raises(StoreError):
        go_on(leak, "ask")
    assert sent == [("leak.open", leak.incident.id, "open", ["token"], "AWS denies it")]
    assert warned == ["slack was not notified"]


def test_without_a_leak_nothing_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(rotation_segment, "announce")
    with pytest.raises(RotationError):
        go_on(Leak(), "ask")


def test_the_stores_are_scrubbed_while_cloudtrail_is_asked(
    leak: Leak, shown: list[str], stores: Stores, tmp_path: Path
) -> None:
    rotator = leak.setting.rotator
    rotator.append(rotator.look(), "r0", "closed", replaced={"secrets": {"core": "v1"}, "parameters": ["/t"]})
    seen(leak, "refused/token")
    asked = {"sessions": [], "readers": {"access_keys": ["AKIA1"]}}
    result = go_on(leak, "copies", report_path=str(tmp_path), asked=asked)
    options = {"seconds": 60, "since": "", "access_keys": ["AKIA1"]}
    assert stores.asked == [("trail", ["token"], options), ("scrubbed", {"core": ["v1"]}, ["/t"], ["token"])]
    text = Path(result["report"]["files"][0]).read_text(encoding="utf-8")
    assert "a policy of core denies version v1" in text
    assert "eve read it" in text


def test_copies_that_were_not_looked_for_are_reported(leak: Leak, shown: list[str], tmp_path: Path) -> None:
    seen(leak, "refused/token")
    result = go_on(leak, "copies", unlooked="AWS denies it", report_path=str(tmp_path))
    text = Path(result["report"]["files"][0]).read_text(encoding="utf-8")
    for host in ("web1", "web2"):
        assert f"{host}: not checked: copies of revoked values: AWS denies it" in text
    assert result["report"]["unhealthy"] == []


def test_it_stays_open_and_the_run_fails(leak: Leak, shown: list[str], tmp_path: Path) -> None:
    result = go_on(leak, "copies", report_path=str(tmp_path))
    assert result["failed"]
    assert result["msg"] == "NOT contained: token: not replaced"
    assert not any("OPEN" in line for line in shown)
    assert leak.incident.id


def test_a_host_that_is_not_healthy_keeps_it_open(leak: Leak, shown: list[str], tmp_path: Path) -> None:
    seen(leak, "refused/token")
    leak.hosts["web2"]["leak_respond__copies"] = {"unreachable": True, "msg": "no route"}
    result = go_on(leak, "copies", report_path=str(tmp_path))
    assert result["msg"].startswith(
        "contained, but not healthy: web2: cannot be reached: no route. Correct these problems"
    )
    assert leak.incident.id


def test_a_hosts_words_do_nothing_to_the_terminal(leak: Leak, shown: list[str], tmp_path: Path) -> None:
    seen(leak, "refused/token")
    leak.hosts["web2"]["leak_respond__copies"] = {"unreachable": True, "msg": "no \x1b[2Jroute\u202e"}
    result = go_on(leak, "copies", report_path=str(tmp_path))
    assert "no [2Jroute" in result["msg"]
    assert all(line.isprintable() for line in (*shown, result["msg"]))


def test_without_its_report_it_stays_open(leak: Leak, shown: list[str], tmp_path: Path) -> None:
    """What is open and the clock are shown all the same; else the next run would declare another incident."""
    seen(leak, "refused/token")
    (tmp_path / "gone").write_text("")
    result = go_on(leak, "copies", report_path=str(tmp_path / "gone"))
    assert result["msg"].startswith(f"contained, but the post-mortem could not be written: {tmp_path / 'gone'}/leak-")
    assert any("; last old value rejected: " in line for line in shown)
    assert shown[-1].startswith("contained in ")
    assert leak.incident.id


def test_without_an_incident(tmp_path: Path) -> None:
    with pytest.raises(
        RotationError, match=r"^no leak is declared; start the whole playbook: ansible-playbook watchparty"
    ):
        go_on(Leak(), "ask")
