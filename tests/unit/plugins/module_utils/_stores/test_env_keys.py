# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The key of .env.enc against moto's KMS: how often it is asked, what binds the key, and which key opens it.

moto binds a ciphertext to its encryption context and its key. It does not refuse a key that is disabled or about to be
deleted, and knows neither policies nor throttling.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from ansible_collections.watchparty.secrets.plugins.module_utils._core import encrypted_env
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    Denied,
    EncryptedEnvError,
    NoAccess,
    SecretsError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import env_keys
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.env_keys import KmsKeys

HOME, SECOND = "eu-central-1", "eu-west-1"
ALIAS = "alias/shop-production"
CONTEXT = {"application": "shop", "environment": "production", "catalog": "0" * 64}
FILE_KEY = bytes(range(32))
PATH = "/srv/.env.enc"


@dataclass
class Watched:
    """A client of KMS that notes its calls, and fails by order."""

    client: Any
    region: str
    calls: list[str]
    fails: dict[str, Exception] = field(default_factory=dict)
    """By region."""
    requests: list[dict[str, Any]] = field(default_factory=list)

    @property
    def meta(self) -> Any:
        return self.client.meta

    def __getattr__(self, name: str) -> Any:
        def call(**request: Any) -> Any:
            self.calls.append(f"{self.region} {name}")
            self.requests.append(request)
            if self.region in self.fails:
                raise self.fails[self.region]
            return getattr(self.client, name)(**request)

        return call


@dataclass
class Kms:
    """Two regions with a key each."""

    calls: list[str] = field(default_factory=list)
    fails: dict[str, Exception] = field(default_factory=dict)
    arns: dict[str, str] = field(default_factory=dict)
    clients: dict[str, Watched] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for region in (HOME, SECOND):
            client = boto3.client("kms", region_name=region, aws_access_key_id="x", aws_secret_access_key="x")
            self.arns[region] = client.create_key()["KeyMetadata"]["Arn"]
            self.clients[region] = Watched(client, region, self.calls, self.fails)
        self.clients[HOME].client.create_alias(AliasName=ALIAS, TargetKeyId=self.arns[HOME])

    def keys(self, *further: str) -> KmsKeys:
        return KmsKeys(ALIAS, further, lambda region: self.clients[region or HOME])


@pytest.fixture
def kms() -> Iterator[Kms]:
    with mock_aws():
        yield Kms()


def opened(keys: KmsKeys, message: bytes, context: dict[str, str] | None = None) -> bytes:
    return env_keys.unwrapped(keys, message, context or CONTEXT, PATH).file_key


def test_one_call_to_wrap_and_one_to_unwrap(kms: Kms) -> None:
    message = env_keys.wrapped(kms.keys(), CONTEXT, FILE_KEY)
    assert kms.calls == [f"{HOME} generate_data_key"]
    assert opened(kms.keys(), message) == FILE_KEY
    assert kms.calls[1:] == [f"{HOME} decrypt"]
    request = kms.clients[HOME].requests[-1]
    assert request["EncryptionContext"] == CONTEXT
    assert request["KeyId"] == ALIAS, "KMS itself refuses a ciphertext of another key"
    assert FILE_KEY not in message


def test_the_suite_commits_to_its_key(kms: Kms) -> None:
    message = env_keys.wrapped(kms.keys(), CONTEXT, FILE_KEY)
    assert message[:3] == b"\x02\x04\x78", "version 2, AES_256_GCM_HKDF_SHA512_COMMIT_KEY"


