# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.paths import with_full_paths
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import request as scan_request
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import scan_report


class ActionModule(ActionBase):
    """Reads the live values itself and scans with them; what it returns and writes holds names and places."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(argument_spec={**aws_argument_spec(), **scan_request.OPTIONS})
        try:
            return {**result, **self.answer(with_full_paths(args, scan_request.OPTIONS))}
        except SecretsError as error:
            return {**result, "failed": True, "msg": str(error), "error_type": type(error).__name__}

    def answer(self, args: Mapping[str, Any]) -> dict[str, Any]:
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
