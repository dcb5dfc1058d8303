# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans the statements that bring a login role to its wanted state. Pure."""

from __future__ import annotations

from typing import List, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.postgresql import (
    VERIFIER,
    DatabaseError,
    identifier,
    literal,
    logins_of,
    refuse_older,
    with_record,
)

# Their values are lists of names, stored with the quotes that each name needs.
_LISTS = frozenset(
    (
        *("local_preload_libraries", "search_path", "session_preload_libraries", "shared_preload_libraries"),
        *("temp_tablespaces", "unix_socket_directories"),
    )
)

Setting = Tuple[str, str]
"""Database (empty for all) and name."""


class Membership(NamedTuple):
    """Options of a role's membership."""

    admin: bool = False
    inherit: bool = True
    set_role: bool = True

    def covers(self, other: Membership) -> bool:
        return all(mine or not wanted for mine, wanted in zip(self, other))


class Role(NamedTuple):
    name: str
    oid: int
    can_login: bool
    superuser: bool = False
    inherits: bool = True
    connection_limit: int = -1
    expires: bool = False
    comment: Optional[str] = None
    administered: bool = True
    """Whether the administrator has ADMIN OPTION on it."""
    settings: Mapping[Setting, str] = {}
    member_of: Mapping[str, Membership] = {}


class Admin(NamedTuple):
    name: str
    version: int
    superuser: bool = False
    creates_roles: bool = True
    signals: bool = True
    reads_sessions: bool = True


class ServerFacts(NamedTuple):
    admin: Admin
    roles: Mapping[str, Role]


class Statement(NamedTuple):
    """A statement. ``shown`` is the text without any value."""

    text: str
    shown: str
    records: bool = False
    """Whether it writes the journal number. It is the last statement of a plan."""


def plan_present(
    facts: ServerFacts,
    *,
    login: str,
    owner: str,
    verifier: str,
    journal: int,
    like: Optional[str] = None,
    leaked: bool = False,
) -> List[Statement]:
    """Plans a login that can log in with the verifier's password and becomes the owner."""
    if not VERIFIER.fullmatch(verifier):
        raise DatabaseError(
            "bad_verifier", "verifier is not a SCRAM-SHA-256 verifier, and nothing else may be sent to a server"
        )
    role, model = facts.roles.get(login), facts.roles.get(like or "")
    plan = plan_layout(facts, login=login, owner=owner, journal=journal, like=like, leaked=leaked)
    clauses = ["LOGIN"]
    if role and not role.inherits:
        clauses.append("INHERIT")
    if model and model.connection_limit != (role.connection_limit if role else -1):
        clauses.append("CONNECTION LIMIT %d" % model.connection_limit)
    if role and role.expires:
        clauses.append("VALID UNTIL 'infinity'")
    statement = "ALTER ROLE %s %s PASSWORD " % (identifier(login), " ".join(clauses))
    plan.append(Statement(statement + literal(verifier), statement + "'…'"))
    return [*plan, _record(role, login, journal)]


def plan_layout(
    facts: ServerFacts, *, login: str, owner: str, journal: int, like: Optional[str] = None, leaked: bool = False
) -> List[Statement]:
    """Plans the part that needs no password. Raises what blocks the whole plan.

    ``leaked``: the holder of ``like`` may have changed its settings. They are not copied, and the login keeps the
    settings of its last turn.
    """
    if login == owner:
        raise DatabaseError(
            "login_is_owner", "login and owner are both %s; a rotation needs logins that differ from the owner" % owner
        )
    holder = _required(facts, owner, "owner")
    model = _required(facts, like, "like") if like else None
    role = facts.roles.get(login)
    if role:
        refuse_older(role.comment, login, journal)
    _may_change(facts, role, holder, needs_grant=not _is_member(role, owner))
    return _layout(facts, login, holder, model, leaked=leaked)


def not_copied(facts: ServerFacts, *, login: str, like: str) -> List[str]:
    """Names of the settings of a leaked login that the other login does not have."""
    model, role = facts.roles.get(like), facts.roles.get(login)
    own = role.settings if role else {}
    return sorted(
        name + (" in database %s" % database if database else "")
        for (database, name), value in (model.settings if model else {}).items()
        if name != "role" and own.get((database, name)) != value
    )


