# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Versions that a scrub leaves readable, since what is left for later still has to read them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import (
    CONFIRM,
    DROP_FALLBACK,
    Journal,
    PendingTask,
)


def spared(journal: Journal, leaked: Collection[str]) -> Mapping[tuple[str, str], str]:
    """By secret and version, why, and by what it is scrubbed later; ``leaked`` are the incident's own credentials.

    An incident stays open while one of its own has something left, so the same command comes by again.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for one in sorted(journal.pending_tasks.values(), key=lambda one: one.id):
        for version in one.secrets.items():
            found.setdefault(version, []).append(_words(one, own=one.credential in leaked))
    return {version: "; and ".join(words) for version, words in found.items()}


def _words(one: PendingTask, *, own: bool) -> str:
    if one.hosts:
        hosts = ", ".join(one.hosts)
        return f"holds a value that is still authorized on {hosts}; it is scrubbed once it is rejected there"
    by_hand = "no run scrubs it then: deny it by its id in the secret's policy, by hand"
    if one.act == CONFIRM:
        what = f"holds what {one.rotation} replaced of {one.credential}, which is to be tried once it is revoked"
        if own:
            return f"{what}; it is scrubbed by the same command with -e leak_revoked={one.credential}"
        return f"{what}, by watchparty.secrets.rotate -e rotation_revoked={one.credential}; {by_hand}"
    what, end = ("key", "drop") if one.act == DROP_FALLBACK else ("value", "revoke")
    then = "it is scrubbed by the same command, once that is done" if own else by_hand
    return (
        f"holds the former {what} of {one.credential}, which {one.rotation} left to watchparty.secrets.rotate "
        f"to {end} from {one.due} "
        f"on; {then}"
    )
