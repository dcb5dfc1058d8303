# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was read of a store, and what could not be. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Collection, List, Mapping, Optional, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import of_name

MISSING, DENIED, DELETED, BINARY = "missing", "denied", "scheduled for deletion", "binary"


CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"


AWS_LABELS = "AWS"
"""What the labels begin with that Secrets Manager itself moves, and that other programs move too."""


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
    written: str = field(default="", compare=False)
    """When this version was written; empty if the store did not say it."""
    writer: str = field(default="", compare=False)
    """The principal that wrote a parameter's version, in a history."""


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
        traits = of_name(self.name)
        noun = f"{traits.noun}s below" if traits.is_listed else traits.noun
        return f"{noun} {self.name}: {self.reason}" + (f" ({self.detail})" if self.detail else "")


@dataclass(frozen=True)
class Contents:
    """What one read brought."""

    readings: Mapping[str, Reading] = field(default_factory=dict)
    failures: Mapping[str, Failure] = field(default_factory=dict)

    def __or__(self, other: Contents) -> Contents:
        return Contents({**self.readings, **other.readings}, {**self.failures, **other.failures})

    @property
    def denials(self) -> List[str]:
        """What AWS did not let us read, each with its reason: IAM may allow it in a moment."""
        denied = (failure for failure in self.failures.values() if failure.reason == DENIED)
        return [str(failure) for failure in denied if of_name(failure.name).is_aws]

    def is_missing(self, name: str) -> bool:
        return name in self.failures and self.failures[name].reason == MISSING

    def without(self, names: Collection[str]) -> Contents:
        """The same without what concerns these."""
        return Contents(
            {name: reading for name, reading in self.readings.items() if name not in names},
            {name: failure for name, failure in self.failures.items() if name not in names},
        )


@dataclass(frozen=True)
class StoredVersion:
    """One version of a secret, without its value."""

    id: str
    created: str = ""
    """Empty where the store has no date for it."""
    labels: Sequence[str] = ()


@dataclass(frozen=True)
class Description:
    """What a secret says about itself without its value."""

    name: str
    stages: Mapping[str, str]
    """Version id by label, of all versions."""
    rotation_enabled: bool = False
    """Whether AWS's own rotation is switched on."""
    deleted: bool = False
    """Whether it is scheduled for deletion."""
    arn: str = ""
    key: Optional[str] = None
    """The key that encrypts it, as AWS names it; None for AWS's own."""
    created: str = ""
    """When the secret was created; a new version does not change this date."""
