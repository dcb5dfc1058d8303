# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Classes and types of commands and arguments."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps

ENVIRONMENT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def moment(text: str) -> str:
    """A time, or an age such as 2d, in the collection's format."""
    age = re.fullmatch(r"(\d{1,4})([mhd])", text)
    if age:
        return timestamps.stamp(datetime.now(UTC) - timedelta(**{UNITS[age[2]]: int(age[1])}))
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time; give 2026-11-25, 2026-11-25T10:00:00Z, or an age such as 30m, 12h or 2d"
        ) from None
    return timestamps.stamp(date if date.tzinfo else date.replace(tzinfo=UTC))


def environment_name(text: str) -> str:
    if not ENVIRONMENT_NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an environment's name (a-z, 0-9, - and _), such as staging")
    return text


def filled(text: str) -> str:
    """The text. Raises if it is empty: an empty shell variable would mean every credential or host."""
    if not text.strip(", "):
        raise argparse.ArgumentTypeError("is empty")
    return text


@dataclass(frozen=True)
class Argument:
    flags: tuple[str, ...]
    description: str
    form: Mapping[str, Any] = field(default_factory=dict)


def argument(*flags: str, description: str, **form: Any) -> Argument:
    return Argument(flags, description, form)


def switch(flag: str, description: str) -> Argument:
    return Argument((flag,), description, {"action": "store_true"})


@dataclass(frozen=True)
class Command:
    name: str
    summary: str
    function: str
    """FILE:NAME of the function that runs it, imported only then."""
    arguments: tuple[Argument, ...] = ()
    rest: str = ""
    """Name of the words after ``--``."""
