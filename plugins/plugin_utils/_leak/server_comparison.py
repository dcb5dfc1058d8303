# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""As evidence, what servers have beyond their baseline before anything is cut off. After a revocation they are compared
once more (``_rotation/compared_servers.py``).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleConnectionFailure

from ansible_collections.watchparty.secrets.plugins.module_utils._core import kind_names, redaction, server_addresses
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import revoked_logins_main
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import deadline
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.evidence import LEAST
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import compared_servers, server_action
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import ServerPrograms
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

CONNECT_SECONDS = 2
Result = dict[str, Any]


def compared(
    setting: RotationSetup,
    server: ServerPrograms,
    connection: Any,
    credentials: Sequence[Mapping[str, Any]],
    until: float,
) -> list[Result]:
    """By credential what its server has beyond the baseline, or why that is not known; all in one execution.

    A server without a baseline is left out. ``until`` is in seconds since 1970.
    """
    kinds = (*kind_names.ADMINISTERED, *kind_names.TWO_USERS)
    names = [credential["name"] for credential in credentials if credential["kind"] in kinds]
    masked: list[str] = []
    results, inspections = list[Result](), dict[str, Result]()
    for name in names:
        try:
            inspection = _inspection(setting, name, masked)
        except SecretsError as error:
            results.append({"name": name, "failed": True, "msg": str(error)})
            continue
        if inspection:
            inspections[name] = inspection
    if not inspections:
        return results
    seconds = until - time.time()
    if seconds < LEAST:
        return [*results, *({"name": name, "skipped": True} for name in inspections)]
    args = {"inspections": list(inspections.values()), "connect_timeout": CONNECT_SECONDS}
    try:
        answer = deadline.within(
            seconds,
            lambda: server.execute(revoked_logins_main, args=args, seconds=seconds, packages=True),
            connection,
        )
    except (AnsibleConnectionFailure, SecretsError) as error:
        message = redaction.scrub(str(error), masked)
        return [*results, *({"name": name, "failed": True, "msg": message} for name in inspections)]
    inspected = redaction.scrub(answer.get("inspected") or {}, masked)
    return [*results, *(_compared(setting, name, inspected.get(name)) for name in inspections)]


def lines(results: Sequence[Result]) -> list[str]:
    """What the operator reads of them before the confirmation, which with ``leak_evict`` includes their removal."""
    return [
        f"possible foothold: {result['name']}: {text}" for result in results for text in result.get("footholds") or ()
    ]


def _compared(setting: RotationSetup, name: str, report: Mapping[str, Any] | None) -> Result:
    if report is None:
        return {"name": name, "failed": True, "msg": "its server gave no answer"}
    inventory = {**report["inventory"], "problems": report["inventory"]["problems"] or report["problems"]}
    result = compared_servers.compared(setting, name, {"inventory": inventory})
    return {"name": name, "baseline": result.get("baseline", ""), "footholds": result["footholds"]}


def _inspection(setting: RotationSetup, name: str, masked: list[str]) -> Result | None:
    """What the host is sent, with values; fills ``masked``. Raises SecretsError."""
    credential = setting.catalog.credentials[name]
    engine = kind_names.SERVERS[credential.kind]
    has_two = credential.kind in kind_names.TWO_USERS
    login, url = (setting.held(credential).login, "") if has_two else server_action.present_login(setting, name)
    request = compared_servers.request(setting, name, [login.username] if login.username else [])
    if request is None:
        return None
    _admin, server = server_addresses.required_server(setting.catalog, credential)
    admin, admin_url = server_action.administrator(setting, name, engine)
    masked += [text for text in (login.password, admin.password) if text and len(text) >= redaction.SHORTEST]
    return {
        "server": engine,
        "place": name,
        "logins": [] if has_two else [{"credential": name, "url": url}],
        "databases": [],
        "admin_url": admin_url,
        "nodes": server_addresses.nodes(server),
        "known": {},
        "changing": [],
        "honeytokens": [],
        "inventory": request,
        **({"address": server_addresses.of_driver(server, kind_names.PORTS[engine])} if has_two else {}),
    }