def plan_revoked(facts: ServerFacts, *, login: str, journal: int, successor: Optional[str] = None) -> List[Statement]:
    """Plans a login that cannot log in. A missing login is created, so that a late set finds the journal number.

    In a leak it gets the settings of its ``successor``, because its holder may have changed its own.
    """
    role = facts.roles.get(login)
    if role is None:
        _may_change(facts, None, None, needs_grant=False)
        return [_plain("CREATE ROLE %s NOLOGIN" % identifier(login)), _record(None, login, journal)]
    refuse_older(role.comment, login, journal)
    _may_change(facts, role, None, needs_grant=False)
    record = _record(role, login, journal)
    if not role.can_login and with_record(role.comment, journal) == role.comment:
        return []
    settings = facts.roles.get(successor or "", role).settings
    return [
        _plain("ALTER ROLE %s NOLOGIN PASSWORD NULL" % identifier(login)),
        *_settings(role, login, settings),
        record,
    ]


def plan_prepared(facts: ServerFacts, *, owner: str) -> List[Statement]:
    """Plans two logins that cannot log in yet, beside the owner."""
    holder = _required(facts, owner, "owner")
    if holder.superuser:
        raise DatabaseError(
            "superuser",
            "role %s is a superuser. Run as a superuser: ALTER ROLE %s NOSUPERUSER" % (owner, identifier(owner)),
        )
    plan = []
    for login in logins_of(owner):
        role = facts.roles.get(login)
        if role and role.can_login and not _is_member(role, owner):
            raise DatabaseError(
                "name_taken",
                "role %s can log in and is not a member of %s, but the rotation needs that name; rename the role"
                % (login, owner),
            )
        _may_change(facts, role, holder, needs_grant=not _is_member(role, owner))
        plan += _layout(facts, login, holder, holder)
        if holder.connection_limit != (role.connection_limit if role else -1):
            plan.append(_plain("ALTER ROLE %s CONNECTION LIMIT %d" % (identifier(login), holder.connection_limit)))
    return plan


def plan_unprepared(facts: ServerFacts, *, owner: str, journal: int, in_use: Mapping[str, int]) -> List[Statement]:
    """Plans the removal of both logins. ``in_use`` is the number of sessions of each. Outside a rotation ``journal`` is
    0."""
    holder = _required(facts, owner, "owner")
    roles = [facts.roles[login] for login in logins_of(owner) if login in facts.roles]
    for role in roles:
        if journal:
            refuse_older(role.comment, role.name, journal)
        if role.can_login:
            raise DatabaseError(
                "in_use", "role %s can log in, so a rotation used it; the logins can no longer be dropped" % role.name
            )
        if in_use.get(role.name):
            raise DatabaseError("in_use", "role %s has %d sessions; end them first" % (role.name, in_use[role.name]))
        _may_change(facts, role, None, needs_grant=False)
    if roles and not holder.can_login:
        raise DatabaseError("in_use", "role %s cannot log in either; no login would remain" % owner)
    return [_plain("DROP ROLE %s" % identifier(role.name)) for role in roles]


def _layout(
    facts: ServerFacts, login: str, holder: Role, model: Optional[Role], *, leaked: bool = False
) -> List[Statement]:
    """Plans the role, its membership of the owner, and the settings and memberships of ``model``."""
    role, name = facts.roles.get(login), identifier(login)
    plan = [] if role else [_plain("CREATE ROLE %s NOLOGIN" % name)]
    wanted = {holder.name: Membership()}
    if model and model.name != holder.name:
        wanted.update({group: kind for group, kind in model.member_of.items() if group != holder.name})
    for group, kind in wanted.items():
        if not _is_member(role, group, kind):
            plan.append(_plain("GRANT %s TO %s%s" % (identifier(group), name, _options(facts.admin, kind))))
    source = model if model and not leaked else role
    settings = {**(source.settings if source else {}), ("", "role"): holder.name}
    return plan + _settings(role, login, settings)


