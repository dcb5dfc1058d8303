# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Posts an event to a webhook that takes what Slack's take. Its address is a secret."""

from __future__ import annotations

import json
from collections.abc import Callable

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_notify import Notifier, Webhook
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import health_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.events import Event

HEADERS = {"Content-Type": "application/json"}


class WebhookNotifier:
    """One webhook, over verified TLS."""

    def __init__(self, notifier: Notifier, webhook: Webhook, value_of: Callable[[str], str]) -> None:
        self.name, self._wants, self._webhook, self._value_of = notifier.name, notifier.wants, webhook, value_of

    def wants(self, event: Event) -> bool:
        return self._wants(event.name)

    def tell(self, event: Event, seconds: float) -> None:
        url = self._value_of(self._webhook.setting)
        if not url.startswith("https://"):
            raise StoreError(f"the value of {self._webhook.setting} is not an https address")
        body = json.dumps({"text": _escaped(str(event.detail["summary"]))}).encode()
        # It follows no redirect, and reads nothing but the answer's head.
        answer = health_check.asked(url, seconds, cafile=self._webhook.ca, headers=HEADERS, body=body)
        if not 200 <= answer["status"] < 300:
            raise StoreError(str(answer.get("problem") or f"it answered {answer['status']}"))


def _escaped(text: str) -> str:
    """What Slack would take for a link, a mention or a channel is shown as it is."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
