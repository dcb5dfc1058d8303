# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

BOOLEANS = ("true", "yes", "on", "1", "false", "no", "off", "0")
"""Texts that the filter bool understands. It takes any other text, also y and t, for false."""


def _boolean(value: Any) -> str:
    known = isinstance(value, (str, int)) and str(value).lower() in BOOLEANS
    return "" if known else f"is neither yes nor no; give true or false ({', '.join(BOOLEANS)} are understood)"


def _seconds(value: Any) -> str:
    known = isinstance(value, (str, int)) and not isinstance(value, bool) and re.fullmatch("[0-9]{1,9}", str(value))
    return "" if known else "is not a number of seconds; give a whole number without a unit, such as 120"


def _confirmation(value: Any) -> str:
    known = value is None or value in ("", "yes")
    return "" if known else "is not a confirmation; give yes (quoted in YAML) to confirm, or leave it out to be asked"


KINDS = {"boolean": _boolean, "seconds": _seconds, "confirmation": _confirmation}


def input_errors(value: Any, kind: str) -> list[str]:
    if not isinstance(value, Mapping):
        raise AnsibleFilterError(
            f"input_errors needs values by the names of their variables, not {type(value).__name__}"
        )
    if kind not in KINDS:
        raise AnsibleFilterError(f"input_errors: {kind} is not a kind; kinds are {', '.join(KINDS)}")
    result = {name: (raw, KINDS[kind](raw)) for name, raw in value.items()}
    return [f"{name}: {_shown(raw)} {message}" for name, (raw, message) in result.items() if message]


def _shown(raw: Any) -> str:
    if isinstance(raw, (str, int, float)):
        return f"'{str(raw)[:40]}'"
    return "nothing" if raw is None else f"a {type(raw).__name__}"


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"input_errors": input_errors}
