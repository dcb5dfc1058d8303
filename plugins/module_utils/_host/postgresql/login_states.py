# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""States of a login that alternates. Each reads, plans, and applies the plan in one transaction."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from ansible_collections.watchparty.secrets.plugins.module_utils._core import postgresql
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import INTERFERED
from ansible_collections.watchparty.secrets.plugins.module_utils._host import unknown_clients
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import (
    connection,
    containment,
    footholds,
    login_statements,
)

Result = Dict[str, Any]

NEEDED = {
    "checked": ("admin_url", "login", "owner", "like"),
    "blocked": ("admin_url", "login", "leaked"),
    "present": ("admin_url", "login_url", "login", "owner", "verifier"),
    "usable": ("login_url", "login", "owner"),
    "sessions": ("admin_url", "login"),
    "revoked": ("admin_url", "login_url", "login"),
    "prepared": ("admin_url", "owner"),
    "unprepared": ("admin_url", "owner"),
}

# Seconds for sessions to end, and for a server at its limit to answer.
PATIENCE = 15.0


class UnknownSessions(postgresql.DatabaseError):
    """Raised if programs outside the inventory use a login."""

    def __init__(self, sessions: List[Dict[str, Any]], message: str) -> None:
        self.sessions = sessions
        super().__init__("unknown_sessions", message)


class LoginCall:
    def __init__(self, params: Mapping[str, Any], check_mode: bool) -> None:
        self.params = params
        self.check_mode = check_mode
        missing = [name for name in NEEDED[params["state"]] if not params[name]]
        if missing:
            raise postgresql.DatabaseError(
                "missing_option", "state=%s needs %s" % (params["state"], ", ".join(missing))
            )
        self.login: str = params["login"]
        self.owner: str = params["owner"]
        self.journal: int = params["journal"]
        self.leaked: str = params["leaked"] or ""
        """The leaked login, else empty. Nothing that its holder may do stops a state."""

    def administrator(self) -> connection.ServerConnection:
        target = postgresql.parse_url(self.params["admin_url"], postgresql.ADMIN_URL)
        try:
            return connection.ServerConnection.administered(target, timeout=self.params["connect_timeout"])
        except connection.PostgresqlLoginRefused as error:
            if not self.leaked or error.reason != "limit":
                raise
            raise postgresql.DatabaseError(error.reason, containment.by_superuser(str(error), self.leaked)) from None

    @property
    def target(self) -> postgresql.ConnectionTarget:
        target = postgresql.parse_url(self.params["login_url"], postgresql.LOGIN_URL)
        if target.user != self.login:
            raise postgresql.DatabaseError(
                "bad_url", "the credential's URL logs in as %s, and login is %s" % (target.user, self.login)
            )
        return target

    def try_login(self) -> Union[connection.LoginResult, connection.PostgresqlLoginRefused]:
        return connection.try_login(self.target, postgresql.LOGIN_URL, self.params["connect_timeout"])

    def observed(self, server: connection.ServerConnection, *names: Optional[str]) -> login_statements.ServerFacts:
        return connection.observe(server, [name for name in dict.fromkeys(names) if name])

    def unblock(self, server: connection.ServerConnection) -> Optional[Callable[[], object]]:
        if not self.leaked or self.check_mode:
            return None

        def act() -> None:
            containment.end_blockers(server, self.leaked)
            if self.login == self.leaked:
                containment.roll_back_prepared(server, self.target, self.params["connect_timeout"])

        return act

    def applied(
        self, server: connection.ServerConnection, plan: Sequence[login_statements.Statement], login: str
    ) -> Result:
        if not self.check_mode:
            connection.apply(server, plan, login, self.journal)
        return {"changed": bool(plan), "statements": [statement.shown for statement in plan]}


def checked(run: LoginCall) -> Result:
    """Raises what ``present`` for ``login`` and ``revoked`` for ``like`` would raise. Changes nothing."""
    with run.administrator() as server:
        former: str = run.params["like"]
        facts = run.observed(server, run.login, run.owner, former)
        login_statements.plan_layout(
            facts, login=run.login, owner=run.owner, journal=run.journal, like=former, leaked=bool(run.leaked)
        )
        refuse_own(server, former)
        login_statements.plan_revoked(facts, login=former, journal=run.journal)
        connection.may_end_sessions(facts.admin, former)
        refuse_in_use(run, server, facts.roles.get(run.login))
    return {"changed": False}


def blocked(run: LoginCall) -> Result:
    """Disables the leaked login before a new one is made."""
    with run.administrator() as server:
        refuse_own(server, run.login)
        unblock = run.unblock(server)
        ended = 0 if run.check_mode else containment.blocked(server, run.login, run.journal, PATIENCE, unblock=unblock)
    return {"changed": True, "ended": ended}


