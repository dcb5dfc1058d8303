# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What tasks brought back, in words; and that what they could not bring is said."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import task_summaries
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.task_summaries import OVER, messages

TIMED_OUT = {"failed": True, "msg": "Task failed: Timed out after 5 second(s).", "timedout": {"period": 5}}
LOST = {"unreachable": True, "msg": "Failed to connect\nvia ssh"}
SKIPPED = {"skipped": True, "skip_reason": "Conditional result was False"}


@pytest.mark.parametrize(
    ("result", "lines"),
    [
        ({"lines": ["a"], "short": ["logins: no journal"]}, ["a", "NOT gathered: logins: no journal"]),
        (TIMED_OUT, ["Task failed: Timed out after 5 second(s)."]),
        (LOST, ["cannot be reached: Failed to connect via ssh"]),
        (SKIPPED, [OVER]),
        ({}, [OVER]),
        ({"failed": True}, ["no answer"]),
    ],
)
def test_a_host(result: dict[str, Any], lines: list[str]) -> None:
    assert messages({"seen": {"web1": result}})["evidence"] == [f"web1: {line}" for line in lines]


@pytest.mark.parametrize(
    ("result", "lines"),
    [
        ({"sessions": [{"user": "a", "address": "10.0.0.7"}]}, ['{"address": "10.0.0.7", "user": "a"}']),
        ({"sessions": {"total": 2}}, ['{"total": 2}']),
        ({"sessions": []}, ["no sessions"]),
        ({"sessions": [], "short": ["h:1: gone"]}, ["no sessions", "NOT gathered: h:1: gone"]),
        ({"sessions": {"h:2": 1}, "short": ["h:1: gone"]}, ['{"h:2": 1}', "NOT gathered: h:1: gone"]),
        (TIMED_OUT, ["Task failed: Timed out after 5 second(s)."]),
        (SKIPPED, [OVER]),
    ],
)
def test_a_server(result: dict[str, Any], lines: list[str]) -> None:
    answer = messages({"sessions": [{"name": "database", **result}]})
    assert answer["evidence"] == [f"database: {line}" for line in lines]


def test_what_is_left_out() -> None:
    result = messages({"left_out": ["web2"], "unread": ["token"]})
    assert result["evidence"] == [f"web2: {task_summaries.LEFT_OUT}"]
    assert result["not_scrubbed"] == [
        "web2: copies of revoked values: not checked, since the host is compromised",
        "token: copies were not searched for; no previous value of it is known",
    ]


def test_copies_and_stores() -> None:
    copies = {
        "web1": {"removed": [".env.healthy"], "remaining": [".env.bak"]},
        "web2": LOST,
        "web3": SKIPPED,
        "web4": TIMED_OUT,
    }
    result = messages({"copies": copies, "scrubbed": {"scrubbed": ["labels"], "not_scrubbed": ["GitHub"]}})
    assert result["scrubbed"] == ["web1: removed .env.healthy", "labels"]
    assert result["not_scrubbed"] == [
        "web1: .env.bak",
        "web2: not checked: copies of revoked values: cannot be reached: Failed to connect via ssh",
        "web3: not checked: copies of revoked values: nothing was read",
        "web4: not checked: copies of revoked values: Task failed: Timed out after 5 second(s).",
        "GitHub",
    ]


BEFORE, AFTER = {"asked": True, "messages": ["before"]}, {"asked": True, "messages": ["after"]}
NOT_ASKED = {"asked": False, "messages": ["CloudTrail was not searched: denied"]}


@pytest.mark.parametrize(
    ("results", "lines"),
    [
        ([BEFORE, AFTER], ["after"]),
        (
            [BEFORE, TIMED_OUT],
            ["before", "after the containment, CloudTrail gave no answer; this answer is from before"],
        ),
        ([NOT_ASKED, NOT_ASKED], ["CloudTrail was not searched: denied"]),
        ([SKIPPED, AFTER], ["after"]),
        ([TIMED_OUT, TIMED_OUT], ["CloudTrail was not searched: Task failed: Timed out after 5 second(s)."]),
        ([SKIPPED], ["CloudTrail was not searched: no time was left"]),
        ([], ["CloudTrail was not searched: no time was left"]),
    ],
)
def test_readers(results: list[dict[str, Any]], lines: list[str]) -> None:
    assert messages({"readers": results})["readers"] == lines
