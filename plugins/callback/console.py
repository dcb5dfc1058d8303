# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: console
type: stdout
short_description: Shows what was changed, what failed, and the outcome
version_added: 1.0.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - Shows the messages of tasks, one line for each change, and one line for all hosts at the end. If several hosts have
    the same error, shows the error once.
  - Hides the banners of plays and tasks, tasks that changed nothing or were skipped, and excerpts of playbooks.
  - Shows a failure that the play handles (C(ignore_errors), C(rescue)) in one line.
  - While a task runs on many hosts, the callback shows how many hosts are done, and an estimate of the time left. It
    prints this line when a host finishes, at most every 5 seconds at first and every 30 seconds later. If no host
    finishes, it prints no line.
  - Adds the inventory and C(app_environment) of the command line to the C(ansible-playbook) commands in messages.
  - Removes terminal escapes from the text of hosts.
  - With C(-v) or more, the output is that of P(ansible.builtin.default#callback). The options of this callback change
    only that output, except O(display_failed_stderr), which also holds without C(-v).
extends_documentation_fragment:
  - default_callback
  - result_format_callback
requirements:
  - set as stdout in configuration
"""

EXAMPLES = r"""
# ansible.cfg
# [defaults]
# stdout_callback = watchparty.secrets.console
"""

import time
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from ansible import constants, context
from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback import default

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import console_text, host_answer
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.console_text import error, first_line
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.progress import TaskProgress, act
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.run_arguments import completed
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.run_outcome import is_rescued


def _without_v(method: Callable[..., None]) -> Callable[..., None]:
    """Wraps an event: with ``-v``, or if the method fails, Ansible's own output. An error here must not hide a
    result."""
    own = getattr(default.CallbackModule, method.__name__)

    @wraps(method)
    def handler(self: CallbackModule, *args: Any, **kwargs: Any) -> None:
        if self._display.verbosity:
            own(self, *args, **kwargs)
            return
        try:
            method(self, *args, **kwargs)
        except Exception:  # noqa: BLE001 Ansible's classes may change, and the run must go on
            own(self, *args, **kwargs)

    return handler


class CallbackModule(default.CallbackModule):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "watchparty.secrets.console"

    def __init__(self) -> None:
        super().__init__()
        self._began = time.monotonic()
        self._shown: dict[tuple[str, str], str] = {}
        """The first host of each error, by task id and text."""
        self._changed: set[str] = set()
        self._unreachable: set[tuple[str, bool]] = set()
        """Hosts, and whether the play ignored it."""
        self._stopped: set[str] = set()
        """Hosts that run no further tasks because others failed."""
        self._all: set[str] = set()
        """All hosts of the plays that began, also of batches that have not begun."""
        self._begun: set[str] = set()
        self._hosts: set[str] = set()
        """Hosts of the play's batch."""
        self._gone: set[str] = set()
        """Hosts of the batch that run no further tasks."""
        self._progress = TaskProgress(0, self._began)

    @_without_v
    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Shows nothing, like the other methods without a body."""

    @_without_v
    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._play = play
        self._gone = set()
        # Ansible restricts its inventory to the batch; no public attribute holds the batch's hosts.
        hosts = play.get_variable_manager()._inventory.get_hosts
        self._hosts = {host.get_name() for host in hosts(play.hosts)}
        self._all |= {host.get_name() for host in hosts(play.hosts, ignore_restrictions=True)}
        self._begun |= self._hosts

    @_without_v
    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._started(task)

    @_without_v
    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self._started(task)

    def _started(self, task: Any) -> None:
        now = time.monotonic()
        if self._progress.is_silent(now) and not isinstance(task, TaskInclude):
            self._act("running", "", _name(task))
        self._progress = TaskProgress(1 if task.run_once else len(self._hosts - self._gone), now)

    @_without_v
    def v2_playbook_on_include(self, included_file: Any) -> None: ...

    @_without_v
    def v2_playbook_on_no_hosts_matched(self) -> None: ...

    @_without_v
    def v2_playbook_on_no_hosts_remaining(self) -> None:
        """Stops all hosts, also after too many failures (C(max_fail_percentage))."""
        self._stopped |= self._hosts - self._gone

    @_without_v
    def v2_runner_on_ok(self, result: Any) -> None:
        self._warn(result)
        if not (result.task.loop and "results" in result.result):
            self._result(result, "")
        self._host_done(result)

    @_without_v
    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._warn(result)
        self._result(result, self._label(result))

    def _result(self, result: Any, label: str) -> None:
        if result.task.action in constants._ACTION_DEBUG:
            self._debug(result)
        elif result.result.get("changed"):
            self._change(result, label)

    def _change(self, result: Any, label: str) -> None:
        if not result.task.check_mode:
            self._changed.add(result.host.get_name())
        if not result.task.run_once:  # the task shows steps that run once for all hosts
            step = "would change" if result.task.check_mode else "changed"
            self._act(step, self.host_label(result), _name(result.task) + label)

    @_without_v
    def v2_runner_on_skipped(self, result: Any) -> None:
        self._warn(result)
        self._host_done(result)

    @_without_v
    def v2_runner_item_on_skipped(self, result: Any) -> None:
        self._warn(result)

    def _debug(self, result: Any) -> None:
        self._clean_results(result.result, result.task.action)
        host = "" if result.task.run_once or len(self._hosts) == 1 else result.host.get_name()
        for line in console_text.debug_lines(result.result, partial(self._dump_results, indent=2)):
            self._show(line if not host or line.startswith((f"{host}:", f"{host} ")) else f"{host}: {line}")

    @_without_v
    def v2_on_file_diff(self, result: Any) -> None:
        items = result.result["results"] if result.task.loop and "results" in result.result else [result.result]
        for item in items:
            if item.get("diff") and item.get("changed"):
                # Printable before Ansible colours it.
                self._display.display(self._get_diff(console_text.clean(item["diff"])).rstrip("\n"))

    @_without_v
    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._warn(result)
        if not (result.task.loop and "results" in result.result):
            self._failed(result, "", handled=ignore_errors)
        self._host_done(result)

    @_without_v
    def v2_runner_item_on_failed(self, result: Any) -> None:
        self._warn(result)
        if result.result.get("unreachable"):
            self._lost(result)
        else:
            self._failed(result, self._label(result), handled=result.task.ignore_errors is True)

    def _failed(self, result: Any, label: str, *, handled: bool) -> None:
        """Shows one line if the play goes on: then a later task has the outcome."""
        host = self.host_label(result)
        text = error(result.result).removeprefix(f"{host}: ")
        if handled or is_rescued(result.task):
            self._act("failed", host, f"{_name(result.task)}{label}: {first_line(text)}", constants.COLOR_WARN)
            return
        self._ends(result.host.get_name())
        if result.task.run_once or result.task.any_errors_fatal is True:
            self._stopped |= self._hosts - self._gone
        first = self._shown.setdefault((result.task._uuid, text + label), host)
        self._error(f"{host}{label}: {text}" if first == host else f"{host}{label}: the same error as on {first}")

    @_without_v
    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._warn(result)
        self._lost(result)
        self._host_done(result)

    def _lost(self, result: Any) -> None:
        """Shows a host once, because later tasks try it again if the play ignores it; again if the play does not."""
        host, ignored = result.host.get_name(), bool(result.task.ignore_unreachable)
        if not ignored:
            self._ends(host)
        if (host, ignored) not in self._unreachable:
            self._unreachable.add((host, ignored))
            colour = constants.COLOR_WARN if ignored else constants.COLOR_ERROR
            self._act("unreachable", self.host_label(result), first_line(error(result.result)), colour)

    def _ends(self, host: str) -> None:
        self._gone.add(host)
        self._stopped.discard(host)

    @_without_v
    def v2_runner_retry(self, result: Any) -> None:
        if self._progress.is_due(time.monotonic()):
            attempts = f"attempt {result.result['attempts']} of {result.result['retries']} failed"
            self._act("waiting", result.host.get_name(), f"{_name(result.task)}: {attempts}")

    @_without_v
    def v2_runner_on_async_poll(self, result: Any) -> None:
        if self._progress.is_due(time.monotonic()):
            self._act("waiting", result.host.get_name(), _name(result.task))

    @_without_v
    def v2_runner_on_async_ok(self, result: Any) -> None: ...

    @_without_v
    def v2_runner_on_async_failed(self, result: Any) -> None: ...

    def _host_done(self, result: Any) -> None:
        now = time.monotonic()
        self._progress.done += 1
        if self._progress.done < self._progress.total and self._progress.is_due(now):
            self._act("running", "", f"{_name(result.task)}: {self._progress.text(now, 'hosts')}")

    @_without_v
    def v2_playbook_on_stats(self, stats: Any) -> None:
        hosts = {host: stats.summarize(host) for host in sorted(stats.processed)}
        cut = {
            "unreachable": {host for host, _ignored in self._unreachable} | stats.dark.keys(),
            "stopped": self._stopped,
            "not started": self._all - self._begun,
        }
        text, colour = console_text.recap(hosts, self._changed, cut, time.monotonic() - self._began)
        self._show(text + (" (check mode)" if context.CLIARGS.get("check") else ""), colour)

    def _label(self, result: Any) -> str:
        return f" ({first_line(str(self._get_item_label(result.result)))})"

    def _warn(self, result: Any) -> None:
        """Shows warnings without Ansible's excerpts of playbooks."""
        if result.result.get("warnings"):
            for warning in result.warnings:
                self._display.warning(host_answer.printable(completed(warning.event.msg), lines=True))

    def _act(self, step: str, host: str, text: str, colour: str | None = None) -> None:
        self._show(act(step, host, text), colour)

    def _error(self, text: str) -> None:
        self._show(f"ERROR {text}", constants.COLOR_ERROR, stderr=self.get_option("display_failed_stderr"))

    def _show(self, text: str, colour: str | None = None, *, stderr: bool = False) -> None:
        self._progress.shown(time.monotonic())
        message = host_answer.printable(completed(text), lines=True)
        self._display.display(message, color=colour, stderr=stderr)


def _name(task: Any) -> str:
    """The task's name without the role."""
    return str(task.name or task.get_name())
