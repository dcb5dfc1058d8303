# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import AuditError, HostError, NotFound
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import chain as audit_chain
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.chain import Head
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.log import AuditLog, attempted
from tests.fakes.memory_audit import MemoryAudit
from tests.unit.plugins.plugin_utils._audit.audit_lines import chained


def record_fields(number: int = 1, **extra: Any) -> dict[str, Any]:
    return {
        "rotation": f"r{number}",
        "outcome": "completed",
        "who": "ann@laptop",
        "at": "2026-11-25T10:00:00Z",
        **extra,
    }


@pytest.fixture
def body() -> MemoryAudit:
    return MemoryAudit()


@pytest.fixture
def log(catalog: Callable[..., Any], body: MemoryAudit, tmp_path: Path) -> Callable[..., AuditLog]:
    """A log with everything: a body, a copy and a CHANGELOG, all of them empty."""
    result = catalog({"A": {"value": "x"}})

    def make(**extra: Any) -> AuditLog:
        options = {"path": str(tmp_path / "audit.jsonl"), "changelog": str(tmp_path / "CHANGELOG.md"), "body": body}
        return AuditLog(result, **{**options, **extra})

    return make


Log = Callable[..., AuditLog]


def text(path: str | None) -> str:
    return Path(str(path)).read_text()


def test_a_record_goes_everywhere_once(log: Log, body: MemoryAudit) -> None:
    for number in (1, 2):
        result = log().recorded(record_fields(number), write=True)
        assert result["changed"]
        assert result["id"] == f"r{number}:completed"
        assert result["where"] == "memory"
        assert result["head"] == {"number": number, "digest": audit_chain.digest(body.held[-1])}
        assert result["diff"]["after"] == body.held[-1] + "\n"
        assert result["warnings"] == []
    again = log().recorded(record_fields(2, who="bob@desk", at="2026-11-26T10:00:00Z"), write=True)
    assert not again["changed"], "a repeated record leaves the first one's words everywhere"
    assert again["head"] == result["head"]
    assert text(log().path) == "".join(f"{line}\n" for line in body.held)
    assert text(log().changelog).count("app test: no credential, by ann@laptop (rotation r") == 2
    assert audit_chain.record_of(body.held[0])["application"] == "app"


def test_the_head_of_an_earlier_record_is_its_own(log: Log) -> None:
    first = log().recorded(record_fields(1), write=True)["head"]
    log().recorded(record_fields(2), write=True)
    assert log().recorded(record_fields(1), write=True)["head"] == first


@pytest.mark.parametrize("lost", ["path", "changelog"])
def test_what_a_killed_run_left_undone_is_done_by_the_next(log: Log, lost: str) -> None:
    log().recorded(record_fields(), write=True)
    path = Path(getattr(log(), lost))
    before = path.read_text()
    path.unlink()
    assert log().recorded(record_fields(), write=False)["changed"]
    assert log().recorded(record_fields(), write=True)["changed"]
    assert path.read_text() == before


def test_check_mode_writes_nothing(log: Log, body: MemoryAudit, tmp_path: Path) -> None:
    foreseen = log().recorded(record_fields(), write=False)
    assert (body.held, list(tmp_path.iterdir())) == ([], [])
    assert foreseen["changed"]
    done = log().recorded(record_fields(), write=True)
    assert {**foreseen, "changed": True} == done
    assert not log().recorded(record_fields(), write=False)["changed"]
    assert log(body=None, path=str(tmp_path / "other"), changelog=None).recorded(record_fields(), write=False)[
        "changed"
    ]
    assert not (tmp_path / "other").exists()
    Path(str(log().path)).unlink()
    assert log().rebuilt(write=False)["changed"]
    assert not Path(str(log().path)).exists()


def test_a_copy_that_differs_is_reported_and_does_not_stop_the_run(log: Log, body: MemoryAudit) -> None:
    log().recorded(record_fields(1), write=True)
    Path(str(log().path)).write_text("altered\n")
    result = log().recorded(record_fields(2), write=True)
    assert len(body.held) == 2
    assert "differs from the audit log from line 1 on" in result["warnings"][0]
    assert text(log().path) == "altered\n"


