# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A store in memory, for tests and simulations."""

from __future__ import annotations

from typing import Mapping, Optional, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._stores.base import (
    MISSING,
    Contents,
    Failure,
    Reading,
    Store,
)


class MemoryStore(Store):
    """Holds readings by name; a name that starts with a slash is read as a path."""

    def __init__(self, name: str, readings: Sequence[Reading] = (), failures: Sequence[Failure] = ()) -> None:
        self.name = name
        self._readings = {reading.name: reading for reading in readings}
        self._failures = {failure.name: failure for failure in failures}
        self.reads = 0

    def read(
        self,
        names: Sequence[str],
        *,
        pins: Optional[Mapping[str, str]] = None,
        stages: Optional[Mapping[str, str]] = None,
    ) -> Contents:
        self.reads += 1
        contents = Contents()
        for name in names:
            if name in self._failures:
                contents |= Contents({}, {name: self._failures[name]})
            elif name.startswith("/"):
                contents |= Contents({n: r for n, r in self._readings.items() if n.startswith(f"{name}/")})
            elif name in self._readings:
                contents |= Contents({name: self._readings[name]})
            else:
                contents |= Contents({}, {name: Failure(self.name, name, MISSING)})
        return contents
