# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every write, with a fault at each of its calls: it comes through or says so, and the same again completes it.

A real server answers, so that the client's own retries take part.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Barrier, Thread
from typing import Any

import boto3
import pytest
from botocore.config import Config

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core import journal as _journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Conflict, NoAccess, Overtaken
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.aws_errors import CLIENT_CONFIG
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.journal_store import JournalStore, S3Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.parameter_store import ParameterStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.secrets_manager import SecretsManager
from sandbox.aws import Moto
from sandbox.faults import Fault

V1, V2 = "1" * 32, "2" * 32
REGION = "eu-west-3"
ENTRY = {"rotation": "r1", "step": "create", "who": "ada"}
ALONE = {"retries": {"mode": "standard", "total_max_attempts": 1}}
"""A client without retries: what is lost stays lost."""
IMPATIENT = {"read_timeout": 0.2}
"""Of a client that does not wait long for an answer."""
TOO_LONG = 0.4
"""Seconds."""
SLOW = ("hang", "late")
TIMEOUTS = [pytest.param(name, marks=pytest.mark.servers) for name in SLOW]


@dataclass(frozen=True)
class Hands:
    """A client's hold on the server."""

    secrets: SecretsManager
    parameters: ParameterStore
    s3: Any


@dataclass(frozen=True)
class Scene:
    """What is there before a write, the write, and what is there after it."""

    prepare: Callable[[Hands, str], None]
    act: Callable[[Hands, str], Any]
    function: Callable[[Hands, str], Any]
    """The state that must be the same with a fault as without."""


def stages(hands: Hands, name: str) -> dict[str, str]:
    return dict(hands.secrets.describe(name).stages)


def seeded(hands: Hands, name: str) -> None:
    hands.secrets.create(name, "canary-1", version=V1)


def staged(hands: Hands, name: str) -> None:
    seeded(hands, name)
    hands.secrets.stage(name, "canary-2", version=V2, label="ours")


def unlabelled(hands: Hands, name: str) -> None:
    staged(hands, name)
    hands.secrets.discard(name, version=V2, labels=["ours"])


def gone(hands: Hands, name: str) -> bool:
    return not hands.secrets.read([name]).readings


def written(hands: Hands, name: str) -> str:
    return hands.parameters.read([f"/{name}"]).readings[f"/{name}/A"].value


def journal(hands: Hands, name: str) -> JournalStore:
    catalog = catalog_parser.parse(
        {"application": name, "settings": {"A": {"value": 1}}, "journal": {"s3": "journals"}}, "test"
    )
    return S3Journal(hands.s3, catalog)


def appended(hands: Hands, name: str) -> None:
    store = journal(hands, name)
    store.make()
    for number in (1, 2, 3):
        store.append(store.read(), {**ENTRY, "nonce": f"n{number}"})


def append(hands: Hands, name: str) -> None:
    """After the third entry, whatever came of it before."""
    store = journal(hands, name)
    result = store.read()
    if result.head > 3:
        result = _journal.fold(result.lines[:3], version='"of before"')
    store.append(result, {**ENTRY, "nonce": "n4"})


def nonces(hands: Hands, name: str) -> list[str]:
    return [entry["nonce"] for entry in _journal.entries(journal(hands, name).read())]


SCENES = {
    "create": Scene(
        lambda hands, name: None, lambda hands, name: hands.secrets.create(name, "canary-1", version=V1), stages
    ),
    "stage": Scene(seeded, lambda hands, name: hands.secrets.stage(name, "canary-2", version=V2, label="ours"), stages),
    "stage again": Scene(
        unlabelled, lambda hands, name: hands.secrets.stage(name, "canary-2", version=V2, label="ours"), stages
    ),
    "promote": Scene(staged, lambda hands, name: hands.secrets.promote(name, to=V2, instead_of=V1), stages),
    "promote a version without labels": Scene(
        unlabelled, lambda hands, name: hands.secrets.promote(name, to=V2, instead_of=V1), stages
    ),
    "discard": Scene(staged, lambda hands, name: hands.secrets.discard(name, version=V2, labels=["ours"]), stages),
    "delete": Scene(seeded, lambda hands, name: hands.secrets.delete(name), gone),
    "overwrite": Scene(
        lambda hands, name: hands.parameters.create(f"/{name}/A", "canary-1"),
        lambda hands, name: hands.parameters.overwrite(f"/{name}/A", "canary-2", instead_of=1),
        written,
    ),
    "append": Scene(appended, append, nonces),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Moto]:
    with Moto() as moto:
        moto.client("s3").create_bucket(Bucket="journals", CreateBucketConfiguration={"LocationConstraint": REGION})
        yield moto


