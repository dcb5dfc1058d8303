# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the documentation says of the options of a rotation's modules is what their actions take."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
import yaml

from ansible_collections.watchparty.secrets.plugins.action import (
    elasticache_auth_token,
    external_value,
    postgresql_login,
    rotation_journal,
    rotation_status,
    valkey_user,
)
from ansible_collections.watchparty.secrets.plugins.doc_fragments.catalog import ModuleDocFragment
from ansible_collections.watchparty.secrets.plugins.modules import elasticache_auth_token as elasticache_doc
from ansible_collections.watchparty.secrets.plugins.modules import external_value as external_doc
from ansible_collections.watchparty.secrets.plugins.modules import postgresql_login as postgresql_doc
from ansible_collections.watchparty.secrets.plugins.modules import rotation_journal as rotation_doc
from ansible_collections.watchparty.secrets.plugins.modules import rotation_status as status_doc
from ansible_collections.watchparty.secrets.plugins.modules import valkey_user as valkey_doc
from tests.unit.plugins.action.test_leak_documentation import options_of, taken

PYTHON = {"python": {"type": "str"}}
SERVERS: list[tuple[Any, ModuleType]] = [
    (postgresql_login.ActionModule, postgresql_doc),
    (valkey_user.ActionModule, valkey_doc),
    (elasticache_auth_token.ActionModule, elasticache_doc),
    (external_value.ActionModule, external_doc),
]


def test_the_options_of_a_rotation() -> None:
    assert options_of(rotation_doc) == taken(rotation_journal.ActionModule.extra_options)


def test_the_options_of_the_status() -> None:
    assert options_of(ModuleDocFragment) | options_of(status_doc) == taken(rotation_status.OPTIONS)


@pytest.mark.parametrize(("action", "document"), SERVERS, ids=lambda item: str(getattr(item, "name", "")))
def test_the_options_of_what_talks_to_a_server(action: Any, document: ModuleType) -> None:
    spec = {**action.module.ARGUMENT_SPEC, **action.extra_options, **PYTHON}
    documented = options_of(document)
    documented["credential"].pop("required", None)  # the host's part can do without its name
    assert documented == taken(spec)


@pytest.mark.parametrize(("action", "document"), SERVERS, ids=lambda item: str(getattr(item, "name", "")))
def test_what_is_asked_before_a_rotation_is_a_state_of_each(action: Any, document: ModuleType) -> None:
    assert "checked" in action.module.ARGUMENT_SPEC["state"]["choices"]
    assert "V(checked)" in str(yaml.safe_load(document.DOCUMENTATION)["options"]["state"]["description"])
