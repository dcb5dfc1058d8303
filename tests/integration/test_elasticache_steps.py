# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What elasticache_auth_token asks and sends, against the stand-in and a real server behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    Denied,
    NoAccess,
    Overtaken,
    RotationError,
    StoreError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import main as valkey_main
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import user_states
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_action import Parties
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_actions.auth_token import (
    AuthTokenState,
)
from sandbox.valkey import Valkey
from tests.integration.elasticache_server import ElastiCache
from tests.integration.test_elasticache_tokens import tokens
from tests.integration.valkey_lab import dead, new_password, node, session, session_from

ROTATE, SET = "ModifyReplicationGroup ROTATE", "ModifyReplicationGroup SET"


@pytest.fixture
def api() -> Iterator[ElastiCache]:
    with Valkey(password=new_password()) as server, ElastiCache([server]) as api:
        yield api


def server_of(api: ElastiCache) -> Valkey:
    return api._servers[0]


def steps(
    api: ElastiCache,
    new: str | None,
    *,
    aborting: bool = False,
    check: bool = False,
    leak: bool = False,
    ends: Any = None,
    seen: Any = None,
    **options: Any,
) -> AuthTokenState:
    server = server_of(api)
    old = Login(None, server.password)
    parties = Parties(
        old=old,
        new=None if new is None else Login(None, new),
        admin=old,
        url=server.url(),
        admin_url=server.url(),
        aborting=aborting,
        leak=leak,
    )
    asked = lambda login: {node(server): server.accepts(login.password)}  # noqa: E731
    return AuthTokenState(tokens(api, **options), parties, asked, ends or on_host(server, "ended"), check, seen)


def on_host(server: Valkey, state: str, **extra: Any) -> Any:
    """What the module does on the host."""
    defaults = {name: item.get("default") for name, item in valkey_main.ARGUMENT_SPEC.items()}

    def act(login: Login) -> dict[str, Any]:
        given = {**defaults, "state": state, "login_url": server.url(password=login.password), **extra}
        return user_states.STEPS[state](valkey_main.wanted(given), check=False)

    return act


def sent(api: ElastiCache) -> list[str]:
    return [call for call in api.calls if call != "DescribeReplicationGroups"]


def test_each_step_is_done_once(api: ElastiCache) -> None:
    server, new = server_of(api), new_password()
    assert steps(api, new, check=True).present()["changed"]
    assert sent(api) == []
    place = node(server)
    assert steps(api, new).present() == {"changed": True, "accepted": {place: True}}
    assert steps(api, new).present() == {"changed": False, "accepted": {place: True}}
    assert steps(api, new).usable() == {"changed": False, "accepted": {place: True}}
    assert steps(api, new, check=True).revoked()["changed"]
    assert sent(api) == [ROTATE]
    assert steps(api, new).revoked() == {"changed": True, "accepted": {place: False}}
    assert steps(api, new).revoked() == {"changed": False, "accepted": {place: False}}
    assert sent(api) == [ROTATE, SET]
    assert server.accepts(new)


class TestSessionsFromElsewhere:
    """A program outside the inventory, which would fail when it connects anew."""

    WORDS = (
        r"the old token was kept: user default is logged in from unknown addresses: 127\.0\.0\.8 \(2\), "
        r"127\.0\.0\.9 \(1\)\. "
    )

    @pytest.fixture
    def new(self, api: ElastiCache) -> Iterator[str]:
        """Three of them, one of which came after the new token was in force; and one of the application's own."""
        server, new = server_of(api), new_password()
        with (
            session_from("127.0.0.8", server, server.password),
            session_from("127.0.0.9", server, server.password),
            session_from("127.0.0.1", server, server.password),
        ):
            steps(api, new).present()
            with session_from("127.0.0.8", server, server.password):
                yield new

    @pytest.mark.parametrize("check", [True, False])
    def test_stop_it_each_named(self, api: ElastiCache, new: str, check: bool) -> None:
        server = server_of(api)
        with pytest.raises(RotationError, match=self.WORDS) as error:
            steps(api, new, check=check, seen=on_host(server, "sessions")).revoked()
        assert "rotation_known_addresses=127.0.0.8,127.0.0.9" in str(error.value)
        assert sent(api) == [ROTATE]
        assert server.accepts(server.password)

    @pytest.mark.parametrize("known", [["127.0.0.0/28"], ["127.0.0.8", "127.0.0.9"]])
    def test_not_those_that_are_known(self, api: ElastiCache, new: str, known: list[str]) -> None:
        assert steps(api, new, seen=on_host(server_of(api), "sessions", known_addresses=known)).revoked()["changed"]
        assert api.tokens == [new]

    def test_not_in_a_leak(self, api: ElastiCache, new: str) -> None:
        server = server_of(api)
        result = steps(api, new, leak=True, seen=on_host(server, "sessions")).revoked()
        assert result["ended"] == {node(server): {"127.0.0.1": 1, "127.0.0.8": 2, "127.0.0.9": 1}}

    def test_not_on_the_way_back(self, api: ElastiCache, new: str) -> None:
        """What they have stays valid."""
        server = server_of(api)
        assert steps(api, new, aborting=True, seen=on_host(server, "sessions")).revoked()["changed"]
        assert api.tokens == [server.password]

    def test_not_what_is_over(self, api: ElastiCache, new: str) -> None:
        tokens(api).keep_only(new)
        assert not steps(api, new, seen=on_host(server_of(api), "sessions")).revoked()["changed"]

    def test_so_does_a_server_that_does_not_tell(self, api: ElastiCache, new: str) -> None:
        untold = {"sessions": {}, "unknown_clients": [], "short": ["h:6379: the user lacks a right there"]}
        with pytest.raises(RotationError, match=r"the sessions cannot be listed: h:6379: the user lacks a right"):
            steps(api, new, seen=lambda _login: untold).revoked()
        assert sent(api) == [ROTATE]


