# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a check can say of an environment."""

from __future__ import annotations

from typing import Dict

Row = Dict[str, str]
"""A state with its place and message, and perhaps the target and command of its check."""

PASS, FAIL, NOT_CHECKED = "pass", "fail", "not checked"
NOT_APPLICABLE = "not applicable"
"""Neither the catalog nor the operator asks for it, or somebody accepted it."""


def row(state: str, place: str, message: str) -> Row:
    return {"state": state, "place": place, "message": message}
