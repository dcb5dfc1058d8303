# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tells others what happened. A failure to reach one stops nothing: it is reported at the end of the run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Protocol

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_notify import Notifier
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError, one_line
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.event_bus import EventBus
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.events import Event
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.notifiers.command import CommandNotifier
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.notifiers.mail import MailNotifier
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.notifiers.webhook import WebhookNotifier
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.setting_values import SettingValues

SECONDS = 8.0
"""For all channels together, which are notified side by side."""
LEAK_SECONDS = 2.0
"""The same where a containment goes on after it."""
GRACE = 1.0
"""Seconds in which a channel ends what it has begun, such as a program."""
Client = Callable[[str], Any]
"""Makes a client of an AWS service, one that gives up soon."""


class Channel(Protocol):
    """Somebody who is notified."""

    name: str

    def wants(self, event: Event) -> bool: ...

    def tell(self, event: Event, seconds: float) -> None:
        """Raises SecretsError, without any value, where that did not succeed within about so many seconds."""


@dataclass(frozen=True)
class Announcer:
    """Everybody whom the catalog names."""

    channels: Sequence[Channel] = ()
    seconds: float = SECONDS
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)

    def announce(self, event: Event) -> list[str]:
        """Contacts that could not be notified, each with the reason."""
        answers: SimpleQueue[tuple[str, str]] = SimpleQueue()
        waiting = {channel.name: channel for channel in self.channels if channel.wants(event)}
        for channel in waiting.values():
            # A daemon, so that nothing waits for one that hangs, the end of the process neither.
            Thread(target=self._tell, args=(channel, event, answers), daemon=True).start()
        until, failures = self.clock() + self.seconds + GRACE, []
        while waiting:
            try:
                name, problem = answers.get(timeout=max(until - self.clock(), 0.001))
            except Empty:
                break
            del waiting[name]
            failures += [f"{name} was not notified of {event.name}: {problem}"] if problem else []
        late = f"no answer within {self.seconds:.0f} s"
        return [*failures, *(f"{name} was not notified of {event.name}: {late}" for name in waiting)]

    def _tell(self, channel: Channel, event: Event, answers: SimpleQueue[tuple[str, str]]) -> None:
        problem = ""
        try:
            channel.tell(event, self.seconds)
        except SecretsError as error:
            problem = one_line(str(error))
        except Exception as error:  # noqa: BLE001 # its words might hold a value
            problem = f"unexpected error: {type(error).__name__}"
        answers.put((channel.name, problem))


def announcer_of(catalog: Catalog, client: Client, seconds: float = SECONDS) -> Announcer:
    values = SettingValues(catalog, client)
    notifiers = [_notifier(channel, values.value) for channel in catalog.notifiers.values()]
    return Announcer([*([EventBus(catalog.alerts.event_bus, client)] if catalog.alerts else []), *notifiers], seconds)


def _notifier(notifier: Notifier, value_of: Callable[[str], str]) -> Channel:
    if notifier.webhook:
        return WebhookNotifier(notifier, notifier.webhook, value_of)
    if notifier.email:
        return MailNotifier(notifier, notifier.email, value_of)
    return CommandNotifier(notifier)
