# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The purge of a leak response, on the rotation host with the application's driver. Python 3.8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._host import program
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import purge
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey.purge import PurgeEntry, PurgeRequest

_ENTRIES: dict[str, Any] = {"type": "list", "elements": "dict", "default": []}
ARGUMENT_SPEC: dict[str, Any] = {
    "chosen": _ENTRIES,
    "spared_sessions": _ENTRIES,
    "brokers": {"type": "list", "elements": "str", "default": []},
    "urls": {"type": "dict", "default": {}, "no_log": True},
    "nodes": {"type": "dict", "default": {}},
}
RETURNS: dict[str, Any] = {
    "count": int,
    "milliseconds": int,
    "purged": [
        {
            "name": str,
            "kind": str,
            "setting": str,
            "database": int,
            "nodes": [str],
            "count": int,
            "spared": int,
            "milliseconds": int,
        }
    ],
}


def _entries(purges: Sequence[Mapping[str, Any]]) -> list[PurgeEntry]:
    return [PurgeEntry(entry["name"], entry["kind"], entry["setting"], tuple(entry["keys"])) for entry in purges]


def wanted(params: Mapping[str, Any]) -> PurgeRequest:
    return PurgeRequest(
        entries=_entries(params["chosen"]),
        sessions=_entries(params["spared_sessions"]),
        brokers=tuple(params["brokers"]),
        urls=params["urls"],
        nodes=params["nodes"],
    )


def main() -> None:
    program.run(ARGUMENT_SPEC, lambda params, check: purge.purge(wanted(params), check=check))


if __name__ == "__main__":
    main()
