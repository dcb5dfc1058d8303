# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the documentation says of the options of a verification's modules is what they take."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
import yaml

from ansible_collections.watchparty.secrets.plugins.action import revoked_logins, verify_info, verify_report
from ansible_collections.watchparty.secrets.plugins.module_utils._host import revoked_logins_main
from ansible_collections.watchparty.secrets.plugins.modules import host_check as host_check_doc
from ansible_collections.watchparty.secrets.plugins.modules import host_files as host_files_doc
from ansible_collections.watchparty.secrets.plugins.modules import revoked_logins as revoked_logins_doc
from ansible_collections.watchparty.secrets.plugins.modules import verify_info as verify_info_doc
from ansible_collections.watchparty.secrets.plugins.modules import verify_report as verify_report_doc

KEYS = ("type", "elements", "choices", "required", "default")
SPECS = {
    "revoked_logins": ({**revoked_logins_main.ARGUMENT_SPEC, **revoked_logins.OPTIONS}, revoked_logins_doc),
    "host_check": (host_check_doc.ARGUMENT_SPEC, host_check_doc),
    "host_files": (host_files_doc.ARGUMENT_SPEC, host_files_doc),
    "verify_info": (verify_info.EXTRA, verify_info_doc),
    "verify_report": (verify_report.OPTIONS, verify_report_doc),
}


def shown(options: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: {key: entry[key] for key in KEYS if entry.get(key)} for name, entry in options.items()}


@pytest.mark.parametrize("name", SPECS)
def test_the_options_of(name: str) -> None:
    spec, document = SPECS[name]
    assert shown(yaml.safe_load(document.DOCUMENTATION)["options"]) == shown(spec)


@pytest.mark.parametrize("document", [module for _spec, module in SPECS.values()])
def test_examples_use_what_is_documented(document: ModuleType) -> None:
    known = {"catalog", "environment"}
    for _spec, item in SPECS.values():
        known |= set(yaml.safe_load(item.DOCUMENTATION)["options"])
    for task in yaml.safe_load(document.EXAMPLES):
        (name,) = (key for key in task if key.startswith("watchparty.secrets."))
        assert set(task[name]) <= known
