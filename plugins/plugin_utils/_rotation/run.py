# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inputs of a run, its state between calls of the engine, and ports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError

WARNING = "warning"
"""Step of a warning."""


class Blocked(RotationError):
    """Raised if the new value is not at fault: the rotation stays open and continues later."""


class Progress(Protocol):
    """Shows an act while it happens."""

    def __call__(self, step: str, credential: str, message: str, seconds: float) -> None: ...


class AuditPort(Protocol):
    def open(self) -> None:
        """Prepares for :meth:`recorded`, which may run in parallel."""

    def recorded(self, record: Mapping[str, Any], head: Mapping[str, Any]) -> Mapping[str, Any]:
        """Writes the record. Returns its number and digest as ``head``, and ``where`` it is.

        ``against``: why a leak's record was not written. ``unannounced``: messages about channels that were not
        notified.
        """


@dataclass(frozen=True)
class RotationRun:
    """Inputs of a run from the operator and the inventory."""

    hosts: Sequence[str] = ()
    """Every host of the inventory that reads the values."""
    targeted_hosts: Sequence[str] = ()
    """Hosts that this play reaches."""
    reachable: Sequence[str] = ()
    """Hosts that the whole run reaches."""
    skipped: Sequence[str] = ()
    """Hosts that the operator excludes."""
    leaves_lost: bool = False
    incident: str = ""
    serial: Sequence[Any] = (1, "25%")
    merge_seconds: float = 120
    wait_seconds: float = 0
    """Seconds that a leak response waits for unreachable hosts."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of modules that connect to servers."""
    env_paths: Mapping[str, str] = field(default_factory=dict)
    """Path of .env by host."""
    probed: Sequence[str] = ()
    """Hosts that declare how to try a Django session."""


@dataclass
class StageNotes:
    """Results of a stage's acts for the journal: names, counts and messages, never a value."""

    notes: dict[str, Any] = field(default_factory=dict)
    """Data for later stages, by credential."""
    refusals: dict[str, Any] = field(default_factory=dict)
    """Answers of modules that revoked a leaked value, by credential."""
    blocked: list[str] = field(default_factory=list)
    """Credentials whose leaked value was disabled before new ones were made."""
    hosts_with_old_key: dict[str, list[str]] = field(default_factory=dict)
    """Hosts that still accept a leaked key, by credential."""
    behind: Sequence[str] = ()
    """Hosts that were not verified when a value was revoked."""
    healthy_at: Sequence[float] = ()
    """Times at which hosts became healthy, in seconds since 1970."""
    sent: Sequence[str] = ()
    """Names that were synced to GitHub."""


@dataclass
class RunState:
    """State of a run between calls, in addition to the journal."""

    rolled: bool = False
    """Whether this run has deployed."""
    verified: bool = False
    rested: bool = False
    """Whether the run has waited until old values may be revoked."""
    acted: tuple[str, ...] = ()
    """Finished parts of the present stage."""
    notes: StageNotes = field(default_factory=StageNotes)
    lines: list[str] = field(default_factory=list)
    unannounced: list[str] = field(default_factory=list)
    """Messages about channels that were not notified."""
    seconds: list[tuple[str, float]] = field(default_factory=list)
    waited: float = 0
    since: float = 0
    """Start of the present stage, in seconds since 1970."""
