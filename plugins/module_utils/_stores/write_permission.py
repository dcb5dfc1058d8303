# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A permission for one write that its service executes however late it arrives."""

from __future__ import annotations


class WritePermission:
    """A permission for one write, given by a check that the journal still belongs to this run.

    Writes to Parameter Store, GitHub, IAM and ElastiCache have no condition: a run that was overtaken would overwrite
    its successor's values. A check right before each write keeps the time short in which that can happen.
    """

    def __init__(self) -> None:
        self._is_spent = False

    @classmethod
    def uncontested(cls) -> WritePermission:
        """A permission for a key that no other run writes: a key of this run alone, or one without rotations."""
        return cls()

    def spend(self) -> None:
        """Uses the permission up. Raises :class:`RuntimeError` if a write has used it already."""
        if self._is_spent:
            raise RuntimeError("one look at the journal allows one write without a condition; look again")
        self._is_spent = True
