# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ACL rules for the steps of a Valkey user, from the users of a node."""

from __future__ import annotations

import re
import shlex
from typing import Collection, Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey import User

_ALL_OFF = ("resetkeys", "resetchannels", "-@all")
"""The state from which the rules of ACL LIST start."""


def _telling(rules: Sequence[str]) -> List[str]:
    """The rules without a default that Redis 6 may or may not show."""
    return [rule for rule in rules if rule != "sanitize-payload"]


def copied_rules(users: Mapping[str, User], user: str, like: Optional[str]) -> Tuple[str, ...]:
    """Rules that give ``user`` the rights of ``like``. Empty if it has them."""
    existing = users.get(user)
    if like is None or like == user:
        if existing is None:
            raise HostError(
                "the user %s does not exist, so nobody can log in as this user; create the user again (ACL LOAD reads "
                "the server's ACL file again), then run the same command again" % user
            )
        return ()
    model = users.get(like)
    if model is None:
        raise HostError(
            "the user %s does not exist, so the user %s cannot get its rights; create %s, or correct the user in the "
            "application's URL" % (like, user, like)
        )
    if existing is not None and _telling(existing.rules) == _telling(model.rules):
        return ()
    clear = ("clearselectors",) if existing is not None and existing.has_selectors else ()
    return _ALL_OFF + clear + model.rules


def _refuse_nopass(users: Mapping[str, User], user: str) -> None:
    if user in users and users[user].nopass:
        raise HostError(
            "the user %s needs no password (nopass), so its first password would lock out every client without "
            "a password; deploy a password first, then remove nopass" % user
        )


def plan_open(
    users: Mapping[str, User], user: str, digest: str, *, like: Optional[str], gate: str, leak: bool = False
) -> Tuple[Tuple[str, ...], ...]:
    """Commands that mark the user for a rotation: it exists, has its rights and the gate's digest.

    A digest ends nopass. In a leak, nopass stops no run, because whoever has the password can set it.
    """
    if not leak:
        _refuse_nopass(users, user)
    rules = copied_rules(users, user, like)
    digests = users[user].digests if user in users else frozenset()
    opening = () if gate in digests or digest in digests else ("#" + gate,)
    return ((*rules, *opening),) if rules or opening else ()


def plan_present(
    users: Mapping[str, User],
    user: str,
    digest: str,
    *,
    like: Optional[str],
    gate: Optional[str],
    stored: Optional[Collection[str]] = None,
) -> Tuple[Tuple[str, ...], ...]:
    """ACL SETUSER commands that make the password valid, one tuple of rules each. Empty if it is.

    In a leak, ``stored`` are the user's passwords in the stores. All others are removed. A disabled user keeps none.
    """
    if stored is None:
        _refuse_nopass(users, user)
    rules = copied_rules(users, user, like)
    existing = users.get(user) or User(user, enabled=False, nopass=False)
    enable = () if existing.enabled else ("on",)
    # A command is atomic: without the gate's digest, the new digest is not added.
    closing = tuple("!" + name for name in (gate,) if name in existing.digests)
    if digest in existing.digests:
        wanted = (*rules, *enable, *closing)
        return (wanted,) if wanted else ()
    if gate is not None and not closing:
        raise HostError(
            "nothing was added: the user %s has no mark of this rotation, because the rotation was aborted, or "
            "because this node is new" % user
        )
    return ((*closing, *rules, *_without_others(existing, digest, stored), "#" + digest, *enable),)


def _without_others(existing: User, digest: str, stored: Optional[Collection[str]]) -> Tuple[str, ...]:
    if stored is None:
        return ()
    return exactly({*stored} - {digest} if existing.enabled else ())


def exactly(digests: Iterable[str]) -> Tuple[str, ...]:
    """Rules that leave exactly these passwords, and remove nopass."""
    return ("resetpass", *("#" + digest for digest in sorted(digests)))


