# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A catalog's services, without AWS."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.watchparty.secrets.plugins.filter.catalog import catalog_services

CATALOG: dict[str, Any] = {
    "application": "app",
    "services": {"web": {"units": ["web.service"], "health": "http://127.0.0.1/"}, "worker": {"units": ["w.service"]}},
    "settings": {"MODE": {"value": "x"}},
    "environments": {"test": {"services": {"worker": {"units": ["other.service"]}}}},
}


def test_an_environments_own_services() -> None:
    assert catalog_services(CATALOG, "test") == {
        "web": {"units": ["web.service"], "health": "http://127.0.0.1/"},
        "worker": {"units": ["other.service"], "health": ""},
    }
    assert catalog_services(CATALOG, "ci")["worker"]["units"] == ["w.service"]


def test_a_catalog_that_is_not_valid_is_named() -> None:
    with pytest.raises(AnsibleFilterError, match=r"settings\.MODE"):
        catalog_services({**CATALOG, "settings": {"MODE": {"nonsense": 1}}}, "test")
