# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Drift, isolation, previous values and times to refusal: values and entries in, names and words out."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal, PendingTask, Rotated
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents, Reading
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import (
    env_drift,
    previous_values,
    revocation_times,
    shared_values,
)
from tests.unit.plugins.plugin_utils._verify import verify_facts
from tests.unit.plugins.plugin_utils._verify.verify_facts import SECRET, catalog


def test_drift_by_name() -> None:
    expected = {"A": "1", "B": "2", "C": "3"}
    held = {"A": "1", "B": "x", "D": "4", "RATE_LIMIT_X": "5", "E": "6"}
    result = env_drift.compare(expected, held, ["A", "B", "C", "D", "RATE_LIMIT_*"])
    assert result == {
        "missing": ["C"],
        "differs": ["B"],
        "unknown": ["E"],
        "gone": ["D", "RATE_LIMIT_X"],
        "same": 1,
    }


def restart_of(answering: str, account: str) -> str:
    """The command for a unit of runit, which ``answering`` says that ``account`` may restart."""
    service = {"service": "web", "manager": "runit", "units": ["web"], "directory": "/srv/it's"}
    unit = {**verify_facts.unit(), "service": "web", "account": account, "environment": {}, "held": {}}
    (row,) = env_drift.judge({}, verify_facts.host(account=answering, units=[unit]), [service])["units"]
    return str(row.get("restart", ""))


def test_a_service_is_restarted_by_the_account_that_may_change_its_files() -> None:
    own = shlex.join(["sv", "-w", "30", "restart", "/srv/it's/web"])
    login = ["runuser", "--login", "--shell", "/bin/sh", "--command", own, "--"]
    assert restart_of("root", "root") == own
    assert shlex.split(restart_of("root", "app")) == [*login, "app"]
    assert shlex.split(restart_of("app", "app")) == [*login, "app"]


def test_an_application_does_not_choose_root() -> None:
    assert restart_of("app", "root") == ""


def test_shared_values_and_passwords_inside_urls() -> None:
    own = {
        "A": "value-number-one",
        "URL": "redis://u:the-password@own.example/0",
        "MODE": "production-mode",
        "S": "short",
    }
    other = {"B": "value-number-one", "PASSWORD": "the-password", "MODE": "production-mode", "S": "short"}
    how = {"MODE": "medium"}
    macs = [shared_values.fingerprints(values, how, "key") for values in (own, other)]
    assert shared_values.shared(*macs) == [{"own": "A", "other": "B"}, {"own": "URL", "other": "PASSWORD"}]
    assert not any(value in json.dumps(macs) for value in (*own.values(), "the-password") if value != "short")


def test_a_url_of_medium_sensitivity_counts_by_its_password() -> None:
    values = {"URL": "redis://u:the-password@h.example/0"}
    assert len(shared_values.fingerprints(values, {"URL": "high"}, "k")) == 2
    assert len(shared_values.fingerprints(values, {"URL": "medium"}, "k")) == 1
    assert shared_values.fingerprints(values, {"URL": "low"}, "k") == {}


def test_a_credential_counts_however_short_and_a_key_without_its_last_line_break() -> None:
    own = {"admin (credential)": "redis", "KEY": "a-private-key\n"}
    other = {"dba (credential)": "redis", "KEY": "a-private-key"}
    macs = [shared_values.fingerprints(values, {}, "k") for values in (own, other)]
    shared = [{"own": "KEY", "other": "KEY"}, {"own": "admin (credential)", "other": "dba (credential)"}]
    assert shared_values.shared(*macs) == shared


def test_signing_settings() -> None:
    assert shared_values.signing_settings(catalog()) == ["SECRET_KEY"]


# --- previous values --------------------------------------------------------------------------------------------------


def core(**values: str) -> Contents:
    return Contents({SECRET: Reading("secretsmanager", SECRET, "v", json.dumps(values))})


DJANGO = {
    "settings": {
        "SECRET_KEY": {"group": "core"},
        "FORMER": {"group": "core", "type": "list"},
        "API": {"group": "core"},
    },
    "credentials": {
        "django_key": {"kind": "django_secret_key", "fallbacks": "FORMER", "appears_in": [{"setting": "SECRET_KEY"}]},
        "api": {"kind": "external", "appears_in": [{"setting": "API"}]},
    },
}
REVOKES = PendingTask("o", "api", "revoke", "2026-12-01T00:00:00Z", "r1")
LATER = PendingTask("o", "django_key", "drop_fallback", "2026-12-01T00:00:00Z", "r1")


