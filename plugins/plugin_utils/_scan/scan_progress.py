# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The progress of a scan."""

from __future__ import annotations

import time
from collections.abc import Callable

from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.host_answer import printable
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.progress import TaskProgress, act

Show = Callable[[str], None]


def show_on_stderr(line: str) -> None:
    """Shows a line on standard error. A program may parse standard output."""
    Display().display(printable(line), stderr=True)


class ScanProgress:
    def __init__(self, show: Show | None = None) -> None:
        self._show = show
        self.begin("")

    def begin(self, source: str) -> None:
        self._source, self._task = source, TaskProgress(0, time.monotonic())

    def searched(self, objects: int, count: Callable[[], int] = lambda: 0) -> None:
        """Shows progress if it is due. ``count`` returns the number of all objects. It is slow, and called once."""
        now = time.monotonic()
        if self._show and self._task.is_due(now):
            self._task.done, self._task.total = objects, self._task.total or count()
            self._show(act("running", "", f"{self._source}: {self._task.text(now, 'objects')}"))
            self._task.shown(now)
