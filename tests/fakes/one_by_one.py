# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Calls in their order, where a store makes them in threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def one_by_one(acts: Sequence[Callable[[], T]]) -> list[T]:
    """As ``in_threads``: the first failure is raised once all are done."""
    results: list[T] = []
    failures: list[Exception] = []
    for act in acts:
        try:
            results.append(act())
        except Exception as error:  # noqa: BLE001 - raised below
            failures.append(error)
    if failures:
        raise failures[0]
    return results
