# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Lambda function that mirrors: each event starts one whole run, which logs a line of JSON.

A run reads everything and does not trust its event: events may be doubled, late, reordered or lost.
"""

from __future__ import annotations

import json
import sys
from functools import lru_cache
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors, mirror_run

Handler = Callable[[Any, Any], Dict[str, Any]]


class MirrorIncomplete(SecretsError):
    """Raised if something remains after a run. Lambda counts it as an error of the function."""


def handler_of(configuration: Mapping[str, Any]) -> Handler:
    """The function's handler. ``configuration`` has the catalog and the name of the environment."""
    import boto3  # in the Lambda runtime; other importers of this file may lack it
    from botocore.config import Config

    def client(service: str, region: Optional[str]) -> Any:
        return boto3.client(service, region_name=region, config=Config(**aws_errors.CLIENT_CONFIG))

    def handler(event: Any, _context: Any) -> Dict[str, Any]:
        try:
            catalog = catalog_parser.parse(configuration["catalog"], configuration["environment"])
            result, remaining = _run(catalog, lru_cache(maxsize=None)(client))
        except SecretsError as error:
            result, remaining = {}, str(error)
        except Exception as error:  # noqa: BLE001 - its text could hold a value
            result, remaining = {}, f"unexpected error: {type(error).__name__} (please report it)"
        # What a function prints is its log.
        sys.stdout.write(json.dumps({"cause": _cause(event), **result, "remaining": remaining}) + "\n")
        if remaining:
            raise MirrorIncomplete(remaining) from None
        return result

    return handler


def _run(catalog: Catalog, client: mirror_run.RegionalClient) -> Tuple[Dict[str, Any], str]:
    """The report, and the remaining problems; empty if none."""
    state = mirror_run.read(catalog, client)
    refused = state.guarded(None)
    lines = mirror_run.apply(state, client, deletes=not refused)
    report = state.report
    return {**report, "plan": lines}, "\n".join([*report["problems"], *report["conflicts"], *refused])


def _cause(event: Any) -> str:
    """Name of the event that started the run, for the log."""
    detail = event.get("detail") if isinstance(event, dict) else None
    name = detail.get("eventName") if isinstance(detail, dict) else None
    return name if isinstance(name, str) and name.isalnum() and len(name) < 50 else "schedule"
