# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""CloudTrail's event history of the last 90 days, over a given boto3 client. Not run on AWS.

CloudTrail accepts two calls a second in an account and region. Events come newest first and up to 15 minutes late.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import cloudtrail_events

PAUSE = 0.5
"""Seconds between two calls."""
PAGE = 50
NAMED = 5
"""Number of unanswered questions that a message names."""


@dataclass(frozen=True)
class TrailAnswer:
    """Events, and questions without a complete answer."""

    uses: tuple[cloudtrail_events.Use, ...]
    short: tuple[str, ...] = ()
    """Questions for which time or pages ran out."""
    problem: str | None = None
    """The reason why CloudTrail was not searched further."""
    asked: int = 0


@dataclass
class _Open:
    """A question without a complete answer."""

    question: cloudtrail_events.LookupQuery
    token: dict[str, str] = field(default_factory=dict)
    pages: int = 0
    back_to: datetime | None = None


def _short(questions: Sequence[_Open]) -> tuple[str, ...]:
    """A text for each incomplete question. Questions that were never asked share one line."""
    messages = [
        f"events of {item.question} only since {timestamps.stamp(item.back_to)}" for item in questions if item.back_to
    ]
    never = [str(item.question) for item in questions if not item.back_to]
    short = f" and {len(never) - NAMED} more" if len(never) > NAMED else ""
    return (*messages, f"no events of {', '.join(never[:NAMED])}{short}") if never else tuple(messages)


class CloudTrail:
    """A search that is limited in pages for each question and in seconds for all."""

    def __init__(
        self,
        client: Any,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client, self._clock, self._sleep = client, clock, sleep

    @property
    def region(self) -> str:
        return str(self._client.meta.region_name)

    def ask(
        self, questions: Sequence[cloudtrail_events.LookupQuery], *, since: datetime | None, seconds: float, pages: int
    ) -> TrailAnswer:
        """Reads one page of each question in turn, so that a question with many events does not delay the others."""
        end = self._clock() + seconds
        waiting = [_Open(lookup_query) for lookup_query in questions]
        stopped: list[_Open] = []
        uses: list[cloudtrail_events.Use] = []
        count, problem, last = 0, None, 0.0
        while waiting:
            now = self._clock()
            pause = max(0.0, last + PAUSE - now) if count else 0.0
            if now + pause >= end:
                break
            self._sleep(pause)
            last = self._clock()
            lookup = waiting.pop(0)
            try:
                uses += self._page(lookup, since)
            except StoreError as error:
                problem = str(error)
                waiting.insert(0, lookup)
                break
            count += 1
            if lookup.token and lookup.pages < pages:
                waiting.append(lookup)
            elif lookup.token:
                stopped.append(lookup)
        return TrailAnswer(tuple(uses), _short([*stopped, *waiting]), problem, count)

    def _page(self, lookup: _Open, since: datetime | None) -> list[cloudtrail_events.Use]:
        attribute = {"AttributeKey": lookup.question.attribute, "AttributeValue": lookup.question.value}
        start = {"StartTime": since} if since else {}
        with aws_errors.translated("cloudtrail:LookupEvents", str(lookup.question)):
            answer = self._client.lookup_events(LookupAttributes=[attribute], MaxResults=PAGE, **start, **lookup.token)
        uses = [use for use in map(cloudtrail_events.parsed, answer.get("Events", [])) if use]
        lookup.pages += 1
        lookup.token = {"NextToken": answer["NextToken"]} if answer.get("NextToken") else {}
        lookup.back_to = min((use.at for use in uses), default=lookup.back_to)
        return uses