def plan_revoked(
    users: Mapping[str, User],
    user: str,
    digest: str,
    *,
    gate: Optional[str],
    keep_one: bool,
    stored: Optional[Collection[str]] = None,
) -> Tuple[Tuple[str, ...], ...]:
    """Commands that revoke the password. Each names a digest, so that others' additions stay.

    In a leak, ``stored`` are the user's passwords in the stores; the user keeps no other. The command is atomic and
    names the removed digests. If it runs too late, it fails, and later passwords stay.
    """
    existing = users.get(user)
    if existing is None:
        return ()
    if existing.nopass and stored is None:
        raise HostError(
            "the user %s needs no password (nopass), so none of its passwords can be revoked; remove nopass first"
            % user
        )
    removed = [name for name in (gate, digest) if name is not None and name in existing.digests]
    remaining = existing.digests - set(removed) if stored is None else {*stored} - {digest}
    unknown = [] if stored is None else sorted(existing.digests - {*stored, *removed})
    if (digest in removed or unknown or existing.nopass) and keep_one and not remaining:
        raise HostError(
            "this is the last password of the user %s, without which no client can log in; add the new one first" % user
        )
    if stored is None or not (digest in removed or unknown or existing.nopass):
        return tuple(("!" + name,) for name in removed)
    # If the command named unknown digests too, removing one meanwhile would make it fail and save the leaked password.
    named = removed if digest in removed else [*removed, *unknown]
    state = () if remaining and existing.enabled else ("on",) if remaining else ("off",)
    return ((*("!" + name for name in named), *exactly(remaining), *state),)


REPLICATION = frozenset(("resetchannels", "-@all", "+psync", "+replconf", "+ping", "sanitize-payload"))
"""Rules of a user that replicas log in as."""


def possible_footholds(
    users: Mapping[str, User],
    stored: Mapping[str, Collection[str]],
    *,
    gate: Optional[str] = None,
    replicas: Optional[Mapping[str, Collection[str]]] = None,
) -> List[str]:
    """Logins that nothing in the stores explains, each with the command that ends it. ``replicas`` are the users that
    nodes log in as, with their digests. A replica with another password keeps copying, whatever is revoked."""
    explained = replicas or {}
    footholds = []
    for name, user in sorted(users.items()):
        quoted = shlex.quote(name)
        unknown = len(user.digests - {*stored.get(name, ()), gate})
        if name in stored and user.nopass:
            footholds.append("user %s needs no password: ACL SETUSER %s resetpass '#DIGEST'" % (name, quoted))
        elif name in stored and unknown:
            count = "1 password that no store holds" if unknown == 1 else "%d passwords that no store holds" % unknown
            footholds.append("user %s has %s: ACL SETUSER %s resetpass '#DIGEST'" % (name, count, quoted))
        elif name in stored or not user.enabled or not (unknown or user.nopass):
            continue
        elif not REPLICATION.issuperset(user.rules):
            footholds.append("user %s is not in the catalog: ACL SETUSER %s off" % (name, quoted))
        elif "+psync" in user.rules and (user.nopass or user.digests - set(explained.get(name, ()))):
            remedy = "resetpass '#DIGEST'" if name in explained else "off"
            line = "user %s may copy all data, and has a password with which no node logs in: ACL SETUSER %s %s"
            footholds.append(line % (name, quoted, remedy))
    return footholds


def evictable(users: Mapping[str, User]) -> List[str]:
    """Users that can log in, without those that have only the rights of a replica."""
    return [name for name, user in users.items() if user.enabled and not REPLICATION.issuperset(user.rules)]


def writable_prefix(user: Optional[User]) -> str:
    """Prefix of keys that the user may write. Empty if the rules do not state one."""
    for rule in user.rules if user else ():
        pattern = re.fullmatch(r"(?:~|%RW~)([^*?\[\]\\]*)\*", rule)
        if rule == "allkeys" or pattern:
            return pattern.group(1) if pattern else ""
    return ""