@pytest.fixture(scope="module")
def hands(server: Moto) -> Callable[[dict[str, Any]], Hands]:
    made: dict[str, Hands] = {}

    def make(config: dict[str, Any]) -> Hands:
        key = json.dumps(config)
        if key not in made:
            secrets, parameters, s3 = (
                boto3.client(
                    service,
                    endpoint_url=server.url,
                    region_name=REGION,
                    aws_access_key_id="testing",
                    aws_secret_access_key="testing",
                    config=Config(**config),
                )
                for service in ("secretsmanager", "ssm", "s3")
            )
            made[key] = Hands(SecretsManager(secrets), ParameterStore(parameters), s3)
        return made[key]

    return make


@pytest.fixture
def plain(server: Moto, hands: Any) -> Iterator[Hands]:
    server.set_faults()
    yield hands(ALONE)
    server.set_faults()


@pytest.fixture(scope="module")
def fresh() -> Iterator[int]:
    return itertools.count()


def calls_of(server: Moto, hands: Hands, scene: Scene, name: str) -> tuple[int, Any]:
    """How many calls the write makes when nothing goes wrong, and what is there then."""
    scene.prepare(hands, name)
    before = server.count()
    scene.act(hands, name)
    return server.count() - before, scene.function(hands, name)


@pytest.mark.parametrize("effect", ["throttle", "error", "deny", "close", "lose", *TIMEOUTS])
@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_cut_off_at_each_call_and_run_again(
    server: Moto, plain: Hands, hands: Any, fresh: Iterator[int], scene: Scene, effect: str
) -> None:
    """A call that hangs, or whose answer comes too late, ends by the client's read timeout."""
    acting = hands({**ALONE, **IMPATIENT}) if effect in SLOW else plain
    count, due = calls_of(server, plain, scene, f"s{next(fresh)}")
    assert count > 0
    for call in range(1, count + 1):
        name = f"s{next(fresh)}"
        scene.prepare(plain, name)
        server.set_faults(Fault(effect, calls=(call,), seconds=TOO_LONG))
        with pytest.raises(NoAccess) as error:
            scene.act(acting, name)
        server.set_faults()
        assert "canary" not in str(error.value)
        assert ("Read timeout" in str(error.value)) == (effect in SLOW)
        scene.act(plain, name)
        assert scene.function(plain, name) == due


@pytest.mark.parametrize("effect", ["lose", *(pytest.param(name, marks=pytest.mark.long) for name in SLOW)])
@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_answers_lost_at_each_call_are_not_taken_for_conflicts(
    server: Moto, plain: Hands, hands: Any, fresh: Iterator[int], scene: Scene, effect: str
) -> None:
    """The client sends each call again by itself: what arrived the first time meets itself."""
    count, due = calls_of(server, plain, scene, f"s{next(fresh)}")
    for call in range(1, count + 1):
        name = f"s{next(fresh)}"
        scene.prepare(plain, name)
        server.set_faults(Fault(effect, calls=(call,), seconds=TOO_LONG))
        scene.act(hands({**CLIENT_CONFIG, **(IMPATIENT if effect != "lose" else {})}), name)
        server.set_faults()
        assert scene.function(plain, name) == due
        scene.act(plain, name)
        assert scene.function(plain, name) == due


def test_one_of_two_promotions_that_start_together_wins(server: Moto, plain: Hands, fresh: Iterator[int]) -> None:
    """Both look first; the slower one's move is refused by the server, and named as a conflict."""
    name, messages = f"s{next(fresh)}", []
    staged(plain, name)
    plain.secrets.stage(name, "canary-3", version="3" * 32, label="theirs")
    server.set_faults(Fault("delay", operation="UpdateSecretVersionStage", seconds=0.5))

    def run(version: str) -> None:
        try:
            plain.secrets.promote(name, to=version, instead_of=V1)
            messages.append(version)
        except Conflict as error:
            messages.append(type(error).__name__)

    threads = [Thread(target=run, args=(version,)) for version in (V2, "3" * 32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert messages.count("Conflict") == 1
    assert stages(plain, name)["AWSCURRENT"] in messages


def test_one_of_several_appends_that_start_together_wins(plain: Hands, fresh: Iterator[int]) -> None:
    name = f"s{next(fresh)}"
    appended(plain, name)
    store = journal(plain, name)
    result, won, start = store.read(), [], Barrier(6)

    def run(nonce: str) -> None:
        start.wait()
        with contextlib.suppress(Overtaken):
            store.append(result, {**ENTRY, "nonce": nonce})
            won.append(nonce)

    threads = [Thread(target=run, args=(f"t{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert nonces(plain, name) == ["n1", "n2", "n3", *won]
