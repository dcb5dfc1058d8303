# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Moments as text: the same both ways, whatever zone they are reported in, and for any time that a file may have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(1000, 1, 3), datetime(9998, 1, 1), timezones=ZONES))
def test_what_is_written_is_read(at: datetime) -> None:
    assert timestamps.moment(timestamps.stamp(at)) == at.astimezone(UTC).replace(microsecond=0)


@given(st.integers(0, 253402300799))
def test_both_ways_to_write_are_one(seconds: int) -> None:
    assert timestamps.stamp_of(seconds) == timestamps.stamp(datetime.fromtimestamp(seconds, UTC))


@given(st.integers(0, 253402300799))
def test_seconds_are_read_back(seconds: int) -> None:
    assert timestamps.seconds_of(timestamps.stamp_of(seconds)) == seconds


def test_a_log_may_tell_a_leap_second() -> None:
    assert timestamps.seconds_of("2016-12-31T23:59:60Z") == timestamps.seconds_of("2017-01-01T00:00:00Z")


def test_a_file_may_be_of_the_far_future() -> None:
    assert timestamps.stamp_of(1e12) == "33658-09-27T01:46:40Z"


@pytest.mark.parametrize("text", ["", "2026-11-25", "2026-11-25T15:00:00", "2026-11-25T15:00:00+01:00"])
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="does not match"):
        timestamps.moment(text)