def present(run: LoginCall) -> Result:
    result = run.try_login()
    if isinstance(result, connection.LoginResult) and result.current_user == run.owner:
        return {"changed": False, "statements": []}
    with run.administrator() as server:

        def act() -> Result:
            facts = run.observed(server, run.login, run.owner, run.params["like"])
            plan = login_statements.plan_present(
                facts,
                login=run.login,
                owner=run.owner,
                verifier=run.params["verifier"],
                journal=run.journal,
                like=run.params["like"],
                leaked=bool(run.leaked),
            )
            refuse_in_use(run, server, facts.roles.get(run.login))
            return {**run.applied(server, plan, run.login), **_not_copied(run, facts)}

        return server.transaction(act, unblock=run.unblock(server))


def _not_copied(run: LoginCall, facts: login_statements.ServerFacts) -> Result:
    names = login_statements.not_copied(facts, login=run.login, like=run.leaked) if run.leaked else []
    if not names:
        return {}
    message = (
        "settings of the leaked login %s were not copied to %s, because an attacker may have set them: %s. If a "
        "setting is yours: ALTER ROLE %s SET …"
        % (run.leaked, run.login, ", ".join(names), postgresql.identifier(run.login))
    )
    return {"not_copied": names, "warnings": [message]}


def refuse_in_use(run: LoginCall, server: connection.ServerConnection, role: Optional[login_statements.Role]) -> None:
    """Raises if programs use the login: a new password would lock them out as they reconnect."""
    if role is None or not role.can_login or run.params["allow_sessions"]:
        return
    deadline = time.monotonic() + 1
    while True:
        login_sessions = connection.sessions(server, run.login, [])
        if not login_sessions:
            return
        # A session that was just closed is still listed for a moment.
        if time.monotonic() > deadline:
            raise postgresql.DatabaseError(
                "in_use",
                "role %s is in use (%s), but the stored password does not log in; no password was changed. Store the "
                "valid password, or end those programs" % (run.login, described(login_sessions)),
            )
        time.sleep(0.1)


def usable(run: LoginCall) -> Result:
    try:
        return {"changed": False, "usable": True, **_usable(run)}
    except postgresql.DatabaseError as error:
        if not run.check_mode:
            raise
        return {"changed": False, "usable": False, "reason": error.reason, "problem": str(error)}


def _usable(run: LoginCall) -> Result:
    try:
        return {"temporary_table": worked(run)}
    except postgresql.DatabaseError as error:
        if not run.leaked or run.check_mode:
            raise
        if error.reason in DATABASES_OWN:
            return {"temporary_table": False, "warnings": ["%s. The server accepts the login itself" % error]}
        if error.reason not in ("limit", "role_limit"):
            raise
        raise postgresql.DatabaseError(INTERFERED, str(error)) from None


DATABASES_OWN = ("database_limit", "no_connect", "no_database", "not_accepting")
"""Refusals after the login was accepted. The database's owner may cause them."""


def worked(run: LoginCall) -> bool:
    """Logs in and works a little like an application. Returns whether it made a temporary table."""
    # Outside a leak, with the application's settings, which may stop it from working.
    connect = connection.ServerConnection.own_settings if run.leaked else connection.ServerConnection
    with connect(run.target, label=postgresql.LOGIN_URL, timeout=run.params["connect_timeout"]) as server:
        doing = "using the login %s" % run.login
        ((session_user, current_user, temporary),) = server.rows(
            "SELECT session_user::text, current_user::text, has_database_privilege(current_database(), 'TEMPORARY')",
            doing=doing,
        )
        if session_user != run.login:
            raise postgresql.DatabaseError(
                "other_login",
                "the credential's URL logs in as %s instead of %s; a pooler in between may map users"
                % (session_user, run.login),
            )
        if current_user != run.owner:
            granted = [postgresql.identifier(run.owner), postgresql.identifier(run.login)]
            raise postgresql.DatabaseError(
                "not_a_member",
                "a session of role %s acts as %s, but must act as %s. Run as a superuser: GRANT %s TO %s; ALTER ROLE "
                "%s SET role TO %s" % (run.login, current_user, run.owner, *granted, *reversed(granted)),
            )
        if temporary:
            name = "watchparty_secrets_test"
            server.rows(
                "BEGIN; CREATE TEMPORARY TABLE %s (number integer); DROP TABLE %s; COMMIT" % (name, name), doing=doing
            )
    return temporary


def sessions(run: LoginCall) -> Result:
    with run.administrator() as server:
        if run.login not in run.observed(server, run.login).roles:
            return {"changed": False, "sessions": []}
        connection.may_end_sessions(connection.administrator(server), run.login)
        login_sessions = connection.sessions(server, run.login, run.params["known_addresses"])
    return {"changed": False, "sessions": as_data(login_sessions)}


