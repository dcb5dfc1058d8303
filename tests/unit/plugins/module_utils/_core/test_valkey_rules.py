# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules that each step of a Valkey user asks for."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core import valkey_rules
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey import User

A, B, C, GATE = (letter * 64 for letter in "abcd")


def user(name: str, *digests: str, rules: Sequence[str] = ("~*", "+@all"), **extra: bool) -> User:
    return User(name, **{"enabled": True, "nopass": False, **extra}, digests=frozenset(digests), rules=tuple(rules))


def of(*users: User) -> dict[str, User]:
    return {item.name: item for item in users}


def test_present_adds_beside_what_is_there() -> None:
    users = of(user("default", A))
    assert valkey_rules.plan_present(users, "default", B, like=None, gate=None) == (("#" + B,),)
    assert valkey_rules.plan_present(users, "default", A, like=None, gate=None) == ()
    assert valkey_rules.plan_present(of(user("x", A, enabled=False)), "x", A, like=None, gate=None) == (("on",),)


def test_present_behind_a_gate() -> None:
    users = of(user("default", A, GATE))
    assert valkey_rules.plan_present(users, "default", B, like=None, gate=GATE) == (("!" + GATE, "#" + B),)
    assert valkey_rules.plan_present(of(user("default", B, GATE)), "default", B, like=None, gate=GATE) == (
        ("!" + GATE,),
    )
    with pytest.raises(HostError, match="the user default has no mark of this rotation"):
        valkey_rules.plan_present(of(user("default", A)), "default", B, like=None, gate=GATE)


def test_a_user_is_made_like_another() -> None:
    model = user("a", A, rules=("~app:*", "+@all", "(~x* +get)"))
    assert valkey_rules.plan_present(of(model), "b", B, like="a", gate=None) == (
        ("resetkeys", "resetchannels", "-@all", *model.rules, "#" + B, "on"),
    )
    stale = user("b", B, rules=("~*", "(~y* +get)"))
    assert valkey_rules.plan_present(of(model, stale), "b", B, like="a", gate=None) == (
        ("resetkeys", "resetchannels", "-@all", "clearselectors", *model.rules),
    )
    same = user("b", B, rules=("sanitize-payload", *model.rules))
    assert valkey_rules.plan_present(of(model, same), "b", B, like="a", gate=None) == ()


def test_open_makes_the_user_and_opens_once() -> None:
    model = user("a", A)
    opened = valkey_rules.plan_open(of(model), "b", B, like="a", gate=GATE)
    assert opened == (("resetkeys", "resetchannels", "-@all", *model.rules, "#" + GATE),)
    assert valkey_rules.plan_open(of(model, user("b", GATE)), "b", B, like="a", gate=GATE) == ()
    assert valkey_rules.plan_open(of(model, user("b", B)), "b", B, like="a", gate=GATE) == ()
    with pytest.raises(HostError, match="does not exist, so nobody can log in as this user; create"):
        valkey_rules.plan_open({}, "b", B, like=None, gate=GATE)
    with pytest.raises(HostError, match="nopass"):
        valkey_rules.plan_open(of(user("b", nopass=True)), "b", B, like=None, gate=GATE)


def test_absent_names_what_it_takes() -> None:
    users = of(user("default", A, B, GATE))
    plan = valkey_rules.plan_revoked(users, "default", A, gate=GATE, keep_one=True)
    assert plan == (("!" + GATE,), ("!" + A,))
    assert valkey_rules.plan_revoked(users, "default", C, gate=None, keep_one=True) == ()
    assert valkey_rules.plan_revoked({}, "gone", A, gate=GATE, keep_one=True) == ()
    assert valkey_rules.plan_revoked(of(user("a", A)), "a", A, gate=None, keep_one=False) == (("!" + A,),)
    with pytest.raises(HostError, match="last password of the user a"):
        valkey_rules.plan_revoked(of(user("a", A, GATE)), "a", A, gate=GATE, keep_one=True)
    with pytest.raises(HostError, match="nopass"):
        valkey_rules.plan_revoked(of(user("a", nopass=True)), "a", A, gate=None, keep_one=False)


def test_in_a_leak_a_user_keeps_what_the_stores_hold() -> None:
    """Each command names what has to be there still: the gate, or the password that goes."""
    users = of(user("u", A, C, GATE))
    plan = valkey_rules.plan_present(users, "u", B, like=None, gate=GATE, stored=[A, B])
    assert plan == (("!" + GATE, "resetpass", "#" + A, "#" + B),)
    off = of(user("u", GATE, enabled=False))
    assert valkey_rules.plan_present(off, "u", B, like=None, gate=GATE, stored=[A]) == (
        ("!" + GATE, "resetpass", "#" + B, "on"),
    )
    plan = valkey_rules.plan_revoked(of(user("u", A, B, C)), "u", A, gate=None, keep_one=True, stored=[A, B])
    assert plan == (("!" + A, "resetpass", "#" + B),)
    plan = valkey_rules.plan_revoked(of(user("u", A, C)), "u", A, gate=None, keep_one=False, stored=[A])
    assert plan == (("!" + A, "resetpass", "off"),)
    plan = valkey_rules.plan_revoked(
        of(user("u", B, C, enabled=False)), "u", A, gate=None, keep_one=True, stored=[A, B]
    )
    assert plan == (("!" + C, "resetpass", "#" + B, "on"),), "another password came in the leaked one's place"
    assert valkey_rules.plan_revoked(of(user("u", B)), "u", A, gate=None, keep_one=True, stored=[A, B]) == ()


