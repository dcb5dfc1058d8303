# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalog, the option of the modules and the classes know the same managers and keys."""

from __future__ import annotations

from dataclasses import fields

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_services
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers import options, registry, runit


def test_the_managers() -> None:
    assert tuple(registry.classes()) == catalog_services.MANAGERS
    assert tuple(options.MANAGED["options"]["manager"]["choices"]) == catalog_services.MANAGERS
    assert runit.DIRECTORY == catalog_services.RUNIT_DIRECTORY


def test_their_keys() -> None:
    keys = {field.name for field in fields(catalog_services.Service)} - {"name", "health"}
    assert set(options.MANAGED["options"]) == {*keys, "service"}
    assert set(catalog_services.SERVICE["properties"]) == {*keys, "health"}
