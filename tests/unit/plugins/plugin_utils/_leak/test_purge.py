# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whatever a purge ends with, the response goes on and says so."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.purge import purge_on


def purged(answer: Any) -> tuple[Any, list[Any]]:
    asked = []

    def run_alone(module: str, **options: Any) -> Any:
        asked.append((module, options))
        if isinstance(answer, Exception):
            raise answer
        return answer

    return purge_on(SimpleNamespace(run_alone=run_alone))(("cache",)), asked  # type: ignore[arg-type]


def test_the_module_is_asked_for_these_kinds() -> None:
    assert purged({"count": 3}) == ({"count": 3}, [("valkey_purge", {"kinds": ["cache"]})])


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RotationError("web1 cannot be reached"), "web1 cannot be reached"),
        (AnsibleActionFail("Nothing was sent: pipelining is off"), "Nothing was sent: pipelining is off"),
        (ValueError("redis://:canary@h/0"), "unexpected error: ValueError"),
    ],
)
def test_a_failure_is_an_answer(error: Exception, words: str) -> None:
    assert purged(error)[0] == {"msg": words}
