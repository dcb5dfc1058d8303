# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parallel calls that do not depend on each other. Make their clients before: a boto3 session is not thread-safe."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Callable, List, Sequence, TypeVar

T = TypeVar("T")
WORKERS = 8
"""Number of threads, below the ten connections that a client keeps."""


def in_threads(acts: Sequence[Callable[[], T]], *, workers: int = WORKERS) -> List[T]:
    """The result of each call. After a failure, the other calls still end. Then the first failure is raised."""
    if len(acts) < 2:
        return [act() for act in acts]
    with ThreadPoolExecutor(min(workers, len(acts))) as pool:
        return [future.result() for future in [pool.submit(act) for act in acts]]
