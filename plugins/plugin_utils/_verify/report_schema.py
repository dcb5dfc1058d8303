# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Schema of ``verify.json``. Pure.

``docs/verification.schema.json`` is written from :data:`SCHEMA`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import (
    FAIL,
    NOT_APPLICABLE,
    NOT_CHECKED,
    PASS,
)

VERSION = 1
_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_COUNT = {"type": "integer", "minimum": 0}
_STATUS = {"enum": [FAIL, NOT_CHECKED, PASS, NOT_APPLICABLE]}
_DAYS = {"type": ["integer", "null"]}


def _closed(optional: tuple[str, ...] = (), /, **properties: Any) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _listed(name: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/$defs/{name}"}}


def _by_name(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": schema}


_CHECK = _closed(
    id={
        "description": "Id of the check, such as WPS201. It is never used for another check.",
        "type": "string",
        "pattern": r"^WPS\d{3,4}$",
    },
    name=_TEXT,
    area={"description": "Area of the check. It is also a tag of the playbook.", **_TEXT},
    severity={"enum": ["high", "medium", "low"]},
    title={"description": "Statement that is true if the check passes.", **_TEXT},
    reason={"description": "Why the check matters.", **_TEXT},
    fix={"description": "How to correct a finding.", **_TEXT},
    link={"description": "URL of the check's section in the reference.", **_TEXT},
    status={"description": "The worst status of the outcomes.", **_STATUS},
    outcomes=_listed("outcome"),
)
_OUTCOME = _closed(
    ("file", "line", "command"),
    status=_STATUS,
    place={
        "description": "A host, secret, role or file. Empty for the whole environment.",
        **_TEXT,
    },
    message={"description": "The evidence as text. The wording may change between versions.", **_TEXT},
    file={"description": "Path of the file in the repository.", **_TEXT},
    line={"type": "integer", "minimum": 0},
    command={"description": "Command that corrects the finding.", **_TEXT},
)
_AGE = _closed(
    credential=_TEXT,
    kind=_TEXT,
    days={"description": "Days since the last rotation, or since the store has the value. Null if unknown.", **_DAYS},
    limit={"description": "max_age_days of the credential. Null if it has no limit.", **_DAYS},
    due={"type": "boolean"},
    message=_TEXT,
    last={"description": "Time of the last rotation. Null if no rotation is recorded.", "type": ["string", "null"]},
)
_HOST = _closed(
    checks={"description": "The status of each check on this host. The keys are ids of checks.", **_by_name(_STATUS)},
    drift={
        "description": "Names of settings that differ from the stores. Null if they were not compared.",
        "type": ["object", "null"],
        "additionalProperties": {"type": ["integer", "array"]},
    },
    mark={"description": "Content of the deploy marker on the host.", "type": "object"},
)
_GRAPH = _closed(
    declared={"description": "Credentials from which the graph starts.", **_TEXTS},
    credentials={"type": "array", "items": _closed(name=_TEXT, kind=_TEXT, severity=_TEXT)},
    edges={"type": "array", "items": _closed(**{"from": _TEXT, "to": _TEXT, "why": _TEXT})},
)
SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Report of the playbook watchparty.secrets.verify",
    "description": "Content of verify.json, or of partial.json if only some checks or hosts were chosen.",
    **_closed(
        schema_version={"description": "Version of this schema.", "const": VERSION},
        application=_TEXT,
        environment=_TEXT,
        at={"description": "When the checks ran.", "type": "string", "format": "date-time"},
        counts={
            "description": "The number of checks with each status.",
            **_closed(**{"pass": _COUNT, "fail": _COUNT, "not_checked": _COUNT, "not_applicable": _COUNT}),
        },
        unreachable={"description": "The hosts that gave no answer, each with the reason.", **_by_name(_TEXT)},
        checks=_listed("check"),
        ages=_listed("age"),
        hosts=_by_name({"$ref": "#/$defs/host"}),
        graph={"description": "Which credential reveals which.", "$ref": "#/$defs/graph"},
    ),
    "$defs": {"check": _CHECK, "outcome": _OUTCOME, "age": _AGE, "host": _HOST, "graph": _GRAPH},
}