def test_every_key_opens_alone(kms: Kms) -> None:
    keys = kms.keys(kms.arns[SECOND])
    message = env_keys.wrapped(keys, CONTEXT, FILE_KEY)
    assert kms.calls == [f"{HOME} generate_data_key", f"{SECOND} encrypt"]
    assert opened(keys, message) == FILE_KEY
    assert kms.calls[2:] == [f"{HOME} decrypt"]
    kms.fails[HOME] = EndpointConnectionError(endpoint_url="https://kms")
    assert opened(keys, message) == FILE_KEY
    assert kms.calls[3:] == [f"{HOME} decrypt", f"{SECOND} decrypt"]
    gone = {"Error": {"Code": "KMSInvalidStateException", "Message": "is pending deletion"}}
    kms.fails[HOME] = ClientError(gone, "Decrypt")
    assert opened(keys, message) == FILE_KEY
    kms.fails[SECOND] = EndpointConnectionError(endpoint_url="https://kms")
    with pytest.raises(SecretsError, match="is pending deletion; AWS could not be reached for kms:Decrypt on arn:"):
        opened(keys, message)


@pytest.mark.parametrize("name", ["application", "environment", "catalog"])
def test_the_message_of_another_context_does_not_open(kms: Kms, name: str) -> None:
    message = env_keys.wrapped(kms.keys(), {**CONTEXT, name: "other"}, FILE_KEY)
    with pytest.raises(EncryptedEnvError, match="its line '# key:' comes from another file"):
        opened(kms.keys(), message)
    with pytest.raises(SecretsError):
        opened(kms.keys(), message.replace(b"other", CONTEXT[name][:5].encode()))


def test_a_context_with_more_in_it_does_not_open(kms: Kms) -> None:
    message = env_keys.wrapped(kms.keys(), {**CONTEXT, "more": "x"}, FILE_KEY)
    with pytest.raises(EncryptedEnvError, match="its line '# key:' comes from another file"):
        opened(kms.keys(), message)


def test_errors_of_kms_are_ours(kms: Kms, capfd: pytest.CaptureFixture[str]) -> None:
    message = env_keys.wrapped(kms.keys(), CONTEXT, FILE_KEY)
    kms.fails[HOME] = EndpointConnectionError(endpoint_url="https://kms")
    with pytest.raises(NoAccess, match=f"AWS could not be reached for kms:Decrypt on {ALIAS}"):
        opened(kms.keys(), message)
    denied = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
    kms.fails[HOME] = ClientError(denied, "Decrypt")
    with pytest.raises(Denied, match=f"AWS denies kms:Decrypt on {ALIAS}"):
        opened(kms.keys(), message)
    with pytest.raises(Denied, match=f"AWS denies kms:GenerateDataKey on {ALIAS}"):
        env_keys.wrapped(kms.keys(), CONTEXT, FILE_KEY)
    assert capfd.readouterr() == ("", ""), "the SDK prints its own traceback unless it is kept from it"


def test_a_key_that_cannot_wrap_stops_the_encryption(kms: Kms) -> None:
    """A file with fewer keys than the catalog names would be found out when the first key is lost."""
    kms.fails[SECOND] = EndpointConnectionError(endpoint_url="https://kms")
    with pytest.raises(NoAccess, match="kms:Encrypt on arn:aws:kms:eu-west-1"):
        env_keys.wrapped(kms.keys(kms.arns[SECOND]), CONTEXT, FILE_KEY)


def test_a_damaged_message_is_refused_without_a_call(kms: Kms, capfd: pytest.CaptureFixture[str]) -> None:
    message = env_keys.wrapped(kms.keys(), CONTEXT, FILE_KEY)
    kms.calls.clear()
    for damaged in (b"", b"\x02", b"\x00" * 600, message[:100]):
        with pytest.raises(EncryptedEnvError, match="its line '# key:' is damaged"):
            opened(kms.keys(), damaged)
    assert kms.calls == []
    for at in range(0, len(message), 7):
        with pytest.raises(SecretsError):
            opened(kms.keys(), message[:at] + bytes([message[at] ^ 1]) + message[at + 1 :])
    with pytest.raises(SecretsError):
        opened(kms.keys(), message[:-1])
    assert capfd.readouterr() == ("", "")


