# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A throttled call is repeated, and all waiting together has a limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NoAccess
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.throttling import ThrottlingBudget, remedy

Client = Callable[..., tuple[Any, list[str]]]


class _Raw:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_more: Any) -> list[bytes]:
        return [self._content]


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    """One whose first calls are throttled; nothing is sent and nobody waits. And what it sent."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)

    def make(throttled: int) -> tuple[Any, list[str]]:
        retries: Any = {**aws_errors.CLIENT_CONFIG["retries"], "mode": "standard"}
        made = boto3.client("ssm", region_name="eu-west-3", config=Config(retries=retries))
        sent: list[str] = []

        def answer(request: Any, **_more: Any) -> AWSResponse:
            sent.append(request.url)
            refused = len(sent) <= throttled
            body = b'{"__type": "ThrottlingException", "message": "Rate exceeded"}' if refused else b"{}"
            return AWSResponse(request.url, 400 if refused else 200, {}, _Raw(body))

        made.meta.events.register("before-send.ssm", answer)
        return made, sent

    return make


def test_the_clients_of_the_collection_slow_down_after_a_throttled_call() -> None:
    assert aws_errors.CLIENT_CONFIG["retries"] == {"mode": "adaptive", "total_max_attempts": 8}


def test_calls_are_repeated_within_the_budget(client: Client) -> None:
    throttled, sent = client(4)
    ThrottlingBudget().watch(throttled).get_parameters(Names=["a"])
    assert len(sent) == 5


def test_the_waits_of_all_calls_count_together(client: Client) -> None:
    now = iter(range(0, 1000, 10))  # each attempt comes ten seconds after the one before
    budget = ThrottlingBudget(seconds=25, clock=lambda: next(now))
    first, _sent = client(2)
    budget.watch(first).get_parameters(Names=["a"])
    second, sent = client(99)
    with pytest.raises(
        NoAccess, match=r"AWS throttles ssm:GetParameters, and this run has waited 30 s for it. Run the"
    ):
        budget.watch(second).get_parameters(Names=["a"])
    assert len(sent) == 2


def test_other_refusals_do_not_count() -> None:
    budget = ThrottlingBudget(seconds=0)
    budget._tried((None, {"Error": {"Code": "AccessDeniedException"}}), None, {"context": {}})
    budget._tried(None, None, {"context": {}})


@pytest.mark.parametrize(
    ("operation", "message"), [("ssm:PutParameter", "raise its throughput"), ("kms:Decrypt", "account and region")]
)
def test_the_remedy_fits_the_service(operation: str, message: str) -> None:
    assert message in remedy(operation)
