# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clients for the store tests: stubbed ones for errors, moto's in this process for what works."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, Protocol

import boto3
import pytest
from botocore import xform_name
from botocore.stub import Stubber
from moto import mock_aws

from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import VersionedStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.journal_store import JournalStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.numbered_versions import NumberedStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.parameter_store import ParameterStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.secrets_manager import SecretsManager
from sandbox.moto_mends import mend_labels
from tests.fakes.memory_stores import Hook, MemoryParameters, MemorySecrets
from tests.unit.plugins.module_utils._stores.journal_places import Memory, Moto

REGION = "eu-west-3"


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's AWS configuration may take part."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")


@pytest.fixture
def stubbed() -> Iterator[Callable[[str], tuple[Any, Stubber]]]:
    """A client that answers what the test queued, in that order and to exactly these questions; all must be asked."""
    made: list[Stubber] = []

    def make(service: str) -> tuple[Any, Stubber]:
        client = boto3.client(service, region_name=REGION)
        stubber = Stubber(client)
        stubber.activate()
        made.append(stubber)
        return client, stubber

    yield make
    for stubber in made:
        stubber.assert_no_pending_responses()


@pytest.fixture
def moto() -> Iterator[Callable[[str], tuple[Any, list[str]]]]:
    """A client of moto's, and the names of the operations that it was asked, as they come."""

    def make(service: str) -> tuple[Any, list[str]]:
        client, calls = boto3.client(service, region_name=REGION), []
        client.meta.events.register("before-call.*.*", lambda model, **_more: calls.append(model.name))
        return client, calls

    with mock_aws():
        yield make


@pytest.fixture(scope="session", autouse=True)
def labels() -> None:
    """What moto does with labels and AWS does not."""
    mend_labels()


class Side(Protocol):
    """A store, and what happens to it behind our back."""

    def meanwhile(self, operation: str, act: Callable[[], Any]) -> None:
        """Acts once, right before the next call of this operation."""

    def twice(self, operation: str) -> None:
        """The next call of this operation is made twice, as a client does whose first answer was lost."""


class Secrets(Side, Protocol):
    store: VersionedStore

    def write(self, name: str, content: str, version: str) -> None:
        """Somebody's new current version."""

    def schedule_deletion(self, name: str) -> None: ...

    def switch_rotation_on(self, name: str) -> None:
        """AWS's own rotation."""


class Parameters(Side, Protocol):
    store: NumberedStore

    def write(self, name: str, value: str, kind: str = "SecureString", tier: str = "Standard") -> None: ...

    def delete(self, name: str) -> None: ...


class _Moto:
    def __init__(self, service: str) -> None:
        self._service = service
        self._client, self._theirs = (boto3.client(service, region_name=REGION) for _client in range(2))

    def meanwhile(self, operation: str, act: Callable[[], Any]) -> None:
        self._once(f"before-call.{self._service}.{operation}", lambda _request: act())

    def twice(self, operation: str) -> None:
        call = getattr(self._theirs, xform_name(operation))
        self._once(f"provide-client-params.{self._service}.{operation}", lambda request: call(**request))

    def _once(self, event: str, act: Callable[[Any], Any]) -> None:
        events = self._client.meta.events

        def handler(params: Any, **_more: Any) -> None:
            events.unregister(event, handler)
            act(params)

        events.register(event, handler)


class _Once(Hook):
    OPERATIONS = {
        "CreateSecret": "create",
        "PutSecretValue": "put",
        "UpdateSecretVersionStage": "move",
        "GetParametersByPath": "read",
        "PutParameter": "write",
        "CreateParameter": "create",
        "DeleteParameters": "delete",
    }

    def __init__(self) -> None:
        self.acts: dict[str, Callable[[], Any]] = {}
        self.repeated: set[str] = set()

    def before(self, op: str, name: str) -> None:
        self.acts.pop(op, lambda: None)()

    def after(self, op: str, name: str) -> bool:
        due = op in self.repeated
        self.repeated.discard(op)
        return due


class _Memory:
    def __init__(self) -> None:
        self._hook = _Once()

    def meanwhile(self, operation: str, act: Callable[[], Any]) -> None:
        self._hook.acts[_Once.OPERATIONS[operation]] = act

    def twice(self, operation: str) -> None:
        self._hook.repeated.add(_Once.OPERATIONS[operation])


class _MotoSecrets(_Moto):
    def __init__(self) -> None:
        super().__init__("secretsmanager")
        self.store = SecretsManager(self._client)

    def write(self, name: str, content: str, version: str) -> None:
        try:
            self._theirs.put_secret_value(SecretId=name, SecretString=content, ClientRequestToken=version)
        except self._theirs.exceptions.ResourceNotFoundException:
            self._theirs.create_secret(Name=name, SecretString=content, ClientRequestToken=version)

    def schedule_deletion(self, name: str) -> None:
        self._theirs.delete_secret(SecretId=name, RecoveryWindowInDays=7)

    def switch_rotation_on(self, name: str) -> None:
        self._theirs.rotate_secret(SecretId=name, RotationRules={"AutomaticallyAfterDays": 30})


class _MemorySecrets(_Memory):
    def __init__(self) -> None:
        super().__init__()
        self.store = MemorySecrets(self._hook)

    def write(self, name: str, content: str, version: str) -> None:
        self.store.seed(name, content, version=version)

    def schedule_deletion(self, name: str) -> None:
        self.store.set_state(name, deleted=True)

    def switch_rotation_on(self, name: str) -> None:
        self.store.set_state(name, rotation_enabled=True)


class _MotoParameters(_Moto):
    def __init__(self) -> None:
        super().__init__("ssm")
        self.store = ParameterStore(self._client)

    def meanwhile(self, operation: str, act: Callable[[], Any]) -> None:
        super().meanwhile(operation.replace("CreateParameter", "PutParameter"), act)

    def twice(self, operation: str) -> None:
        super().twice(operation.replace("CreateParameter", "PutParameter"))

    def write(self, name: str, value: str, kind: str = "SecureString", tier: str = "Standard") -> None:
        self._theirs.put_parameter(Name=name, Value=value, Type=kind, Tier=tier, Overwrite=True)

    def delete(self, name: str) -> None:
        self._theirs.delete_parameter(Name=name)


class _MemoryParameters(_Memory):
    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryParameters(self._hook)

    def write(self, name: str, value: str, kind: str = "SecureString", tier: str = "Standard") -> None:
        self.store.seed(name, value, kind=kind, tier=tier)

    def delete(self, name: str) -> None:
        self.store.delete([name])


def _sides(request: pytest.FixtureRequest, kinds: Sequence[Any]) -> Iterator[Any]:
    with ExitStack() as stack:
        if request.param == "moto":
            stack.enter_context(mock_aws())
        yield kinds[request.param == "memory"]()


@pytest.fixture(params=["moto", "memory"])
def secrets(request: pytest.FixtureRequest) -> Iterator[Secrets]:
    """Secrets Manager as moto plays it, and its twin in memory: each test is of both."""
    yield from _sides(request, (_MotoSecrets, _MemorySecrets))


@pytest.fixture(params=["moto", "memory"])
def parameters(request: pytest.FixtureRequest) -> Iterator[Parameters]:
    """Parameter Store as moto plays it, and its twin in memory."""
    yield from _sides(request, (_MotoParameters, _MemoryParameters))


@pytest.fixture(params=["moto", "memory"])
def place_of(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "memory":
        yield Memory()
        return
    with mock_aws():
        yield Moto()


@pytest.fixture
def journal(place_of: Any) -> JournalStore:
    store: JournalStore = place_of.store()
    assert store.make()
    return store