@pytest.mark.parametrize(
    ("fallbacks", "pending_tasks", "state", "message"),
    [
        ("", {}, "refused", "not among the fallbacks"),
        ("other,old-key", {}, "accepted", "still in FORMER"),
        ("old-key", {"o": LATER}, "exempt", "verifies until 2026-12-01"),
    ],
)
def test_a_former_signing_key(fallbacks: str, pending_tasks: Any, state: str, message: str) -> None:
    now, before = core(SECRET_KEY="new-key"), core(SECRET_KEY="old-key")
    journal = Journal(pending_tasks=pending_tasks)
    django_key = previous_values.states(
        catalog(**DJANGO), previous_values.Versions(now, before, journal), {"FORMER": fallbacks}
    )["django_key"]
    assert django_key["state"] == state
    assert message in django_key["message"]
    assert "old-key" not in django_key["message"]


@pytest.mark.parametrize(
    ("journal", "state", "message"),
    [
        (Journal(), "untried", "has no rotation of this"),
        (Journal(rotated={"api": Rotated("2026-11-20T10:00:00Z", "ops", "r7")}), "exempt", "rotation r7 replaced it"),
        (Journal(pending_tasks={"o": REVOKES}), "exempt", "stays valid until"),
    ],
)
def test_a_former_login_is_not_tried(journal: Journal, state: str, message: str) -> None:
    api = previous_values.states(
        catalog(**DJANGO), previous_values.Versions(core(API="new-value"), core(API="old-value"), journal), {}
    )["api"]
    assert api["state"] == state
    assert message in api["message"]


def test_the_same_value_before_and_now_is_no_former_one() -> None:
    same = core(API="value", SECRET_KEY="key")
    result = previous_values.states(catalog(**DJANGO), previous_values.Versions(same, same), {})
    assert {row["message"] for row in result.values()} == {"no previous value of it is kept"}


# --- times -----------------------------------------------------------------------------------------------------------


def entry(step: str, second: int, **extra: Any) -> dict[str, Any]:
    return {"rotation": "r1", "step": step, "at": f"2026-11-25T10:00:{second:02d}Z", **extra}


PLAN = {"credentials": {"database": {}}}


def test_exact_from_the_journal() -> None:
    entries = [entry("promote", 10, plan=PLAN), entry("revoke", 12), entry("record", 40), entry("closed", 41)]
    assert revocation_times.measured(entries, []) == {"database": {"seconds": 30, "rotation": "r1", "exact": True}}


def test_a_takeover_repeats_a_step() -> None:
    """And what somebody wrote meanwhile makes another promotion necessary."""
    entries = [entry("promote", 10, plan=PLAN), entry("create", 11), entry("promote", 20), entry("promote", 22)]
    entries += [entry("revoke", 25), entry("revoke", 40), entry("record", 55)]
    assert revocation_times.measured(entries, [])["database"]["seconds"] == 35


@pytest.mark.parametrize(
    "entries",
    [
        [entry("promote", 10, plan=PLAN), entry("revoke", 12)],
        [entry("promote", 10, plan=PLAN), entry("revoke", 12), entry("revoke", 13)],
        [entry("revoke", 12, plan=PLAN), entry("closed", 41)],
        [entry("promote", 10, plan=PLAN), entry("revoke", 12), {"rotation": "r1", "step": "closed", "at": "?"}],
    ],
)
def test_what_is_not_whole_measures_nothing(entries: list[dict[str, Any]]) -> None:
    assert revocation_times.measured(entries, []) == {}


def test_at_most_from_the_audit_log_and_the_journal_goes_before_it() -> None:
    record = {
        "rotation": "r0",
        "outcome": "completed",
        "credentials": ["database", "cache"],
        "started": "2026-11-20T10:00:00Z",
        "at": "2026-11-20T10:01:30Z",
    }
    rolled_back = {**record, "rotation": "r9", "outcome": "rolled_back"}
    entries = [entry("promote", 10, plan=PLAN), entry("revoke", 12), entry("record", 40)]
    result = revocation_times.measured(entries, [record, rolled_back])
    assert result["cache"] == {"seconds": 90, "rotation": "r0", "exact": False}
    assert result["database"]["exact"] is True
