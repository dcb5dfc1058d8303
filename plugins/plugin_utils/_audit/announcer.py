# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sends events to notifiers. A notifier that cannot be reached stops nothing: the end of the run reports it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_notify import Notifier
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound, SecretsError, one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._core.secret_json import Holdings
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import registry
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import notifiers
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.events import Event

SECONDS = 8.0
"""Seconds for all channels together, which are notified in parallel."""
LEAK_SECONDS = 2.0
"""Seconds for all channels during a leak response, which continues after the announcement."""
GRACE = 1.0
"""Extra seconds in which a channel ends its own work, such as a program."""
Client = Callable[[str], Any]
"""Makes a client of an AWS service, with short timeouts."""


@dataclass(frozen=True)
class Channel:
    """A receiver of events."""

    name: str
    tell: Callable[[Event, float], None] = field(repr=False)
    """Sends an event within the given seconds. Raises SecretsError, without any value."""
    wants: Callable[[str], bool] = lambda _event_name: True


@dataclass(frozen=True)
class Announcer:
    channels: Sequence[Channel] = ()
    seconds: float = SECONDS
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)

    def announce(self, event: Event) -> list[str]:
        """Sends an event to all channels. Returns a message for each channel that was not notified."""
        answers: SimpleQueue[tuple[str, str]] = SimpleQueue()
        waiting = {channel.name: channel for channel in self.channels if channel.wants(event.name)}
        for channel in waiting.values():
            # A daemon thread, so that neither the run nor the end of the process waits for a channel that hangs.
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
    channels = [channel_of(notifier, partial(_value, catalog, client)) for notifier in catalog.notifiers.values()]
    if catalog.alerts:
        bus = Channel("EventBridge", partial(notifiers.put_on_bus, catalog.alerts.event_bus, client))
        channels = [bus, *channels]
    return Announcer(channels, seconds)


def channel_of(notifier: Notifier, value_of: notifiers.ValueOf) -> Channel:
    if notifier.webhook:
        tell = partial(notifiers.post, notifier.webhook, value_of)
    elif notifier.email:
        tell = partial(notifiers.send_mail, notifier.email, value_of)
    else:
        tell = partial(notifiers.run_command, notifier.command)
    return Channel(notifier.name, tell, notifier.wants)


def _value(catalog: Catalog, client: Client, name: str) -> str:
    """The value of a setting, read at its use. Raises SecretsError if it cannot be read."""
    setting = catalog.settings[name]
    place = setting.place
    if place is None:
        raise NotFound(f"setting {name} is in no store; give it a group in the catalog, such as group: app")
    contents = registry.current(catalog, [place], {place.store: registry.OPEN[place.store](client)})
    value = Holdings(contents).value(place, setting)
    if not value:
        reason = next((str(failure) for failure in contents.failures.values()), "")
        reason = reason or f"it has no value; store one: ansible-playbook watchparty.secrets.set -e set_names={name}"
        raise NotFound(f"setting {name} cannot be read: {reason}")
    return value
