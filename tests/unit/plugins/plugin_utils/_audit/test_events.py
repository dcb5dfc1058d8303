# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an event says, what it never says, and who is notified of it."""

from __future__ import annotations

import json
import threading
from typing import Any

import jsonschema
import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_alerts import EVENTS
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import StoreError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import events
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.announcer import Announcer, Channel
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.notifiers import put_on_bus

RECORD: dict[str, Any] = {
    "rotation": "r-1",
    "outcome": "completed",
    "application": "shop",
    "environment": "production",
    "who": "ann@laptop",
    "at": "2026-11-25T10:00:00Z",
    "started": "2026-11-25T09:59:00Z",
    "credentials": ["database", "cache"],
    "secrets": {"shop/production/core": {"from": "v1", "to": "v2"}},
    "steps": [{"step": "set", "at": "2026-11-25T09:59:30Z", "who": "ann@laptop"}],
}


def valid(event: events.Event) -> dict[str, Any]:
    detail = json.loads(event.text)
    jsonschema.validate(detail, events.SCHEMA, format_checker=jsonschema.FormatChecker())
    return dict(detail)


@pytest.mark.parametrize(
    ("outcome", "name"),
    [
        ("completed", "rotation.completed"),
        ("rolled_back", "rotation.failed"),
        ("revoked", "rotation.completed"),
        ("false_alarm", "leak.contained"),
        ("contained", "leak.contained"),
        ("written_by_hand", "rotation.failed"),
    ],
)
def test_each_record_is_an_event(outcome: str, name: str) -> None:
    event = events.of_record({**RECORD, "outcome": outcome})
    detail = valid(event)
    assert (event.name, detail["event"], detail["id"]) == (name, name, f"r-1:{outcome}")
    assert detail["credentials"] == ["database", "cache"]
    assert not {"secrets", "steps"} & set(detail)


def test_every_event_fits_the_schema() -> None:
    for name in EVENTS:
        own = {key: RECORD[key] for key in ("application", "environment", "who", "at")}
        detail = valid(events.made(name, "r-1", "x", **own, checks=["WPS1"]))
        assert detail["summary"].startswith("shop production: ")
        assert "ann" in detail["summary"]


def test_what_looks_like_a_value_is_cut_out() -> None:
    digest, url = "ab" * 32, "postgres://u:canary-password@db/x"
    event = events.of_record({**RECORD, "reason": f"set: {digest} of {url}\x1b[31m\n", "skipped": {"cache": url}})
    for word in (digest, "canary-password", "\x1b", "\\u001b", "\\n"):
        assert word not in event.text
    assert "postgres://…@db/x" in valid(event)["reason"]


def test_an_endless_list_is_left_out() -> None:
    event = events.of_record({**RECORD, "unverified_hosts": [f"host{n}.example.com" for n in range(9000)]})
    assert "unverified_hosts" not in valid(event)
    assert len(event.text) < events.LONGEST


def raising(error: Exception) -> Any:
    def act(*_arguments: Any) -> None:
        raise error

    return act


def test_who_cannot_be_notified_stops_nothing() -> None:
    forever, notified = threading.Event(), []  # type: ignore[var-annotated]
    channels = [
        Channel("hangs", lambda _event, _seconds: forever.wait() and None),
        Channel("denied", raising(StoreError("no\nright"))),
        Channel("broken", raising(KeyError("canary"))),
        Channel("uninterested", raising(KeyError("x")), lambda _name: False),
        Channel("good", lambda event, _seconds: notified.append(event)),
    ]
    failures = Announcer(channels, seconds=1).announce(events.of_record(RECORD))
    forever.set()
    assert len(notified) == 1
    assert sorted(failures) == [
        "broken was not notified of rotation.completed: unexpected error: KeyError",
        "denied was not notified of rotation.completed: no right",
        "hangs was not notified of rotation.completed: no answer within 1 s",
    ]


class Client:
    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer, self.asked = answer, []  # type: ignore[var-annotated]

    def put_events(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        return self.answer


def test_an_event_that_the_bus_does_not_take() -> None:
    client = Client({"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure", "ErrorMessage": "x"}]})
    with pytest.raises(StoreError, match=r"event bus ops: AWS did not take the event \(InternalFailure\)"):
        put_on_bus("ops", lambda _service: client, events.of_record(RECORD), 1)
    (entry,) = client.asked[0]["Entries"]
    assert (entry["Source"], entry["DetailType"], entry["EventBusName"]) == (events.SOURCE, "rotation.completed", "ops")
