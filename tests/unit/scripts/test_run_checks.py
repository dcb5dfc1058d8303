# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The runner of all checks counts what happened, says what was not tested, and does not hang."""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from sandbox.process import wait_until
from tests.integration.fake_service import ended

ROOT = Path(__file__).parents[3]


@pytest.fixture
def checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    spec = importlib.util.spec_from_file_location("run_checks", ROOT / "scripts" / "run_checks.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "run_checks", module)
    monkeypatch.delitem(sys.modules, "check_commands", raising=False)  # its own for each test: it knows of a stop
    spec.loader.exec_module(module)
    for name, value in {"ROOT": tmp_path, "BUILD": tmp_path / "build"}.items():
        monkeypatch.setattr(sys.modules["check_commands"], name, value)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    return module


def shell(text: str) -> list[str]:
    return ["sh", "-c", text]


@pytest.mark.parametrize(("code", "passed", "failed"), [(0, 1, 0), (1, 0, 1), (5, 0, 1)])
def test_a_check_counts_by_its_exit_code(checks: ModuleType, code: int, passed: int, failed: int) -> None:
    tally = checks.Run("stage", live=False).check("one", shell(f"exit {code}"))
    assert (tally.passed, tally.failed) == (passed, failed)


def test_the_end_of_a_failed_checks_log_is_shown(checks: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    checks.Run("stage", live=False).check("one", shell("echo the reason >&2; exit 1"))
    assert "the reason" in capsys.readouterr().out


def test_a_check_that_takes_too_long_is_ended_with_all_that_it_started(checks: ModuleType, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    tally = checks.Run("stage", live=False).check("one", shell(f"sleep 600 & echo $! > {pid}; wait"), minutes=0.05)
    assert tally.failed == 1
    assert wait_until(lambda: ended(int(pid.read_text())), seconds=60)


def test_what_a_check_leaves_running_ends_with_it(checks: ModuleType, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    checks.Run("stage", live=False).check("one", shell(f"sleep 600 & echo $! > {pid}"))
    assert wait_until(lambda: ended(int(pid.read_text())), seconds=60)


def test_pytest_is_counted_test_by_test(checks: ModuleType, tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(
        """<testsuites><testsuite>
        <testcase name="good"/>
        <testcase classname="tests.unit.test_one" name="bad[1]"><failure message="first\nsecond"/></testcase>
        <testcase classname="tests.unit.test_one" name="broken"><error message="no"/></testcase>
        <testcase name="known"><skipped type="pytest.xfail" message="later"/></testcase>
        <testcase name="away"><skipped type="pytest.skip" message="no zsh: what it reads is not tested"/></testcase>
        </testsuite></testsuites>"""
    )
    failures = ("tests/unit/test_one.py::bad[1]: first second", "tests/unit/test_one.py::broken: no")
    assert importlib.import_module("check_results").counted(report) == checks.Tally(
        2, failures, Counter({"no zsh: what it reads is not tested": 1})
    )


def test_what_tests_count_is_added_up_and_shown(
    checks: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whole numbers only; nothing that failed is a number as well."""
    report = tmp_path / "report.xml"
    report.write_text(
        """<testsuites><testsuite>
        <testcase name="one"><properties>
            <property name="load: requests sent" value="1200"/><property name="load: requests failed" value="0"/>
            <property name="which" value="web1, web2"/>
        </properties></testcase>
        <testcase name="two"><properties><property name="load: requests sent" value="34"/></properties></testcase>
        </testsuite></testsuites>"""
    )
    tally = importlib.import_module("check_results").counted(report)
    assert (tally.passed, tally.counts) == (2, {"load: requests sent": 1234, "load: requests failed": 0})
    checks.summary({"hosts": (tally, 1.0), "simulation": (checks.Tally(1, counts={"seeds": 5}), 1.0)}, 2.0)
    out = capsys.readouterr().out
    assert "\nTried:\n      1,234  load: requests sent\n          0  load: requests failed\n          5  seeds\n" in out


def test_a_pytest_run_that_breaks_before_any_test_is_a_failure(checks: ModuleType) -> None:
    tally = checks.Run("stage", live=False).pytest("one", "no/such/folder", environment=Path(sys.prefix))
    assert (tally.passed, tally.failed) == (0, 1)


def test_the_end_names_what_failed_and_was_skipped(checks: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    skipped = Counter({"no zsh": 2})
    checks.summary({"lint": (checks.Tally(3), 1.0), "unit": (checks.Tally(4, ("a.py::b: no",), skipped), 2.0)}, 2.5)
    out = capsys.readouterr().out
    assert "2 x no zsh" in out
    assert [line.split()[-1] for line in out.splitlines()[2:5]] == ["1.0", "2.0", "2.5"]
    assert "\n  unit: a.py::b: no\n" in out
    assert out.splitlines()[-1] == "7 passed, 1 failed, 2 skipped"


def test_checks_that_run_side_by_side_end_when_the_run_is_interrupted(
    checks: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "cores", lambda: {"newest": Path("a"), "core-2.19": Path("b")})
    run = checks.Run("stage", live=False)
    threading.Timer(0.5, checks.STOPPING.set).start()
    tally = checks.in_both(lambda name, _place: run.check(name, shell("exec sleep 60")), together=True)
    assert tally.failed == 2


def test_sanity_names_the_tests_that_failed(checks: ModuleType, tmp_path: Path) -> None:
    message = """Running sanity test "compile"
Running sanity test "pylint"
Running sanity test "yamllint"
ERROR: plugins/a.py:1:1: bad
FATAL: The 2 sanity test(s) listed below (out of 3) failed. See error output above for details.
import --python 3.11
pylint
"""
    (tmp_path / "said").write_text(message, encoding="utf-8")
    script = tmp_path / "scripts" / "sanity.sh"
    script.parent.mkdir()
    script.write_text(f"#!/bin/sh\ncat {tmp_path}/said; exit 1\n", encoding="utf-8")
    script.chmod(0o755)
    tally = checks.Run("stage", live=False).sanity("newest", tmp_path / ".venv")
    assert (tally.passed, tally.failures) == (1, ("newest: import --python 3.11", "newest: pylint"))


def test_of_several_runs_of_ansible_test_each_failure_is_named(checks: ModuleType, tmp_path: Path) -> None:
    """Among other stages the import test has a run of its own for the oldest Python; alone, ansible-test chooses."""
    script = tmp_path / "scripts" / "sanity.sh"
    script.parent.mkdir()
    script.write_text(
        """#!/bin/sh
echo "asked: $IMPORT_WITH $*"
for name in validate-modules import; do
    echo "Running sanity test \\"$name\\""
    echo "FATAL: The 1 sanity test(s) listed below (out of 1) failed. See error output above for details."
    echo "$name"
done
exit 1
""",
        encoding="utf-8",
    )
    script.chmod(0o755)
    skipped = "--skip-test changelog --skip-test pep8 --skip-test pylint"
    for live, asked in ((False, f"asked: oldest .venv {skipped}"), (True, "asked:  .venv")):
        tally = checks.Run("stage", live=live).sanity("newest", checks.NEWEST)
        assert tally.failures == ("newest: validate-modules", "newest: import")
        assert (tmp_path / "build" / "logs" / "stage-newest.log").read_text().splitlines()[0] == asked


def test_the_older_ansible_runs_the_unit_tests_that_know_it(checks: ModuleType, tmp_path: Path) -> None:
    files = {
        "plugins/action/test_one.py": "",
        "plugins/plugin_utils/_audit/test_log.py": "from ansible.utils.display import Display\n",
        "plugins/plugin_utils/_audit/test_chain.py": "from ansible_collections.watchparty import chain\n",
        "roles/test_readmes.py": "import ansible_runner\n",
    }
    for name, text in files.items():
        path = tmp_path / "tests" / "unit" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    unit = tmp_path / "tests" / "unit"
    *folders, last = checks.knowing_ansible()
    assert str(unit / "plugins" / "action") in folders
    assert last == str(unit / "plugins" / "plugin_utils" / "_audit" / "test_log.py")
    assert all(Path(folder).is_relative_to(unit / "plugins") for folder in folders)


def test_checks_write_bytecode(checks: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it each process compiles all that it imports anew."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert checks.Run("stage", live=False).check("one", shell('test -z "$PYTHONDONTWRITEBYTECODE"')).passed == 1


def test_rows_of_stages_run_beside_each_other(checks: ModuleType) -> None:
    order: list[str] = []
    met = threading.Event()

    def one(name: str) -> None:
        if name == "integration":
            assert met.wait(60)
        order.append(name)
        if name == "unit":
            met.set()

    checks.run_stages(["unit", "integration", "hostile", "hosts", "sanity"], one)
    assert order.index("hosts") < order.index("unit") < order.index("integration")
    assert order.index("sanity") < order.index("hostile")
    order.clear()
    checks.run_stages(["docs", "lint"], one)
    assert order == ["docs", "lint"]


def test_every_stage_has_its_place_among_others(checks: ModuleType) -> None:
    assert sorted(name for row in checks.SIDE_BY_SIDE for name in row) == sorted(checks.STAGES)


def test_a_stage_that_breaks_is_not_swallowed(checks: ModuleType) -> None:
    def one(name: str) -> None:
        if name == "hosts":
            raise ValueError(name)

    with pytest.raises(ValueError, match="hosts"):
        checks.run_stages(["lint", "hosts"], one)
