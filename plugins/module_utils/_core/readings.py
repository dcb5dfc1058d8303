# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Results of reading a store, and failures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Collection, List, Mapping, Optional, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import of_name

MISSING, DENIED, DELETED, BINARY = "missing", "denied", "scheduled for deletion", "binary"


CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"


AWS_LABELS = "AWS"
"""First letters of the labels that Secrets Manager itself moves, and other programs too."""


@dataclass(frozen=True)
class Reading:
    """The read value of a secret or parameter."""

    store: str
    name: str
    version: str
    """Secrets Manager's VersionId or the parameter's version number."""
    value: str = field(repr=False)
    plain: bool = False
    """Whether the value is stored unencrypted, as a parameter of type String or StringList."""
    written: str = field(default="", compare=False)
    """Time of writing. Empty if unknown."""
    writer: str = field(default="", compare=False)
    """The principal that wrote the version. Only in a parameter's history."""


@dataclass(frozen=True)
class Failure:
    """The reason why a secret or path could not be read."""

    store: str
    name: str
    reason: str
    """MISSING, DENIED, DELETED or BINARY."""
    detail: str = ""
    """The store's message."""

    def __str__(self) -> str:
        traits = of_name(self.name)
        noun = f"{traits.noun}s below" if traits.is_listed else traits.noun
        return f"{noun} {self.name}: {self.reason}" + (f" ({self.detail})" if self.detail else "")


@dataclass(frozen=True)
class Contents:
    """The result of one read."""

    readings: Mapping[str, Reading] = field(default_factory=dict)
    failures: Mapping[str, Failure] = field(default_factory=dict)

    def __or__(self, other: Contents) -> Contents:
        return Contents({**self.readings, **other.readings}, {**self.failures, **other.failures})

    @property
    def denials(self) -> List[str]:
        """Messages of AWS's denials, which IAM may lift within moments."""
        denied = (failure for failure in self.failures.values() if failure.reason == DENIED)
        return [str(failure) for failure in denied if of_name(failure.name).is_aws]

    def is_missing(self, name: str) -> bool:
        return name in self.failures and self.failures[name].reason == MISSING

    def without(self, names: Collection[str]) -> Contents:
        """The contents without these names."""
        return Contents(
            {name: reading for name, reading in self.readings.items() if name not in names},
            {name: failure for name, failure in self.failures.items() if name not in names},
        )


@dataclass(frozen=True)
class StoredVersion:
    id: str
    created: str = ""
    """Empty if unknown."""
    labels: Sequence[str] = ()


@dataclass(frozen=True)
class Description:
    """A secret's metadata."""

    name: str
    stages: Mapping[str, str]
    """Version id by label, of all versions."""
    rotation_enabled: bool = False
    """Whether AWS's own rotation is enabled."""
    deleted: bool = False
    """Whether the secret is scheduled for deletion."""
    arn: str = ""
    key: Optional[str] = None
    """The KMS key, as AWS names it. None for AWS's own key."""
    created: str = ""
    """Creation time of the secret. New versions do not change it."""
