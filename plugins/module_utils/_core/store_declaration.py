# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Declarations of stores. Python 3.8."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Iterator, Mapping, Optional, Tuple


@dataclass(frozen=True)
class CatalogSection:
    """The catalog's section of a store outside AWS. The section below ``stores``, and the key of a place, have the
    store's name. Forms are JSON Schema."""

    description: str
    form: Mapping[str, Any]
    """Form of the section: the server and its login."""
    required: str
    """Least content of the section, for a message."""
    place_description: str
    place_form: Mapping[str, Any]
    problems: Callable[[Mapping[str, Any]], Iterator[str]]
    """Problems of a section that the form cannot express."""
    place_problems: Callable[[str, Optional[str]], Iterator[str]]
    """Problems of a path and key, to follow the place."""
    parsed: Callable[[Mapping[str, Any]], Any]
    """Parses the server for the store's ``connect``."""
    code: str
    """FILE:CLASS in ``_stores`` that reads and writes the store. Hosts never import it."""
    package: str = ""
    """Python package that the class needs."""
    named: Tuple[str, ...] = ()
    """Options that may contain {application} and {environment}."""


@dataclass(frozen=True)
class StoreTraits:
    name: str
    """Name in places, origins and readings."""
    noun: str
    """Word for an item that holds values."""
    start: str
    """First part of the store's names, and of no other's: the journal and the audit log record only names."""
    has_labels: bool
    """Whether versions have labels, so that a version can exist before and after it is current. Other stores are
    written at the promotion, with a compared version number."""
    has_keys: bool
    """Whether a name holds a JSON object with many values."""
    is_listed: bool
    """Whether a read returns everything below a path, so that patterns can match undeclared names."""
    restores: str = ""
    """Command that undoes a deletion. ``{0}`` is the name or path, also below."""
    lists_versions: str = ""
    """Command that lists the versions of a name."""
    takes_label_off: str = ""
    """Command that removes the label of a pending version."""
    allows_reading: str = ""
    """Permission to read a version."""
    section: Optional[CatalogSection] = None
    """None for a store of AWS."""

    @property
    def is_aws(self) -> bool:
        """Whether IAM, KMS, replicas and resource policies apply."""
        return self.section is None
