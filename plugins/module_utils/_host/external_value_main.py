# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tries an externally issued value: by the catalog's request, and at each server whose administrator it is.

Only the status of an answer is kept: its body may repeat the value.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Dict, List, Mapping, Sequence
from urllib.parse import urlencode, urlsplit

from ansible_collections.watchparty.secrets.plugins.module_utils._core import valkey
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError, SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import health_check, program, revoked_logins
from ansible_collections.watchparty.secrets.plugins.module_utils._host.revoked_logins import (
    ACCEPTED,
    REFUSED,
    UNTRIED,
    Answer,
    judged,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import user_states

ARGUMENT_SPEC: Dict[str, Any] = {
    "credential": {"type": "str"},
    "state": {"type": "str", "choices": ["checked", "usable", "tried"], "default": "usable"},
    "timeout": {"type": "int", "default": 10},
    "tries": {"type": "list", "elements": "dict", "default": [], "no_log": True},
}
RETURNS: Dict[str, Any] = {
    "tried?": {str: {"state": {"accepted", "refused", "neither", "untried"}, "message": str}},
}


def problems(wanted: Sequence[Mapping[str, Any]], timeout: int) -> List[str]:
    """Reasons why values are not accepted; empty if all are."""
    results = []
    for entry in wanted:
        try:
            state, text = _login(entry, timeout)(entry["current"])
        except SecretsError as error:
            state, text = UNTRIED, str(error)
        if state != ACCEPTED:
            message = "is refused" if state == REFUSED else "could not be tried"
            results.append("the new value %s%s: %s" % (message, entry["what"], text))
    return results


def try_values(wanted: Sequence[Mapping[str, Any]], timeout: int) -> Dict[str, Dict[str, str]]:
    """State and message of previous values, by id. The worst of several servers counts."""
    result: Dict[str, Dict[str, str]] = {}
    for entry in wanted:
        state, message = judged(_login(entry, timeout), entry["current"], entry["former"])
        before = result.get(entry["id"])
        if before is None or state == ACCEPTED or (state != REFUSED and before["state"] == REFUSED):
            result[entry["id"]] = {"state": state, "message": message}
    return result


def _by_request(timeout: int, request: Mapping[str, Any]) -> Answer:
    parts = urlsplit(request["url"])
    place = "%s://%s%s" % (parts.scheme, parts.netloc, parts.path)
    headers, body = dict(request["headers"]), None
    if request["form"]:
        body = urlencode(request["form"]).encode()
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    answer = health_check.ask_once(request["url"], float(timeout), headers=headers, body=body)
    if "problem" in answer:
        return UNTRIED, "%s: %s" % (place, answer["problem"])
    status = answer["status"]
    if status in request["status"]:
        return ACCEPTED, place
    message = "%s answers HTTP %d" % (place, status)
    return (
        (REFUSED, message)
        if status in request["refused"]
        else (UNTRIED, "%s, which neither accepts nor rejects the value" % message)
    )


def _at_every_node(nodes: Sequence[str], timeout: int, url: str) -> Answer:
    """Tries an administrator's login at every declared node, because ACLs do not replicate."""
    state, message = revoked_logins.valkey_login(timeout, url)
    if state == ACCEPTED:
        address = valkey.parse_url(url, "the URL")
        digest = valkey.digest_of(address.password)
        wanted = user_states.UserRequest(address, address, address.user, digest, nodes=tuple(nodes))
        user_states.usable(wanted, check=True)  # raises with each node that rejects it
    return state, message


def _login(entry: Mapping[str, Any], timeout: int) -> Callable[[Any], Answer]:
    if entry["server"] == "valkey":
        return partial(_at_every_node, entry.get("nodes", ()), timeout)
    return partial(_SERVERS[entry["server"]], timeout)


_SERVERS: Dict[str, Callable[[int, Any], Answer]] = {
    "http": _by_request,
    "postgresql": revoked_logins.postgresql_login,
}


def main() -> None:
    program.run(ARGUMENT_SPEC, answer)


def answer(params: Mapping[str, Any], *, check: bool) -> Dict[str, Any]:
    """Raises HostError if a new value is not accepted."""
    del check  # nothing is changed
    if params["state"] == "tried":
        return {"tried": try_values(params["tries"], params["timeout"])}
    refusals = problems(params["tries"], params["timeout"])
    if refusals:
        raise HostError("; ".join(refusals))
    return {}


if __name__ == "__main__":
    main()
