# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A leak's report: what is open, what was tried, and that a folder which went keeps nothing back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import incident_notes, response_report
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.response_report import ResponseReport
from tests.unit.plugins.plugin_utils._leak.leak_world import Leak


def note(leak: Leak, *names: str) -> None:
    setting = leak.setting
    incident_notes.note(setting, setting.rotator.look(), dict.fromkeys(names, ""))


def written(
    leak: Leak, path: Path, *, gathered: dict[str, Any] | None = None, services: Any = None, **extra: Any
) -> ResponseReport:
    setting = leak.setting
    response = leak.response("close", report_path=str(path), **extra)
    return response_report.write(setting, setting.rotator.look(), response, gathered or {}, services or {})


def text_of(response_report: ResponseReport) -> str:
    return Path(response_report.files[0]).read_text(encoding="utf-8")


def test_both_files(leak: Leak, tmp_path: Path) -> None:
    note(leak, "planned")
    results = {"token": {"replaced": False, "why": "the provider is asked"}}
    response_report = written(leak, tmp_path / "out", results=results)
    assert response_report.files == [str(tmp_path / "out" / f"{leak.incident.id}.{end}") for end in ("md", "html")]
    for path in response_report.files:
        assert "OPEN: the provider is asked" in Path(path).read_text()
    assert response_report.open == ["token: the provider is asked"]
    assert response_report.contained_seconds is None
    assert response_report.clock[1] == "first new value live: not yet"
    assert response_report.clock[0].startswith("plan: ")
    assert response_report.verdict == "NOT contained: token: the provider is asked"


@pytest.mark.parametrize("declared", [[], ["cache"]])
def test_caches_only_where_a_purge_is_declared(leak: Leak, tmp_path: Path, declared: list[str]) -> None:
    report = written(leak, tmp_path, purge={"valkey": declared})
    assert ("caches purged: not yet" in report.clock) is bool(declared)
    assert ("caches purged" in text_of(report)) is bool(declared)
    if not declared:
        note(leak, "purged")
        assert "caches purged" in text_of(written(leak, tmp_path)), "what was done counts"


def test_an_earlier_ones_files_stay(leak: Leak, tmp_path: Path) -> None:
    def keep(gathered: dict[str, Any]) -> Path:
        return Path(response_report.keep_evidence(leak.incident, str(tmp_path), gathered))

    seen = {"web1": {"lines": ["deploy logged in"], "short": []}}
    kept = keep({"seen": seen, "readers": [{"messages": ["eve read it"]}]})
    names = [Path(written(leak, tmp_path).files[1]).name for _run in range(3)]
    again, name = keep({}), leak.incident.id
    assert [kept.name, again.name] == [f"{name}-evidence.md", f"{name}-evidence-2.md"]
    assert names == [f"{name}.html", f"{name}-2.html", f"{name}-3.html"]
    text = kept.read_text(encoding="utf-8")
    assert "- eve read it" in text
    assert "- web1: deploy logged in" in text
    assert "- CloudTrail was not searched: no time was left" in again.read_text(encoding="utf-8")


def test_compromised_hosts_and_what_was_gathered(leak: Leak, tmp_path: Path) -> None:
    gathered = {"copies": {"web1": {"removed": [".env.healthy"], "remaining": [".env.bak"]}}, "left_out": ["web2"]}
    response_report = written(leak, tmp_path, gathered=gathered, compromised=["web2"])
    text = text_of(response_report)
    for line in ("web1: removed .env.healthy", "web1: .env.bak", "web2: was not searched, because it is compromised"):
        assert f"- {line}" in text
    assert "web2 was skipped as compromised and must be rebuilt" in response_report.open


def test_what_an_earlier_run_replaced_is_not_open(leak: Leak, tmp_path: Path) -> None:
    assert written(leak, tmp_path).open == ["token: not replaced"]
    note(leak, "refused/token")
    response_report = written(leak, tmp_path)
    assert (response_report.open, response_report.verdict) == ([], "")
    assert re.search(r"^contained in \d+ s$", response_report.lines[-1])
    assert "refused since " in text_of(response_report)
    stopped = {"token": {"replaced": False, "why": "it leaked again"}}
    assert written(leak, tmp_path, results=stopped).open != []


