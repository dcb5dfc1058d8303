# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalog's section ``sessions``: how a leak response ends users' sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Optional, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_schema_parts import (
    NAME,
    described,
    schema_object,
)

DJANGO, COMMAND, NONE = "django", "command", "none"


@dataclass(frozen=True)
class Sessions:
    engine: str
    command: Tuple[str, ...] = ()


def parsed_sessions(raw: Optional[Mapping[str, Any]]) -> Optional[Sessions]:
    return Sessions(raw["engine"], tuple(raw.get("command", ()))) if raw else None


def problems(sessions: Optional[Sessions]) -> Iterator[str]:
    if sessions is None:
        return
    if (sessions.engine == COMMAND) != bool(sessions.command):
        yield (
            "sessions: engine command needs the key command, and no other engine takes this key; write "
            "{engine: command, command: [/srv/app/end-sessions]}"
        )
    if sessions.command and not sessions.command[0].startswith("/"):
        yield f"sessions.command: {sessions.command[0]!r} is not a full path; begin it with a slash"


SESSIONS = schema_object(
    {
        "engine": described(
            "How sessions end. django: by the module django_sessions. command: by a program of the application. none: "
            "the run ends none. Write none if there are no sessions, or only signed cookies, which end with the key.",
            {"enum": [DJANGO, COMMAND, NONE]},
        ),
        "command": described(
            "The program that ends sessions, with full path and arguments. Hosts run it as the application's account.",
            {"type": "array", "minItems": 1, "items": NAME},
        ),
    },
    required=["engine"],
)
