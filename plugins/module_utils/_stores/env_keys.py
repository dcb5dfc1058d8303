# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The file key of a ``.env.enc``, in a message of the AWS Encryption SDK. Each of several KMS keys can decrypt it.

Callers pass the clients. The SDK is imported late, because no other feature needs it.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, FrozenSet, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_encrypted_env import MOST_KEYS
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.encrypted_env import KEY_BYTES, RESTORE
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import EncryptedEnvError, SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors


@dataclass(frozen=True)
class KmsKeys:
    main: str
    """An alias in the current region."""
    further: Tuple[str, ...]
    """ARNs, also in other regions and accounts."""
    client: Callable[[str], Any]
    """Makes a KMS client for a region. An empty name stands for the current region."""


def kms_keys(catalog: Catalog, client: Callable[[str], Any]) -> KmsKeys:
    main = catalog.aws.kms_key if catalog.aws else ""
    return KmsKeys(main, catalog.encrypted_env.keys if catalog.encrypted_env else (), client)


@dataclass(frozen=True)
class FileKey:
    """A file key, and the ARNs of the KMS keys that encrypt it."""

    file_key: bytes = field(repr=False)
    wrapped_by: FrozenSet[str]
    main: str
    """The ARN of the key behind the main alias. Empty if that key did not decrypt the file key."""

    def is_wrapped_by(self, keys: KmsKeys) -> bool:
        """Whether exactly these keys encrypt the file key. The main key may also be one of the further keys."""
        return self.wrapped_by == {self.main, *keys.further}


def new_file_key() -> bytes:
    return os.urandom(KEY_BYTES)


def wrapped(keys: KmsKeys, context: Mapping[str, str], file_key: bytes) -> bytes:
    """The message with the encrypted file key, by one call to each KMS key. Raises SecretsError."""
    sdk, failures = _EncryptionSdk(), _Failures()
    with failures.translated("the file key cannot be wrapped"):
        keyrings = [sdk.keyring(entry.name, entry) for entry in (_main(keys, failures), *_further(keys, failures))]
        message, _header = sdk.client.encrypt(
            source=file_key,
            keyring=sdk.joined(keyrings),
            encryption_context=dict(context),
            algorithm=sdk.algorithm,
        )
    return bytes(message)


def unwrapped(keys: KmsKeys, message: bytes, context: Mapping[str, str], path: str) -> FileKey:
    """The file key, by one call to KMS. Takes more calls if the first key cannot be used. Raises SecretsError."""
    sdk, failures = _EncryptionSdk(), _Failures()
    with failures.translated("%s: its line '# key:' is damaged, or comes from another file. %s" % (path, RESTORE)):
        main = _main(keys, failures, later=keys.further)
        # The main key may also be a listed one. The file then has no other data key.
        listed = _main(keys, failures, unless=main)
        further = [sdk.keyring(entry.name, entry) for entry in _further(keys, failures)]
        keyrings = [sdk.discovery_keyring(main), sdk.discovery_keyring(listed), *further]
        file_key, header = sdk.decrypted(message, sdk.joined(keyrings))
    if dict(header.encryption_context) != dict(context):
        raise EncryptedEnvError("%s: its line '# key:' comes from another file. %s" % (path, RESTORE))
    names = frozenset(key.key_provider.key_info.decode("ascii", "replace") for key in header.encrypted_data_keys)
    return FileKey(file_key, names, main.opened_by or listed.opened_by)


