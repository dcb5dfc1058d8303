# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Provisioning, killed before and after every act, with answers lost, and with somebody else at it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, resolver
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    AlreadyExists,
    Conflict,
    PolicyError,
    ProvisionError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import Form
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.apply import Provisioner
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.context import new_value
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds import load_kinds
from tests.fakes.memory_stores import Hook
from tests.unit.plugins.plugin_utils._provision.values_world import CORE, GIVEN, PAIR, TOKEN, World, catalog

WRITES = (
    "create",
    "put",
    "move",
    "update",
    "tag",
    "replicate",
    "write",
    "restore",
    "schedule_deletion",
    "delete",
)


class Killed(Exception):
    """Stands for SIGKILL."""


class Killer(Hook):
    """Kills at act number *at*, before it or after it; counts them."""

    def __init__(self, at: int = 0, *, after: bool = False) -> None:
        self.at, self.is_after, self.acts, self.ops = at, after, 0, []

    def before(self, op: str, name: str) -> None:
        self.acts += 1
        self.ops.append(op)
        if self.acts == self.at and not self.is_after:
            raise Killed

    def after(self, op: str, name: str) -> bool | None:
        if self.acts == self.at and self.is_after:
            raise Killed
        return None


class Twice(Hook):
    """Every answer is lost once, so that each request is sent twice."""

    def __init__(self) -> None:
        self.sent: set[tuple[str, str]] = set()

    def after(self, op: str, name: str) -> bool | None:
        first = (op, name) not in self.sent
        self.sent.add((op, name))
        return first


def hooked(world: World, hook: Hook) -> Hook:
    world.secrets.hook = world.parameters.hook = hook
    return hook


def begun(world: World) -> None:
    """An account in which a part is there already, so that keys are merged as well."""
    world.secrets.seed(CORE, '{"NOTE": 1.10}')
    world.secrets.seed(PAIR, '{"username": "app_a"}')


def test_from_nothing_to_everything_and_nothing_twice() -> None:
    world = World()
    done = world.provision()
    world.assert_complete()
    assert any("create secret app/test/core: " in line for line in done)
    assert "canary" not in str(done)
    killer = hooked(world, Killer())
    assert world.provision() == []
    assert not set(killer.ops) & set(WRITES)  # type: ignore[attr-defined]


def hollow(world: World) -> None:
    """Secrets that are there without a value, as Terraform makes them."""
    for name in (CORE, PAIR):
        world.secrets.seed(name, "{}")
        world.secrets._secrets[name].contents.clear()
        world.secrets._secrets[name].stages.clear()


def test_a_secret_without_a_value_gets_its_first_version() -> None:
    world = World()
    hollow(world)
    world.secrets.forms[PAIR] = Form(tags={"Application": "other"})
    with pytest.raises(ProvisionError, match="Application=other"):
        world.provision()
    world.secrets.forms[PAIR] = Form(tags={"Mine": "yes"})
    done = world.provision()
    world.assert_complete()
    assert any(line.startswith(f"update secret {CORE}: ") for line in done)
    assert world.secrets.forms[PAIR].tags["Application"] == "app"
    assert world.provision() == []