def test_a_message_with_many_keys_asks_nothing(kms: Kms) -> None:
    many = replace(kms.keys(*[kms.arns[SECOND]] * 7))
    message = env_keys.wrapped(many, CONTEXT, FILE_KEY)
    with pytest.raises(EncryptedEnvError, match="cannot be wrapped"):
        env_keys.wrapped(replace(many, further=(*many.further, kms.arns[SECOND])), CONTEXT, FILE_KEY)
    kms.calls.clear()
    count = message.index(b"\x00\x08\x00\x07aws-kms")
    with pytest.raises(EncryptedEnvError, match="its line '# key:' is damaged"):
        opened(many, message[:count] + b"\x10\x00" + message[count + 2 :])
    assert kms.calls == []


def test_a_change_of_keys_is_seen(kms: Kms) -> None:
    one, two = kms.keys(), kms.keys(kms.arns[SECOND])
    found = env_keys.unwrapped(one, env_keys.wrapped(one, CONTEXT, FILE_KEY), CONTEXT, PATH)
    assert (found.is_wrapped_by(one), found.is_wrapped_by(two)) == (True, False)
    found = env_keys.unwrapped(two, env_keys.wrapped(two, CONTEXT, FILE_KEY), CONTEXT, PATH)
    assert (found.is_wrapped_by(one), found.is_wrapped_by(two)) == (False, True)
    assert FILE_KEY.hex() not in repr(found)
    assert repr(FILE_KEY) not in repr(found)


def test_an_alias_that_names_a_new_key_since_is_seen(kms: Kms) -> None:
    """A further key opens the file still, and nobody would notice until that one is lost."""
    keys = kms.keys(kms.arns[SECOND])
    message = env_keys.wrapped(keys, CONTEXT, FILE_KEY)
    home = kms.clients[HOME].client
    home.update_alias(AliasName=ALIAS, TargetKeyId=home.create_key()["KeyMetadata"]["KeyId"])
    found = env_keys.unwrapped(keys, message, CONTEXT, PATH)
    assert not found.is_wrapped_by(keys)
    again = env_keys.unwrapped(keys, env_keys.wrapped(keys, CONTEXT, found.file_key), CONTEXT, PATH)
    assert (again.file_key, again.is_wrapped_by(keys)) == (FILE_KEY, True)


def test_the_main_key_may_be_listed_too(kms: Kms) -> None:
    """Then the file is written once, not at each run; also where the alias moved to a key of the list."""
    keys = kms.keys(kms.arns[HOME])
    message = env_keys.wrapped(keys, CONTEXT, FILE_KEY)
    kms.calls.clear()
    assert env_keys.unwrapped(keys, message, CONTEXT, PATH).is_wrapped_by(keys)
    assert kms.calls == [f"{HOME} decrypt"]
    home = kms.clients[HOME].client
    former = home.create_key()["KeyMetadata"]["Arn"]
    home.update_alias(AliasName=ALIAS, TargetKeyId=former)
    message = env_keys.wrapped(keys, CONTEXT, FILE_KEY)
    home.update_alias(AliasName=ALIAS, TargetKeyId=kms.arns[HOME])
    assert not env_keys.unwrapped(keys, message, CONTEXT, PATH).is_wrapped_by(keys), f"{former} opens it still"
    again = env_keys.unwrapped(keys, env_keys.wrapped(keys, CONTEXT, FILE_KEY), CONTEXT, PATH)
    assert again.is_wrapped_by(keys)


def test_file_keys_are_random() -> None:
    assert len({env_keys.new_file_key() for _at in range(20)}) == 20
    assert {len(env_keys.new_file_key())} == {encrypted_env.KEY_BYTES}


def test_a_missing_sdk_is_named(kms: Kms, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any, **more: Any) -> Any:
        if name.startswith("aws_cryptographic"):
            raise ImportError(name)
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(EncryptedEnvError, match="pip install 'aws-encryption-sdk"):
        env_keys.wrapped(kms.keys(), CONTEXT, FILE_KEY)