@dataclass
class _Failures:
    """Errors of KMS keys. The SDK continues with the next key, and its own error lacks these reasons."""

    errors: List[SecretsError] = field(default_factory=list)

    @contextlib.contextmanager
    def translated(self, problem: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - the SDK's errors have no common base, and may quote the message
            if not self.errors:
                raise EncryptedEnvError("%s (%s)" % (problem, type(error).__name__)) from None
            message = "; ".join(dict.fromkeys(str(entry) for entry in self.errors))
            raise type(self.errors[0])(message) from None


class _KmsClient:
    """A client for one key. It sends the key id of the catalog, where the SDK would send the id in the message."""

    def __init__(
        self,
        client: Any,
        name: str,
        failures: _Failures,
        *,
        later: Sequence[str] = (),
        unless: Optional[_KmsClient] = None,
    ) -> None:
        """Declines data keys of the keys ``later``. Declines all of them after ``unless`` has tried one."""
        self.name, self.meta, self.opened_by, self.tried = name, client.meta, "", False
        self._client, self._failures, self._later, self._unless = client, failures, frozenset(later), unless

    def generate_data_key(self, **request: Any) -> Any:
        return self._asked("GenerateDataKey", self._client.generate_data_key, request)

    def encrypt(self, **request: Any) -> Any:
        return self._asked("Encrypt", self._client.encrypt, request)

    def decrypt(self, **request: Any) -> Any:
        if request["KeyId"] in self._later or (self._unless and self._unless.tried):
            raise _refusal("Decrypt")
        self.tried = True
        # With a KeyId, KMS rejects data keys of other keys. A discovery keyring alone would accept them.
        answer = self._asked("Decrypt", self._client.decrypt, {**request, "KeyId": self.name})
        self.opened_by = str(answer["KeyId"])
        return answer

    def _asked(self, operation: str, call: Callable[..., Any], request: Dict[str, Any]) -> Any:
        try:
            with aws_errors.translated("kms:%s" % operation, self.name):
                return call(**request)
        except SecretsError as error:
            self._failures.errors.append(error)
            raise _refusal(operation) from None


def _refusal(operation: str) -> Exception:
    """The only kind of error after which the SDK continues with the next key."""
    answer = {"Error": {"Code": "KMSInternalException", "Message": "not used"}}
    error: Exception = aws_errors.exceptions.ClientError(answer, operation)
    return error


def _main(keys: KmsKeys, failures: _Failures, **choice: Any) -> _KmsClient:
    return _KmsClient(keys.client(""), keys.main, failures, **choice)


def _further(keys: KmsKeys, failures: _Failures) -> List[_KmsClient]:
    return [_KmsClient(keys.client(arn.split(":")[3]), arn, failures) for arn in keys.further]


class _EncryptionSdk:
    """The AWS Encryption SDK with this collection's algorithm. Raises EncryptedEnvError if the SDK is not installed."""

    def __init__(self) -> None:
        try:
            import aws_encryption_sdk
            from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders, config, models
        except ImportError as error:
            raise EncryptedEnvError(
                "The AWS Encryption SDK is missing for .env.enc (%s); run: pip install 'aws-encryption-sdk[MPL]' "
                "(Python 3.11 or newer)" % error
            ) from None
        # By default, the SDK encrypts and decrypts only with key commitment.
        self.client = aws_encryption_sdk.EncryptionSDKClient(max_encrypted_data_keys=MOST_KEYS)
        self.algorithm = aws_encryption_sdk.Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY
        self._providers = AwsCryptographicMaterialProviders(config=config.MaterialProvidersConfig())
        self._models = models

    def keyring(self, name: str, client: _KmsClient) -> Any:
        return self._providers.create_aws_kms_keyring(
            self._models.CreateAwsKmsKeyringInput(kms_key_id=name, kms_client=client)
        )

    def discovery_keyring(self, client: _KmsClient) -> Any:
        """A keyring for the alias in the catalog. The SDK's keyring of one key opens only data keys with its ARN."""
        return self._providers.create_aws_kms_discovery_keyring(
            self._models.CreateAwsKmsDiscoveryKeyringInput(kms_client=client)
        )

    def joined(self, keyrings: Sequence[Any]) -> Any:
        return self._providers.create_multi_keyring(
            self._models.CreateMultiKeyringInput(generator=keyrings[0], child_keyrings=list(keyrings[1:]))
        )

    def decrypted(self, message: bytes, keyring: Any) -> Tuple[bytes, Any]:
        """The content of the message, and its header."""
        stream = self.client.stream(mode="d", source=message, keyring=keyring)
        try:
            return bytes(stream.read()), stream.header
        finally:
            # Without a footer, closing a failed stream prints a second error.
            stream.footer = getattr(stream, "footer", None)
            stream.close()
