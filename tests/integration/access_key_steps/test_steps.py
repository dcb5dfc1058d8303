# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the kind aws_access_key asks and changes, on moto with authorization: keys that are gone are really refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.parsers import ResponseParserError

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    Denied,
    NoAccess,
    NotFound,
    Overtaken,
    RotationError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import Form
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.access_key_states import (
    INTERVAL,
    SECONDS,
    AccessKeyContext,
    AccessKeyPair,
    AccessKeyStage,
    blockers,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.new_values import Issued
from sandbox.faults import Fault
from tests.integration.access_key_lab import OPERATOR, USER, client_of, keys
from tests.integration.access_key_steps.world import BEFORE, World

NOBODYS = "AKIAIOSFODNN7EXAMPLE"


def without_retries(world: World) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client(
        "iam",
        endpoint_url=world.moto.url,
        region_name="eu-west-3",
        aws_access_key_id=world.operator.username,
        aws_secret_access_key=world.operator.password,
        config=Config(retries={"total_max_attempts": 1}),
    )


class TestIssued:
    def test_once(self, world: World) -> None:
        first = world.steps().issued()
        new = world.issued.take("storage")
        assert first == {"changed": True, "user": USER, "access_key_id": new.username}
        assert str(new.password) not in repr(new)
        assert world.steps().issued() == {**first, "changed": False}
        assert world.names() == {world.old.username, new.username}
        assert world.slept == []

    @pytest.mark.parametrize("effect", ["lose", "close"])
    def test_a_lost_answer_costs_a_key_that_goes_again(self, world: World, effect: str) -> None:
        world.acting = without_retries(world)
        world.moto.set_faults(Fault(effect, "CreateAccessKey", calls=(1,)))
        new = world.made()
        assert world.names() == {world.old.username, new.username}
        assert world.slept == [INTERVAL]

    def test_no_answer_twice(self, world: World) -> None:
        world.acting = without_retries(world)
        world.moto.set_faults(Fault("close", "CreateAccessKey"))
        with pytest.raises(NoAccess):
            world.steps().issued()
        assert world.names() == {world.old.username}

    def test_an_answer_that_cannot_be_read_is_not_quoted(self, world: World) -> None:
        class Garbled:
            def create_access_key(self, **_arguments: str) -> None:
                raise ResponseParserError("invalid XML: <SecretAccessKey>canary</SecretAccessKey>")

        world.acting = Garbled()
        with pytest.raises(NoAccess, match="cannot be read") as raised:
            world.steps().issued()
        assert "canary" not in str(raised.value)
        assert raised.value.__suppress_context__

    def test_denied_is_not_tried_again(self, world: World) -> None:
        world.moto.set_faults(Fault("deny", "CreateAccessKey"))
        with pytest.raises(Denied, match="iam:CreateAccessKey on user shop-storage"):
            world.steps().issued()
        assert world.slept == []

    def test_what_a_killed_attempt_made_is_listed_late(self, world: World) -> None:
        """IAM refuses a third key and does not show the second one for longer than one look takes."""

        class Passing(list[float]):
            def append(self, seconds: float) -> None:
                super().append(seconds)
                if len(self) == 4:
                    world.moto.set_staleness()

        world.slept = Passing()
        world.moto.set_staleness(seconds=3600)
        try:
            world.iam.create_access_key(UserName=USER)
            made = world.made()
        finally:
            world.moto.set_staleness()
        assert world.names() == {world.old.username, made.username}

    def test_what_a_killed_attempt_made_goes(self, world: World) -> None:
        lost = world.iam.create_access_key(UserName=USER)["AccessKey"]["AccessKeyId"]
        new = world.made()
        assert world.names() == {world.old.username, new.username}
        assert lost not in world.names()

    @pytest.mark.parametrize("aborting", [True, False])
    def test_so_it_does_where_the_clock_of_the_run_is_ahead(self, world: World, *, aborting: bool) -> None:
        """By as much as AWS accepts requests from."""
        lost = world.iam.create_access_key(UserName=USER)["AccessKey"]["AccessKeyId"]
        steps = world.steps(since=datetime.now(UTC) + timedelta(minutes=14), aborting=aborting)
        steps.revoked() if aborting else steps.issued()
        assert lost not in world.names()

    def test_a_key_of_somebody_else_stays(self, world: World) -> None:
        other = world.iam.create_access_key(UserName=USER)["AccessKey"]["AccessKeyId"]
        later = datetime.now(UTC) + timedelta(hours=1)
        with pytest.raises(RotationError, match=f"second access key {other}"):
            world.steps(since=later).issued()
        assert other in world.names()

    def test_a_key_that_was_used_stays(self, world: World) -> None:
        other = world.iam.create_access_key(UserName=USER)["AccessKey"]
        client_of(world.moto, "sts", Login(other["AccessKeyId"], other["SecretAccessKey"])).get_caller_identity()
        with pytest.raises(RotationError, match=f"second access key {other['AccessKeyId']}"):
            world.steps().issued()
        assert other["AccessKeyId"] in world.names()

    def test_overtaken_before_it_makes_one(self, world: World) -> None:
        world.overtaken_at = 1
        with pytest.raises(Overtaken):
            world.steps().issued()
        assert world.names() == {world.old.username}

    def test_overtaken_before_it_keeps_one(self, world: World) -> None:
        world.overtaken_at = 2
        with pytest.raises(Overtaken):
            world.steps().issued()
        assert world.names() == {world.old.username}
        assert world.issued.find("storage") is None

    def test_another_run_kept_one_first(self, world: World) -> None:
        """It did so after this run had looked; the key that is kept is the one."""
        theirs = world.made()
        world.iam.update_access_key(UserName=USER, AccessKeyId=theirs.username, Status="Active")
        finds = [None]
        issued = world.issued

        class Late(Issued):
            def find(self, credential: str, *, made: bool = False) -> Login | None:
                return finds.pop() if finds else issued.find(credential)

        hands = AccessKeyContext(
            world.store,
            Late(world.secrets, "app-rotation/test/r1", "r1", Form()),
            world.fresh,
            lambda: None,
            world.note,
        )
        ours = AccessKeyStage(
            replace(hands, sleep=world.slept.append),
            AccessKeyPair("storage", USER, world.old, theirs, False, BEFORE),
        )
        with pytest.raises(Exception, match="LimitExceeded"):
            ours.issued()
        world.iam.delete_access_key(UserName=USER, AccessKeyId=world.old.username)
        finds.append(None)
        assert ours.issued() == {"changed": False, "user": USER, "access_key_id": theirs.username}
        assert world.names() == {theirs.username}

    def test_ended_meanwhile(self, world: World) -> None:
        """What was kept goes; the key is left to whoever ended the rotation, who had seen it."""
        world.is_ended = True
        with pytest.raises(Overtaken, match="another run ended this rotation"):
            world.steps().issued()
        assert world.issued.find("storage") is None

    def test_a_kept_key_that_is_gone_is_named(self, world: World) -> None:
        new = world.made()
        world.iam.delete_access_key(UserName=USER, AccessKeyId=new.username)
        with pytest.raises(
            RotationError, match=f"no longer has key {new.username}, which this rotation made; .* rotation_abort=true"
        ):
            world.steps().issued()
        assert sum(world.slept) == SECONDS


class TestUsable:
    def test_it_logs_in(self, world: World) -> None:
        new = world.made()
        assert world.steps(new).usable() == {"changed": False, "user": USER, "access_key_id": new.username}

    def test_within_seconds(self, world: World) -> None:
        """AWS refuses a key that it just made; here it has another secret at first."""
        new = world.made()
        logins = [new, *[replace(new, password="wrong")] * 3]
        world.sts = lambda _login: client_of(world.moto, "sts", logins.pop() if len(logins) > 1 else new)
        world.steps(new).usable()
        assert world.slept == [INTERVAL] * 3

    def test_not_at_all(self, world: World) -> None:
        new = replace(world.made(), password="wrong")
        with pytest.raises(RotationError, match=f"does not accept key {new.username} .* no key was deactivated"):
            world.steps(new).usable()
        assert sum(world.slept) == SECONDS

    def test_somebody_elses(self, world: World) -> None:
        with pytest.raises(RotationError, match="does not accept"):
            world.steps(world.operator).usable()

    def test_before_it_was_made(self, world: World) -> None:
        with pytest.raises(RotationError, match="no new value yet"):
            world.steps().usable()

    def test_aws_is_down(self, world: World) -> None:
        new = world.made()
        world.moto.set_faults(Fault("deny", "GetCallerIdentity"))
        with pytest.raises(Denied):
            world.steps(new).usable()


class TestAbsent:
    def test_forward(self, world: World) -> None:
        new = world.made()
        answer = {"user": USER, "access_key_id": world.old.username}
        assert world.steps(new).revoked() == {**answer, "changed": True, "accepted": False}
        assert world.names() == {new.username}
        assert world.steps(new).revoked() == {**answer, "changed": False, "accepted": False}
        assert not world.store.accepts(world.old, USER)

    def test_killed_between_its_two_acts(self, world: World) -> None:
        new = world.made()
        world.iam.update_access_key(UserName=USER, AccessKeyId=world.old.username, Status="Inactive")
        world.steps(new).revoked()
        assert world.names() == {new.username}

    @pytest.mark.parametrize(("looks", "left"), [(1, "Active"), (2, "Inactive")])
    def test_overtaken_before_each_act(self, world: World, looks: int, left: str) -> None:
        new = world.made()
        world.overtaken_at = world.looks + looks
        with pytest.raises(Overtaken):
            world.steps(new).revoked()
        assert keys(world.iam)[str(world.old.username)] == left

    def test_the_old_one_stays_while_the_new_one_is_not_accepted(self, world: World) -> None:
        new = world.made()
        world.iam.delete_access_key(UserName=USER, AccessKeyId=new.username)
        with pytest.raises(RotationError, match=f"does not accept key {new.username}"):
            world.steps(new).revoked()
        assert keys(world.iam) == {world.old.username: "Active"}

    def test_without_a_new_one_nothing_goes(self, world: World) -> None:
        with pytest.raises(RotationError, match="no new value yet"):
            world.steps().revoked()

    def test_the_same_key_does_not_go(self, world: World) -> None:
        with pytest.raises(RotationError, match="are the same key"):
            world.steps(world.old).revoked()
        assert world.names() == {world.old.username}

    def test_a_key_that_is_still_accepted_is_named(self, world: World) -> None:
        new = world.made()
        world.sts = lambda _login: client_of(world.moto, "sts", new)
        with pytest.raises(RotationError, match=f"still accepts key {world.old.username}"):
            world.steps(new).revoked()

    def test_on_the_way_back_the_new_one_goes(self, world: World) -> None:
        new = world.made()
        assert world.steps(new, aborting=True).revoked()["access_key_id"] == new.username
        assert keys(world.iam) == {world.old.username: "Active"}

    def test_on_the_way_back_one_that_nobody_kept_goes(self, world: World) -> None:
        lost = world.iam.create_access_key(UserName=USER)["AccessKey"]["AccessKeyId"]
        assert world.steps(aborting=True).revoked()["access_key_id"] == lost
        assert world.names() == {world.old.username}

    def test_on_the_way_back_somebody_elses_stays(self, world: World) -> None:
        world.iam.create_access_key(UserName=USER)
        later = datetime.now(UTC) + timedelta(hours=1)
        assert not world.steps(aborting=True, since=later).revoked()["changed"]
        assert len(world.names()) == 2

    def test_on_the_way_back_before_anything_was_made(self, world: World) -> None:
        assert not world.steps(aborting=True).revoked()["changed"]
        assert world.names() == {world.old.username}


class TestObjections:
    def test_none(self, world: World) -> None:
        assert blockers(world.store, str(world.old.username), None) == []
        assert blockers(world.store, str(world.old.username), USER) == []

    def test_a_temporary_key(self, world: World) -> None:
        (message,) = blockers(world.store, "ASIAIOSFODNN7EXAMPLE", None)
        assert "temporary" in message

    def test_a_key_that_nobody_has(self, world: World) -> None:
        (message,) = blockers(world.store, NOBODYS, None)
        assert f"access key {NOBODYS} does not exist" in message
        (message,) = blockers(world.store, NOBODYS, USER)
        assert f"user {USER} has no access key {NOBODYS}" in message

    def test_what_is_no_id_is_not_quoted(self, world: World) -> None:
        """It may be the secret, where the catalog has the two the wrong way round."""
        (message,) = blockers(world.store, str(world.old.password), None)
        assert "holds no id of an access key" in message
        assert str(world.old.password) not in message

    def test_a_user_that_is_not_there(self, world: World) -> None:
        (message,) = blockers(world.store, str(world.old.username), "nobody")
        assert "user nobody does not exist in IAM" in message

    def test_an_inactive_key(self, world: World) -> None:
        world.iam.update_access_key(UserName=USER, AccessKeyId=world.old.username, Status="Inactive")
        (message,) = blockers(world.store, str(world.old.username), None)
        assert "is inactive" in message

    def test_a_second_key(self, world: World) -> None:
        other = world.iam.create_access_key(UserName=USER)["AccessKey"]["AccessKeyId"]
        (message,) = blockers(world.store, str(world.old.username), None)
        assert f"delete-access-key --user-name {USER} --access-key-id {other}" in message

    def test_the_key_of_this_run(self, world: World) -> None:
        (message,) = blockers(world.store, str(world.operator.username), None)
        assert f"this run itself uses a key of user {OPERATOR}" in message

    @pytest.mark.parametrize("operation", ["GetAccessKeyLastUsed", "ListAccessKeys", "GetCallerIdentity"])
    def test_what_may_not_be_asked(self, world: World, operation: str) -> None:
        world.moto.set_faults(Fault("deny", operation))
        (message,) = blockers(world.store, str(world.old.username), None)
        assert f":{operation}" in message


def test_no_such_user(world: World) -> None:
    with pytest.raises(NotFound, match="user nobody does not exist in IAM"):
        world.store.of("nobody")
