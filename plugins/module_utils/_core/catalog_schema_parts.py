# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Functions and types for the schemas of the catalog's sections."""

from __future__ import annotations

from typing import Any, Dict, Mapping

NAME = {"type": "string", "minLength": 1}
NUMBER = {"type": "integer", "minimum": 1}
SWITCH = {"type": "boolean"}
KMS_KEY_ARN = {"type": "string", "pattern": r"^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$"}


def schema_object(properties: Dict[str, Any], **keywords: Any) -> Dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False, **keywords}


def schema_map(of: Dict[str, Any], **keywords: Any) -> Dict[str, Any]:
    return {"type": "object", "additionalProperties": of, **keywords}


def with_tuples(raw: Mapping[str, Any]) -> Dict[str, Any]:
    """Replaces lists by tuples, for the fields of a dataclass."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()}


def described(text: str, schema: Dict[str, Any]) -> Dict[str, Any]:
    return {"description": text, **schema}
