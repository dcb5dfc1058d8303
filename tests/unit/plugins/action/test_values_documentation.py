# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the documentation says of the options of what writes values is what their actions take."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
import yaml

from ansible_collections.watchparty.secrets.plugins.action import (
    catalog_draft,
    env_compare,
    env_local,
    environment_provision,
    setting_value,
)
from ansible_collections.watchparty.secrets.plugins.doc_fragments import catalog as catalog_fragment
from ansible_collections.watchparty.secrets.plugins.doc_fragments import values as values_fragment
from ansible_collections.watchparty.secrets.plugins.modules import catalog_draft as catalog_draft_doc
from ansible_collections.watchparty.secrets.plugins.modules import env_compare as env_compare_doc
from ansible_collections.watchparty.secrets.plugins.modules import env_local as env_local_doc
from ansible_collections.watchparty.secrets.plugins.modules import environment_provision as environment_provision_doc
from ansible_collections.watchparty.secrets.plugins.modules import setting_value as setting_value_doc
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import values_action
from tests.unit.plugins.action.test_leak_documentation import KEYS, options_of, taken


@pytest.mark.parametrize(
    ("spec", "document"),
    [
        (environment_provision.ActionModule.options, environment_provision_doc),
        (setting_value.ActionModule.options, setting_value_doc),
        (env_compare.ActionModule.extra_options, env_compare_doc),
        (env_local.OPTIONS, env_local_doc),
        (catalog_draft.OPTIONS, catalog_draft_doc),
    ],
    ids=lambda item: getattr(item, "__name__", "").rpartition(".")[2],
)
def test_the_options_of(spec: Any, document: ModuleType) -> None:
    assert options_of(document) == taken(spec)


def test_the_options_of_both() -> None:
    documented: dict[str, Any] = {}
    for fragment in (catalog_fragment, values_fragment):
        documented.update(yaml.safe_load(fragment.ModuleDocFragment.DOCUMENTATION)["options"])
    documented = {name: {key: item[key] for key in KEYS if item.get(key)} for name, item in documented.items()}
    assert documented == taken(values_action.OPTIONS)