def revoked(run: LoginCall) -> Result:
    started = time.monotonic()
    others = [name for name in postgresql.logins_of(run.owner) if name != run.login]
    successor = others[0] if run.leaked and run.login != run.owner else None
    with run.administrator() as server:

        def act() -> Tuple[List[connection.LoginSessions], Result]:
            facts = run.observed(server, run.login, successor)
            refuse_own(server, run.login)
            plan = login_statements.plan_revoked(facts, login=run.login, journal=run.journal, successor=successor)
            connection.may_end_sessions(facts.admin, run.login)
            login_sessions = connection.sessions(server, run.login, run.params["known_addresses"])
            refuse_unknown(run, login_sessions)
            return login_sessions, run.applied(server, plan, run.login)

        login_sessions, result = server.transaction(act, unblock=run.unblock(server))
        result["sessions"] = as_data(login_sessions)
        if run.check_mode:
            result["changed"] = result["changed"] or bool(login_sessions)
            return result
        ended = connection.end_sessions(server, run.login, seconds=PATIENCE)
        result["refusal"] = verify_rejected(run)
        if run.leaked:
            result.update(footholds.search_footholds(server, run.login, run.owner, run.params, seconds=PATIENCE))
    result.update(changed=result["changed"] or ended > 0, ended=ended, refused=True)
    result["seconds"] = round(time.monotonic() - started, 3)
    return result


def refuse_own(server: connection.ServerConnection, login: str) -> None:
    ((itself,),) = server.rows("SELECT session_user::text", doing="asking who we are")
    if itself == login:
        raise postgresql.DatabaseError(
            "own_login",
            "the administrator logs in as %s, the role that is to be revoked; name another administrator in the catalog"
            % login,
        )


def refuse_unknown(run: LoginCall, login_sessions: Sequence[connection.LoginSessions]) -> None:
    unknown_sessions = [session for session in login_sessions if not session.known]
    if unknown_sessions and not run.params["allow_sessions"]:
        raise UnknownSessions(
            as_data(login_sessions),
            "role %s has sessions from unknown addresses: %s. Nothing was changed: %s"
            % (
                run.login,
                described(unknown_sessions),
                unknown_clients.remedy(session.address for session in unknown_sessions),
            ),
        )


def verify_rejected(run: LoginCall) -> str:
    """Verifies that the server rejects the login. Returns the reason of the refusal."""
    deadline = time.monotonic() + PATIENCE
    while True:
        result = run.try_login()
        if isinstance(result, connection.LoginResult):
            raise postgresql.DatabaseError(
                "still_accepted",
                "role %s may no longer log in, but its old password is still accepted: the credential's URL leads to "
                "another server than the administrator's URL, or to a pooler that keeps the password. Correct "
                "the URL, or remove the old password from the pooler" % run.login,
            )
        if result.refusal.proves_refusal:
            return result.refusal.reason
        if not result.refusal.may_pass or time.monotonic() > deadline:
            raise postgresql.DatabaseError(
                "not_verified",
                "role %s may no longer log in, but the run could not verify that its old password is rejected: %s. "
                "Fix the cause, then run the same command again" % (run.login, result),
            )
        time.sleep(0.5)


def prepared(run: LoginCall) -> Result:
    with run.administrator() as server:

        def act() -> Result:
            facts = run.observed(server, run.owner, *postgresql.logins_of(run.owner))
            connection.may_end_sessions(facts.admin, run.owner)
            return run.applied(server, login_statements.plan_prepared(facts, owner=run.owner), run.owner)

        return server.transaction(act)


def unprepared(run: LoginCall) -> Result:
    with run.administrator() as server:

        def act() -> Result:
            logins = postgresql.logins_of(run.owner)
            facts = run.observed(server, run.owner, *logins)
            in_use = {
                login: sum(login_sessions.number for login_sessions in connection.sessions(server, login, []))
                for login in logins
            }
            plan = login_statements.plan_unprepared(facts, owner=run.owner, journal=run.journal, in_use=in_use)
            return run.applied(server, plan, run.owner)

        return server.transaction(act)


def as_data(login_sessions: Sequence[connection.LoginSessions]) -> List[Dict[str, Any]]:
    return [
        {
            "address": session.address,
            "application_name": session.application_name,
            "count": session.number,
            "known": session.known,
        }
        for session in login_sessions
    ]


def described(login_sessions: Sequence[connection.LoginSessions]) -> str:
    return ", ".join(
        "%s (%d of %s)" % (session.address, session.number, session.application_name or "an unnamed program")
        for session in login_sessions
    )


ACTS: Dict[str, Callable[[LoginCall], Result]] = {
    "checked": checked,
    "blocked": blocked,
    "present": present,
    "usable": usable,
    "sessions": sessions,
    "revoked": revoked,
    "prepared": prepared,
    "unprepared": unprepared,
}


def carry_out(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    return ACTS[params["state"]](LoginCall(params, check_mode))
