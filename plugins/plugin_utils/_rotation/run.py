# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What one run of a rotation is given, what it carries from one call of the engine to the next, and its ports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError

WARNING = "warning"
"""The step of a message that is shown as a warning."""


class Blocked(RotationError):
    """Raised where nothing is wrong with the new value: the rotation stays open and goes on later."""


class Progress(Protocol):
    """Shows an act while it happens."""

    def __call__(self, step: str, credential: str, message: str, seconds: float) -> None: ...


class AuditPort(Protocol):
    """The audit log."""

    def open(self) -> None:
        """Called before :meth:`recorded` goes beside other calls."""

    def recorded(self, record: Mapping[str, Any], head: Mapping[str, Any]) -> Mapping[str, Any]:
        """Number and digest as ``head``, ``where``, and ``against`` where it could not be written in a leak.

        ``unannounced`` has who could not be notified of it.
        """


@dataclass(frozen=True)
class RotationRun:
    """What the operator and the inventory give a run."""

    hosts: Sequence[str] = ()
    """Every host of the inventory that reads the values."""
    targeted_hosts: Sequence[str] = ()
    """Those that this play reaches."""
    reachable: Sequence[str] = ()
    """Those that the whole run reaches."""
    skipped: Sequence[str] = ()
    """Those that the operator takes the responsibility for."""
    leaves_lost: bool = False
    incident: str = ""
    serial: Sequence[Any] = (1, "25%")
    merge_seconds: float = 120
    wait_seconds: float = 0
    """How long a leak waits for hosts that are away."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the modules that connect to servers."""
    env_paths: Mapping[str, str] = field(default_factory=dict)
    """By host, where its .env lies."""
    probed: Sequence[str] = ()
    """The hosts that say how a session of Django is tried."""


@dataclass
class StageNotes:
    """What a stage's acts saw, for the journal: names, counts and words, never a value."""

    notes: dict[str, Any] = field(default_factory=dict)
    """By credential, what later stages need."""
    refusals: dict[str, Any] = field(default_factory=dict)
    """By credential, what modules answered that removed a leaked value."""
    blocked: list[str] = field(default_factory=list)
    """Credentials whose leaked value was disabled before new ones were made."""
    hosts_with_old_key: dict[str, list[str]] = field(default_factory=dict)
    """By credential, hosts that still accept a leaked key."""
    behind: Sequence[str] = ()
    """Hosts that were not verified when a value was removed."""
    healthy_at: Sequence[float] = ()
    """When hosts became healthy, in seconds since 1970."""
    sent: Sequence[str] = ()
    """What GitHub was sent."""


@dataclass
class Carried:
    """State of a run beside the journal, from one call to the next."""

    rolled: bool = False
    """Whether this run has deployed."""
    verified: bool = False
    rested: bool = False
    """Whether it has waited until old values may be removed."""
    acted: tuple[str, ...] = ()
    """What is done of the present stage."""
    notes: StageNotes = field(default_factory=StageNotes)
    lines: list[str] = field(default_factory=list)
    unannounced: list[str] = field(default_factory=list)
    """Contacts that could not be notified of what."""
    seconds: list[tuple[str, float]] = field(default_factory=list)
    waited: float = 0
    since: float = 0
    """When the present stage began."""
