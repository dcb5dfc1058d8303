# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compares servers with their baselines: as evidence before a leak's revocations, and at the end of other rotations.
Only reads, and stops no run.

After a leak's revocations, ``compared_servers.py`` compares them again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ansible.errors import AnsibleError

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    credential_graph,
    kind_names,
    redaction,
    server_addresses,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError, one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._host import revoked_logins_main
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import deadline
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import compared_servers, server_action
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import ServerPrograms
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

KINDS = (*kind_names.ADMINISTERED, *kind_names.TWO_USERS)
CONNECT_SECONDS = 2
SECONDS = 30
"""Seconds at a rotation's end."""
COMMAND = "ansible-playbook watchparty.secrets.baseline"
LEAST = 1.0
"""Least seconds for a comparison."""
Result = dict[str, Any]


def compare(
    setting: RotationSetup,
    server: ServerPrograms,
    connection: Any,
    credentials: Sequence[Mapping[str, Any]],
    until: float,
) -> list[Result]:
    """Differences of servers from baselines, or why these are unknown, by credential; all in one execution.

    Servers without a baseline are left out. ``until`` is in seconds since 1970.
    """
    names = [credential["name"] for credential in credentials if credential["kind"] in KINDS]
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
    except (AnsibleError, SecretsError) as error:
        message = redaction.scrub(str(error), masked)
        return [*results, *({"name": name, "failed": True, "msg": message} for name in inspections)]
    inspected = redaction.scrub(answer.get("inspected") or {}, masked)
    return [*results, *(_result(setting, name, inspected.get(name)) for name in inspections)]


def rotated(setting: RotationSetup, server: ServerPrograms, rotation: Mapping[str, Any]) -> list[str]:
    """Lines about servers at the end of a rotation, for the first credential of each database.

    Empty after a rollback, and in a leak response, which compares servers itself.
    """
    is_complete = rotation["step"] == "record" and not rotation["incident"]
    names = [credential["name"] for credential in rotation["credentials"]] if is_complete else []
    remaining = [name for name in names if name in setting.catalog.credentials]  # one may be deleted by now
    credentials = [credential for credential in setting.chosen(remaining) if credential.kind in KINDS]
    if not credentials or not compared_servers.baseline_of_run(setting):
        return []
    admins = setting.chosen([credential.admin for credential in credentials if credential.admin])
    spots = [spot for each in (*credentials, *admins) for spot in credential_graph.spots(setting.catalog, each)]
    first = dict[tuple[str | None, str], Mapping[str, Any]]()
    with suppress(SecretsError):  # what cannot be read, the comparison names
        setting.known.contents = setting.rotator.current(spot.place for spot in spots)
    for credential in credentials:
        database = ""
        with suppress(SecretsError):
            database = (setting.held(credential).url or "").rpartition("/")[2]
        first.setdefault((credential.admin, database), {"name": credential.name, "kind": credential.kind})
    results = compare(setting, server, None, list(first.values()), time.time() + SECONDS)
    return [f"{result['name']}: {_summary(result)}" for result in results]


def _summary(result: Mapping[str, Any]) -> str:
    footholds = result.get("footholds") or ()
    if "footholds" not in result:
        return f"not compared with the baseline: {one_line(str(result.get('msg') or 'no time was left'))}"
    if not footholds:
        return f"as in the {result['baseline']}"
    rest = f" (and {len(footholds) - 1} more)" if len(footholds) > 1 else ""
    return f"not as in the baseline: {footholds[0]}{rest}. To list and accept differences: {COMMAND}"


def lines(results: Sequence[Result]) -> list[str]:
    """Lines before the operator's confirmation, which with ``leak_evict`` includes the removal of footholds."""
    return [
        f"possible foothold: {result['name']}: {text}" for result in results for text in result.get("footholds") or ()
    ]


def _result(setting: RotationSetup, name: str, report: Mapping[str, Any] | None) -> Result:
    if report is None:
        return {"name": name, "failed": True, "msg": "its server gave no answer"}
    inventory = {**report["inventory"], "problems": report["inventory"]["problems"] or report["problems"]}
    result = compared_servers.add_differences(setting, name, {"inventory": inventory})
    return {"name": name, "baseline": result.get("baseline", ""), "footholds": result["footholds"]}


def _inspection(setting: RotationSetup, name: str, masked: list[str]) -> Result | None:
    """The request to the host, with values; None without a baseline. Fills ``masked``. Raises SecretsError."""
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
