# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, dotenv
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.env_example import HEADER, env_example

Make = Callable[..., Catalog]


def test_by_category_in_the_catalogs_order(catalog: Make) -> None:
    made = catalog(
        {
            "B": {"group": "core", "category": "Zebra", "example": "b"},
            "A": {"value": "x", "category": "App", "example": "two words"},
            "C": {"parameter": "C", "category": "Zebra", "description": "What\nC is"},
            "D": {"group": "core", "example": ""},
            "R_*": {"parameter": "R_*", "example": "r"},
            "SENT": {"github": "secret", "example": "s"},
        }
    )
    assert env_example(made) == (
        HEADER + "\n# Zebra\nB=b\n#C=  What C is\n" + "\n# App\nA='two words'\n" + "\n# Other\nD=\n"
    )


@given(example=st.text(st.characters(codec="utf-8"), max_size=12), message=st.text(max_size=12).filter(str.strip))
def test_whatever_the_catalog_says_the_file_reads_back(catalog: Make, example: str, message: str) -> None:
    made = catalog(
        {"A": {"value": "x", "example": example, "category": message}, "B": {"value": "y", "description": message}}
    )
    text, refused = "", ""
    try:
        text = env_example(made)
    except dotenv.Unspellable as error:
        refused = str(error)
    if refused:
        assert refused.startswith("A: ")
        return
    assert dotenv.from_dotenv(text) == {"A": example}


@pytest.mark.parametrize(
    "path", ["examples/watchparty/group_vars/all/secrets_catalog.yml", "tests/unit/fixtures/fastapi_catalog.yml"]
)
def test_every_example_of_a_catalog_is_there(load_catalog: Callable[[str], Any], path: str) -> None:
    made = catalog_parser.parse(load_catalog(path), "production")
    values = dotenv.from_dotenv(env_example(made))
    assert set(values) == {
        name
        for name, setting in made.settings.items()
        if setting.rendered and not setting.is_pattern and setting.example is not None
    }
