# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tries former logins from where the application runs, with its own drivers. It only logs in. Python 3.8.

A refusal counts only beside the acceptance of the current login: a server that refuses everybody proves nothing.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils import (
    _postgresql,
    _postgresql_server,
    _valkey,
    _valkey_server,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._errors import SecretsError

ACCEPTED, REFUSED, UNTRIED = "accepted", "refused", "untried"
Answer = Tuple[str, str]
"""A state, and in words where or why."""


def tried(wanted: Sequence[Mapping[str, Any]], timeout: int) -> Dict[str, Dict[str, str]]:
    """State and words by credential."""
    found = {}
    for one in wanted:
        try:
            state, words = _tried(_SERVERS[one["server"]], one["current"], one["former"], timeout)
        except SecretsError as error:
            state, words = UNTRIED, "it could not be tried: %s" % error
        found[one["credential"]] = {"state": state, "words": words}
    return found


def _tried(log_in: Callable[[str, int], Answer], current: str, former: Sequence[str], timeout: int) -> Answer:
    state, words = log_in(current, timeout)
    if state != ACCEPTED:
        return UNTRIED, "not even the current value is accepted from here, so a refusal would prove nothing: %s" % words
    where = words
    reasons: List[str] = []
    for url in former:
        state, words = log_in(url, timeout)
        if state == ACCEPTED:
            return ACCEPTED, "a former value still logs in at %s" % where
        if state == UNTRIED:
            return UNTRIED, "it could not be tried: %s" % words
        reasons.append(words)
    if not reasons:
        return UNTRIED, "no former value was given"
    return REFUSED, "refused now at %s, which accepts the current value" % where


def _postgresql_login(url: str, timeout: int) -> Answer:
    target = _postgresql.parse_url(url, "the URL")
    found = _postgresql_server.try_login(target, "the URL", timeout)
    if isinstance(found, _postgresql_server.Found):
        return ACCEPTED, target.place
    # pg_hba.conf turns a login away before its password is looked at.
    if found.found.proves_refusal and found.found.reason != "not_from_here":
        return REFUSED, found.found.reason
    return UNTRIED, str(found)


def _valkey_login(url: str, _timeout: int) -> Answer:
    address = _valkey.parse_url(url, "the URL")
    try:
        _valkey_server.Connection(address, _valkey_server.LOGIN).close()
    except _valkey_server.Refused as error:
        return REFUSED, str(error)
    return ACCEPTED, str(address)


_SERVERS: Dict[str, Callable[[str, int], Answer]] = {"postgresql": _postgresql_login, "valkey": _valkey_login}
