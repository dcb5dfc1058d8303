# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.resolver import resolve
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.catalog_override import filed, narrowed

Make = Callable[..., Catalog]
SETTINGS: dict[str, Any] = {
    "CORE": {"group": "core", "required": True},
    "INTEG": {"group": "integrations", "required": True},
    "NEEDED": {"group": "integrations", "required": {"when": "PARAM"}},
    "WHOLE": {"secret": "{environment}-pem"},
    "PARAM": {"parameter": "X/PARAM", "copies": [{"secret": "app/{environment}/core", "key": "P"}], "required": True},
    "R_*": {"parameter": "S/R_*"},
    "FIXED": {"value": "x"},
    "SENT": {"github": "secret"},
    "URL": {
        "compose": {
            "scheme": "x",
            "host": {"parameter": "X/HOST"},
            "password": {"secret": "app/{environment}/core", "key": "PASS"},
            "query": {"q": {"parameter": "X/Q"}},
        },
        "required": True,
    },
}


@pytest.fixture
def whole(catalog: Make) -> Catalog:
    alternatives = {"both": [["OPT_C"], ["OPT_I"]], "away": [["OPT_I"], ["OPT_I2"]], "ssm": [["OPT_P"], ["OPT_P2"]]}
    extra = {
        "OPT_C": {"group": "core"},
        "OPT_I": {"group": "integrations"},
        "OPT_I2": {"group": "integrations"},
        "OPT_P": {"parameter": "OPT_P"},
        "OPT_P2": {"parameter": "OPT_P2"},
    }
    return catalog({**SETTINGS, **extra}, alternatives=alternatives)


def required(catalog: Catalog) -> set[str]:
    return {name for name, setting in catalog.settings.items() if setting.required or setting.required_when}


def test_without_limits_it_is_the_same_catalog(whole: Catalog) -> None:
    assert narrowed(whole) is whole


def test_a_secret_of_the_catalog(whole: Catalog) -> None:
    made = narrowed(whole, secret_ids=["app/test/core"])
    assert made.secret_names == ("app/test/core",)
    assert required(made) == {"CORE", "PARAM", "URL"}
    assert made.settings["CORE"] == whole.settings["CORE"]
    assert str(made.settings["INTEG"].place) == "secret app/test/core key INTEG"
    assert str(made.settings["WHOLE"].place) == "secret app/test/core key WHOLE"
    assert set(made.alternatives) == {"both", "ssm"}
    assert made.ssm_path == whole.ssm_path


def test_secrets_that_the_catalog_does_not_know(whole: Catalog) -> None:
    made = narrowed(whole, secret_ids=["one", "two"])
    assert made.secret_names == ("one", "two")
    assert required(made) == {"PARAM"}
    assert [str(place) for place in made.settings["CORE"].places] == ["secret one key CORE", "secret two key CORE"]
    assert [str(place) for place in made.settings["PARAM"].places] == [
        "parameter /app/test/X/PARAM",
        "secret one key P",
        "secret two key P",
    ]
    assert made.settings["URL"].compose is None
    assert not made.settings["URL"].rendered


@pytest.mark.parametrize("path", ["/other", "/other/"])
def test_another_path(whole: Catalog, holding: Callable[..., Contents], path: str) -> None:
    made = narrowed(whole, ssm_path=path)
    assert made.ssm_path == "/other"
    assert made.journal == whole.journal
    assert required(made) == required(whole)
    assert str(made.settings["PARAM"].place) == "parameter /other/X/PARAM"
    assert made.settings["CORE"] == whole.settings["CORE"]
    assert set(made.alternatives) == set(whole.alternatives)
    texts = {"/other/X/HOST": "h", "/other/X/Q": "1", "/other/S/R_A": "7", "app/test/core": '{"PASS": "p"}'}
    values = resolve(made, holding(texts)).values
    assert values == {"FIXED": "x", "R_A": "7", "URL": "x://:p@h?q=1"}


def test_a_file_answers_like_the_stores(whole: Catalog) -> None:
    values = {
        "CORE": "c",
        "INTEG": "i",
        "R_A": "1",
        "URL": "x://h",
        "OPT_C": "1",
        "OPT_I": "1",
        "OPT_P": "1",
        "SENT": "s",
        "ELSE": "e",
    }
    resolution = resolve(filed(whole, values), Contents())
    assert resolution.values == {name: value for name, value in values.items() if name not in ("SENT", "ELSE")}
    assert [line.partition(";")[0] for line in resolution.problems] == ["PARAM: is missing"]


def test_a_literal_that_the_file_lacks_is_missing(catalog: Make) -> None:
    resolution = resolve(filed(catalog({"FIXED": {"value": "x"}}), {}), Contents())
    assert resolution.values == {}


def test_in_a_file_too_a_pattern_leaves_what_is_declared(catalog: Make) -> None:
    settings = {
        "R_KEY": {"parameter": "R_KEY", "sensitivity": "high"},
        "R_*": {"parameter": "R_*", "sensitivity": "low"},
    }
    made = filed(catalog(settings), {"R_KEY": "k", "R_A": "a"})
    assert made.settings["R_KEY"].sensitivity == "high"
    assert made.settings["R_A"].sensitivity == "low"


@given(ids=st.lists(st.sampled_from(["app/test/core", "app/test/integrations", "x", "y"]), unique=True))
def test_only_what_is_given_is_read_and_required(catalog: Make, ids: list[str]) -> None:
    whole = catalog(SETTINGS)
    made = narrowed(whole, secret_ids=ids)
    assert set(made.secret_names) <= set(ids or whole.secret_names)
    assert set(made.settings) == set(whole.settings)
    assert required(made) <= required(whole)
    assert ("CORE" in required(made)) == (not ids or "app/test/core" in ids)
