# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.controller_action import ControllerAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import request as scan_request
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import scan_report


class ActionModule(ControllerAction):
    """Reads the live values and scans with them. Returns and writes only names and places."""

    options = {**aws_argument_spec(), **scan_request.OPTIONS}

    def result(self, args: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        request = scan_request.parse(args)
        report = scan_request.scanned(request, args)
        files = [] if self._task.check_mode else scan_request.write(report, request)
        failed = {"failed": True, "msg": "; ".join(report.failures)} if report.failures else {}
        return {
            "changed": False,
            **failed,
            **report.data(),
            "text": [*scan_report.lines(report), *(f"report: {path}" for path in files)],
            "files": files,
            "summary": scan_report.summary(report),
        }
