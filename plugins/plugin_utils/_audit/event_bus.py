# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sends events to EventBridge, where rules pass them on to Slack, PagerDuty or Teams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.events import SOURCE, Event

NAME = "EventBridge"


class EventBus:
    """One event bus."""

    name = NAME

    def __init__(self, bus: str, client: Callable[[str], Any]) -> None:
        self._bus, self._client = bus, client

    def wants(self, event: Event) -> bool:
        return True

    def tell(self, event: Event, seconds: float) -> None:
        entry = {"Source": SOURCE, "DetailType": event.name, "Detail": event.text, "EventBusName": self._bus}
        where = f"event bus {self._bus}"
        with aws_errors.translated("events:PutEvents", where):
            answer = self._client("events").put_events(Entries=[entry])
        if answer.get("FailedEntryCount"):
            code = str(answer["Entries"][0].get("ErrorCode", "no reason"))
            raise StoreError(f"{where}: AWS did not take the event ({code}); correct alerts.event_bus in the catalog")
