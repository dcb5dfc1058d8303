# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Versions that a scrub leaves readable, because a pending task must still read them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import (
    CONFIRM,
    DROP_FALLBACK,
    Journal,
    PendingTask,
)


def spared(journal: Journal, leaked: Collection[str]) -> Mapping[tuple[str, str], str]:
    """Reasons to spare versions, and their later scrub, by secret and version.

    ``leaked`` are the incident's credentials. The incident stays open while one has a pending task, so the same command
    runs again.
    """
    result: dict[tuple[str, str], list[str]] = {}
    for task in sorted(journal.pending_tasks.values(), key=lambda task: task.id):
        for version in task.secrets.items():
            result.setdefault(version, []).append(_reason(task, own=task.credential in leaked))
    return {version: "; and ".join(messages) for version, messages in result.items()}


def _reason(task: PendingTask, *, own: bool) -> str:
    if task.hosts:
        hosts = ", ".join(task.hosts)
        return f"holds a value that is still authorized on {hosts}; a run scrubs the version once they reject the value"
    by_hand = "no run scrubs the version then: deny its id by hand in the secret's policy"
    if task.act == CONFIRM:
        part = f"holds the previous value of {task.credential}, which {task.rotation} replaced. Revoke this value"
        if own:
            return f"{part}, then run the same command with -e leak_revoked={task.credential}, which scrubs the version"
        return (
            f"{part}, then confirm it by "
            f"ansible-playbook watchparty.secrets.rotate -e rotation_revoked={task.credential}; {by_hand}"
        )
    part, end = ("key", "drop") if task.act == DROP_FALLBACK else ("value", "revoke")
    then = "once that is done, the same command scrubs the version" if own else by_hand
    return (
        f"holds the previous {part} of {task.credential}. From {task.due} on, {end} it: ansible-playbook "
        f"watchparty.secrets.rotate -e rotation_credentials={task.credential}; {then}"
    )
