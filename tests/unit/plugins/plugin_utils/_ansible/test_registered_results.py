# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import seal
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.registered_results import answers, registered


def test_what_an_earlier_play_registered() -> None:
    result = {"settings": {}, "snapshot_id": "s-1"}
    assert registered("it", {"it": result}, having="settings") == result
    assert registered("it", {"it": result}, having="snapshot_id", kind=str) == result


def test_sealed_values_are_opened() -> None:
    result = {**seal.sealed(settings={"KEY": "canary"}), "snapshot_id": "s-1"}
    opened = {"settings": {"KEY": "canary"}, "snapshot_id": "s-1"}
    assert registered("it", {"it": result}, having="settings") == opened


def test_answers() -> None:
    assert answers("asked", {"asked": {**seal.sealed(answers={"KEY": "canary"}), "answered": ["KEY"]}}) == {
        "KEY": "canary"
    }
    assert answers("asked", {"asked": {"answers": {"KEY": "plain"}}}) == {"KEY": "plain"}
    assert answers("asked", {}) == answers("asked", {"asked": {"skipped": True}}) == {}


@pytest.mark.parametrize(
    "variables", [None, {}, {"it": "text"}, {"it": {"failed": True}}, {"it": {"settings": "text"}}]
)
def test_what_was_not(variables: dict[str, Any] | None) -> None:
    with pytest.raises(
        AnsibleActionFail, match=r"^The variable it has no result with settings\. .* from its beginning$"
    ):
        registered("it", variables, having="settings")
