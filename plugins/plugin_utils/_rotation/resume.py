# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which rotation a run may go on with, as the operator's words name it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal


def require_open(journal: Journal, named: str, *, back: bool) -> None:
    """Whoever names the rotation to go on with wants no other one, and no new one."""
    rotation = journal.rotation
    if not named or named == "any" or (rotation and rotation.id == named):
        return
    if rotation is None and (back or named in _ended(journal)):
        return  # a run that is killed at its very end is started again with the same words
    instead = (
        f"{rotation} is open instead; give its id to take it over"
        if rotation
        else (
            "no recent rotation has this id (to list them: ansible-playbook watchparty.secrets.rotation_report); leave "
            "rotation_resume out to start a new one"
        )
    )
    raise RotationError(f"rotation {named}, which rotation_resume names, is not open: {instead}")


def over(journal: Journal, args: Mapping[str, Any]) -> str:
    """The message if no rotation is open and none is to be begun."""
    if args["abort"]:
        return "no rotation is open; there is nothing to abort"
    if args["resume"] in _ended(journal):
        return f"rotation {args['resume']} has already ended; to start another rotation, leave rotation_resume out"
    return ""


def _ended(journal: Journal) -> set[str]:
    """The rotations that are known to have ended."""
    return {*journal.ended, *(rotated.rotation for rotated in journal.rotated.values())}
