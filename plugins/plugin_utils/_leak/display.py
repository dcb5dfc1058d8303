# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lines on the operator's terminal during a response. Hosts and servers can influence their text."""

from __future__ import annotations

from collections.abc import Iterable

from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import host_answer, run_arguments


def show(lines: Iterable[str]) -> None:
    """Prints each line without control characters."""
    for line in lines:
        Display().display(host_answer.printable(run_arguments.completed(line)))
