# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the documentation says of the options of modules is what they take."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec

from ansible_collections.watchparty.secrets.plugins import action
from ansible_collections.watchparty.secrets.plugins.module_utils._host import revoked_logins_main
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import main as env_file_main
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.controller_action import ControllerAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_action import ServerAction

PLUGINS = "ansible_collections.watchparty.secrets.plugins"
KEYS = ("type", "elements", "choices", "required", "default")
PROGRAMS = {"env_file": env_file_main, "revoked_logins": revoked_logins_main}
DIFFERENT = {"django_sessions", "host_fetcher"}
"""They document less, or other types, than their actions take."""
NAMES = sorted({path.stem for folder in action.__path__ for path in Path(folder).glob("[a-z]*.py")} - DIFFERENT)


def of_keys(options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Without those of amazon.aws, which it documents."""
    own = options.keys() - aws_argument_spec().keys()
    return {
        name: {
            **{key: options[name][key] for key in KEYS if options[name].get(key)},
            "suboptions": set(options[name].get("suboptions") or options[name].get("options") or ()),
        }
        for name in own
    }


def module(name: str) -> ModuleType:
    return import_module(f"{PLUGINS}.modules.{name}")


def documented(name: str) -> dict[str, dict[str, Any]]:
    document = yaml.safe_load(module(name).DOCUMENTATION)
    options = dict(document.get("options", {}))
    for fragment in document.get("extends_documentation_fragment", ()):
        if fragment.startswith("watchparty.secrets."):
            texts = import_module(f"{PLUGINS}.doc_fragments.{fragment.split('.')[2]}").ModuleDocFragment
            options |= yaml.safe_load(getattr(texts, "DOCUMENTATION", "{}")).get("options", {})
    return of_keys(options)


def taken(name: str) -> dict[str, dict[str, Any]]:
    plugin = import_module(f"{PLUGINS}.action.{name}")
    kind = plugin.ActionModule
    if issubclass(kind, ControllerAction):
        return of_keys({**kind.options, **kind.extra_options})
    if issubclass(kind, ServerAction):
        own = kind(*[None] * 6)._own()
        own["credential"] = {**own["credential"], "required": True}
        return of_keys({**context.OPTIONS, **kind.extra_options, **own, "python": {"type": "str"}})
    if name in PROGRAMS:
        own = {name: item for name, item in PROGRAMS[name].ARGUMENT_SPEC.items() if name not in plugin.SET_HERE}
        return of_keys({**own, **getattr(plugin, "OPTIONS", {})})
    return of_keys({**getattr(module(name), "ARGUMENT_SPEC", {}), **getattr(plugin, "OPTIONS", {})})


@pytest.mark.parametrize("name", NAMES)
def test_the_options_of(name: str) -> None:
    assert documented(name) == taken(name)


@pytest.mark.parametrize("name", NAMES)
def test_examples_use_what_is_documented(name: str) -> None:
    for task in yaml.safe_load(module(name).EXAMPLES):
        for used, arguments in task.items():
            if used.startswith("watchparty.secrets."):
                known = documented(used.rpartition(".")[2]).keys() | aws_argument_spec().keys()
                assert set(arguments or {}) <= known
