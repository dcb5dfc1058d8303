# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Items that leaked access keys made, and items that keys and sessions from them made in turn, from CloudTrail."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.acts_in_aws import Made
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.cloudtrail import CloudTrail
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.cloudtrail_events import LookupQuery, Use

MOST_KEYS = 20
"""Number of key ids to ask for: somebody may have made many sessions."""
PAGES = 4
SIGN_IN = LookupQuery("EventName", "ConsoleLogin")
LONGEST_SESSION = timedelta(hours=36)
GLOBAL = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
"""The region in which CloudTrail keeps IAM's events, by partition."""


@dataclass(frozen=True)
class MadeWithKey:
    """An item that a leaked key made, directly or through a key or session that it made."""

    made: Made
    at: datetime
    address: str
    act: str
    who: str = ""
    """The caller's ARN."""

    @property
    def when(self) -> str:
        return f"by the leaked key at {timestamps.stamp(self.at)} from {self.address} ({self.act})"


@dataclass
class KeyTrail:
    """CloudTrail's events, and questions without a complete answer."""

    made: list[MadeWithKey] = field(default_factory=list)
    sign_ins: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def followed(
    trails: Sequence[CloudTrail],
    keys: Sequence[str],
    *,
    since: datetime | None,
    seconds: float,
    now: datetime,
    clock: Callable[[], float] = time.monotonic,
) -> KeyTrail:
    """Follows each key and the keys that its events add, until ``seconds`` have passed."""
    result, end = KeyTrail(), clock() + seconds
    waiting, seen, also = [*keys], {*keys}, [SIGN_IN]
    unsearched: list[str] = []
    while waiting and clock() < end:
        questions, also = [LookupQuery("AccessKeyId", waiting.pop(0)), *also], []
        for use in _ask_trails(trails, questions, result, since=since, seconds=end - clock()):
            if use.act == SIGN_IN.value:
                result.sign_ins.append(f"{use.who} signed in from {use.address} at {timestamps.stamp(use.at)}")
            elif use.made:
                new = use.made.key
                if new and new not in seen:
                    seen.add(new)
                    (waiting if len(seen) <= MOST_KEYS else unsearched).append(new)
                item = MadeWithKey(use.made, use.at, use.address, use.act, use.who)
                result.made += [item] if _lasts(use.made, use.at, now) else []
    if unsearched:
        result.problems.append(
            f"CloudTrail was not searched for {len(unsearched)} more keys and sessions, such as {unsearched[0]}"
        )
    if waiting:
        result.problems.append(f"CloudTrail was not searched for {', '.join(waiting)}: no time was left")
    return result


def _ask_trails(
    trails: Sequence[CloudTrail],
    questions: Sequence[LookupQuery],
    result: KeyTrail,
    *,
    since: datetime | None,
    seconds: float,
) -> Iterator[Use]:
    uses: dict[str, Use] = {}
    for trail in trails:
        answer = trail.ask(questions, since=since, seconds=seconds / len(trails), pages=PAGES)
        uses |= {use.id: use for use in answer.uses}
        result.problems += [f"CloudTrail in {trail.region}: {answer.problem}"] if answer.problem else []
        result.problems += [f"CloudTrail in {trail.region}: {line}" for line in answer.short if not answer.problem]
    yield from sorted(uses.values(), key=lambda use: use.at)


def _lasts(item: Made, at: datetime, now: datetime) -> bool:
    """Whether the item still works: a session expires."""
    return item.kind != "session" or (item.until or at + LONGEST_SESSION) > now
