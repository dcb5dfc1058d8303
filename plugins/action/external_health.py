# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import http.client
import re
from typing import Any, Optional
from urllib.error import HTTPError

from ansible.module_utils.urls import open_url
from ansible.plugins.action import ActionBase

from ansible_collections.watchparty.secrets.plugins.module_utils import _health
from ansible_collections.watchparty.secrets.plugins.plugin_utils import _host_answer

AGENT = "watchparty.secrets"
SCHEMES = ("http://", "https://")
_LOGIN = re.compile(r"//[^/@]*@")


class ActionModule(ActionBase):
    """Asks once and reads no body."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(
            argument_spec={"url": {"type": "str", "required": True}, "timeout": {"type": "int", "default": 5}}
        )
        url, seconds = args["url"], args["timeout"]
        status, problem = _health.within(seconds, lambda: asked(url, seconds), (0, "no answer: timed out"))
        if status == http.client.OK:
            return {**result, "changed": False, "status": status}
        why = _host_answer.printable(problem or f"HTTP status {status}")[: _host_answer.SHOWN]
        return {**result, "changed": False, "failed": True, "status": status, "msg": f"{_LOGIN.sub('//', url)}: {why}"}


def asked(url: str, seconds: float) -> tuple[int, str]:
    """Status, and why there is none."""
    if not url.startswith(SCHEMES):
        return 0, "is no http or https address"
    try:
        with open_url(url, timeout=seconds, follow_redirects="none", http_agent=AGENT, decompress=False) as answer:
            return int(answer.status), ""
    except HTTPError as error:
        error.close()
        return error.code, ""
    except Exception as error:  # noqa: BLE001 - an answer may be anything, and libraries raise anything at it
        return 0, f"no answer: {getattr(error, 'reason', None) or error}"
