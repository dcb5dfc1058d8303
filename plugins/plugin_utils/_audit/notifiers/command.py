# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Gives an event to a program of the operator's, as JSON on its standard input."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_notify import Notifier
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.events import Event

PASSED_ON = ("HOME", "LANG", "PATH", "TZ")
"""Of our environment, which may hold AWS's credentials and a provider's token."""


class CommandNotifier:
    """One program. What it prints goes nowhere, so that it can neither fill our memory nor our output."""

    def __init__(self, notifier: Notifier) -> None:
        self.name, self._wants, self._argv = notifier.name, notifier.wants, list(notifier.command)

    def wants(self, event: Event) -> bool:
        return self._wants(event.name)

    def tell(self, event: Event, seconds: float) -> None:
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        null = subprocess.DEVNULL
        try:
            program = subprocess.Popen(
                self._argv,
                stdin=subprocess.PIPE,
                stdout=null,
                stderr=null,
                env=environment,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise HostError(f"{self._argv[0]} cannot be started: {error.strerror}") from None
        try:
            program.communicate(f"{event.text}\n".encode(), timeout=seconds)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
            program.wait()
            raise HostError(f"{self._argv[0]} did not end within {seconds:.0f} s and was stopped") from None
        if program.returncode:
            raise HostError(f"{self._argv[0]} failed with exit code {program.returncode}")
