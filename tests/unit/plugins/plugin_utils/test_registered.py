# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.watchparty.secrets.plugins.plugin_utils._registered import registered


def test_what_an_earlier_play_registered() -> None:
    found = {"settings": {}, "snapshot_id": "s-1"}
    assert registered("it", {"it": found}, having="settings") is found
    assert registered("it", {"it": found}, having="snapshot_id", kind=str) is found


@pytest.mark.parametrize(
    "variables", [None, {}, {"it": "text"}, {"it": {"failed": True}}, {"it": {"settings": "text"}}]
)
def test_what_was_not(variables: dict[str, Any] | None) -> None:
    with pytest.raises(
        AnsibleActionFail, match=r"^Nothing is registered as it that holds settings\. .* from its beginning$"
    ):
        registered("it", variables, having="settings")
