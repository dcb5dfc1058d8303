# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.watchparty.secrets.plugins.module_utils import _graph
from ansible_collections.watchparty.secrets.plugins.module_utils._errors import RotationError, SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._leaks import _trail
from ansible_collections.watchparty.secrets.plugins.module_utils._leaks._impact import READS_STORES
from ansible_collections.watchparty.secrets.plugins.module_utils._model import SSM
from ansible_collections.watchparty.secrets.plugins.module_utils._rotations import _ages
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.cloudtrail import Answer, CloudTrail
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import RotationAction, Setting

LATE = "events reach CloudTrail up to 15 minutes late, and it keeps them for 90 days; look again"


class ActionModule(RotationAction):
    """Names in, names and times out. What cannot be asked is told, not failed."""

    name = "watchparty.secrets.secret_readers_info"
    extra_options = {
        "credentials": {"type": "list", "elements": "str", "required": True},
        "access_keys": {"type": "list", "elements": "str", "default": []},
        "since": {"type": "str", "default": ""},
        "seconds": {"type": "int", "default": 8},
        "pages": {"type": "int", "default": 10},
    }

    def answer(self, setting: Setting, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        if args["seconds"] < 1 or args["pages"] < 1:
            raise RotationError("seconds and pages must be at least 1")
        wanted = self._wanted(setting, args)
        told: dict[str, Any] = {"changed": False, "access_keys": sorted(wanted.keys), "asked": False}
        try:
            trail = CloudTrail(setting.connection.bounded_client("cloudtrail", args["seconds"]))
        except AnsibleActionFail as error:
            return {**told, "words": [f"CloudTrail was not asked: {error}"]}
        found = trail.ask(
            wanted.questions(),
            since=_ages.moment(args["since"]) if args["since"] else None,
            seconds=args["seconds"],
            pages=args["pages"],
        )
        return {**told, "asked": found.asked > 0, "words": _words(trail.region, found, wanted)}

    def _wanted(self, setting: Setting, args: Mapping[str, Any]) -> _trail.Wanted:
        chosen = setting.chosen(args["credentials"])
        places = [spot.place for one in chosen for spot in _graph.spots(setting.catalog, one)]
        keys = set(args["access_keys"])
        for one in chosen:
            if one.kind in READS_STORES:
                try:
                    keys.add(setting.held(one).login.username or "")
                except SecretsError:  # it is no longer to be read; the keys that were given are asked for
                    continue
        return _trail.Wanted(
            secrets=frozenset(one.name for one in places if one.store != SSM),
            parameters=frozenset(one.name for one in places if one.store == SSM),
            keys=frozenset(keys - {""}),
        )


def _words(region: str, found: Answer, wanted: _trail.Wanted) -> list[str]:
    words = _trail.lines(found.uses, wanted)
    if found.asked:
        words = words or ["nobody, as far as CloudTrail tells"]
        words.append(f"CloudTrail was asked in {region} only; {LATE}")
    if found.asked and not found.problem:
        words += [f"CloudTrail was not asked to the end: {line}" for line in found.short]
    if found.problem:
        words.append(f"CloudTrail was not asked{' further' if found.asked else ''}: {found.problem}")
    elif not found.asked:
        words.append("CloudTrail was not asked: there was no time, or no place of these credentials is in AWS")
    return words
