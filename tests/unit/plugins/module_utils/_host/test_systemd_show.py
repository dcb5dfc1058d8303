# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host import systemd_show


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("", []),
        ("\n\n", []),
        ("Id=a.service\nMainPID=1\n", [{"Id": "a.service", "MainPID": "1"}]),
        (
            "Id=a.service\nResult=\n\nId=b.service\nExec={ a=b }\n",
            [{"Id": "a.service", "Result": ""}, {"Id": "b.service", "Exec": "{ a=b }"}],
        ),
        ("no property\n", []),
    ],
)
def test_units_with_their_properties(text: str, units: list[dict[str, str]]) -> None:
    assert systemd_show.shown(text) == units
