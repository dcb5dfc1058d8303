# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The record of an externally issued value stays open until somebody confirms that the old one was revoked."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.action import rotation_info
from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_requests import ValueProbe
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import JournalError, RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports import status_page
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import metrics
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import record as audit_record
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.digest import digest
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import declaration as leak_declaration
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context as rotation_context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from tests.unit.plugins.action import steps as rotation
from tests.unit.plugins.plugin_utils._rotation.rotator_world import CATALOG, GIVEN, KINDS, World

PAGE = "https://provider.example/keys"
DOCUMENT = {
    **CATALOG,
    "audit_log": {"log_group": "/app/audit"},
    "credentials": {
        **CATALOG["credentials"],
        "token": {**CATALOG["credentials"]["token"], "provider_url": PAGE},
        "note": {"kind": "given", "appears_in": [{"setting": "NOTE"}]},
    },
}
HEAD = {"number": 3, "digest": "d"}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setitem(GIVEN, "note", Login(None, "new-note"))
    return World(catalog=catalog_parser.parse(DOCUMENT, "test"))


def act(world: World, module: Any, state: str | None, *, check: bool = False, **extra: Any) -> dict[str, Any]:
    defaults = {name: item.get("default") for name, item in module.ActionModule.extra_options.items()}
    action = module.ActionModule.__new__(module.ActionModule)
    action._task = SimpleNamespace(check_mode=check)
    setting = RotationSetup(world.catalog, KINDS, world.rotator(), None)  # type: ignore[arg-type]
    answer: dict[str, Any] = action.answer(setting, {**defaults, "state": state, **extra}, {})
    return answer


def declare(world: World) -> None:
    setting = RotationSetup(world.catalog, KINDS, world.rotator(), None)  # type: ignore[arg-type]
    leak_declaration.declare(setting, setting.rotator.look(), leak_declaration.LeakDeclaration(["token"]))


def rotated(world: World, *names: str, number: int = 1) -> dict[str, Any]:
    """A whole rotation of these, closed as the role closes it."""
    rotator = world.begun(*names, rotation=f"r{number}")
    world.created(rotator)
    rotator.advance("promote")
    assert rotator.promote().outcome == "done"
    rotator.advance("record")
    return act(world, rotation, "closed")


def looked(world: World) -> Journal:
    return world.rotator().look()


def test_a_rotation_leaves_it_open(world: World) -> None:
    answer = rotated(world, "token", "database")
    assert set(looked(world).pending_tasks) == {"r1/token"}
    (left,) = answer["revocations"]
    assert (left["credential"], left["page"]) == ("token", PAGE)
    assert "-e rotation_revoked=token" in left["message"]


