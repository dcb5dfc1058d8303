# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the documentation says of the options of a leak's modules is what their actions take."""

from __future__ import annotations

import ast
import inspect
from types import ModuleType
from typing import Any

import pytest
import yaml

from ansible_collections.watchparty.secrets.plugins.action import (
    confirm,
    impact_info,
    leak_continue,
    leak_false_alarm,
    leak_start,
    previous_values_info,
    secret_readers_info,
)
from ansible_collections.watchparty.secrets.plugins.modules import confirm as confirm_doc
from ansible_collections.watchparty.secrets.plugins.modules import impact_info as impact_info_doc
from ansible_collections.watchparty.secrets.plugins.modules import leak_continue as leak_continue_doc
from ansible_collections.watchparty.secrets.plugins.modules import leak_false_alarm as leak_false_alarm_doc
from ansible_collections.watchparty.secrets.plugins.modules import leak_start as leak_start_doc
from ansible_collections.watchparty.secrets.plugins.modules import previous_values_info as previous_values_info_doc
from ansible_collections.watchparty.secrets.plugins.modules import secret_readers_info as secret_readers_info_doc

KEYS = ("type", "elements", "choices", "required", "default")


def options_of(document: Any) -> dict[str, dict[str, Any]]:
    options: dict[str, dict[str, Any]] = yaml.safe_load(document.DOCUMENTATION)["options"]
    return {name: {key: entry[key] for key in KEYS if entry.get(key)} for name, entry in options.items()}


def taken(spec: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: {key: entry[key] for key in KEYS if entry.get(key)} for name, entry in spec.items()}


@pytest.mark.parametrize(
    ("action", "document"),
    [
        (impact_info, impact_info_doc),
        (leak_continue, leak_continue_doc),
        (leak_false_alarm, leak_false_alarm_doc),
        (leak_start, leak_start_doc),
        (previous_values_info, previous_values_info_doc),
        (secret_readers_info, secret_readers_info_doc),
    ],
    ids=lambda item: item.__name__.rpartition(".")[2],
)
def test_the_options_of(action: ModuleType, document: ModuleType) -> None:
    assert options_of(document) == taken(action.ActionModule.extra_options)
    assert "watchparty.secrets.rotation" in yaml.safe_load(document.DOCUMENTATION)["extends_documentation_fragment"]


def test_the_options_of_confirm() -> None:
    """Its specification stands in a call."""
    tree = ast.parse(inspect.getsource(confirm))
    (spec,) = (node.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "argument_spec")
    assert options_of(confirm_doc) == taken(ast.literal_eval(spec))


@pytest.mark.parametrize(
    "document",
    [
        impact_info_doc,
        leak_continue_doc,
        leak_false_alarm_doc,
        leak_start_doc,
        previous_values_info_doc,
        secret_readers_info_doc,
        confirm_doc,
    ],
)
def test_examples_use_what_is_documented(document: ModuleType) -> None:
    name = yaml.safe_load(document.DOCUMENTATION)["module"]
    known = {*options_of(document), "catalog", "environment"}
    for task in yaml.safe_load(document.EXAMPLES):
        assert set(task[f"watchparty.secrets.{name}"]) <= known
