# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import PolicyError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.static_keys import (
    DEACTIVATE,
    DELETE,
    STAMP,
    WAIT,
    RoleUse,
    StaticKey,
    plan,
    require_fresh,
)

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def role(days: float | None) -> RoleUse:
    return RoleUse("deploy", None if days is None else ago(days))


def test_a_role_that_was_never_used_is_no_evidence() -> None:
    with pytest.raises(PolicyError, match=r"role deploy was never used.*No key was changed"):
        require_fresh(role(None), NOW, within_days=7)
    with pytest.raises(PolicyError, match="never used"):
        plan([StaticKey("ci", "A", True)], role(None), NOW, after_days=7)


def test_neither_is_one_that_was_used_long_ago() -> None:
    require_fresh(role(6.9), NOW, within_days=7)
    with pytest.raises(PolicyError, match=r"used last at 2026-11-17T12:00:00Z, more than 7 days ago"):
        require_fresh(role(8), NOW, within_days=7)


@pytest.mark.parametrize(
    ("key", "act", "why"),
    [
        (StaticKey("ci", "A", True, ago(3)), DEACTIVATE, "was used last at 2026-11-22T12:00:00Z, role deploy at"),
        (StaticKey("ci", "A", True), DEACTIVATE, "was never used"),
        (StaticKey("ci", "A", True, ago(9), ago(8)), DEACTIVATE, "was used last"),
        (StaticKey("ci", "A", False, ago(9)), STAMP, "its days count from now"),
        (StaticKey("ci", "A", False, ago(9), ago(6)), WAIT, "it can be deleted from 2026-11-26T12:00:00Z"),
        (StaticKey("ci", "A", False, ago(9), ago(7)), DELETE, "inactive since 2026-11-18T12:00:00Z"),
    ],
)
def test_steps(key: StaticKey, act: str, why: str) -> None:
    (step,) = plan([key], role(1), NOW, after_days=7)
    assert step.act == act
    assert why in step.why


def test_one_key_that_is_still_used_keeps_them_all() -> None:
    keys = [
        StaticKey("ci", "A", True, ago(3)),
        StaticKey("ci", "B", True, ago(0.5)),
        StaticKey("x", "C", False, ago(0)),
    ]
    with pytest.raises(PolicyError) as refused:
        plan(keys, role(1), NOW, after_days=7)
    assert "key B of user ci was used at 2026-11-25T00:00:00Z, after role deploy" in str(refused.value)
    assert "key C of user x" in str(refused.value)
    assert "key A" not in str(refused.value)


def test_a_key_that_is_used_every_hour_is_in_use_whenever_the_role_was_used() -> None:
    hourly = StaticKey("ci", "A", True, ago(1 / 24))
    with pytest.raises(PolicyError, match=r"key A of user ci was used at 2026-11-25T11:00:00Z, less than 1 days ago"):
        plan([hourly], role(0), NOW, after_days=7)
    (step,) = plan([hourly], role(0), NOW, after_days=7, idle_days=0)
    assert step.act == DEACTIVATE
    (inactive,) = plan([StaticKey("ci", "A", False, ago(0.5), ago(0.4))], role(0), NOW, after_days=7)
    assert inactive.act == WAIT


def test_the_runs_own_user_is_refused() -> None:
    with pytest.raises(PolicyError, match="this run itself uses user ci"):
        plan([StaticKey("ci", "A", True)], role(1), NOW, after_days=7, own="ci")


times = st.none() | st.floats(0, 30).map(ago)
keys = st.builds(StaticKey, st.just("ci"), st.just("A"), st.booleans(), times, times)


@given(static_keys=st.lists(keys, max_size=3), used=st.floats(0, 30), after=st.integers(0, 14))
def test_nothing_is_deleted_that_is_active_young_or_used_after_the_role(
    static_keys: list[StaticKey], used: float, after: int
) -> None:
    try:
        steps = plan(static_keys, role(used), NOW, after_days=after)
    except PolicyError:
        assert any(key.last_used and key.last_used >= min(ago(used), ago(1)) for key in static_keys)
        return
    for step in steps:
        assert not step.key.last_used or step.key.last_used < ago(used)
        if step.act == DELETE:
            assert not step.key.active
            assert step.key.deactivated
            assert step.key.deactivated <= ago(after)