def test_what_failed_beside_the_rotations_is_open(leak: Leak, tmp_path: Path) -> None:
    note(leak, "refused/token")
    response_report = written(leak, tmp_path, failures=["caches in Valkey were NOT purged: no answer"])
    assert response_report.verdict == "NOT contained: caches in Valkey were NOT purged: no answer"


def test_sessions_that_may_live_on_and_websockets(leak: Leak, tmp_path: Path) -> None:
    """Websockets are left to people and keep nothing open; sessions that may still be valid do."""
    note(leak, "refused/token")
    ended: dict[str, Any] = {"engine": "cached_db", "count": 3, "only_the_key": False, "doubtful": []}

    def ends(**extra: Any) -> ResponseReport:
        out = {"wanted": True, "host": "web1", "by_application": True, "ended": {**ended, **extra}, "each": {}}
        response_report = written(leak, tmp_path, gathered={"logged_out": out}, services={"web1": ""})
        for path in response_report.files:
            assert "websockets that were opened before the sessions ended" in Path(path).read_text()
        return response_report

    doubt = {"store": "cache", "why": "in each process's own memory", "options": [], "restart": True}
    doubtful = ends(doubtful=[doubt])
    line, sockets = doubtful.open
    assert line.startswith("web1: sessions in the cache may still be valid: in each process's own memory; restart")
    assert doubtful.contained_seconds is None
    sound = ends()
    assert (sound.open, sound.verdict) == ([sockets], "")
    assert f"open: {sockets}" in sound.lines


def test_the_encrypted_env_and_commits_with_old_values(leak: Leak, tmp_path: Path) -> None:
    """It keeps nothing open: the values in it are revoked."""
    note(leak, "refused/token")
    commit = {"text": "commit 4f2a9c1be07d of 2026-11-28 holds old values of TOKEN"}
    renewed = {"path": "/x", "summary": "/x is written", "commits": [commit], "notes": ["this clone is shallow"]}
    response_report = written(leak, tmp_path, gathered={"encrypted_env": renewed})
    lines = ["/x is written", commit["text"], "this clone is shallow"]
    assert [line for line in response_report.lines if line in lines] == lines
    assert (response_report.open, response_report.verdict) == ([], "")
    for path in response_report.files:
        text = Path(path).read_text(encoding="utf-8")
        scrubbed, left = text.index("Scrubbed"), text.index("Cannot be scrubbed")
        assert scrubbed < text.index(lines[0]) < left < text.index(lines[1]) < text.index(lines[2])
    remedy = "run ansible-playbook watchparty.secrets.env_encrypt -e encrypt_new_key=true"
    for result, problem in (
        ({"failed": True, "msg": "no key"}, f"the encrypted .env still holds old values: no key; {remedy}"),
        ({"summary": "x is not here"}, "x is not here"),
    ):
        response_report = written(leak, tmp_path, gathered={"encrypted_env": result})
        assert (response_report.open, response_report.verdict) == ([problem], "")


def test_another_rotation_that_stands_in_the_way_is_named(tmp_path: Path) -> None:
    leak = Leak()
    leak.world.begun("database")
    leak.declare("token")
    results = {"database": {"replaced": False, "why": "web3 cannot be reached"}}
    response_report = written(leak, tmp_path, results=results)
    rotation = leak.setting.rotator.look().rotation
    assert rotation is not None
    line = response_report.open[-1]
    blocked = f"{rotation} of database, that was open before, blocks the leak response"
    assert line.startswith(f"{blocked}: web3 cannot be reached.")
    assert f"watchparty.secrets.rotate -e rotation_abort=true -e rotation_resume={rotation.id}" in line
    assert response_report.contained_seconds is None


