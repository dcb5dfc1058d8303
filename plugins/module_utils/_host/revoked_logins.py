# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tries previous logins at servers from where the application runs, with its own drivers. Changes nothing.

A rejection counts only if the current login is accepted: a server that rejects everybody proves nothing.
"""

from __future__ import annotations

import re
import time
from functools import partial
from typing import Any, Callable, Dict, Mapping, Sequence, Tuple, TypeVar

from ansible_collections.watchparty.secrets.plugins.module_utils._core import postgresql, valkey
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import MYSQL, RABBITMQ
from ansible_collections.watchparty.secrets.plugins.module_utils._core.time_limit import within
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import login_of
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql import connection as mysql_connection
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import (
    connection as postgresql_connection,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq import amqp
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import connection as valkey_connection

ACCEPTED, REFUSED, UNTRIED, NEITHER = "accepted", "refused", "untried", "neither"
"""``NEITHER``: the current value is rejected too, so the rejection of previous ones proves nothing."""
SECONDS = 20
"""Seconds that a server may take in addition to its logins."""
PAUSE = 0.5
"""Seconds between two tries at a server."""
LOOKS = 10
"""Tries at counting open sessions: the server ends them soon after the request."""
WRONG_PASSWORDS = 10
"""Wrong passwords in a row that MySQL or MariaDB must allow before it locks an account: several runs may try."""
TOO_STRICT = (
    "the server locks an account after %d wrong passwords (max_password_errors or FAILED_LOGIN_ATTEMPTS). Log in with "
    "the previous values by hand"
)
_LIMIT = re.compile(r"\bFAILED_LOGIN_ATTEMPTS ([0-9]+)")
Answer = Tuple[str, str]
"""State, and the place or reason."""
T = TypeVar("T")


def try_logins(wanted: Sequence[Mapping[str, Any]], timeout: int) -> Dict[str, Dict[str, str]]:
    """State and message by credential."""
    result = {}
    for entry in wanted:
        most = seconds(entry, timeout)
        late = UNTRIED, "it could not be tried: no complete answer within %d seconds" % most
        state, message = within(most, partial(_try_login, entry, timeout), late)
        result[entry["credential"]] = {"state": state, "message": message}
    return result


def seconds(entry: Mapping[str, Any], timeout: int) -> int:
    """Seconds for one server: a byte now and then never meets a socket's own timeout."""
    return SECONDS + 2 * timeout * (len(entry["former"]) + 1)


def _try_login(entry: Mapping[str, Any], timeout: int) -> Answer:
    locks = _locks_accounts(entry) if entry["server"] == MYSQL else ""
    if locks:
        return UNTRIED, "nothing was tried: %s" % locks
    by_address = _BY_ADDRESS.get(entry["server"])
    log_in = partial(by_address, entry["address"]) if by_address else partial(_SERVERS[entry["server"]], timeout)
    state, message = judged(log_in, entry["current"], entry["former"], pause=PAUSE)
    if state == REFUSED and entry.get("sessions_of"):
        return _without_sessions(timeout, entry, message)
    return state, message


def judged(log_in: Callable[[T], Answer], current: T, former: Sequence[T], *, pause: float = 0) -> Answer:
    """Combined answer for all previous values; ``log_in`` may raise SecretsError. An acceptance is proof enough.

    The current value logs in after each rejection, so a server that locks a login after several failures in a row never
    locks the application's login.
    """
    if not former:
        return UNTRIED, "no previous value was given"
    answer: Dict[str, str] = {}
    now: Answer = (UNTRIED, "")
    for number, item in enumerate(former):
        time.sleep(pause if number else 0)
        state, message = _asked(log_in, item)
        answer[state] = message
        if state == REFUSED:
            now = _asked(log_in, current)
    if ACCEPTED in answer:
        return ACCEPTED, "a previous value still logs in at %s" % answer[ACCEPTED]
    if UNTRIED in answer:
        return UNTRIED, "it could not be tried: %s" % answer[UNTRIED]
    state, message = now
    if state == ACCEPTED:
        tries = " (%d previous logins were tried)" % len(former) if len(former) > 1 else ""
        return REFUSED, "rejected now at %s, which accepts the current value%s" % (message, tries)
    proof = (
        "even the current value is rejected from this host, so a rejection of the old value proves nothing: %s"
        % message
    )
    return NEITHER if state == REFUSED else UNTRIED, proof