def test_a_copy_that_cannot_be_written_stops_the_run_and_says_where_the_record_is(log: Log, tmp_path: Path) -> None:
    broken = log(path=str(tmp_path / "none" / "audit.jsonl"))
    message = (
        r"its directory does not exist; run 'mkdir -p .*\. The audit log memory already has record 1 \(r1:completed\)"
    )
    with pytest.raises(HostError, match=message):
        broken.recorded(record_fields(), write=True)
    (tmp_path / "none").mkdir()
    assert broken.recorded(record_fields(), write=True)["head"]["number"] == 1


def test_a_file_alone_is_a_log_too(log: Log, tmp_path: Path) -> None:
    alone = log(body=None)
    for number in (1, 2, 1):
        result = alone.recorded(record_fields(number), write=True)
    assert result["where"] == alone.path
    head = Head(2, audit_chain.digest(text(alone.path).splitlines()[-1]))
    verified = log(body=None, head=head).verified()
    assert (verified["problems"], verified["records"], verified["behind"]) == ([], 2, 0)
    Path(str(alone.path)).write_text("")
    assert log(body=None, head=head).verified()["problems"] == [
        f"{alone.path}: the log ends at record 0, but its head is record 2 ({head.digest[:12]}…): the end was cut off"
    ]


def test_a_runners_workspace_is_no_only_place(log: Log, body: MemoryAudit) -> None:
    environ = {"CI": "true"}
    with pytest.raises(AuditError, match="this is a CI job, and the file would be lost when the job ends"):
        log(body=None, environ=environ).recorded(record_fields(), write=True)
    assert log(environ=environ).recorded(record_fields(), write=True)["changed"], "a copy may be anywhere"


def test_nowhere(log: Log) -> None:
    nowhere = log(body=None, path=None, changelog=None)
    with pytest.raises(
        AuditError,
        match="environment test: cannot record, because the catalog names no audit log; set audit_log to a log_group",
    ):
        nowhere.recorded(record_fields(), write=True)
    with pytest.raises(AuditError, match="cannot verify"):
        nowhere.verified()
    with pytest.raises(AuditError, match="the catalog names no audit_log to"):
        log(body=None).rebuilt(write=True)


class TestReady:
    """Whether a record could be written, reported before anything is done."""

    def test_nothing_is_written(self, log: Log, body: MemoryAudit, tmp_path: Path) -> None:
        assert log().ready() == {"changed": False, "where": "memory"}
        assert (body.held, list(tmp_path.iterdir())) == ([], [])
        alone = log(body=None, environ={})
        assert alone.ready()["where"] == alone.path

    def test_an_environment_may_have_no_log(self, log: Log) -> None:
        assert log(body=None, path=None, changelog=None).ready() == {"changed": False, "where": ""}

    def test_a_body_that_cannot_be_read(self, log: Log) -> None:
        class Gone(MemoryAudit):
            def lines(self) -> list[str]:
                raise NotFound("log group /x does not exist")

        with pytest.raises(NotFound, match="log group /x does not exist"):
            log(body=Gone()).ready()

    def test_a_path_of_a_runner(self, log: Log) -> None:
        with pytest.raises(AuditError, match="this is a CI job, and the file would be lost when the job ends"):
            log(body=None, environ={"CI": "true"}).ready()
        assert log(environ={"CI": "true"}).ready()["where"] == "memory", "a copy may be anywhere"

    def test_a_changelog_without_a_log(self, log: Log) -> None:
        message = r"CHANGELOG.md: its entries come from the audit log, and environment test has no audit log; set "
        with pytest.raises(AuditError, match=message):
            log(body=None, path=None).ready()

    @pytest.mark.parametrize("name", ["path", "changelog"])
    def test_a_directory_that_is_not_there(self, log: Log, tmp_path: Path, name: str) -> None:
        with pytest.raises(HostError, match="none/file: its directory does not exist; run 'mkdir -p "):
            log(**{name: str(tmp_path / "none" / "file")}).ready()


@pytest.mark.parametrize("field", ["application", "environment"])
def test_another_environments_record_is_refused(log: Log, body: MemoryAudit, field: str) -> None:
    with pytest.raises(AuditError, match=rf"record\.{field}: this audit log belongs to (app|test); leave"):
        log().recorded(record_fields(**{field: "other"}), write=True)
    assert body.held == []


