# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Steps against attackers who keep a server busy, pause it, or end our connections."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._core import valkey
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import INTERFERED, HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey import Address
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import all_nodes, user_states
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey.all_nodes import UserRequest
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey.connection import (
    SECONDS,
    NodeInterrupted,
    sent_at_once,
)

PATIENCE = 4 * SECONDS
"""Seconds. A script can be ended after busy-reply-threshold, which is 5 seconds."""
REPEATED = 2
"""Seconds. Somebody may undo a step's work every few milliseconds."""
UNDONE = ("open", "present", "usable")
"""States whose work may be undone. Nothing was revoked yet."""
TAKEN = (
    "The leaked password of %s was removed first, and its sessions were ended. The application cannot log in until "
    "it has the new password"
)
MENDED = "%s. The run sent %s"
GONE = "The leaked password of %s is not valid there any more; its sessions were ended"
Result = Dict[str, Any]


def run_step(state: str, wanted: UserRequest, *, check: bool) -> Result:
    """Runs the step of this state. In a leak, repeats it if somebody undoes its work.

    If somebody interrupts a step that revokes, removes the leaked password first. Other steps answer INTERFERED: the
    journal must name the login before it is disabled.
    """
    step = user_states.STEPS[state]
    if wanted.leaked is None or check:
        return step(wanted, check=check)
    revokes = state == "blocked" or (state == "revoked" and wanted.gate is None)
    warnings: List[str] = []
    deadline = time.monotonic() + REPEATED
    while True:
        try:
            result = step(wanted, check=False)
            return {**result, "warnings": [*warnings, *result.get("warnings", ())]}
        except HostError as error:
            is_interrupted, is_late = isinstance(error, NodeInterrupted), time.monotonic() > deadline
            if revokes:
                if is_late and (warnings or not is_interrupted):
                    raise HostError("\n".join([*warnings, str(error)])) from None
                if is_interrupted:
                    messages = _disabled(state, wanted, wanted.leaked, error)
                    deadline = deadline if warnings else time.monotonic() + REPEATED
                    warnings = list(dict.fromkeys([*warnings, *messages]))
                continue
            if is_interrupted:
                messages = [_mended(admin, error) for admin in all_nodes.declared(wanted)]
                warnings = list(dict.fromkeys([*warnings, *filter(None, messages)]))
            if is_late and (is_interrupted or state in UNDONE):
                return {"failed": True, "msg": str(error), "reason": INTERFERED}
            if is_late:
                raise HostError("\n".join([*warnings, str(error)])) from None


def _disabled(state: str, wanted: UserRequest, leaked: Address, problem: HostError) -> List[str]:
    """Removes the leaked password at every declared node. Returns a message for each."""
    rules = ("!" + valkey.digest_of(leaked.password), *(["off"] if state == "blocked" else []))
    return [_shut_out(admin, leaked, rules, problem) for admin in all_nodes.declared(wanted)]


def _mended(admin: Address, problem: HostError) -> str:
    """Ends scripts, pauses and limits at a node. Returns the warning; empty if the node does not answer."""
    commands = _mending(problem)
    try:
        sent_at_once(admin, [("AUTH", admin.user, admin.password), *commands], until=time.monotonic() + SECONDS)
    except HostError:
        return ""
    return MENDED % (problem, ", ".join(map(" ".join, commands)))


def _mending(problem: HostError) -> List[Sequence[str]]:
    limit = [("CONFIG", "SET", "maxclients", "10000")] if "maxclients" in str(problem) else []
    return [("SCRIPT", "KILL"), ("FUNCTION", "KILL"), ("CLIENT", "UNPAUSE"), *limit]


def _shut_out(admin: Address, leaked: Address, rules: Sequence[str], problem: HostError) -> str:
    """Removes the leaked password at a node. The rules name it: after its rotation, they do nothing."""
    if leaked.user == admin.user:
        raise problem
    disabling = [("ACL", "SETUSER", leaked.user, *rules), ("CLIENT", "KILL", "USER", leaked.user)]
    commands = [("AUTH", admin.user, admin.password), *_mending(problem), *disabling]
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            answer = sent_at_once(admin, commands, until=deadline)[-2]
            if answer == "OK" or "does not exist" in str(answer):
                return "%s. %s" % (problem, (TAKEN if answer == "OK" else GONE) % leaked.user)
        except NodeInterrupted:
            time.sleep(0.05)
        except HostError as error:
            return str(error)  # a node that cannot be used, which the step names
    raise HostError(
        "%s, and the leaked password of %s could not be removed within %d seconds. It may still work: block it "
        "(docs/runbooks/by-hand.md, Block a login), restart the server, then run the same command again"
        % (problem, leaked.user, PATIENCE)
    )
