# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lines of the callback ``console``: messages, errors and the recap."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from ansible import constants

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.host_answer import printable
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.progress import duration

OUTPUT_LINES = 10
"""Lines of a failed program's output."""
MOST_NAMES = 10
LONGEST_LINE = 300
CONTROLLER = "localhost"


def first_line(text: str) -> str:
    line = text.strip().partition("\n")[0]
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…"


def error(result: Mapping[str, Any]) -> str:
    """The message of a failed task, with the end of its program's output."""
    text = str(result.get("msg") or result.get("censored") or "no message").strip().removeprefix("Task failed: ")
    output = next((str(result[name]) for name in ("stderr", "module_stderr", "stdout") if result.get(name)), "")
    # Indented, so that no text of a host looks like a line of another host or like the recap.
    return "\n  ".join([*text.split("\n"), *output.strip().splitlines()[-OUTPUT_LINES:]])


def debug_lines(result: Mapping[str, Any], dump: Callable[[Mapping[str, Any]], str]) -> Iterator[str]:
    """Lines of a message. For other results, Ansible's own text."""
    message = result.get("msg")
    if message is None:
        yield from dump(result).split("\n")
        return
    for item in message if isinstance(message, list) else [message]:
        yield from (item if isinstance(item, str) else dump({"msg": item})).rstrip("\n").split("\n")


def clean(diff: Any) -> Any:
    """A result's ``diff`` with printable text only."""
    if isinstance(diff, Mapping):
        return {name: clean(item) for name, item in diff.items()}
    if isinstance(diff, list):
        return [clean(item) for item in diff]
    return printable(diff, lines=True) if isinstance(diff, str) else diff


def recap(
    hosts: Mapping[str, Mapping[str, int]],
    changed: Collection[str],
    cut: Mapping[str, Collection[str]],
    seconds: float,
) -> tuple[str, str]:
    """A line for all hosts, and its colour. ``cut`` are hosts that did not run every task, by reason."""
    if not hosts:
        return "nothing was done: no host matched", constants.COLOR_WARN
    names = {"failed": [host for host, counts in hosts.items() if counts["failures"]]}
    # The controller runs plays without hosts. It counts if it failed, or is the only host.
    hidden = {CONTROLLER} if hosts.keys() - {CONTROLLER} and CONTROLLER not in names["failed"] else set()
    names |= {reason: sorted(set(host_names) - hidden) for reason, host_names in cut.items()}
    failed = {host for host_names in names.values() for host in host_names}
    changed = set(changed) - hidden
    parts = [f"{len(hosts.keys() - failed - hidden)} ok"]
    parts += [f"{len(changed)} changed"] if changed else []
    parts += [
        f"{len(host_names)} {reason} ({_names(host_names)})" for reason, host_names in names.items() if host_names
    ]
    colour = constants.COLOR_ERROR if failed else constants.COLOR_CHANGED if changed else constants.COLOR_OK
    return f"hosts: {', '.join(parts)}; {duration(seconds)}", colour


def _names(names: list[str]) -> str:
    rest = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")
