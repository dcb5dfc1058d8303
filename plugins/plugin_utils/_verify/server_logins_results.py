# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hosts' results on servers' logins, as rows of state, place and message. Pure."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import (
    MYSQL,
    POSTGRESQL,
    RABBITMQ,
    VALKEY,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import (
    FAIL,
    NOT_APPLICABLE,
    NOT_CHECKED,
    PASS,
    Row,
    row,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import (
    baseline_rows,
    honeytoken_rows,
    previous_values_results,
    server_commands,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.server_logins import ITS_OWN, MANAGED

ASK_AN_ADMINISTRATOR = (
    "the application's user may not list the users. To list them as administrator {admin}, set rotation_host in the "
    "inventory to a host outside the application's group"
)
_NOUNS = {MYSQL: "account", POSTGRESQL: "login", RABBITMQ: "user"}
_OPEN = {
    MYSQL: " needs no password",
    POSTGRESQL: " needs no password (trust in pg_hba.conf)",
    RABBITMQ: " accepts its default password",
}
NO_SUCH_USER = "the server has no user of this name; correct the stored user name, or create the user"
UNDECLARED_ADMINISTRATOR = (
    "the application's user may neither list the users nor run a script (EVAL) that reads the user's own rights: "
    "declare an administrator of the server in the catalog, or accept this result"
)


def merged(expected: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, list[Row]]:
    """``result`` is revoked_logins' own."""
    silence = previous_values_results.why_silent(result) or "no host could query it"
    answers = result.get("inspected") or {}
    return {
        "rights": [row for place, entry in expected.items() for row in _rights(place, entry, answers, silence)],
        "logins": [row for place, entry in expected.items() for row in _logins(place, entry, answers, silence)],
        "honeytokens": [
            row
            for place, entry in expected.items()
            for item in entry["honeytokens"]
            for row in honeytoken_rows.of_login(place, entry, item, answers.get(place), silence)
        ],
        "baseline": [row for place, entry in expected.items() for row in _baseline(place, entry, answers, silence)],
    }


def _rights(place: str, entry: Mapping[str, Any], answers: Mapping[str, Any], silence: str) -> Iterator[Row]:
    answer = answers.get(place)
    for credential in entry["credentials"]:
        why_not = entry["left_out"].get(credential)
        rights = answer["rights"].get(credential) if answer else None
        if credential in entry["own_administrators"]:
            yield row(NOT_APPLICABLE, credential, ITS_OWN)
        elif why_not:
            yield row(NOT_APPLICABLE if why_not == MANAGED else NOT_CHECKED, credential, why_not)
        elif rights is None:
            is_gone = entry["server"] in (MYSQL, RABBITMQ) and answer and answer["listed"]
            otherwise = NO_SUCH_USER if is_gone else _unlisted(entry)
            yield row(NOT_CHECKED, credential, f"{place}: {_reasons(answer, silence, otherwise)}")
        elif rights:
            server = {**entry, "database": entry.get("databases", {}).get(credential, "")}
            tags = entry.get("tags", {}).get(credential, ())
            command = server_commands.revoking(place, server, entry["users"].get(credential, ""), rights, tags)
            yield {**row(FAIL, credential, f"its login at {place}: {', '.join(rights)}"), "command": command}
        elif entry.get("unscoped"):
            yield row(NOT_CHECKED, credential, f"{place}: {entry['unscoped']}")
        else:
            yield row(PASS, credential, f"its login at {place} has no such right")


def _logins(place: str, entry: Mapping[str, Any], answers: Mapping[str, Any], silence: str) -> Iterator[Row]:
    answer = answers.get(place)
    if entry["unjudged"] or not answer or not answer["listed"]:
        without_password = [login for login in answer["unexplained"] if login.get("nopass")] if answer else []
        for login in without_password:
            yield _finding(login, place, entry)
        if not entry["unjudged"]:
            yield row(NOT_CHECKED, place, _reasons(answer, silence, _unlisted(entry)))
        elif not without_password:
            yield row(NOT_APPLICABLE, place, entry["unjudged"])
        return
    compared = _is_compared(entry, answer)
    own = entry["own"] if compared else ()
    unexplained = [login for login in answer["unexplained"] if login["known"] or not compared or login["name"] in own]
    for login in unexplained:
        yield _finding(login, place, entry)
    if answer["more"] and not compared:
        message = f"{answer['more']} more logins are not declared; list them at the server"
        yield {**row(FAIL, place, message), "command": server_commands.at(place, entry, _listing(entry))}
    for problem in answer["problems"]:
        yield row(NOT_CHECKED, place, problem)
    if not unexplained and not answer["problems"] and (compared or not answer["more"]):
        yield row(PASS, place, f"{answer['seen']} logins, all declared")


def _is_compared(entry: Mapping[str, Any], answer: Mapping[str, Any]) -> bool:
    """Whether the baseline explains logins that the catalog does not."""
    return bool(entry["source"] and answer["inventory"]["kinds"] and not answer["inventory"]["problems"])


def _baseline(place: str, entry: Mapping[str, Any], answers: Mapping[str, Any], silence: str) -> Iterator[Row]:
    answer = answers.get(place)
    if not entry["source"]:
        otherwise = MANAGED if entry["unjudged"] == MANAGED else baseline_rows.UNRECORDED
        yield baseline_rows.unrecorded(place, entry["baseline_problem"], otherwise)
        return
    if not answer or not _is_compared(entry, answer):
        problems = {"problems": answer["inventory"]["problems"] or answer["problems"]} if answer else None
        yield row(NOT_CHECKED, place, _reasons(problems, silence, _unlisted(entry)))
        return
    source = server_baseline.source_of(entry["source"])
    command_for = functools.partial(server_commands.removing, place, entry)
    yield from baseline_rows.differences(place, source, answer["inventory"], "users, grants and objects", command_for)


def _finding(login: Mapping[str, Any], place: str, entry: Mapping[str, Any]) -> Row:
    """The command disables an undeclared login, which can be undone, and shows a login of the application."""
    name, is_known, is_open = str(login["name"]), login["known"], login.get("nopass")
    at = str(login.get("node") or place)
    if entry["server"] == POSTGRESQL and is_open:
        command = server_commands.at(at, entry, ["SHOW hba_file"])
    elif entry["server"] == VALKEY and is_known:
        command = server_commands.at(at, entry, ["ACL", "GETUSER", name])
    elif login.get("hidden"):
        command = server_commands.at(at, entry, [server_commands.LOADED])
    elif is_known:
        command = server_commands.at(at, entry, _listing(entry))
    else:
        command = server_commands.disabling(at, entry, name)
    return {**row(FAIL, place, _unexplained(login, place, entry["server"])), "command": command}


def _listing(entry: Mapping[str, Any]) -> list[str]:
    return server_commands.LISTS[entry["server"]]


def _unexplained(login: Mapping[str, Any], place: str, engine: str) -> str:
    if engine == VALKEY:
        return _of_valkey(login, place)
    name = f"{_NOUNS[engine]} {login['name']}"
    if login.get("hidden"):
        return f"{name} may log in, but is not in the table of accounts; FLUSH PRIVILEGES loads the table anew"
    if engine == MYSQL and login["name"].startswith("``@"):
        return f"anonymous {name} accepts any user name" + (" without a password" if login.get("nopass") else "")
    if login.get("nopass"):
        return name + _OPEN[engine]
    return f"{name} may log in, but no credential of the catalog declares it"


def _of_valkey(login: Mapping[str, Any], place: str) -> str:
    node = login.get("node", place)
    user = f"user {login['name']}" + (f" at {node}" if node != place else "")
    count = login.get("passwords", 0)
    digests = ", ".join(login.get("digests", ()))
    passwords = f"{count} password{'' if count == 1 else 's'} (sha256 {digests})" if count else ""
    if login.get("nopass"):
        return f"{user} needs no password (nopass)"
    if login["known"]:
        return f"{user} accepts {passwords} that no store holds"
    return f"{user} may log in with {passwords}, but no credential of the catalog declares it"


def _unlisted(entry: Mapping[str, Any]) -> str:
    """Reason for not asking an administrator."""
    if entry["server"] == POSTGRESQL:
        return "its answer has no result"
    if entry["server"] == VALKEY and not entry["administrator"]:
        return UNDECLARED_ADMINISTRATOR
    return str(entry["administrator_problem"] or ASK_AN_ADMINISTRATOR.format(admin=entry["administrator"]))


def _reasons(answer: Mapping[str, Any] | None, silence: str, otherwise: str = "its answer has no result") -> str:
    return "; ".join(answer["problems"]) or otherwise if answer else silence
