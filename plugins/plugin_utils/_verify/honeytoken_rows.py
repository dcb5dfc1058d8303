# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Uses of a honeytoken, as rows of state, place and message. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    blast_radius,
    credential_graph,
    honeytokens,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Credential
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import POSTGRESQL
from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import FAIL, NOT_CHECKED, PASS, Row, row
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import server_commands
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import CheckResult
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import ROTATE

READ = "somebody has read a place where it is stored"
DAY = 86400
CHECKS = ("honeytokens", "honeytoken-logins")
"""Checks that report a use, with the leaked secrets as target."""


def expected(catalog: Catalog, credential: Credential, journal: Journal) -> dict[str, Any]:
    """Expectation for a server's answer."""
    last = journal.rotated.get(credential.name)
    return {
        "credential": credential.name,
        "user": str(credential.options.get("user")),
        "leaked": leaked_with(catalog, credential.name),
        "rotated": last.entry() if last else {},
    }


def leaked_with(catalog: Catalog, name: str) -> str:
    """Value for leak_credentials if somebody uses the honeytoken."""
    spots = credential_graph.spots(catalog, catalog.credentials[name])
    return ",".join(sorted({f"{blast_radius.SECRET}{spot.place.name}" for spot in spots}))


def used_before(item: Mapping[str, Any]) -> Iterator[Row]:
    """Row for a previous value's use, noted by the rotation. Empty if a leak response answered it."""
    rotated = item["rotated"]
    last = rotated.get("used", {}).get("last")
    if last and not rotated.get("incident"):
        yield _used(item, f"was used before its rotation at {rotated['at']}: {last}")


def used(results: Iterable[CheckResult]) -> list[str]:
    """Honeytokens that somebody used, from the checks' results."""
    outcomes = (outcome for result in results if result.check.name in CHECKS for outcome in result.outcomes)
    return sorted({outcome.place for outcome in outcomes if outcome.target.startswith(blast_radius.SECRET)})


def _used(item: Mapping[str, Any], message: str) -> Row:
    return {**row(FAIL, item["credential"], f"{message}; {READ}"), "target": item["leaked"]}


def of_login(
    place: str, server: Mapping[str, Any], item: Mapping[str, Any], answer: Mapping[str, Any] | None, silence: str
) -> Iterator[Row]:
    """Rows of a login at a database or cache server."""
    used = [*used_before(item)]
    report = answer["honeytokens"].get(item["credential"]) if answer else None
    if not report or "exists" not in report:
        yield from used
        reasons = [(report or {}).get("problem", ""), *(answer["problems"] if answer else [silence])]
        otherwise = (
            f"only administrator {server['administrator']} can see it: set rotation_host in the inventory to a host "
            "outside the application's group"
        )
        yield row(NOT_CHECKED, item["credential"], f"{place}: {'; '.join(filter(None, reasons)) or otherwise}")
        return
    judge = _of_postgresql if server["server"] == POSTGRESQL else _of_valkey
    rows = [*judge(place, server, item, report)]
    yield from rows if any("target" in row and row["target"] == item["leaked"] for row in rows) else [*used, *rows]


def _of_postgresql(
    place: str, server: Mapping[str, Any], item: Mapping[str, Any], report: Mapping[str, Any]
) -> Iterator[Row]:
    user = f"login {item['user']} at {place}"
    grant = "grant CONNECT to the logins that need it, then revoke it from PUBLIC"
    flaws = [*((flaw, "revoke it") for flaw in report["rights"])]
    flaws += [(f"CONNECT on database {name}, by PUBLIC", grant) for name in report["open"]]
    for flaw, remedy in flaws:
        command = server_commands.revoking(place, server, item["user"], [flaw])
        yield {**row(FAIL, item["credential"], f"{user} has a right: {flaw}; {remedy}"), "command": command}
    if not report["exists"]:
        yield _missing(item, f"{user}, or its database of the same name, does not exist")
        return
    rotated = item["rotated"]
    uses = honeytokens.newer_uses(report, rotated.get("used", {}).get("uses", 0), rotated.get("at", ""))
    if uses:
        since = f" since {rotated['at']}" if uses < report["uses"] else ""
        yield _used(item, f"{user}: {uses} sessions in its database{since}")
    else:
        yield row(PASS, item["credential"], f"{user}: no session in its database")


def _of_valkey(
    place: str, server: Mapping[str, Any], item: Mapping[str, Any], report: Mapping[str, Any]
) -> Iterator[Row]:
    user = f"user {item['user']} at {place}"
    if report["exists"]:
        command = server_commands.at(place, server, ["ACL", "DELUSER", item["user"]])
        message = f"{user} exists, so its logins leave no trace: ACL DELUSER {item['user']}"
        yield {**row(FAIL, item["credential"], message), "command": command}
    if report["uses"] and report["last"] > honeytokens.answered(item["rotated"]).get("at", ""):
        clients = ", ".join(report["clients"])
        yield _used(item, f"{user}: {report['uses']} attempts to log in, last at {report['last']} from {clients}")
    elif report["lost"] and report["reach"] < DAY:
        message = f"its log of rejected logins covers only {report['reach'] // 60} minutes: raise acllog-max-len"
        yield row(NOT_CHECKED, item["credential"], f"{user}: {message}, and find out who fills it or who emptied it")
    else:
        hours = report["reach"] // 3600
        yield row(PASS, item["credential"], f"{user}: no attempt to log in, in the {hours} hours that its log covers")


def _missing(item: Mapping[str, Any], message: str) -> Row:
    result = row(FAIL, item["credential"], f"{message}; rotate it")
    return {**result, "target": item["credential"], "command": ROTATE}