def test_in_a_leak_nopass_is_no_reason_to_stop() -> None:
    users = of(user("u", nopass=True))
    assert valkey_rules.plan_open(users, "u", B, like=None, gate=GATE, leak=True) == (("#" + GATE,),)
    assert valkey_rules.plan_revoked(users, "u", A, gate=None, keep_one=True, stored=[A, B]) == (
        ("resetpass", "#" + B),
    )
    with pytest.raises(HostError, match="last password"):
        valkey_rules.plan_revoked(users, "u", A, gate=None, keep_one=True, stored=[A])


def test_possible_footholds() -> None:
    replication = ("resetchannels", "-@all", "+psync", "+replconf", "+ping")
    users = of(
        user("app", A, B, GATE),
        user("default", nopass=True),
        user("replica", C, rules=replication),
        user("off", C, enabled=False),
        user("empty"),
        user("thief", C),
        user("open", nopass=True),
    )
    stored, replicas = {"app": [A], "default": [C]}, {"replica": [C]}
    assert valkey_rules.possible_footholds(users, stored, gate=GATE, replicas=replicas) == [
        "user app has 1 password that no store holds: ACL SETUSER app resetpass '#DIGEST'",
        "user default needs no password: ACL SETUSER default resetpass '#DIGEST'",
        "user open is not in the catalog: ACL SETUSER open off",
        "user thief is not in the catalog: ACL SETUSER thief off",
    ]
    assert valkey_rules.possible_footholds(of(user("app", A)), {"app": [A, B]}) == []


def test_who_may_copy_all_data_has_the_password_of_a_node() -> None:
    message = "user replica may copy all data, and has a password with which no node logs in: ACL SETUSER replica "
    users = of(user("replica", B, C, rules=("-@all", "+psync", "+replconf")))
    assert valkey_rules.possible_footholds(users, {}) == [message + "off"]
    assert valkey_rules.possible_footholds(users, {}, replicas={"replica": [C]}) == [message + "resetpass '#DIGEST'"]
    assert valkey_rules.possible_footholds(users, {}, replicas={"replica": [B, C]}) == []
    assert valkey_rules.possible_footholds(of(user("idle", B, rules=("-@all", "+ping"))), {}) == []


def test_a_name_in_a_command_is_one_word() -> None:
    evil = "x'; $(id) #"
    footholds = [
        *valkey_rules.possible_footholds(of(user(evil, A)), {}),
        *valkey_rules.possible_footholds(of(user(evil, A)), {evil: [B]}),
        *valkey_rules.possible_footholds(of(user(evil, nopass=True)), {evil: [B]}),
    ]
    assert [shlex.split(text.rpartition(": ")[2])[2] for text in footholds] == [evil] * 3


DIGESTS = st.sampled_from([A, B, C, GATE])


def applied(held: frozenset[str], plan: Sequence[Sequence[str]]) -> frozenset[str]:
    """What Valkey makes of the commands: each is all or nothing."""
    for rules in plan:
        after = set(held)
        for rule in rules:
            if rule.startswith("!"):
                if rule[1:] not in after:
                    break
                after.discard(rule[1:])
            elif rule.startswith("#"):
                after.add(rule[1:])
        else:
            held = frozenset(after)
    return held


@given(seen=st.frozensets(DIGESTS), then=st.frozensets(DIGESTS), own=st.sampled_from([A, B]))
def test_an_act_planned_from_what_was_seen_touches_its_own_only(
    seen: frozenset[str], then: frozenset[str], own: str
) -> None:
    """Whatever became of the user between the look and the act."""
    for digest in {A, B, C} - {own}:
        for gate in (None, GATE):
            plan = valkey_rules.plan_revoked(of(user("u", *seen)), "u", own, gate=gate, keep_one=False)
            assert (digest in applied(then, plan)) is (digest in then)
            if gate is not None and gate not in seen and own not in seen:
                continue
            plan = valkey_rules.plan_present(of(user("u", *seen)), "u", own, like=None, gate=gate)
            assert (digest in applied(then, plan)) is (digest in then)


@given(seen=st.frozensets(DIGESTS), then=st.frozensets(DIGESTS))
def test_nothing_is_added_through_a_closed_gate(seen: frozenset[str], then: frozenset[str]) -> None:
    try:
        plan = valkey_rules.plan_present(of(user("u", *seen)), "u", A, like=None, gate=GATE)
    except HostError:
        assert not seen & {A, GATE}
        return
    if GATE not in then:
        assert applied(then, plan) == then


@pytest.mark.parametrize(
    ("rules", "prefix"),
    [
        (("~*", "+@all"), ""),
        (("allkeys",), ""),
        (("%R~read:*", "~app:*"), "app:"),
        (("%RW~both:*",), "both:"),
        (("~one-key",), ""),
        (("~a?:*", "~b:*"), "b:"),
    ],
)
def test_where_the_user_may_write(rules: tuple[str, ...], prefix: str) -> None:
    assert valkey_rules.writable_prefix(user("u", rules=rules)) == prefix
    assert valkey_rules.writable_prefix(None) == ""
