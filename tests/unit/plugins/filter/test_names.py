# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.watchparty.secrets.plugins.filter.names import FilterModule

names = FilterModule().filters()["names"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("database", ["database"]),
        ("database,cache", ["database", "cache"]),
        (" database , cache ,", ["database", "cache"]),
        (["database", "cache, mail"], ["database", "cache", "mail"]),
        ([["database"], ["cache"]], ["database", "cache"]),
        ("cache,database,cache", ["cache", "database", "cache"]),
        ("host:web 1", ["host:web 1"]),
        *((nothing, []) for nothing in ("", " , ", [], [""], [None], None, False)),
    ],
)
def test_what_people_write(given: Any, expected: list[str]) -> None:
    assert names(given) == expected


@pytest.mark.parametrize(("given", "kind"), [(7, "int"), (["database", 7], "int"), ({"database": "x"}, "dict")])
def test_what_holds_no_names(given: Any, kind: str) -> None:
    with pytest.raises(
        AnsibleFilterError, match=f"^names needs a list of strings, or a string such as 'web1,web2'; it got {kind}"
    ):
        names(given)
