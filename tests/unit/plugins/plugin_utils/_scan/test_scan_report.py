# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fingerprints, baselines and SARIF."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import baseline as scan_baseline
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import sarif as scan_sarif
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import scan_report
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Live, needles_for
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan_report import (
    LIVE,
    PATTERN,
    Finding,
    NotChecked,
    ScanReport,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.stream_search import Searcher

TODAY = date(2026, 11, 25)
FOUND = Finding(
    source="/srv/shop",
    kind=LIVE,
    rule="DATABASE_URL",
    form="password part, base64",
    stage="previous",
    also=("DB_PASSWORD",),
    path="a b/ü.py",
    line=7,
    offset=120,
    blob="0123456789abcdef0123",
    commit="fedcba9876543210",
    author="A Writer <writer@example.com>",
    date="2026-03-01T12:00:00Z",
    reach="a tag only",
)
PATTERNED = Finding(source="/srv/shop", kind=PATTERN, rule="gitleaks:github-pat", path="ci.yml", sensitivity="medium")
ENTRY = {"fingerprint": FOUND.fingerprint, "reason": "rotated", "expires": "2026-12-31"}


def parsed(*entries: Any) -> scan_baseline.Baseline:
    return scan_baseline.parse({"accepted": list(entries)}, TODAY)


def test_a_fingerprint_names_the_place_and_not_the_version() -> None:
    same: list[dict[str, Any]] = [
        {"stage": "version 4"},
        {"source": "/elsewhere/shop"},
        {"commit": "other"},
        {"path": "renamed.py"},
        {"author": "x"},
    ]
    for change in same:
        assert replace(FOUND, **change).fingerprint == FOUND.fingerprint
    other: list[dict[str, Any]] = [{"blob": "f" * 20}, {"rule": "X"}, {"form": "hex"}, {"offset": 121}, {"inside": "m"}]
    for change in other:
        assert replace(FOUND, **change).fingerprint != FOUND.fingerprint
    assert replace(FOUND, times=3).fingerprint != replace(FOUND, times=4).fingerprint


def test_an_accepted_finding_hides_no_other() -> None:
    other = replace(FOUND, offset=500)
    left, accepted, problems = scan_baseline.applied(parsed(ENTRY), [FOUND, other])
    assert (left, accepted, problems) == ([other], [FOUND], [])
    assert scan_baseline.applied(None, [FOUND]) == ([FOUND], [], [])


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({**ENTRY, "expires": "2026-11-24"}, "expired on 2026-11-24; set a new end if it is still acceptable"),
        ({**ENTRY, "expires": "soon"}, "has no expires, a day such as"),
        ({**ENTRY, "expires": None}, "has no expires, a day such as"),
        ({**ENTRY, "reason": " "}, "has no reason"),
        ({**ENTRY, "fingerprint": "123"}, "has no fingerprint of 24 hexadecimal digits"),
        ({**ENTRY, "fingerprint": 123}, "has no fingerprint of 24 hexadecimal digits"),
        ({**ENTRY, "why": "x"}, "has unknown keys: why"),
        ("text", "is not a mapping with fingerprint, reason and expires"),
    ],
)
def test_an_entry_that_is_malformed_or_old_accepts_nothing(entry: Any, message: str) -> None:
    baseline = parsed(entry)
    assert baseline.entries == ()
    (problem,) = baseline.problems
    assert problem.startswith("entry 1")
    assert message in problem
    report = ScanReport(findings=(), problems=baseline.problems)
    assert not report.clean


def test_the_last_day_counts_and_yamls_days_too() -> None:
    assert parsed({**ENTRY, "expires": TODAY}).problems == ()
    assert parsed(ENTRY, ENTRY).problems == (f"entry 2 ({FOUND.fingerprint}) appears twice; remove one",)
    assert scan_baseline.parse(["x"], TODAY).problems == ("is not a mapping with a list called accepted",)


def test_the_table() -> None:
    report = ScanReport(
        (FOUND,), not_checked=(NotChecked("/srv/shop", "", "a shallow clone"),), left_out={"a placeholder": 2}
    )
    messages = scan_report.lines(report)
    assert "DATABASE_URL (also DB_PASSWORD)" in messages[1]
    assert "a b/ü.py:7" in messages[1]
    assert "fedcba987654" in messages[1]
    assert messages[2] == "not checked: /srv/shop: a shallow clone"
    assert "2 values left out: 2 a placeholder; unknown secrets were not looked for" in messages[3]


def test_what_is_sought_is_masked_where_it_names_something() -> None:
    named = replace(FOUND, path="dir/the-value-itself.txt", author="the-value-itself <x>")
    hide = Searcher(needles_for([Live("TOKEN", "current", "the-value-itself")])).hidden
    results = scan_report.masked([named, NotChecked("s", "the-value-itself", "r")], hide)
    assert results[0].path == "dir/********.txt"
    assert "the-value-itself" not in repr(results)
    assert hide("€ the\\-value%2ditself, dGhlLXZhbHVlLWl0c2VsZg== ü") == "€ ********, ********g== ü"


def test_an_absolute_path_is_a_url_of_the_file() -> None:
    (run,) = scan_sarif.log(ScanReport((replace(FOUND, path="/var/log/a b"),)))["runs"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "file:///var/log/a%20b"}


def test_sarif() -> None:
    report = ScanReport(
        findings=(FOUND, PATTERNED),
        accepted=(replace(FOUND, offset=9),),
        reasons={replace(FOUND, offset=9).fingerprint: "rotated"},
        not_checked=(NotChecked("/srv/shop", "", "a shallow clone"),),
        problems=("entry 1 has no reason",),
    )
    log = scan_sarif.log(report)
    assert log["version"] == "2.1.0"
    assert set(log) == {"$schema", "version", "runs"}
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["gitleaks:github-pat", "live-value"]
    for rule in rules:
        assert all(rule[part]["text"] for part in ("shortDescription", "fullDescription", "help"))
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note", "none")
    assert [result["level"] for result in run["results"]] == ["error", "warning", "error"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        (location,) = result["locations"]
        assert re.fullmatch(r"[A-Za-z0-9%._/~-]+", location["physicalLocation"]["artifactLocation"]["uri"])
        assert re.fullmatch(r"[0-9a-f]{24}", result["partialFingerprints"]["watchpartySecrets/v1"])
    assert run["results"][0]["locations"][0]["physicalLocation"]["region"] == {"startLine": 7}
    assert run["results"][1]["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}
    assert re.fullmatch(r"\d+\.\d+\.\d+", run["tool"]["driver"]["semanticVersion"])
    assert run["results"][2]["suppressions"] == [{"kind": "external", "status": "accepted", "justification": "rotated"}]
    assert [len(result.get("suppressions", [])) for result in run["results"]] == [0, 0, 1]
    notes = [item["message"]["text"] for item in run["invocations"][0]["toolExecutionNotifications"]]
    assert notes == ["not checked: /srv/shop: a shallow clone", "baseline: entry 1 has no reason"]
