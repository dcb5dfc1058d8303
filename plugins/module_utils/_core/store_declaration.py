# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a store declares of itself. Pure; Python 3.8."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Iterator, Mapping, Optional, Tuple


@dataclass(frozen=True)
class CatalogSection:
    """What the catalog says of a store outside AWS. Its section below ``stores``, and the key of a place in it, are
    called as the store is. Forms are JSON Schema."""

    description: str
    form: Mapping[str, Any]
    """Of the section: its server, and the login to it."""
    required: str
    """What the section has at least, for a message."""
    place_description: str
    place_form: Mapping[str, Any]
    problems: Callable[[Mapping[str, Any]], Iterator[str]]
    """What a section that has this form lacks, and what does not go together in it."""
    place_problems: Callable[[str, Optional[str]], Iterator[str]]
    """What is wrong with a path and its key, in words to follow the place."""
    parsed: Callable[[Mapping[str, Any]], Any]
    """The server that the store's ``connect`` gets."""
    code: str
    """FILE:CLASS in ``_stores`` that reads and writes it. No host opens it, so it is imported only where it is used."""
    package: str = ""
    """Of Python, which the class needs."""
    named: Tuple[str, ...] = ()
    """Options with the names of application and environment in them."""


@dataclass(frozen=True)
class StoreTraits:
    """What tells one store from the others."""

    name: str
    """In places, origins and readings."""
    noun: str
    """What holds a value there."""
    start: str
    """How its names begin, and no other store's: the journal and the audit log keep names alone."""
    has_labels: bool
    """Whether a version can be written before it is the current one, and is kept after it. A store without labels is
    written at the promotion, over a version whose number is compared."""
    has_keys: bool
    """Whether one name holds a JSON object of many values."""
    is_listed: bool
    """Whether all below a path is read at once, so that a pattern finds names that no catalog declares."""
    restores: str = ""
    """The command that takes a deletion back; here and below, ``{0}`` is the name or path."""
    lists_versions: str = ""
    """The command that lists the versions of one name."""
    takes_label_off: str = ""
    """The command that takes the label of a version to come off."""
    allows_reading: str = ""
    """What a policy must allow for a version to be read."""
    section: Optional[CatalogSection] = None
    """Of a store outside AWS: what the catalog says of it."""
    encrypted_form: str = ""
    """What a value of high sensitivity is stored as, where others may be kept unencrypted."""

    @property
    def is_aws(self) -> bool:
        """Whether IAM allows it, and keys of KMS, replicas and resource policies stand beside its values."""
        return self.section is None
