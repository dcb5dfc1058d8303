# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A grant that was just made is waited for, visibly, and not for ever."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import Denied, NoAccess
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access_wait import VARIABLE, AccessWait


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
    assert not waiting.wait.until_granted(lambda: waiting.look(granted=45, raises=raises), lambda found: found)
    assert 45 <= waiting.now < 60
    assert "waiting for access: " in waiting.shown[0]
    assert "trying again for 60 s" in waiting.shown[0]
    assert len(waiting.shown) > 3


def test_what_is_allowed_is_not_waited_for(waiting: Waiting) -> None:
    assert not waiting.wait.until_granted(lambda: waiting.look(granted=0), lambda found: found)
    assert not waiting.shown


def test_a_grant_that_never_arrives(waiting: Waiting) -> None:
    assert waiting.wait.until_granted(lambda: waiting.look(granted=999), lambda found: found)
    assert 60 <= waiting.now < 61
    waiting.now = 0
    with pytest.raises(Denied, match="denies ssm:GetParametersByPath on /shop; still so after 60 s") as error:
        waiting.wait.until_granted(lambda: waiting.look(granted=999, raises=True), lambda found: found)
    assert error.value.detail == "no policy allows it"


def test_fails_at_once_if_that_is_wanted(waiting: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "0")
    with pytest.raises(Denied, match=r"on /shop$"):
        waiting.wait.until_granted(lambda: waiting.look(granted=999, raises=True), lambda found: found)
    assert not waiting.shown


def test_a_number_that_is_none(waiting: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "a minute")
    with pytest.raises(NoAccess, match="which is no number of seconds"):
        waiting.wait.until_granted(lambda: waiting.look(granted=0), lambda found: found)


def test_a_grant_that_has_not_reached_every_server(waiting: Waiting) -> None:
    """After a denial one answer is not enough: the next server may still deny."""
    denied = iter([True, False, True, False, False])
    looked = waiting.wait.until_granted(lambda: ["denied"] if next(denied) else [], lambda found: found)
    assert not looked
    assert next(denied, None) is None
    assert len(waiting.shown) == 2
