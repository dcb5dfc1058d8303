# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A leak that was none is closed, unless a value was taken away already."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import OpenRotation
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import false_alarm

AT = "2026-11-25T15:00:10Z"


def incident(*events: str, **extra: Any) -> Incident:
    return Incident(
        "leak-1", "2026-11-25T15:00:00Z", "ops", ("cache", "twitch"), events=dict.fromkeys(events, AT), **extra
    )


def rotation(step: str, **plan: Any) -> OpenRotation:
    return OpenRotation("r-1", step, "ops", AT, plan={"incident": "leak-1", "credentials": {"cache": {}}, **plan})


@pytest.mark.parametrize(
    "events", [(), ("planned",), ("planned", "purged", "invalidated/cdn", "sessions", "live/cache")]
)
def test_nothing_stands_against_it(events: tuple[str, ...]) -> None:
    assert false_alarm.conflict(incident(*events), None) == ""


def test_another_rotation_is_none_of_its() -> None:
    assert false_alarm.conflict(incident(), rotation("revoke", incident="")) == ""


@pytest.mark.parametrize("event", ["refused/cache", "kept/cache", "given/cache", "confirmed/cache"])
def test_a_value_that_is_gone(event: str) -> None:
    message = false_alarm.conflict(incident(event), None)
    assert message.startswith(
        "cache was replaced or revoked already, and revoked values wait to be scrubbed. Finish the response"
    )
    assert "Finish the response: run ansible-playbook watchparty.secrets.leak_response again" in message


def test_a_value_that_was_disabled() -> None:
    """No rollback enables it, and a killed run may not have noted that it did it."""
    message = false_alarm.conflict(incident("disabling/cache"), None)
    assert false_alarm.conflict(incident("blocked/cache"), None) == message, "as runs noted it before"
    assert message.startswith("cache may be disabled already. Finish the response: run ")
    assert message.endswith("(docs/runbooks/by-hand.md, Enable a disabled value)")
    assert "and revoked values wait" in false_alarm.conflict(incident("disabling/cache", "refused/cache"), None)


def test_versions_that_are_dead() -> None:
    assert false_alarm.conflict(incident(dead={"core": ("v1",)}), None).startswith("values were replaced already")


@pytest.mark.parametrize(
    ("open_one", "message"),
    [
        (
            rotation("deploy"),
            "-playbook watchparty.secrets.rotate -e rotation_abort=true -e rotation_resume=r-1, then close the leak",
        ),
        (
            rotation("abort"),
            (
                "Finish the rollback with "
                "ansible-playbook watchparty.secrets.rotate -e rotation_resume=r-1, then close the leak"
            ),
        ),
        (rotation("revoke"), "already revokes old values and can only be finished. Finish the response"),
        (rotation("revoke_first", immediate=True), "already revokes old values and can only be finished"),
    ],
)
def test_its_own_rotation_is_open(open_one: OpenRotation, message: str) -> None:
    text = false_alarm.conflict(incident(), open_one)
    assert message in text
    assert text.startswith("rotation r-1 of ops (since ")


def test_its_record() -> None:
    result = false_alarm.record(incident("purged", "sessions"), "ann@laptop", AT, "run1", 7)
    assert (result["rotation"], result["outcome"], result["who"], result["started"]) == (
        "leak-1",
        "false_alarm",
        "ann@laptop",
        "2026-11-25T15:00:00Z",
    )
    assert result["notes"] == ["declared: cache", "declared: twitch", "caches were purged", "everybody was logged out"]


@pytest.mark.parametrize(
    ("result", "open_one", "message"),
    [
        (incident(), None, ""),
        (incident(), rotation("deploy"), ""),
        (incident(), rotation("abort"), ""),
        (incident("live/cache"), rotation("revoke", incident="other"), ""),
        (incident("refused/cache"), rotation("deploy"), "cache was replaced or revoked already"),
        (incident(dead={"core": ("v1",)}), None, "values were replaced already"),
    ],
)
def test_what_is_done_for_good(result: Incident, open_one: OpenRotation | None, message: str) -> None:
    assert false_alarm.done_for_good(result, open_one) == message


def test_its_own_rotation_is_past_its_return() -> None:
    done = false_alarm.done_for_good(incident(), rotation("revoke"))
    assert done.endswith("at step revoke) already revokes old values and can only be finished")
