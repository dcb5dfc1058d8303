# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: result_file
type: aggregate
short_description: Writes the outcome of a run to a JSON file
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - At the end of a run, writes its hosts, errors, messages, and the results of this collection's modules. The file has
    mode 0600, and contains no value of a setting.
  - C(scripts/secrets … --json) uses this callback, and C(run) in C(docs/command.schema.json) describes the keys.
  - Does nothing without O(path).
options:
  path:
    description: Path of the file. An existing file is replaced.
    type: path
    env:
      - name: WATCHPARTY_SECRETS_RESULT_FILE
requirements:
  - enable in configuration
"""

EXAMPLES = r"""
# export ANSIBLE_CALLBACKS_ENABLED=watchparty.secrets.result_file WATCHPARTY_SECRETS_RESULT_FILE=outcome.json
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.plugins.callback import CallbackBase
from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import console_text, host_answer, run_outcome


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "watchparty.secrets.result_file"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._outcome = run_outcome.RunOutcome()

    def v2_runner_on_ok(self, result: Any) -> None:
        if result.task.action in constants._ACTION_DEBUG:
            lines = console_text.debug_lines(result.result, self._dump_results)
            self._outcome.messages += map(host_answer.printable, lines)
        self._keep(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        if not ignore_errors and not run_outcome.is_rescued(result.task):
            for item in run_outcome.failed_items(result.result):
                self._outcome.fail(result.host.get_name(), item)
        self._keep(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._outcome.unreachable.add(result.host.get_name())
        if not result.task.ignore_unreachable:
            self._outcome.fail(result.host.get_name(), result.result)

    def _keep(self, result: Any) -> None:
        self._outcome.keep(result.task.action, result.host.get_name(), result.result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        path = self.get_option("path")
        if not path:
            return
        hosts: dict[str, Mapping[str, int]] = {host: stats.summarize(host) for host in sorted(stats.processed)}
        try:
            _write(Path(path), json.dumps(self._outcome.answer(hosts), indent=2))
        except OSError as error:
            Display().warning(f"{path} was not written: {error.strerror}")


def _write(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(f"{text}\n")
