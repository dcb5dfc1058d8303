# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SARIF 2.1.0, the format of code scanning: the common parts of every tool's logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.collection_metadata import metadata

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def log(
    tool: str,
    uri: str,
    rules: Sequence[Mapping[str, Any]],
    results: Sequence[Mapping[str, Any]],
    notifications: Sequence[Mapping[str, Any]],
    *,
    invocation: Mapping[str, Any] | None = None,
    run: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The log of a run. ``invocation`` and ``run`` add properties to these objects."""
    driver = {"name": f"watchparty.secrets {tool}", "informationUri": uri, "rules": list(rules)}
    version = metadata().get("version")
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver | ({"semanticVersion": version} if version else {})},
                "columnKind": "unicodeCodePoints",
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "toolExecutionNotifications": list(notifications),
                        **(invocation or {}),
                    }
                ],
                "results": list(results),
                **(run or {}),
            }
        ],
    }


def message(text: str) -> dict[str, str]:
    """A message without links, which SARIF writes as ``[text](target)``."""
    return {"text": text.replace("](", "] (")}


def uri(path: str) -> str:
    """A relative reference to a file, or a file URL of an absolute path."""
    return ("file://" if path.startswith("/") else "") + quote(path.encode("utf-8", "replace"), safe="/")
