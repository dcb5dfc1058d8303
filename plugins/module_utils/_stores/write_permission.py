# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The permission for one write that its service carries out however late it arrives."""

from __future__ import annotations


class Fresh:
    """What a look at the journal gives that this run still holds. The write that follows at once uses it up.

    PutParameter, GitHub, IAM's and ElastiCache's changes have no condition: a run that was overtaken would write over
    what its successor wrote. Its own look right before keeps the time short in which that can happen.
    """

    def __init__(self) -> None:
        self._is_spent = False

    @classmethod
    def uncontested(cls) -> Fresh:
        """For a write that no other run's can cross: on a key that only this run knows, or that no rotation has."""
        return cls()

    def spend(self) -> None:
        """Raises :class:`RuntimeError` where another write has used it: each needs a look of its own."""
        if self._is_spent:
            raise RuntimeError("one look at the journal allows one write without a condition; look again")
        self._is_spent = True
