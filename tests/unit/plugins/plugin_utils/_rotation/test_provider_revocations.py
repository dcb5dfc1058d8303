# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What only a provider can revoke stays open until somebody says that it was."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import CONFIRM, Journal, PendingTask
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import record as audit_record
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import provider_revocations
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind

NOW = datetime(2026, 11, 25, 15, tzinfo=UTC)
AT = "2026-11-25T15:00:00Z"
PAGE = "https://mail.example.com/keys"
CATALOG = catalog_parser.parse(
    {
        "application": "app",
        "settings": {"MAIL": {"group": "core"}, "VIDEO": {"group": "core"}, "OTHER": {"group": "core"}},
        "credentials": {
            "mail": {"kind": "external", "provider_url": PAGE, "appears_in": [{"setting": "MAIL"}]},
            "video": {"kind": "external", "appears_in": [{"setting": "VIDEO"}]},
            "other": {"kind": "own", "appears_in": [{"setting": "OTHER"}]},
        },
    },
    "test",
)
KINDS = {"external": Kind("external", value="supplied"), "own": Kind("own", value="supplied", stages=("revoke",))}


def plan(**acts: str) -> dict[str, Any]:
    kinds = {"other": "own"}
    items = {name: {"kind": kinds.get(name, "external"), "act": act, "phases": 1} for name, act in acts.items()}
    return {"credentials": items, "secrets": {"app/test/core": "v1", "elsewhere": "v9"}}


def left(rotation: str, credential: str, **extra: Any) -> PendingTask:
    return PendingTask(
        f"{rotation}/{credential}", credential, **{"act": CONFIRM, "due": AT, "rotation": rotation, **extra}
    )


def journal(*pending_tasks: PendingTask, **extra: Any) -> Journal:
    return Journal(pending_tasks={pending_task.id: pending_task for pending_task in pending_tasks}, **extra)


class TestOwed:
    def test_what_a_third_party_issued(self) -> None:
        """With the versions that hold the old value; a kind that revokes it itself owes nothing."""
        result = provider_revocations.pending(CATALOG, "r1", plan(mail="rotate", other="rotate"), KINDS, NOW)
        assert result == {
            "r1/mail": {
                "credential": "mail",
                "act": CONFIRM,
                "due": AT,
                "rotation": "r1",
                "secrets": {"app/test/core": "v1"},
            }
        }

    def test_an_act_that_changes_nothing_owes_nothing(self) -> None:
        assert provider_revocations.pending(CATALOG, "r1", plan(mail="revoke"), KINDS, NOW) == {}

    def test_in_a_leak_unless_it_was_said_already(self) -> None:
        incident = Incident("leak-1", AT, "ann", events={"confirmed/mail": AT})
        result = provider_revocations.pending(CATALOG, "r1", plan(mail="rotate", video="rotate"), KINDS, NOW, incident)
        assert set(result) == {"r1/video"}


def test_words_name_the_page_and_what_to_type() -> None:
    """Two rotations of one credential leave two keys at its provider, and both are named."""
    results = provider_revocations.waiting(
        CATALOG, journal(left("r2", "mail"), left("r1", "mail"), left("r1", "video"))
    )
    assert [entry["id"] for entry in results] == ["r1/mail", "r1/video", "r2/mail"]
    assert results[0] == {
        "id": "r1/mail",
        "credential": "mail",
        "page": PAGE,
        "since": AT,
        "message": f"mail: revoke its old value at {PAGE}; r1 replaced it at {AT}. Then run "
        "ansible-playbook watchparty.secrets.rotate -e rotation_revoked=mail",
    }
    assert "revoke its old value where it was issued;" in results[1]["message"]


def test_other_pending_tasks_wait_for_nobody() -> None:
    assert provider_revocations.waiting(CATALOG, journal(left("r1", "mail", act="revoke"))) == []


def test_a_credential_that_left_the_catalog_is_still_reported_and_can_be_confirmed() -> None:
    result = journal(left("r1", "gone"))
    assert provider_revocations.waiting(CATALOG, result)[0]["page"] == ""
    assert [pending_task.id for pending_task in provider_revocations.confirmed(CATALOG, result, ["gone"])] == [
        "r1/gone"
    ]


def test_a_confirmation_takes_every_one_of_the_credential() -> None:
    result = journal(left("r1", "mail"), left("r2", "mail"), left("r1", "video"), left("r3", "mail", act="revoke"))
    assert [pending_task.id for pending_task in provider_revocations.confirmed(CATALOG, result, ["mail"])] == [
        "r1/mail",
        "r2/mail",
    ]
    assert provider_revocations.confirmed(CATALOG, result, ["other"]) == [], "the same words again do no harm"


def test_a_name_that_nobody_knows() -> None:
    with pytest.raises(
        RotationError, match="mial: is not a credential of the catalog; a confirmation is pending for mail, video"
    ):
        provider_revocations.confirmed(CATALOG, journal(left("r1", "mail"), left("r1", "video")), ["mial"])


def test_the_record_is_one_and_the_same_however_often_it_is_made() -> None:
    pending_tasks = [left("r1", "mail"), left("r2", "video")]
    result = provider_revocations.record(CATALOG, pending_tasks, "ann@laptop", NOW)
    assert result == {
        "rotation": result["rotation"],
        "outcome": "revoked",
        "who": "ann@laptop",
        "at": AT,
        "credentials": ["mail", "video"],
        "kinds": {"mail": "external", "video": "external"},
        "pending_tasks": ["r1/mail", "r2/video"],
    }
    assert result["rotation"].startswith("revoked-")
    assert result["rotation"] == provider_revocations.record(CATALOG, pending_tasks[::-1], "eve", NOW)["rotation"]
    assert result["rotation"] != provider_revocations.record(CATALOG, pending_tasks[:1], "ann@laptop", NOW)["rotation"]
    audit_record.require({**result, "application": "app", "environment": "test"})


def test_what_was_tried_is_reported_as_the_log_takes_it() -> None:
    tried = {"r1/mail": "smtp://u:canary@mail is refused"}
    result = provider_revocations.record(CATALOG, [left("r1", "mail")], "ann@laptop", NOW, tried)
    assert result["notes"] == ["r1/mail: smtp://…@mail is refused"]
    audit_record.require({**result, "application": "app", "environment": "test"})
