# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NoAccess, StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.parallel_calls import in_threads
from tests.fakes.one_by_one import one_by_one

Way = Callable[[Any], Any]


def raising(error: Exception) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


@pytest.mark.parametrize("way", [in_threads, one_by_one])
class TestEither:
    def test_what_each_returns_in_their_order(self, way: Way) -> None:
        assert way([lambda number=number: number for number in range(20)]) == list(range(20))
        assert way([]) == []

    def test_one_failure_is_raised_once_the_others_are_done(self, way: Way) -> None:
        done: list[int] = []
        with pytest.raises(NoAccess, match="first"):
            way([raising(NoAccess("first")), lambda: done.append(1), raising(StoreError("second"))])
        assert done == [1]

    def test_a_single_failure(self, way: Way) -> None:
        with pytest.raises(StoreError, match="alone"):
            way([raising(StoreError("alone"))])


def test_threads_overlap() -> None:
    """Each waits for the other: one after the other neither would come to its end."""
    both = threading.Barrier(2, timeout=10)
    in_threads([both.wait, both.wait])
