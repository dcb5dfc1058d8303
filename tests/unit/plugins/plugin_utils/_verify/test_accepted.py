# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Accepted findings: one finding each, for a time, with a reason; nothing else is hidden."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import accepted, check
from tests.unit.plugins.plugin_utils._verify.verify_facts import facts, host

TODAY = date(2026, 11, 25)
ENTRY = {
    "check": "WPS205",
    "place": "web1",
    "message": "/srv/watchparty/.env.old",
    "reason": "until the migration ends",
    "expires": date(2026, 12, 1),
}
STRAYS = [{"path": f"/srv/watchparty/.env.{name}", "mode": "0600", "why": "is a copy"} for name in ("old", "new")]


def results(entry: Any, **over: Any) -> tuple[list[check.CheckResult], list[str]]:
    given = facts(hosts={"web1": host(**over)})
    return accepted.applied(
        accepted.parse({"accepted": [entry]}, TODAY), check.run_checks(check.chosen(["WPS205", "WPS204"]), given)
    )


def test_one_finding_is_accepted_and_the_other_at_its_place_is_not() -> None:
    (_selinux, strays), problems = results(ENTRY, strays=STRAYS)
    assert problems == []
    assert [(outcome.status, outcome.message) for outcome in strays.worst_first] == [
        ("fail", "/srv/watchparty/.env.new (mode 0600) is a copy"),
        (
            "not applicable",
            "accepted until 2026-12-01, until the migration ends: /srv/watchparty/.env.old (mode 0600) is a copy",
        ),
    ]


def test_what_could_not_be_checked_may_be_accepted() -> None:
    entry = {**ENTRY, "check": "WPS204", "message": "matchpathcon", "expires": "2026-11-25"}
    (selinux, _strays), problems = results(entry, selinux={"enabled": True, "right": None, "why": "no matchpathcon"})
    assert (selinux.status, problems) == ("not applicable", [])


def test_an_entry_that_accepts_nothing_is_reported() -> None:
    (_selinux, strays), problems = results(ENTRY)
    assert strays.status == "pass"
    assert problems == ["WPS205 at web1 is not found any more; remove the entry"]
    assert results({**ENTRY, "check": "WPS801"})[1] == [], "a check that was not run"


@pytest.mark.parametrize(
    ("entry", "flaw"),
    [
        ({**ENTRY, "expires": "2026-11-24"}, "entry 1 expired on 2026-11-24"),
        ({**ENTRY, "expires": "soon"}, "entry 1 has no expires"),
        ({**ENTRY, "reason": " "}, "entry 1 has no text in reason"),
        ({**ENTRY, "message": ""}, "entry 1 has no text in message"),
        ({name: value for name, value in ENTRY.items() if name != "reason"}, "entry 1 is not a mapping with exactly"),
        ({**ENTRY, "other": 1}, "entry 1 is not a mapping with exactly"),
        ("WPS205", "entry 1 is not a mapping with exactly"),
    ],
)
def test_a_flawed_or_expired_entry_accepts_nothing(entry: Any, flaw: str) -> None:
    (_selinux, strays), problems = results(entry, strays=STRAYS[:1])
    assert strays.status == "fail"
    assert problems[0].startswith(flaw)


@pytest.mark.parametrize("document", [None, [], {"accepted": {}}, {}])
def test_another_document(document: Any) -> None:
    assert accepted.parse(document, TODAY).problems == ("is not a mapping with a list called accepted",)
