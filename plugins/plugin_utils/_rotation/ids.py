# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Deterministic names and version ids of a rotation, and its new values."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login

NAMESPACE = uuid.UUID("5a5f2ac5-6a02-5f0c-9d6d-0d3c0a5b7f11")
MERGED = "merge"
"""Part of the label and ids of versions that merge other writers' changes with the new values."""
_LABEL = re.compile(r"r-[0-9]{8}T[0-9]{6}-[0-9a-f]{4}-(?:[0-9]+|abort|merge)$")


@dataclass(frozen=True)
class Who:
    run: str
    who: str
    holder: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Values:
    """The content of the secret with the rotation's new logins."""

    credentials: Mapping[str, Login] = field(repr=False)
    phases: Sequence[Mapping[str, str]] = field(repr=False)
    """Texts of parameters by phase."""
    version: str = ""


def version_id(rotation: str, secret: str, *rest: object) -> str:
    return str(uuid.uuid5(NAMESPACE, "\0".join([rotation, secret, *map(str, rest)])))


def phases_of(rotation: OpenRotation) -> range:
    return range(1, int(rotation.plan.get("phases", 1)) + 1)


def label(rotation: OpenRotation, phase: int) -> str:
    """The rotation's own staging label, which keeps a phase's version."""
    return f"{rotation.id}-{phase}"


def is_label(text: str, rotation: OpenRotation, *, others: bool) -> bool:
    """Whether ``text`` is a label of this rotation, or with ``others`` of any: a request may arrive after its rotation
    ended.

    An overtaken run looks only for its own labels, because another rotation may be open.
    """
    return text.startswith(f"{rotation.id}-") or (others and bool(_LABEL.match(text)))
