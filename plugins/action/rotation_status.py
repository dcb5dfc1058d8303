# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible.utils.display import Display
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError, one_line
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import process_identity
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection, suit
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.controller_action import ControllerAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.registered_results import registered
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports import files as reports_files
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports import status_page
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import announcer, digest, history, metrics
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.backends import body_of

OPTIONS: dict[str, Any] = {
    "catalog": {"type": "dict", "required": True},
    "environment": {"type": "str", "required": True},
    "info": {"type": "str", "required": True},
    "page": {"type": "path"},
    "digest": {"type": "bool", "default": False},
}


class ActionModule(ControllerAction):
    options = {**aws_argument_spec(), **OPTIONS}
    name = "watchparty.secrets.rotation_status"

    def result(self, args: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        catalog = catalog_parser.parse(args["catalog"], args["environment"])
        report = registered(args["info"], task_vars, having="credentials", kind=list)
        connection = AwsConnection(self.name, args)
        suit(connection, catalog, check_account=False)
        measured = metrics.metrics(report) if catalog.alerts else []
        past = _past(catalog, connection) if args["page"] or args["digest"] else Past()
        answer = {
            "changed": False,
            "metrics": [str(metric) for metric in measured],
            "page": args["page"] or "",
            "digest": "",
        }
        if args["page"]:
            answer["changed"] = self._written(Path(args["page"]), report, past)
        if args["digest"]:
            answer["digest"] = self._sent(catalog, report, past, connection)
        if measured and not self._task.check_mode:
            connection.require_aws_sdk()
            metrics.put(connection.store_client("cloudwatch"), catalog, measured)
        return answer

    def _sent(self, catalog: Catalog, report: Mapping[str, Any], past: Past, connection: AwsConnection) -> str:
        """Sends the digest. Returns its sentence. Contacts that could not be notified are a warning."""
        notifying = announcer.announcer_of(catalog, connection.announcing_client)
        if not notifying.channels:
            raise SecretsError(
                "rotation_digest: the catalog names no receiver; add alerts: {} or notify to the catalog"
            )
        me, now = process_identity.me(), datetime.now(UTC)
        event = digest.digest(report, past.records, who=me, now=now, unread=past.unread)
        for line in [] if self._task.check_mode else notifying.announce(event):
            Display().warning(line)
        return str(event.detail["summary"])

    def _written(self, path: Path, report: Mapping[str, Any], past: Past) -> bool:
        """Writes the page if it differs by more than its time. Returns whether it differs."""
        past_events = {"leaks": history.leaks(past.records), "rotations": history.rotations(past.records)}
        text = status_page.status(report, **past_events, unread=past.unread, now=datetime.now(UTC))
        differs = status_page.undated(reports_files.private_text(path)) != status_page.undated(text)
        if differs and not self._task.check_mode:
            reports_files.write_text(path, text)
        return differs


@dataclass(frozen=True)
class Past:
    """Records of the audit log, newest first."""

    records: Sequence[Mapping[str, Any]] = ()
    unread: str = ""
    """The problem with reading the log. Empty without one."""


def _past(catalog: Catalog, connection: AwsConnection) -> Past:
    try:
        body = body_of(catalog, connection.store_client)
        return Past(history.records(body.chain())) if body else Past(unread="The catalog names no audit log.")
    except SecretsError as error:
        return Past(unread=f"The audit log could not be read: {one_line(error)}")