def test_it_stands_in_no_way_and_two_are_two(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each rotation leaves a key of its own at the provider."""
    rotated(world, "token")
    monkeypatch.setitem(GIVEN, "token", Login(None, "newer-token"))
    rotated(world, "token", number=2)
    assert set(looked(world).pending_tasks) == {"r1/token", "r2/token"}
    answer = act(world, rotation, "begun", credentials=["database"])
    assert [revocation["id"] for revocation in answer["revocations"]] == ["r1/token", "r2/token"]


def test_the_report_tells_it_and_somebody_must_act(world: World) -> None:
    rotated(world, "token", "database", "django")
    result = act(world, rotation_info, None)
    (left,) = result["revocations"]
    assert left["message"] in result["table"]
    assert result["verdict"].startswith(
        f"due: {', '.join(result['due'])}. Run ansible-playbook watchparty.secrets.rotate. token: revoke "
    )
    assert result["verdict"].endswith(" -e rotation_revoked=token"), "it can be pasted"
    assert {task["act"]: task["due"] for task in result["pending_tasks"]} == {"drop_fallback": False, "confirm": True}
    only = {task.id: task for task in looked(world).pending_tasks.values() if task.act == "drop_fallback"}
    head = looked(world)
    world.rotator().append(head, "x", "closed", rotated={"note": vars(head.rotated["token"])})
    result = act(world, rotation_info, None)
    assert (result["due"], result["act_now"], len(only)) == ([], True, 1)
    act(world, rotation, "revoked", credentials=["token"])
    result = act(world, rotation_info, None)
    assert (result["act_now"], result["revocations"], result["verdict"]) == (False, [], "")
    declare(world)
    result = act(world, rotation_info, None)
    leak = result["leak"]["id"]
    assert (result["act_now"], result["table"][-1].partition(",")[0]) == (True, f"not contained: {leak}")
    assert result["verdict"] == f"Not contained: {leak}. Run ansible-playbook watchparty.secrets.leak_response"


def test_somebodys_word_ends_it_with_a_record(world: World) -> None:
    rotated(world, "token", "note")
    looks = act(world, rotation, "revoked", credentials=["token"], check=True)
    assert set(looked(world).pending_tasks) == {"r1/token", "r1/note"}, "looking ends nothing"
    record = looks["record"]
    assert (record["credentials"], record["pending_tasks"]) == (["token"], ["r1/token"])
    assert looks["audit"] == {"wanted": True, "head": {}}
    done = act(world, rotation, "revoked", credentials=["token"], audit=HEAD)
    assert done["record"]["rotation"] == record["rotation"]
    assert [revocation["id"] for revocation in done["revocations"]] == ["r1/note"]
    after = looked(world)
    assert (set(after.pending_tasks), after.audit, after.rotation) == ({"r1/note"}, HEAD, None)


def test_the_same_words_again_do_no_harm(world: World) -> None:
    rotated(world, "token")
    act(world, rotation, "revoked", credentials=["token"])
    head = looked(world).head
    again = act(world, rotation, "revoked", credentials=["token"])
    assert (again["changed"], again["record"]) == (False, {})
    assert again["messages"] == ["token: no confirmation is pending"]
    assert looked(world).head == head


def test_an_unknown_name(world: World) -> None:
    with pytest.raises(RotationError, match="tokn: is not a credential of the catalog"):
        act(world, rotation, "revoked", credentials=["tokn"])


def test_not_while_a_rotation_is_open(world: World) -> None:
    """The entry's number would be taken from the run that goes on with it."""
    rotated(world, "token")
    world.begun("database", rotation="r2")
    with pytest.raises(JournalError, match=r"rotation r2 of .* is open; finish it by .*, then give the confirmation"):
        act(world, rotation, "revoked", credentials=["token"])


class TestTried:
    ACCEPTED = {"state": "accepted", "message": "a previous value still logs in at https://p.example/me"}
    REFUSED = {"state": "refused", "message": "rejected now at https://p.example/me, which accepts the current value"}

    def revoke(self, world: World, **extra: Any) -> dict[str, Any]:
        return act(world, rotation, "revoked", credentials=["token", "note"], **extra)

    def test_what_can_be_tried_is_said(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(KINDS, "given", replace(KINDS["given"], stages=("test", "revoked"), tries_values=True))
        rotated(world, "token", "note")
        assert self.revoke(world, check=True)["tries"] == []
        tested = replace(world.catalog.credentials["note"], test=ValueProbe("https://p.example/me"))
        world.catalog = replace(world.catalog, credentials={**world.catalog.credentials, "note": tested})
        (item,) = self.revoke(world, check=True)["tries"]
        assert (item["name"], item["kind"]) == ("note", "given")

    def test_one_that_still_works_stays_open_and_the_others_do_not(self, world: World) -> None:
        rotated(world, "token", "note")
        tried = {"r1/token": self.ACCEPTED, "r1/note": self.REFUSED}
        done = self.revoke(world, tried=tried)
        assert done["still_accepted"] == [
            f"token: its old value, which r1 replaced, STILL WORKS: {self.ACCEPTED['message']}"
        ]
        assert set(looked(world).pending_tasks) == {"r1/token"}
        assert (done["record"]["credentials"], done["record"]["pending_tasks"]) == (["note"], ["r1/note"])
        assert done["record"]["notes"] == [f"r1/note: {self.REFUSED['message']}"]

    def test_what_proves_nothing_is_the_operators_word(self, world: World) -> None:
        rotated(world, "token")
        message = "no answer: " + "\n".join(["Connection refused"] * 40)
        done = self.revoke(world, tried={"r1/token": {"state": "untried", "message": message}})
        assert (done["still_accepted"], looked(world).pending_tasks) == ([], {})
        assert done["messages"][0].startswith(
            "token: the operator confirms that the value replaced by r1 was revoked (not verified: no answer"
        )
        audit_record.require({**done["record"], "application": "app", "environment": "test"})

    def test_in_a_leak_one_that_still_works_is_not_noted_as_revoked(self, world: World) -> None:
        declare(world)
        rotated(world, "token", "note")
        self.revoke(world, tried={"r1/token": self.ACCEPTED})
        journal = looked(world)
        assert journal.incident is not None
        assert set(journal.incident.events) & {"confirmed/token", "confirmed/note"} == {"confirmed/note"}


class TestInALeak:
    def test_a_rotations_confirmation_is_the_leaks(self, world: World) -> None:
        declare(world)
        rotated(world, "token")
        act(world, rotation, "revoked", credentials=["token"])
        journal = looked(world)
        assert journal.incident is not None
        assert "confirmed/token" in journal.incident.events
        assert journal.pending_tasks == {}

    def test_said_before_there_is_a_new_value(self, world: World) -> None:
        """Then the rotation that follows leaves nothing to say again."""
        declare(world)
        done = act(world, rotation, "revoked", credentials=["token"])
        assert (done["changed"], done["record"]) == (True, {})
        head = looked(world).head
        assert act(world, rotation, "revoked", credentials=["token"])["changed"] is False
        assert looked(world).head == head
        rotated(world, "token")
        assert looked(world).pending_tasks == {}

    def test_whatever_is_open(self, world: World) -> None:
        """A leak's response takes over what stands in its way."""
        rotated(world, "token")
        declare(world)
        world.begun("database", rotation="r2")
        act(world, rotation, "revoked", credentials=["token"])
        journal = looked(world)
        assert (journal.pending_tasks, journal.rotation is not None) == ({}, True)


class TestOfWhatIsEndedHere:
    """No confirmation replaces the test of a value that a run itself ends and sees rejected."""

    @pytest.fixture(autouse=True)
    def _that_revokes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(KINDS, "login", replace(KINDS["login"], stages=("set", "revoke")))

    @pytest.mark.parametrize("name", ["database", "django"])
    @pytest.mark.parametrize("declared", [True, False])
    def test_the_word_is_refused(self, world: World, name: str, *, declared: bool) -> None:
        if declared:
            declare(world)
        head = looked(world).head
        with pytest.raises(RotationError, match=f"^{name}: .* remove the cause of the refusal, then run the same"):
            act(world, rotation, "revoked", credentials=["token", name], incident="" if declared else "assessed")
        assert looked(world).head == head

    def test_outside_a_leak_it_means_nothing(self, world: World) -> None:
        answer = act(world, rotation, "revoked", credentials=["database"])["messages"]
        assert answer == ["database: no confirmation is pending"]

    @pytest.mark.parametrize(
        "place", [[{"github": "DEPLOY_KEY"}], [{"setting": "URL"}, {"github": "DEPLOY_KEY"}]], ids=["only", "too"]
    )
    def test_what_no_run_can_replace_is_taken_for_it(self, world: World, place: list[dict[str, str]]) -> None:
        """GitHub holds it and no token is there: people replace it (docs/explanation/leak-response.md)."""
        made = {**DOCUMENT["credentials"], "database": {"kind": "login", "appears_in": place}}
        world.catalog = catalog_parser.parse({**DOCUMENT, "credentials": made}, "test")
        declare(world)
        assert act(world, rotation, "revoked", credentials=["database"])["changed"]
        incident = looked(world).incident
        assert incident is not None
        assert "confirmed/database" in incident.events


@pytest.mark.parametrize(
    ("tried", "message"),
    [
        ({}, "NOT tried"),
        ({"r1/token": {"state": "untried", "message": "no answer"}}, "NOT tried: no answer"),
        ({"r1/token": TestTried.REFUSED}, f"tried and refused: {TestTried.REFUSED['message']}"),
    ],
)
def test_what_shows_that_it_was_revoked(world: World, tried: dict[str, Any], message: str) -> None:
    declare(world)
    rotated(world, "token")
    act(world, rotation, "revoked", credentials=["token"], tried=tried)
    journal = looked(world)
    assert journal.incident is not None
    assert journal.incident.evidence["confirmed/token"].endswith(f": {message}")


def test_the_report_is_what_metrics_pages_and_digests_are_made_of(world: World) -> None:
    rotated(world, "token", "database", "django")
    found = act(world, rotation_info, None)
    numbers = {str(one) for one in metrics.metrics(found)}
    assert {"PendingConfirmations token: 1", "PendingConfirmations (all): 1", "LastSuccess database: 0"} <= numbers
    now = rotation_context.now()
    text = status_page.status(found, leaks=(), rotations=(), unread="", now=now)
    assert "django: its previous value is revoked from" in text
    assert text.count("-e rotation_revoked=token") == 1
    detail = digest(found, [], who="ann", now=now).detail
    assert "1 to be confirmed as revoked" in str(detail["summary"])
    assert detail["lines"] == found["table"]
