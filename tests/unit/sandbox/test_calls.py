# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from sandbox.calls import sequential_depth


@pytest.mark.parametrize(
    ("spans", "depth"),
    [
        ([], 0),
        ([(1, 2), (2, 3), (5, 6)], 3),
        ([(1, 4), (2, 5), (3, 6)], 1),
        ([(1, 10), (2, 3), (4, 5), (6, 7)], 3),
        ([(1, 3), (1, 3), (3, 5), (3, 5), (4, 6)], 2),
        ([(5, 6), (1, 2)], 2),
    ],
)
def test_sequential_depth(spans: list[tuple[float, float]], depth: int) -> None:
    assert sequential_depth([{"began": began, "ended": ended} for began, ended in spans]) == depth