def test_contained_and_not_healthy(leak: Leak, tmp_path: Path) -> None:
    note(leak, "refused/token")
    health = {"web1": {"health": [{"url": "http://a/", "status": 200}]}}
    sound = written(leak, tmp_path, gathered={"health": health})
    assert (sound.unhealthy, sound.open, sound.verdict) == ([], [], "")
    health["web2"] = {"health": [{"url": "http://b/", "status": 500}]}
    response_report = written(leak, tmp_path, gathered={"health": health})
    assert response_report.contained_seconds is not None
    assert response_report.unhealthy == ["web2: http://b/ answers 500"]
    assert response_report.open == ["not healthy at the end: web2: http://b/ answers 500"]
    assert response_report.verdict.startswith(
        "contained, but not healthy: web2: http://b/ answers 500. Correct these problems, then run"
    )
    assert response_report.verdict.endswith(
        "Give up a host that does not come back with -e leak_compromised_hosts=HOST"
    )
    for path in response_report.files:
        assert "not healthy" in Path(path).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("below", "text"),
    [
        ("taken", r"/taken/leak-.*\.md: cannot be written: (Not a directory|File exists)"),
        ("leak.html", r"leak\.html: is a file; give a folder"),
    ],
)
def test_a_folder_that_went_keeps_nothing_back(leak: Leak, tmp_path: Path, below: str, text: str) -> None:
    """Everything is replaced by then: what is open and the clock must be reported all the same."""
    note(leak, "refused/token")
    (tmp_path / "taken").write_text("")
    response_report = written(leak, tmp_path / below)
    assert (response_report.files, response_report.open) == ([], [])
    assert response_report.contained_seconds is not None
    assert response_report.clock[2].startswith("last old value rejected: ")
    message = f"^the post-mortem could not be written: .*{text}; name another folder by -e leak_report_path=…$"
    assert re.search(message, response_report.unwritten), response_report.unwritten
    assert response_report.verdict.startswith(
        f"contained, but {response_report.unwritten}. Correct these problems, then run the same command again"
    )
    assert written(leak, tmp_path / "out").unwritten == ""


def test_an_old_incident_is_not_needed_for_evidence(tmp_path: Path) -> None:
    incident = Incident("leak-1", "2026-11-25T15:00:00Z", "ops", ("token",))
    assert Path(response_report.keep_evidence(incident, str(tmp_path), {})).name == "leak-1-evidence.md"


def test_hosts_that_get_nothing_new_stop_later_waves(leak: Leak, tmp_path: Path) -> None:
    setting = leak.setting
    incident_notes.note(setting, setting.rotator.look(), {"foothold/ssh/web1/1": "web1: x"})
    given: dict[str, Any] = {"waves": [{"credentials": ["token"]}]}
    last = written(leak, tmp_path, **given, targeted_hosts=["web1"], opened=["web1"]).verdict
    assert "no new values are sent to web1, and no other host is left. Check each possible foothold" in last
    named = written(leak, tmp_path, **given, opened=["web1"], named_host="web1").verdict
    other = "and web1 is the rotation host; choose another one with -e rotation_host=HOST"
    assert f"no new values are sent to web1, {other}" in named
    assert "no new values" not in written(leak, tmp_path, **given, opened=["web1"]).verdict


def test_a_possible_foothold_fails_the_run_until_somebody_has_looked(leak: Leak, tmp_path: Path) -> None:
    setting = leak.setting
    seen = {"refused/token": "", "foothold/token/1": "h:1: user thief is not in the catalog: ACL SETUSER thief off"}
    incident_notes.note(setting, setting.rotator.look(), seen)
    results = {"token": {"replaced": True}}
    found = written(leak, tmp_path, results=results)
    assert found.lines[-1].endswith(" s, 1 possible foothold left")
    assert "user thief is not in the catalog: ACL SETUSER thief off" in found.verdict
    assert found.verdict.count("-e leak_footholds_checked=token") == 1
    assert "- left: token: h:1: user thief" in text_of(found)
    assert incident_notes.ruled_out(leak.incident, ["other"]) == {}
    incident_notes.note(setting, setting.rotator.look(), incident_notes.ruled_out(leak.incident, ["other", "token"]))
    looked_at = written(leak, tmp_path, results=results)
    assert (looked_at.verdict, looked_at.footholds) == ("", {})
    assert "- checked by the operator: token: h:1: user thief" in text_of(looked_at)