def _without_sessions(timeout: int, entry: Mapping[str, Any], refused: str) -> Answer:
    """Waits for the login's sessions to end. PostgreSQL knows no name for sessions of a dropped login."""
    target = postgresql.parse_url(entry["current"], "the URL")
    query = "SELECT usename::text FROM pg_stat_activity WHERE datname = current_database() AND usesysid IS NOT NULL"
    try:
        with postgresql_connection.ServerConnection(target, label="the URL", timeout=timeout) as server:
            for _look in range(LOOKS):
                users = [user for (user,) in server.rows(query, doing="counting sessions of a login that has ended")]
                number = users.count(None) + users.count(entry["sessions_of"])
                if not number:
                    return REFUSED, refused
                time.sleep(0.5)
    except SecretsError as error:
        return UNTRIED, "its sessions could not be counted: %s" % error
    return ACCEPTED, "the old value is rejected, but %d of its sessions are still open at %s; end them there" % (
        number,
        target.place,
    )


def _asked(log_in: Callable[[T], Answer], value: T) -> Answer:
    try:
        return log_in(value)
    except SecretsError as error:
        return UNTRIED, str(error)


def postgresql_login(timeout: int, url: str) -> Answer:
    target = postgresql.parse_url(url, "the URL")
    result = postgresql_connection.try_login(target, "the URL", timeout)
    if isinstance(result, postgresql_connection.LoginResult):
        return ACCEPTED, target.place
    # pg_hba.conf rejects a login before the server checks its password.
    if result.refusal.proves_refusal and result.refusal.reason != "not_from_here":
        return REFUSED, result.refusal.reason
    return UNTRIED, str(result)


def valkey_login(_timeout: int, url: str) -> Answer:
    address = valkey.parse_url(url, "the URL")
    try:
        valkey_connection.Connection(address, valkey_connection.LOGIN).close()
    except valkey_connection.ValkeyLoginRefused as error:
        return REFUSED, str(error)
    return ACCEPTED, str(address)


def _locks_accounts(entry: Mapping[str, Any]) -> str:
    """Reason why a wrong password might lock an account of MySQL or MariaDB, read with the current login."""
    try:
        with mysql_connection.MysqlConnection(entry["address"], _login(entry["current"])) as server:
            rows = server.rows("SHOW GLOBAL VARIABLES LIKE 'max_password_errors'", columns=2)
            own = server.rows("SHOW CREATE USER CURRENT_USER()")
    except SecretsError as error:
        return "the login with the current value failed: %s" % error
    texts = [str(value) for _name, value in rows] + [limit for (text,) in own for limit in _LIMIT.findall(str(text))]
    limits = [int(text) for text in texts if re.fullmatch("[1-9][0-9]{0,9}", text)]
    return TOO_STRICT % min(limits) if limits and min(limits) < WRONG_PASSWORDS else ""


def mysql_login(address: Mapping[str, Any], url: str) -> Answer:
    try:
        with mysql_connection.MysqlConnection(address, _login(url)) as server:
            return ACCEPTED, server.place
    except mysql_connection.LoginRefused as error:
        return REFUSED, str(error)


def rabbitmq_login(address: Mapping[str, Any], url: str) -> Answer:
    place = "%s:%d" % (address["host"], address["port"])
    try:
        with amqp.connected(address, _login(url), "/"):
            return ACCEPTED, place
    except amqp.AmqpLoginRefused as error:
        return REFUSED, str(error)
    except amqp.AmqpVhostClosed:
        return ACCEPTED, place


def _login(url: str) -> Dict[str, str]:
    login = login_of(url)
    return {"username": (login and login.username) or "", "password": (login and login.password) or ""}


_SERVERS: Dict[str, Callable[[int, str], Answer]] = {"postgresql": postgresql_login, "valkey": valkey_login}
_BY_ADDRESS: Dict[str, Callable[[Mapping[str, Any], str], Answer]] = {MYSQL: mysql_login, RABBITMQ: rabbitmq_login}
"""Servers that the catalog declares by address, not by URL."""
