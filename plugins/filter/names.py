# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible.errors import AnsibleFilterError


def names(value: Any) -> list[str]:
    if not value:
        return []
    if isinstance(value, str):
        return [name.strip() for name in value.split(",") if name.strip()]
    if isinstance(value, Sequence):
        return [name for item in value for name in names(item)]
    raise AnsibleFilterError(
        f"names needs a list of strings, or a string such as 'web1,web2'; it got {type(value).__name__}"
    )


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"names": names}