def test_a_leak_ends_every_session(api: ElastiCache) -> None:
    """Also where a run was killed between the two: the old token is refused already then."""
    server, new = server_of(api), new_password()
    thief = session(server, server.password)
    steps(api, new).present()
    assert "ended" not in steps(api, new, leak=True, check=True).revoked()
    tokens(api).keep_only(new)
    result = steps(api, new, leak=True).revoked()
    assert (result["changed"], result["ended"]) == (True, {node(server): {"127.0.0.1": 1}})
    assert dead(thief)
    assert steps(api, new, leak=True).revoked()["changed"] is False


def test_sessions_that_cannot_be_ended_are_reported(api: ElastiCache) -> None:
    """The old token is refused all the same."""

    def refused(_login: Login) -> dict[str, Any]:
        raise RotationError("h:6379: the user lacks a right there")

    new = new_password()
    steps(api, new).present()
    result = steps(api, new, leak=True, ends=refused).revoked()
    assert (result["changed"], list(result["accepted"].values())) == (True, [False])
    (message,) = result["warnings"]
    assert "lacks a right" in message
    assert "reboot-cache-cluster" in message
    assert result["not_ended"] == ["h:6379: the user lacks a right there"], "for the leak's report"


def test_a_node_whose_sessions_cannot_be_ended_is_named(api: ElastiCache) -> None:
    new = new_password()
    steps(api, new).present()
    some = {"changed": True, "ended": {"h:6379": {"192.0.2.1": 2}}, "short": ["i:6379: no answer"]}
    result = steps(api, new, leak=True, ends=lambda _login: some).revoked()
    assert (result["ended"], result["not_ended"]) == (some["ended"], some["short"])
    all_ended = {**some, "short": []}
    assert "not_ended" not in steps(api, new, leak=True, ends=lambda _login: all_ended).revoked()


def test_what_is_asked_before_a_rotation(api: ElastiCache) -> None:
    server = server_of(api)
    assert steps(api, new_password()).checked() == {"changed": False, "accepted": {node(server): True}}
    assert sent(api) == []


def test_taking_it_back_keeps_the_old_one(api: ElastiCache) -> None:
    server, new = server_of(api), new_password()
    assert not steps(api, new, aborting=True).revoked()["changed"]
    steps(api, new).present()
    assert steps(api, new, aborting=True).revoked()["changed"]
    assert api.tokens == [server.password]


@pytest.mark.parametrize(("fault", "calls"), [("lose", [ROTATE]), ("refuse", [ROTATE, ROTATE])])
def test_a_request_is_repeated_only_if_it_did_not_arrive(fault: str, calls: list[str], api: ElastiCache) -> None:
    new = new_password()
    api.faults = [fault]
    assert steps(api, new).present()["changed"]
    assert sent(api) == calls
    assert api.tokens == [new, server_of(api).password]


def test_what_is_denied_is_not_repeated(api: ElastiCache) -> None:
    api.faults = ["deny"]
    with pytest.raises(Denied):
        steps(api, new_password()).present()
    assert sent(api) == [ROTATE]


def test_what_fails_twice_fails(api: ElastiCache) -> None:
    api.faults = ["refuse", "refuse"]
    with pytest.raises(NoAccess):
        steps(api, new_password()).present()
    assert api.tokens == [server_of(api).password]


def test_a_third_token_does_not_push_the_old_one_out_for_good(api: ElastiCache) -> None:
    server, new, stray = server_of(api), new_password(), new_password()
    tokens(api).add(stray)
    steps(api, new).present()
    assert set(api.tokens) == {server.password, new}
    assert server.accepts(server.password)
    assert not server.accepts(stray)


def test_nothing_is_taken_away_while_what_stays_is_refused(api: ElastiCache) -> None:
    with pytest.raises(RotationError, match=r"127\.0\.0\.1:\d+ does not accept .* no token was removed"):
        steps(api, new_password()).revoked()
    with pytest.raises(RotationError, match="no token was removed"):
        steps(api, new_password()).usable()
    with pytest.raises(RotationError, match="no new value yet"):
        steps(api, None).present()
    assert sent(api) == []


def test_an_overtaken_run_sends_nothing(api: ElastiCache) -> None:
    def overtaken() -> WritePermission:
        raise Overtaken("another run goes on")

    with pytest.raises(Overtaken):
        steps(api, new_password(), look=overtaken).present()
    assert sent(api) == []


def test_a_late_end_is_refused_once_its_token_is_none(api: ElastiCache) -> None:
    """SET for the token of an earlier rotation, after a later one has ended it."""
    first, second = new_password(), new_password()
    tokens(api).add(first)
    tokens(api).keep_only(first)
    tokens(api).add(second)
    tokens(api).keep_only(second)
    with pytest.raises(StoreError, match="only after ROTATE"):
        tokens(api).keep_only(first)
    assert api.tokens == [second]
