# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Results of checks."""

from __future__ import annotations

from typing import Dict

Row = Dict[str, str]
"""State, place and message of a check, and perhaps its target and command."""

PASS, FAIL, NOT_CHECKED = "pass", "fail", "not checked"
NOT_APPLICABLE = "not applicable"
"""Neither the catalog nor the operator requests the check, or an operator accepted its result."""


def row(state: str, place: str, message: str) -> Row:
    return {"state": state, "place": place, "message": message}
