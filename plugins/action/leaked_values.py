# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils import _graph, _redact
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.base import Contents
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import RotationAction, Setting


class ActionModule(RotationAction):
    """Returns values, in a result that is hidden, to be kept by register alone."""

    name = "watchparty.secrets.leaked_values"
    extra_options = {
        "credentials": {"type": "list", "elements": "str", "required": True},
        "secrets": {"type": "dict", "default": {}},
    }

    def answer(self, setting: Setting, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        chosen = {one.name: one for one in setting.chosen(args["credentials"])}
        found: dict[str, list[str]] = {}
        for contents in _versions(setting, args["secrets"]):
            for name, credential in chosen.items():
                for one in _graph.find(setting.catalog, credential, contents).appearances:
                    if one.login.password and len(one.login.password) >= _redact.SHORTEST:
                        found.setdefault(name, []).append(one.login.password)
        now = {name: setting.held(chosen[name]).login.password for name in found}
        values = {name: [one for one in dict.fromkeys(texts) if one != now[name]] for name, texts in found.items()}
        return {
            "changed": False,
            "dead": {name: texts for name, texts in values.items() if texts},
            "unread": [name for name in args["credentials"] if not values.get(name)],
            "_ansible_no_log": True,
        }


def _versions(setting: Setting, secrets: Mapping[str, Any]) -> Iterator[Contents]:
    """The first version of every secret, then the second of those that have one, and so on."""
    versions = {name: [one] if isinstance(one, str) else list(one) for name, one in secrets.items()}
    for row in zip_longest(*versions.values()):
        pins = {name: version for name, version in zip(versions, row, strict=True) if version}
        yield setting.rotator.secrets.read(list(pins), pins=pins)
