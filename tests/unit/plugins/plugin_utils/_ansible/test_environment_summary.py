# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal, OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.resolver import resolve
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.environment import Environment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.environment_file import FILE
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.environment_summary import report


@pytest.fixture
def environment(catalog: Callable[..., Catalog], holding: Callable[..., Contents]) -> Environment:
    made = catalog(
        {
            "KEY": {"group": "core"},
            "PORT": {"parameter": "PORT", "type": "integer"},
            "FIXED": {"value": "canary-fixed"},
            "URL": {"compose": {"scheme": "x", "host": "h", "password": {"secret": "{environment}-t"}}},
            "LACKING": {"group": "core"},
            "R_*": {"parameter": "S/R_*"},
            "SENT": {"github": "secret"},
        },
        services={"web": {"units": ["a.service", "b.service"], "health": "http://h"}, "job": {"units": ["c.service"]}},
    )
    held = {
        "app/test/core": '{"KEY": "canary-key", "ELSE": "canary-else"}',
        "/app/test/PORT": "canary-port",
        "test-t": "canary-t",
    }
    contents = holding(held)
    rotation = OpenRotation("r1", "deploy", "ann", "10:00")
    return Environment(made, Journal(7, rotation=rotation), resolve(made, contents), contents, ("a note",))


def test_names_and_versions_and_no_value(environment: Environment) -> None:
    result = report(environment)
    assert "canary" not in json.dumps(result)
    assert result["names"] == ["FIXED", "KEY", "PORT", "URL"]
    assert result["absent"] == ["LACKING"]
    assert result["unknown"] == ["secret app/test/core key ELSE"]
    assert result["notes"] == ["a note"]
    assert result["problems"] == ["PORT: is not a whole number, such as 10 (parameter /app/test/PORT)"]
    assert (result["journal"], result["rotation"]) == (7, "r1")
    assert result["services"] == {
        "web": {"units": ["a.service", "b.service"], "health": "http://h"},
        "job": {"units": ["c.service"], "health": None},
    }
    assert sorted(result["summary"]) == [
        "composed: URL",
        "parameters below /app/test: PORT (version 1)",
        "secret app/test/core (version 1): KEY",
        "the catalog itself: FIXED",
    ]


def test_every_value_has_one_origin(environment: Environment) -> None:
    origins: list[dict[str, Any]] = report(environment)["origins"]
    assert [origin["setting"] for origin in origins] == ["FIXED", "KEY", "PORT", "URL"]
    assert {key for origin in origins for key in origin} == {"setting", "source", "name", "key", "version", "via_copy"}


def test_a_file_has_no_sources_to_sum_up(environment: Environment) -> None:
    looked_at = replace(environment, resolution=replace(environment.resolution, snapshot_id=FILE))
    assert report(looked_at)["summary"] == []
    assert report(replace(environment, journal=Journal()))["rotation"] is None