@pytest.mark.parametrize("start", [lambda world: None, begun, hollow], ids=["empty", "begun", "hollow"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_every_act(start: object, after: bool) -> None:
    """The next run completes it; what was generated and written once is kept, and no version is made twice for it."""
    whole = World()
    start(whole)  # type: ignore[operator]
    count = hooked(whole, Killer())
    whole.provision()
    total = count.acts  # type: ignore[attr-defined]
    assert total > 15
    for at in range(1, total + 1):
        world = World()
        start(world)  # type: ignore[operator]
        killer = hooked(world, Killer(at, after=after))
        try:
            world.provision()
        except Killed:
            pass
        else:  # nothing follows on an act that is refused, such as looking at a secret that is not there
            assert after
            assert killer.ops[at - 1] == "describe"  # type: ignore[attr-defined]
        hooked(world, Hook())
        held = {name: world.secret(name) for name in (CORE, PAIR, TOKEN) if name in world.secrets.read([name]).readings}
        world.provision()
        world.assert_complete()
        for name, before in held.items():
            now = world.secret(name)
            kept = before.items() <= now.items() if isinstance(before, dict) else before == now
            assert kept, f"killed at {at}: {name} lost a value that it had"
        assert world.provision() == []


def test_every_answer_lost_once() -> None:
    world = World()
    begun(world)
    hooked(world, Twice())
    world.provision()
    world.assert_complete()
    assert set(world.secrets.describe(CORE).stages) == {"AWSCURRENT", "AWSPREVIOUS"}


class Meanwhile(Hook):
    """Somebody else provisions, once, before the first act of that name."""

    def __init__(self, world: World, op: str, name: str) -> None:
        self.world, self.op, self.name, self.done = world, op, name, False

    def before(self, op: str, name: str) -> None:
        if (op, name) == (self.op, self.name) and not self.done:
            self.done = True
            self.world.provision()


@pytest.mark.parametrize(
    ("op", "name"),
    [("create", CORE), ("create", PAIR), ("create", TOKEN), ("create", "/app/test/URL"), ("create", "/app/test/HOSTS")],
)
def test_two_at_once_agree_on_one_value(op: str, name: str) -> None:
    world = World()
    hooked(world, Meanwhile(world, op, name))
    world.provision()
    world.assert_complete()


@pytest.mark.parametrize("op", ["put", "move"])
def test_somebody_elses_key_survives_a_merge(op: str) -> None:
    """It moved between the read and the promotion: the plan is made anew over what they wrote."""
    world = World()
    begun(world)

    class Writes(Hook):
        done = False

        def before(self, now: str, name: str) -> None:
            if (now, name) == (op, CORE) and not self.done:
                self.done = True
                world.secrets.seed(CORE, '{"NOTE": "theirs", "MORE": "also theirs"}')

    hooked(world, Writes())
    world.provision()
    world.assert_complete()
    assert world.secret(CORE)["NOTE"] == "theirs"
    assert world.secret(CORE)["MORE"] == "also theirs"


def test_a_race_without_end_is_an_error() -> None:
    world = World()
    world.secrets.make = lambda *_rest, **_named: (_ for _ in ()).throw(AlreadyExists("there"))  # type: ignore
    with pytest.raises(AlreadyExists):
        world.provision()


def test_what_a_secret_is_made_with() -> None:
    world = World()
    world.provision()
    form = world.secrets.forms[CORE]
    assert form.key == "alias/app-test"
    assert form.replicas == ("eu-west-1",)
    assert form.tags == {
        "Application": "app",
        "Environment": "test",
        "ManagedBy": "watchparty.secrets",
        "Owner": "me@example.com",
        "RotationDays": "30",
    }
    parameter = world.parameters.forms["/app/test/KEY"]
    assert (parameter.key, parameter.tags["RotationDays"], parameter.replicas) == ("alias/app-test", "90", ())
    assert world.parameters._parameters["/app/test/KEY"].kept["Type"] == "SecureString"
    assert world.parameters._parameters["/app/test/HOSTS"].kept["Type"] == "String"


def test_tags_are_those_of_everything_that_is_made() -> None:
    """A role and a secret have the same owner; what AWS would refuse stops before the first write."""
    world = World(catalog(lambda document: document.update(aws={"tags": {"Team": "x"}})))
    tags = world.process().form(CORE).tags
    assert (tags["Owner"], tags["Team"]) == ("app", "x")
    for wrong in ({"a": "#"}, {"Owner": "me"}):
        world = World(catalog(lambda document, wrong=wrong: document["aws"].update(tags=wrong)))  # type: ignore[misc]
        killer = hooked(world, Killer())
        with pytest.raises(PolicyError, match=r"aws\.tags"):
            world.provision()
        assert not set(killer.ops) & set(WRITES)  # type: ignore[attr-defined]


def test_a_secret_that_is_there_gets_what_it_lacks() -> None:
    world = World()
    begun(world)
    world.secrets.forms[CORE] = Form("my words", tags={"Mine": "yes", "Owner": "somebody"}, replicas=("us-east-1",))
    done = world.provision()
    form = world.secrets.forms[CORE]
    assert form.description == "my words"
    assert (form.tags["Mine"], form.tags["Owner"]) == ("yes", "me@example.com")
    assert form.replicas == ("us-east-1", "eu-west-1")
    assert any(line.startswith(f"change secret {CORE}: key alias/app-test, tag ") for line in done)


def test_another_applications_secret_is_refused_unless_adopted() -> None:
    world = World()
    begun(world)
    world.secrets.forms[CORE] = Form(tags={"Application": "other", "Environment": "test"})
    with pytest.raises(ProvisionError, match="is tagged Application=other, so it does not belong to app in test"):
        world.provision()
    assert world.secret(CORE) == {"NOTE": 1.1}
    world.provision(adopt=True)
    world.assert_complete()
    assert world.secrets.forms[CORE].tags["Application"] == "app"


def test_what_is_scheduled_for_deletion_is_an_error_or_restored() -> None:
    world = World()
    world.provision()
    former = world.assert_complete()
    world.secrets.set_state(CORE, deleted=True)
    with pytest.raises(ProvisionError, match="scheduled for deletion; restore it with -e provision_restore=true"):
        world.provision()
    assert world.provision(restore=True) == [f"restore secret {CORE}"]
    assert world.assert_complete() == former


def test_another_applications_deletion_is_not_undone() -> None:
    world = World()
    world.provision()
    world.secrets.set_state(CORE, deleted=True)
    world.secrets.forms[CORE] = Form(tags={"Application": "other"})
    with pytest.raises(ProvisionError, match="Application=other"):
        world.provision(restore=True)
    with pytest.raises(ProvisionError, match="Application=other"):
        world.process().restored([CORE])
    assert world.secrets.kept(CORE).deleted  # type: ignore[union-attr]
    assert world.process(adopt=True).restored([CORE]) == [CORE]


def test_a_deletion_that_aws_goes_on_telling_of_is_no_success() -> None:
    world = World()
    world.provision()
    world.secrets.set_state(CORE, deleted=True)
    world.secrets._restore = lambda name: None  # type: ignore[method-assign]
    with pytest.raises(Conflict, match=f"{CORE}: AWS still reports it as scheduled for deletion"):
        world.provision(restore=True)


def test_what_stands_against_the_rest_is_not_called_nothing_written() -> None:
    """Somebody else's hand shows after the first writes."""
    world = World()

    class Foreign(Hook):
        def before(self, op: str, name: str) -> None:
            if (op, name) == ("create", PAIR):
                world.secrets.seed(PAIR, '{"username": "theirs", "password": "canary-theirs"}')
                world.secrets.forms[PAIR] = Form(tags={"Application": "other"})

    hooked(world, Foreign())
    with pytest.raises(Conflict) as caught:
        world.provision()
    assert f"create secret {CORE}" in str(caught.value)
    assert "a conflict" in str(caught.value)
    assert "canary" not in str(caught.value)


def test_absent_and_restored() -> None:
    world = World()
    world.provision()
    process = world.process()
    assert process.absent([CORE, PAIR]) == [CORE, PAIR]
    assert process.absent([CORE]) == []
    assert world.secrets.restore(CORE)
    assert not world.secrets.restore(CORE)
    with pytest.raises(ProvisionError, match="elsewhere: is not a secret of test; its secrets are "):
        process.absent(["elsewhere"])
    world.secrets.forms[PAIR] = Form(tags={"Application": "other"})
    with pytest.raises(ProvisionError, match="Application=other"):
        process.absent([PAIR])


def test_nothing_is_written_while_something_stands_against_it() -> None:
    world = World()
    killer = hooked(world, Killer())
    with pytest.raises(ProvisionError) as caught:
        world.provision({**GIVEN, "HOSTS": "https://x", "NONE": "canary", "FLAG": "canary"})
    assert len(caught.value.problems) == 3
    assert "canary" not in str(caught.value)
    assert not set(killer.ops) & set(WRITES)  # type: ignore[attr-defined]


def test_staging_and_production_share_nothing() -> None:
    world = World()
    world.provision()
    before = json.dumps([world.secret(CORE), world.secret(TOKEN)])
    other = World(catalog(environment="staging"))
    other.secrets, other.parameters, other._numbers = world.secrets, world.parameters, world._numbers
    other.provision()
    result, there = world.secret(CORE), other.secret("app/staging/core")
    assert not set(result.values()) & set(there.values())
    assert json.dumps([world.secret(CORE), world.secret(TOKEN)]) == before


@pytest.mark.parametrize("environment", ["production", "staging"])
def test_the_worked_example_from_nothing_to_deployable(
    load_catalog: Callable[[str], dict[str, Any]], environment: str
) -> None:
    of = catalog_parser.parse(load_catalog("examples/watchparty/group_vars/all/secrets_catalog.yml"), environment)
    world = World(of)
    process = Provisioner(
        catalog=of,
        secrets=world.secrets,
        parameters=world.parameters,
        kinds=load_kinds([]),
        generate=new_value,
    )
    asks = process.outlook({}).plan.asks
    assert list(asks) == [
        "ALLOWED_HOSTS",
        "CSRF_TRUSTED_ORIGINS",
        "database_admin.username",
        "database_admin.password",
    ]
    answers = {**dict.fromkeys(asks, "a.example.com"), "CSRF_TRUSTED_ORIGINS": "https://a.example.com"}
    process.apply(answers)
    assert process.outlook({}).messages == []
    assert resolver.resolve(of, process.look().contents).problems == ()