@pytest.mark.parametrize("write", [True, False])
def test_a_record_that_does_not_belong_is_refused(log: Log, body: MemoryAudit, write: bool) -> None:
    with pytest.raises(AuditError, match="has an unknown field; known are"):
        log().recorded(record_fields(password="canary"), write=write)
    assert body.held == []


# --- verified and rebuilt -----------------------------------------------------------------------------------------


@pytest.fixture
def three(log: Log) -> AuditLog:
    for number in (1, 2, 3):
        head = log().recorded(record_fields(number), write=True)["head"]
    return log(head=audit_chain.head_of(head))


def test_a_whole_log(three: AuditLog, body: MemoryAudit) -> None:
    assert three.verified() == {
        "changed": False,
        "head": {"number": 3, "digest": audit_chain.digest(body.held[-1])},
        "records": 3,
        "behind": 0,
        "problems": [],
        "where": "memory",
    }
    assert not three.rebuilt(write=True)["changed"]


def test_what_is_wrong_with_the_body_is_named(three: AuditLog, body: MemoryAudit, log: Log) -> None:
    stray = chained({**record_fields(9), "application": "app", "environment": "test"}, body.held[0])
    body.held[1] = stray
    result = three.verified()
    assert result["failed"]
    assert "memory: record 3 (r3:completed) does not follow record 2: one of the two was altered" in result["problems"]
    assert f"{three.path}: differs from the audit log from line 2 on" in result["problems"]
    assert result["msg"].startswith("The audit log is incomplete or altered:\n  - memory: record 3")
    before = text(three.path)
    with pytest.raises(AuditError, match=r"memory is incomplete or altered, so .*audit.jsonl was not changed"):
        three.rebuilt(write=True)
    assert text(three.path) == before
    body.held.insert(1, "something else")
    assert any("a line is not a JSON object" in line for line in three.verified()["problems"])


def test_a_body_that_was_cut_off(three: AuditLog, body: MemoryAudit, log: Log) -> None:
    line = body.held.pop()
    assert three.verified()["problems"] == [
        (
            "memory: the log ends at record 2, but its head is record 3 "
            f"({audit_chain.digest(line)[:12]}…): the end was cut off"
        ),
        f"{three.path}: has 1 lines more than the audit log",
    ]
    assert log().verified()["failed"], "the copy tells even without a head"


def test_a_copy_behind_the_body_is_no_problem(three: AuditLog, body: MemoryAudit) -> None:
    Path(str(three.path)).write_text(body.held[0] + "\n")
    result = three.verified()
    assert (result["problems"], result["behind"]) == ([], 2)
    assert three.rebuilt(write=True) == {
        "changed": True,
        "head": result["head"],
        "records": 3,
        "kept": None,
        "where": "memory",
        "warnings": [],
    }
    assert three.verified()["behind"] == 0


def test_an_altered_copy_is_found_and_kept(three: AuditLog) -> None:
    path = Path(str(three.path))
    altered = path.read_text().replace("r2", "r7")
    path.write_text(altered)
    assert any("differs from the audit log from line 2 on" in line for line in three.verified()["problems"])
    result = three.rebuilt(write=True)
    assert Path(result["kept"]).read_text() == altered
    assert result["warnings"] == [f"{path} differed from the audit log; the old file was kept as {result['kept']}"]
    assert three.verified()["problems"] == []


# --- a log that cannot be written -------------------------------------------------------------------------------------


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    results: list[str] = []
    monkeypatch.setattr(Display, "warning", lambda _self, text, **_more: results.append(text))
    return results


def fails() -> dict[str, Any]:
    raise NotFound("log group /shop/audit is not there")


def test_a_log_that_is_required_stops_the_run(shown: list[str]) -> None:
    with pytest.raises(NotFound, match="is not there"):
        attempted(fails, required=True)
    assert shown == []


def test_one_that_is_not_required_is_a_warning(shown: list[str]) -> None:
    answer = attempted(fails, required=False)
    assert answer == {"changed": False, "where": "", "head": {}, "against": "log group /shop/audit is not there"}
    assert shown == ["the audit log: log group /shop/audit is not there"]


@pytest.mark.parametrize("required", [True, False])
def test_warnings_of_a_record_are_shown(shown: list[str], required: bool) -> None:
    assert attempted(lambda: {"where": "x", "warnings": ["it differs"]}, required=required) == {"where": "x"}
    assert shown == ["it differs"]
