# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import json_schema, value_types
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_schema import SCHEMA, SETTING_NAME, TYPES
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import catalog_draft

ROOT = Path(__file__).parents[5]
WRITER = ROOT / "scripts" / "write_schema.py"


def _schemas(node: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in the schema."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    for child in node if isinstance(node, list) else ():
        yield from _schemas(child)


def test_it_is_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_reference_leads_somewhere() -> None:
    named = {node["$ref"] for node in _schemas(SCHEMA) if "$ref" in node}
    assert named <= {f"#/$defs/{name}" for name in SCHEMA["$defs"]}
    assert named


def test_every_pattern_is_closed_at_both_ends() -> None:
    patterns = [node["pattern"] for node in _schemas(SCHEMA) if isinstance(node.get("pattern"), str)]
    patterns += [key for node in _schemas(SCHEMA) for key in node.get("patternProperties", {})]
    assert len(patterns) >= 3
    assert all(pattern.startswith("^") and pattern.endswith("$") and re.compile(pattern) for pattern in patterns)


def test_every_type_can_be_checked() -> None:
    assert set(TYPES) == set(value_types._CHECKS)


@pytest.mark.parametrize("name", ["A", "a_1", "_X", "RATE_LIMIT_*"])
def test_names_of_settings(name: str) -> None:
    assert json_schema.problems({"application": "a", "settings": {name: {}}}, SCHEMA) == []


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "*", "A*B", "A**", "A\n", "Ä", 1, None, True])
def test_what_is_no_name_of_a_setting(name: Any) -> None:
    problems = json_schema.problems({"application": "a", "settings": {name: {}}}, SCHEMA)
    assert problems == [f"settings.{name}: is not known; known keys: {SETTING_NAME}"]


@pytest.mark.parametrize(
    "path", ["examples/watchparty", "examples/minimal"], ids=lambda path: str(path).rpartition("/")[2]
)
def test_the_examples_are_valid(load_catalog: Callable[[str], Any], path: str) -> None:
    assert json_schema.problems(load_catalog(f"{path}/group_vars/all/secrets_catalog.yml"), SCHEMA) == []


@pytest.mark.parametrize("name", ["minimal", "watchparty"])
def test_editors_find_the_schema(name: str) -> None:
    published = json.loads((ROOT / "docs" / "catalog.schema.json").read_text(encoding="utf-8"))
    line = f"# yaml-language-server: $schema={published['$id']}\n"
    assert line in (ROOT / f"examples/{name}/group_vars/all/secrets_catalog.yml").read_text(encoding="utf-8")
    assert catalog_draft.HEADER.startswith(line)


def _write(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(WRITER), *arguments], capture_output=True, text=True, check=False)


def test_the_published_schema_is_current() -> None:
    done = _write("--check")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["catalog.schema.json", "events.schema.json", "verification.schema.json"])
def test_a_stale_schema_is_noticed_and_written(tmp_path: Path, name: str) -> None:
    folder = ("--folder", str(tmp_path))
    assert _write("--check", *folder).returncode == 1, "missing"
    assert _write(*folder).returncode == 0
    assert _write("--check", *folder).returncode == 0
    target = tmp_path / name
    target.write_text(target.read_text().replace('"environment"', '"enviroment"', 1))
    stale = _write("--check", *folder)
    assert stale.returncode == 1
    assert f"{name} is stale; run scripts/write_schema.py" in stale.stdout + stale.stderr
