# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A grant that was just made is waited for, visibly, and not for ever."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied, NoAccess
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.access_propagation import VARIABLE, AccessWait


class Waiting:
    def __init__(self) -> None:
        self.now, self.shown = 0.0, list[str]()
        self.wait = AccessWait(self.shown.append, sleep=self.sleep, clock=lambda: self.now)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def look(self, *, granted: float, raises: bool = False) -> Sequence[str]:
        """What a read is denied until that moment."""
        if self.now >= granted:
            return []
        if raises:
            raise Denied("AWS denies ssm:GetParametersByPath on /shop", "no policy allows it")
        return ["secret core: denied"]


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Waiting:
    monkeypatch.delenv(VARIABLE, raising=False)
    return Waiting()


@pytest.mark.parametrize("raises", [False, True])
def test_a_grant_that_arrives_late(waiting: Waiting, raises: bool) -> None:
    assert not waiting.wait.until_granted(lambda: waiting.look(granted=45, raises=raises), lambda results: results)
    assert 45 <= waiting.now < 60
    assert "waiting for access: " in waiting.shown[0]
    assert "trying again for 60 s" in waiting.shown[0]
    assert len(waiting.shown) > 3


def test_what_is_allowed_is_not_waited_for(waiting: Waiting) -> None:
    assert not waiting.wait.until_granted(lambda: waiting.look(granted=0), lambda results: results)
    assert not waiting.shown


def test_a_grant_that_never_arrives(waiting: Waiting) -> None:
    assert waiting.wait.until_granted(lambda: waiting.look(granted=999), lambda results: results)
    assert 60 <= waiting.now < 61
    waiting.now = 0
    with pytest.raises(Denied, match="denies ssm:GetParametersByPath on /shop; still denied after 60 s") as error:
        waiting.wait.until_granted(lambda: waiting.look(granted=999, raises=True), lambda results: results)
    assert error.value.detail == "no policy allows it"


def test_fails_at_once_if_that_is_wanted(waiting: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "0")
    with pytest.raises(Denied, match=r"on /shop$"):
        waiting.wait.until_granted(lambda: waiting.look(granted=999, raises=True), lambda results: results)
    assert not waiting.shown


def test_a_number_that_is_none(waiting: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "a minute")
    with pytest.raises(NoAccess, match="which is not a number of seconds"):
        waiting.wait.until_granted(lambda: waiting.look(granted=0), lambda results: results)


def test_a_grant_that_has_not_reached_every_server(waiting: Waiting) -> None:
    """After a denial one answer is not enough: the next server may still deny."""
    denied = iter([True, False, True, False, False])
    looked = waiting.wait.until_granted(lambda: ["denied"] if next(denied) else [], lambda results: results)
    assert not looked
    assert next(denied, None) is None
    assert len(waiting.shown) == 2


# --- calls that are repeated ------------------------------------------------------------------------------------------


class _Raw:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_more: Any) -> list[bytes]:
        return [self._content]


@pytest.fixture
def calls(waiting: Waiting, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations that were sent; botocore's pauses pass on the test's clock."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", waiting.sleep)
    return []


def client(waiting: Waiting, calls: list[str], *, granted: float, code: str = "AccessDeniedException") -> Any:
    """One of KMS, whose calls are denied until that moment; nothing is sent."""
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    made = boto3.client("kms", region_name="eu-west-3", **keys)

    def answer(request: Any, **_more: Any) -> AWSResponse:
        calls.append(request.headers["X-Amz-Target"].decode().partition(".")[2])
        body = b'{"__type": "%s", "message": "no policy allows it"}' % code.encode()
        refused = waiting.now < granted
        return AWSResponse(request.url, 400 if refused else 200, {}, _Raw(body if refused else b"{}"))

    made.meta.events.register("before-send.kms", answer)
    return waiting.wait.watch(made)


def test_a_denied_call_is_repeated(waiting: Waiting, calls: list[str]) -> None:
    """A write as well: AWS denies before it acts."""
    client(waiting, calls, granted=45).enable_key(KeyId="k")
    assert set(calls) == {"EnableKey"}
    assert len(calls) == len(waiting.shown) + 1
    assert 45 <= waiting.now < 60
    assert waiting.shown[0].startswith(
        "waiting for access: AWS denies kms:EnableKey (no policy allows it). IAM applies a new grant within about a "
    )


def test_all_calls_have_one_budget(waiting: Waiting, calls: list[str]) -> None:
    watched = client(waiting, calls, granted=999)
    for _at in range(2):
        with pytest.raises(ClientError, match="no policy allows it"):
            watched.enable_key(KeyId="k")
    assert 60 <= waiting.now < 61
    assert len(calls) == len(waiting.shown) + 2
    with pytest.raises(Denied, match="; still denied after 60 s"):
        waiting.wait.until_granted(lambda: waiting.look(granted=999, raises=True), lambda results: results)
    assert waiting.now < 61


def test_time_without_denials_is_not_spent(waiting: Waiting, calls: list[str]) -> None:
    watched = client(waiting, calls, granted=200)
    waiting.now = 210
    watched.enable_key(KeyId="k")
    waiting.now = 160
    watched.enable_key(KeyId="k")
    assert 200 <= waiting.now < 220


@pytest.mark.parametrize("code", ["NotFoundException", "ThrottlingException"])
def test_another_refusal_is_none(waiting: Waiting, calls: list[str], code: str) -> None:
    with pytest.raises(ClientError, match=code):
        client(waiting, calls, granted=999, code=code).enable_key(KeyId="k")
    assert waiting.shown == []


def test_no_call_is_repeated_if_that_is_wanted(
    waiting: Waiting, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "0")
    with pytest.raises(ClientError, match="no policy allows it"):
        client(waiting, calls, granted=999).enable_key(KeyId="k")
    assert calls == ["EnableKey"]
    assert waiting.shown == []
