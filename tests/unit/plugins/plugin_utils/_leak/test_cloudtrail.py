# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""CloudTrail's event history. moto lacks LookupEvents: answers are checked against botocore's own model instead."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import Stubber

from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.cloudtrail import PAUSE, CloudTrail, TrailAnswer
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.cloudtrail_events import LookupQuery
from tests.unit.plugins.plugin_utils._leak.trail_events import event

Stubbed = Callable[[str], tuple[Any, Stubber]]
ONE, OTHER = LookupQuery("ResourceName", "core"), LookupQuery("EventName", "GetSecretValue")


class Clock:
    """Seconds pass by sleeping, and by each answer."""

    def __init__(self, answer: float = 0.1) -> None:
        self.now, self.slept, self._answer = 100.0, 0.0, answer

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds

    def answers(self, **_more: Any) -> None:
        self.now += self._answer


def parameters(question: LookupQuery, token: str = "", **extra: Any) -> dict[str, Any]:
    attribute = {"AttributeKey": question.attribute, "AttributeValue": question.value}
    return {"LookupAttributes": [attribute], "MaxResults": 50, **({"NextToken": token} if token else {}), **extra}


class Asked:
    """A stubbed client, and what comes of asking it."""

    def __init__(self, stubbed: Stubbed, *, answer: float = 0.1) -> None:
        self.client, self.stubber = stubbed("cloudtrail")
        self.clock = Clock(answer)
        self.client.meta.events.register("after-call.cloudtrail.LookupEvents", self.clock.answers)

    def page(
        self, question: LookupQuery, *events: dict[str, Any], token: str | None = None, then: str | None = None
    ) -> None:
        answer = {"Events": list(events), **({"NextToken": then} if then else {})}
        self.stubber.add_response("lookup_events", answer, parameters(question, token))

    def ask(
        self, *questions: LookupQuery, seconds: float = 60, pages: int = 10, since: datetime | None = None
    ) -> TrailAnswer:
        trail = CloudTrail(self.client, clock=self.clock, sleep=self.clock.sleep)
        return trail.ask(questions, since=since, seconds=seconds, pages=pages)


@pytest.fixture
def asked(stubbed: Stubbed) -> Asked:
    return Asked(stubbed)


def test_pages_of_questions_in_turn(asked: Asked) -> None:
    asked.page(ONE, event(identity="1"), then="t1")
    asked.page(OTHER, event(identity="2"), then="t2")
    asked.page(ONE, token="t1")
    asked.page(OTHER, event(identity="3"), token="t2")
    trail_answer = asked.ask(ONE, OTHER)
    assert [use.id for use in trail_answer.uses] == ["1", "2", "3"]
    assert (trail_answer.short, trail_answer.problem, trail_answer.asked) == ((), None, 4)
    assert asked.clock.slept == pytest.approx(3 * (PAUSE - 0.1)), "two a second, as AWS allows"


def test_since(asked: Asked) -> None:
    since = datetime(2026, 11, 20, tzinfo=UTC)
    asked.stubber.add_response("lookup_events", {"Events": []}, parameters(ONE, StartTime=since))
    assert asked.ask(ONE, since=since).asked == 1


def test_pages_run_out(asked: Asked) -> None:
    asked.page(ONE, event(at="2026-11-25T10:00:00+00:00"), then="t1")
    asked.page(ONE, event(at="2026-11-25T09:00:00+00:00"), token="t1", then="t2")
    assert asked.ask(ONE, pages=2).short == ("events of ResourceName core only since 2026-11-25T09:00:00Z",)


def test_time_runs_out(stubbed: Stubbed) -> None:
    asked = Asked(stubbed, answer=4.0)
    asked.page(ONE, event(), then="t1")
    asked.page(OTHER, event())
    trail_answer = asked.ask(ONE, OTHER, LookupQuery("EventName", "GetParameter"), seconds=5)
    assert trail_answer.short == (
        "events of ResourceName core only since 2026-11-25T10:00:00Z",
        "no events of EventName GetParameter",
    )
    assert trail_answer.asked == 2
    assert asked.clock.now <= 100 + 5 + 4, "an answer more than was allowed, at most"


def test_no_time_at_all(asked: Asked) -> None:
    assert asked.ask(ONE, seconds=0) == TrailAnswer((), ("no events of ResourceName core",), None, 0)


def test_many_that_were_not_asked_are_one_line(asked: Asked) -> None:
    questions = [LookupQuery("ResourceName", f"s{at}") for at in range(7)]
    (line,) = asked.ask(*questions, seconds=0).short
    assert line.endswith("ResourceName s4 and 2 more")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("AccessDeniedException", "AWS denies cloudtrail:LookupEvents on EventName GetSecretValue; allow"),
        ("ThrottlingException", "AWS still throttles cloudtrail:LookupEvents"),
        ("InvalidLookupAttributesException", "AWS refused cloudtrail:LookupEvents on EventName GetSecretValue"),
    ],
)
def test_what_aws_refuses_ends_the_asking(asked: Asked, code: str, message: str) -> None:
    asked.page(ONE, event())
    asked.stubber.add_client_error("lookup_events", code)
    trail_answer = asked.ask(ONE, OTHER, LookupQuery("EventName", "GetParameter"))
    assert trail_answer.problem is not None
    assert trail_answer.problem.startswith(message)
    assert len(trail_answer.uses) == trail_answer.asked == 1


def test_the_region(asked: Asked) -> None:
    assert CloudTrail(asked.client).region == "eu-west-3"
