# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which checks there are, which are chosen, and what becomes of a check that fails in itself."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import (
    FAIL,
    NOT_APPLICABLE,
    NOT_CHECKED,
    PASS,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Check,
    CheckResult,
    Facts,
    Outcome,
    bad,
    good,
)
from sandbox.process import REPOSITORY
from tests.unit.plugins.plugin_utils._verify.verify_facts import facts

CHECKS = verify_check.registry()


def check(look: object) -> Check:
    return Check("WPS999", "probe", "probe", "high", "t", "r", "f", look, "true")  # type: ignore[arg-type]


def test_every_file_is_a_check_with_an_id_of_its_own() -> None:
    folder = Path(str(verify_check.__file__)).parent / "checks"
    assert len(list(folder.glob("wps*.py"))) == len(CHECKS)
    assert len({item.id for item in CHECKS}) == len({item.name for item in CHECKS}) == len(CHECKS)
    assert [item.number for item in CHECKS] == sorted(item.number for item in CHECKS)
    for item in CHECKS:
        assert (folder / f"{item.id.lower()}_{item.name.replace('-', '_')}.py").is_file()
        assert re.fullmatch(r"WPS(\d{3}|1\d{3})", item.id)
        assert item.severity in verify_check.SEVERITIES
        assert len({other.area for other in CHECKS if other.number // 100 == item.number // 100}) == 1


@pytest.mark.parametrize("entry", CHECKS, ids=lambda item: item.id)
def test_the_link_of_a_check_leads_to_its_section(entry: Check) -> None:
    page, _, anchor = entry.link.partition("/blob/main/")[2].partition("#")
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    assert f"## {anchor.upper()}\n" in text


@pytest.mark.parametrize("entry", CHECKS, ids=lambda item: item.id)
def test_a_command_runs_a_playbook_that_exists(entry: Check) -> None:
    code = Path(str(importlib.import_module(entry.look.__module__).__file__)).read_text(encoding="utf-8")
    names = re.findall(r"ansible-playbook watchparty\.secrets\.(\w+)", code + entry.command + entry.fix)
    assert [name for name in names if not (REPOSITORY / "playbooks" / f"{name}.yml").is_file()] == []


@pytest.mark.parametrize(
    ("statuses", "reason", "tolerated"),
    [
        ((PASS, NOT_APPLICABLE), "", ""),
        ((), "", ""),
        ((FAIL, PASS), "WPS999 fails", "WPS999 fails"),
        ((FAIL, FAIL), "WPS999, WPS999 fail", "WPS999, WPS999 fail"),
        ((NOT_CHECKED, PASS), "not checked: WPS999", ""),
        ((NOT_CHECKED, FAIL),) + ("WPS999 fails; not checked: WPS999",) * 2,
    ],
)
def test_what_fails_a_run(statuses: tuple[str, ...], reason: str, tolerated: str) -> None:
    results = [CheckResult(check(None), (Outcome(status, ""),)) for status in statuses]
    assert verify_check.failure(results) == reason
    assert verify_check.failure(results, tolerates_not_checked=True) == tolerated


def test_chosen() -> None:
    assert verify_check.chosen([]) == CHECKS
    assert [item.id for item in verify_check.chosen(["wps201", "env-acl"])] == ["WPS201", "WPS203"]
    assert {item.area for item in verify_check.chosen(["drift"])} == {"drift"}
    assert verify_check.chosen(["all"]) == verify_check.chosen(["tagged"]) == CHECKS
    assert [item.id for item in verify_check.chosen(["all", "WPS201"])] == ["WPS201"]
    with pytest.raises(SecretsError, match=r"no check is called x, y; give an id such as .* or an area: contacts, git"):
        verify_check.chosen(["x", "drift"], ["y"])


def test_the_tags_of_the_playbook_are_the_areas() -> None:
    plays = yaml.safe_load((REPOSITORY / "playbooks" / "verify.yml").read_text(encoding="utf-8"))
    tags = plays[0]["tasks"][0]["watchparty.secrets.validate_run"]["part_tags"]
    assert sorted(tags) == sorted({item.area for item in CHECKS})


def test_those_that_are_skipped_are_not_chosen() -> None:
    assert {item.area for item in CHECKS} - {item.area for item in verify_check.chosen([], ["iam", "WPS103"])} == {
        "iam"
    }
    assert [item.id for item in verify_check.chosen(["ages"], ["WPS801", "leftovers"])] == ["WPS802", "WPS804"]
    with pytest.raises(SecretsError, match="no check to run: git skips every check of git"):
        verify_check.chosen(["git"], ["git"])


def test_needed_parts_are_those_of_the_chosen() -> None:
    assert verify_check.needed(verify_check.chosen(["WPS803"])) == ("journal", "leftovers", "secrets")


def test_a_fault_keeps_what_was_found_and_quotes_nothing() -> None:
    def look(_facts: Facts) -> Iterator[Outcome]:
        yield bad("found before", "here")
        raise ValueError("a value: hunter2")

    (result,) = verify_check.run_checks([check(look)], facts())
    assert result.status == "fail"
    assert result.worst_first[0].message == "found before"
    message = result.worst_first[1].message
    assert re.fullmatch(r"unexpected error: ValueError at test_check\.py:\d+; please report it", message)


def test_silence_does_not_pass() -> None:
    (result,) = verify_check.run_checks([check(lambda _facts: ())], facts())
    assert (result.status, result.worst_first[0].message) == ("not checked", "there was nothing to check")


def test_one_place_that_was_not_seen_keeps_it_from_passing() -> None:
    (result,) = verify_check.run_checks([check(lambda _facts: [good("a"), verify_check.unknown("b")])], facts())
    assert result.status == "not checked"