def _settings(role: Optional[Role], login: str, settings: Mapping[Setting, str]) -> List[Statement]:
    """Statements that give the role exactly these settings."""
    plan, name = [], identifier(login)
    for (database, setting), value in sorted(settings.items()):
        if not role or role.settings.get((database, setting)) != value:
            text = "ALTER ROLE %s%s SET %s TO " % (name, _in(database), _setting(setting))
            written = _value(setting, value)
            # An application's own setting may hold a secret.
            plan.append(Statement(text + written, text + ("'…'" if "." in setting else written)))
    for database, setting in sorted(set(role.settings if role else {}) - set(settings)):
        plan.append(_plain("ALTER ROLE %s%s RESET %s" % (name, _in(database), _setting(setting))))
    return plan


def _is_member(role: Optional[Role], group: str, kind: Membership = Membership()) -> bool:  # noqa: B008 - immutable
    membership = role.member_of.get(group) if role else None
    return membership is not None and membership.covers(kind)


def _required(facts: ServerFacts, name: str, part: str) -> Role:
    role = facts.roles.get(name)
    if role is None:
        raise DatabaseError(
            "no_%s" % part,
            "role %s (%s) does not exist on the server; correct the catalog, or create the role" % (name, part),
        )
    return role


def _may_change(facts: ServerFacts, role: Optional[Role], holder: Optional[Role], *, needs_grant: bool) -> None:
    """Raises early what the server would refuse midway, with the statement that helps."""
    admin = facts.admin
    if admin.superuser:
        return
    if not admin.creates_roles:
        raise DatabaseError(
            "missing_right",
            "administrator %s lacks CREATEROLE. Run as a superuser: ALTER ROLE %s CREATEROLE"
            % (admin.name, identifier(admin.name)),
        )
    touched = [item for item in (role, holder if needs_grant else None) if item]
    for item in touched:
        if item.superuser:
            raise DatabaseError(
                "missing_right",
                "role %s is a superuser, but administrator %s is not. Run as a superuser: ALTER ROLE %s NOSUPERUSER; "
                "or name a superuser as admin in the catalog" % (item.name, admin.name, identifier(item.name)),
            )
        if admin.version >= 160000 and not item.administered:
            raise DatabaseError(
                "missing_right",
                "administrator %s cannot change role %s: PostgreSQL 16 and newer require ADMIN OPTION on the role. Run "
                "as a superuser, or as the role that created role %s: GRANT %s TO %s WITH ADMIN TRUE, INHERIT FALSE, "
                "SET FALSE" % (admin.name, item.name, item.name, identifier(item.name), identifier(admin.name)),
            )


def _record(role: Optional[Role], login: str, journal: int) -> Statement:
    comment = with_record(role.comment if role else None, journal)
    text = "COMMENT ON ROLE %s IS %s" % (identifier(login), literal(comment))
    return Statement(text, text, records=True)


def _plain(text: str) -> Statement:
    return Statement(text, text)


def _in(database: str) -> str:
    return " IN DATABASE %s" % identifier(database) if database else ""


def _options(admin: Admin, kind: Membership) -> str:
    if admin.version < 160000:
        return " WITH ADMIN OPTION" if kind.admin else ""
    options = ("ADMIN", kind.admin), ("INHERIT", kind.inherit), ("SET", kind.set_role)
    return " WITH " + ", ".join("%s %s" % (word, "TRUE" if on else "FALSE") for word, on in options)


def _value(setting: str, value: str) -> str:
    if setting.lower() in _LISTS:
        return ", ".join(literal(name) for name in _names(value)) or "''"
    return literal(value)


def _setting(setting: str) -> str:
    return ".".join(identifier(part) for part in setting.split("."))


def _names(value: str) -> List[str]:
    """Names in a stored list: separated by commas, in double quotes if needed."""
    names: List[str] = []
    rest = value.strip()
    while rest:
        if rest.startswith('"'):
            end = 1
            while rest[end : end + 1] != '"' or rest[end + 1 : end + 2] == '"':
                end += 2 if rest[end : end + 2] == '""' else 1
                if end >= len(rest):
                    raise DatabaseError("bad_setting", "a list among the settings of a role has an open quote")
            names.append(rest[1:end].replace('""', '"'))
            rest = rest[end + 1 :].lstrip()
        else:
            name, _comma, _rest = rest.partition(",")
            names.append(name.strip())
            rest = rest[len(name) :]
        rest = rest[1:].lstrip() if rest.startswith(",") else rest
    return names
