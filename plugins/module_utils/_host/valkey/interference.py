# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Steps against attackers who keep a server busy, pause it, or end our connections."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, List, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import valkey
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey import Address
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import all_nodes
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey.all_nodes import UserRequest
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey.connection import (
    SECONDS,
    NodeInterrupted,
    SetToNopass,
    sent_at_once,
)

PATIENCE = 4 * SECONDS
"""Seconds. A script can be ended after busy-reply-threshold, which is 5 seconds."""
TAKEN = (
    "The leaked password of %s was removed first, and its sessions were ended. The application cannot log in until "
    "it has the new password"
)
GONE = "The leaked password of %s is not valid there any more; its sessions were ended"
Result = Dict[str, Any]


def run_step(step: Callable[..., Result], wanted: UserRequest, *, check: bool) -> Result:
    """Runs the step. If it is interfered with in a leak, disables the leaked user and runs it again."""
    try:
        return step(wanted, check=check)
    except NodeInterrupted as error:
        if wanted.leaked is None or check:
            raise
        shut_out = [_shut_out(address, wanted, wanted.leaked, error) for address in all_nodes.declared(wanted)]
    try:
        result = step(wanted, check=check)
    except HostError as error:
        raise HostError("\n".join([*shut_out, str(error)])) from None
    return {**result, "warnings": [*shut_out, *result.get("warnings", ())]}


def _shut_out(admin: Address, wanted: UserRequest, leaked: Address, problem: NodeInterrupted) -> str:
    if leaked.user == admin.user:
        raise problem
    rules = _rules(wanted, leaked, problem)
    commands = [
        ("AUTH", admin.user, admin.password),
        ("SCRIPT", "KILL"),
        ("FUNCTION", "KILL"),
        ("CLIENT", "UNPAUSE"),
        *([("CONFIG", "SET", "maxclients", "10000")] if "maxclients" in str(problem) else []),
        *(("ACL", "SETUSER", leaked.user, *each) for each in rules),
        ("CLIENT", "KILL", "USER", leaked.user),
    ]
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            answers = sent_at_once(admin, commands, until=deadline)[-len(rules) - 1 : -1]
            if all(answer == "OK" or "does not exist" in str(answer) for answer in answers):
                return "%s. %s" % (problem, (TAKEN if "OK" in answers else GONE) % leaked.user)
        except NodeInterrupted:
            time.sleep(0.05)
        except HostError as error:
            return str(error)  # a node that cannot be used, which the step names
    raise HostError(
        "%s, and the leaked password of %s could not be removed within %d seconds. It may still work: block it "
        "(docs/runbooks/by-hand.md, Block a login), restart the server, then run the same command again"
        % (problem, leaked.user, PATIENCE)
    )


def _rules(wanted: UserRequest, leaked: Address, problem: NodeInterrupted) -> List[Tuple[str, ...]]:
    """Rules that remove the leaked password. Each applies as a whole and names a password that must still exist: after
    its rotation, it does nothing.

    While the new password is not valid yet, nobody logs in: it comes through its rotation's gate.
    """
    old = "!" + valkey.digest_of(leaked.password)
    if isinstance(problem, SetToNopass):
        return [("off",)]
    if wanted.gate is None:
        return [(old,)]
    return [(old, "off"), ("!" + wanted.gate, "#" + wanted.gate, "off")]
