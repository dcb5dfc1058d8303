# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a store is: names in, readings out. Nothing here knows AWS or Ansible."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Mapping, Optional, Sequence

MISSING = "missing"
DENIED = "denied"
DELETED = "scheduled for deletion"
BINARY = "binary"


@dataclass(frozen=True)
class Reading:
    """One secret or parameter as it was read."""

    store: str
    name: str
    version: str
    """Secrets Manager's VersionId or the parameter's version number."""
    value: str = field(repr=False)
    plain: bool = False
    """Whether it is kept unencrypted: a parameter of type String or StringList."""


@dataclass(frozen=True)
class Failure:
    """Why one secret or path could not be read, while others were."""

    store: str
    name: str
    reason: str
    """MISSING, DENIED, DELETED or BINARY."""
    detail: str = ""
    """The store's own words."""

    def __str__(self) -> str:
        kind = "secret" if not self.name.startswith("/") else "parameters below"
        return f"{kind} {self.name}: {self.reason}" + (f" ({self.detail})" if self.detail else "")


@dataclass(frozen=True)
class Contents:
    """What one read brought."""

    readings: Mapping[str, Reading] = field(default_factory=dict)
    failures: Mapping[str, Failure] = field(default_factory=dict)

    def __or__(self, other: Contents) -> Contents:
        return Contents({**self.readings, **other.readings}, {**self.failures, **other.failures})


class Store(ABC):
    """A place where values live."""

    name: str
    """The store's name in places and origins."""

    @abstractmethod
    def read(
        self,
        names: Sequence[str],
        *,
        pins: Optional[Mapping[str, str]] = None,
        stages: Optional[Mapping[str, str]] = None,
    ) -> Contents:
        """Reads every name once, in as few calls as the store allows.

        ``names`` are secrets, or paths that are read recursively. ``pins`` asks for exact versions by name, ``stages``
        for versions by label; else the current one is read.

        What concerns one name comes back as a :class:`Failure`. Raises :class:`NoAccess` when the store as a whole
        cannot be used, and :class:`StoreError` for any other refusal.
        """
