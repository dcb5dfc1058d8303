# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A developer's settings: examples, and a key of their own."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import local_env
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind

KINDS = {"key": Kind("key", routine="signing_key", length=40), "login": Kind("login")}
Make = Callable[..., Catalog]


def made(kind: Kind) -> str:
    return "g" * kind.length


def test_what_the_file_lacks(catalog: Make) -> None:
    of = catalog(
        {
            "SIGNING": {"group": "core", "example": "placeholder"},
            "SECRET_KEY": {"group": "core"},
            "URL": {"group": "core", "example": "sqlite:///x"},
            "NONE": {"group": "core"},
            "MODE": {"value": "plain"},
            "DEBUG": {"value": "False", "example": "True"},
            "KEPT": {"group": "core", "example": "x"},
            "R_*": {"parameter": "R_*", "example": "r"},
            "SENT": {"github": "secret", "example": "s"},
        },
        credentials={"signing": {"kind": "key", "appears_in": [{"setting": "SIGNING"}]}},
    )
    assert local_env.settings(of, KINDS, {"KEPT"}, made) == {
        "SIGNING": "g" * 40,
        "SECRET_KEY": "g" * 64,
        "URL": "sqlite:///x",
        "MODE": "plain",
        "DEBUG": "True",
    }
