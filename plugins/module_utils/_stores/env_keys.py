# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The key of a ``.env.enc``: one message of the AWS Encryption SDK, wrapped by KMS keys, each of which opens it.

Clients are handed in. The SDK is imported late, since nothing else needs it.
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
    """The keys that wrap."""

    main: str
    """An alias in the region in use."""
    further: Tuple[str, ...]
    """ARNs, also of other regions and accounts."""
    client: Callable[[str], Any]
    """A client of KMS in a region; of the region in use for an empty name."""


def kms_keys(catalog: Catalog, client: Callable[[str], Any]) -> KmsKeys:
    main = catalog.aws.kms_key if catalog.aws else ""
    return KmsKeys(main, catalog.encrypted_env.keys if catalog.encrypted_env else (), client)


@dataclass(frozen=True)
class FileKey:
    """A file key, and the keys that wrap it: ARNs."""

    file_key: bytes = field(repr=False)
    wrapped_by: FrozenSet[str]
    main: str
    """The key that the main alias names; empty if that did not open it."""

    def is_wrapped_by(self, keys: KmsKeys) -> bool:
        """Whether these are known to be the keys. The main one may be listed among the further ones, too."""
        return self.wrapped_by == {self.main, *keys.further}


def new_file_key() -> bytes:
    return os.urandom(KEY_BYTES)


def wrapped(keys: KmsKeys, context: Mapping[str, str], file_key: bytes) -> bytes:
    """The message that holds the file key, by one call to each KMS key. Raises SecretsError."""
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
    """The file key, by one call, or by more where the first key cannot be used. Raises SecretsError."""
    sdk, failures = _EncryptionSdk(), _Failures()
    with failures.translated("%s: its key line is damaged, or comes from another file. %s" % (path, RESTORE)):
        main = _main(keys, failures, later=keys.further)
        # The main key may be a listed one as well, and then no other is in the file.
        listed = _main(keys, failures, unless=main)
        further = [sdk.keyring(entry.name, entry) for entry in _further(keys, failures)]
        keyrings = [sdk.discovery_keyring(main), sdk.discovery_keyring(listed), *further]
        file_key, header = sdk.decrypted(message, sdk.joined(keyrings))
    if dict(header.encryption_context) != dict(context):
        raise EncryptedEnvError("%s: its key line comes from another file. %s" % (path, RESTORE))
    names = frozenset(key.key_provider.key_info.decode("ascii", "replace") for key in header.encrypted_data_keys)
    return FileKey(file_key, names, main.opened_by or listed.opened_by)


@dataclass
class _Failures:
    """Why KMS keys could not be used: the SDK goes on with the next key, and its own errors do not say."""

    errors: List[SecretsError] = field(default_factory=list)

    @contextlib.contextmanager
    def translated(self, problem: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - the SDK's errors have no common base, and may quote what they read
            if not self.errors:
                raise EncryptedEnvError("%s (%s)" % (problem, type(error).__name__)) from None
            message = "; ".join(dict.fromkeys(str(entry) for entry in self.errors))
            raise type(self.errors[0])(message) from None


class _KmsClient:
    """The client of one key. The SDK names the key as the message does; here it is the one that the catalog names."""

    def __init__(
        self,
        client: Any,
        name: str,
        failures: _Failures,
        *,
        later: Sequence[str] = (),
        unless: Optional[_KmsClient] = None,
    ) -> None:
        """Leaves what the keys ``later`` wrapped to others, and all of it where ``unless`` tried any."""
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
        # KMS refuses a ciphertext of any other key, which discovery alone would accept.
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
    """The one kind of error on which the SDK goes on with the next key."""
    answer = {"Error": {"Code": "KMSInternalException", "Message": "not used"}}
    error: Exception = aws_errors.exceptions.ClientError(answer, operation)
    return error


def _main(keys: KmsKeys, failures: _Failures, **choice: Any) -> _KmsClient:
    return _KmsClient(keys.client(""), keys.main, failures, **choice)


def _further(keys: KmsKeys, failures: _Failures) -> List[_KmsClient]:
    return [_KmsClient(keys.client(arn.split(":")[3]), arn, failures) for arn in keys.further]


class _EncryptionSdk:
    """The AWS Encryption SDK, with the suite and the policy of ours. Raises EncryptedEnvError where it is missing."""

    def __init__(self) -> None:
        try:
            import aws_encryption_sdk
            from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders, config, models
        except ImportError as error:
            raise EncryptedEnvError(
                "The AWS Encryption SDK is missing for .env.enc (%s); run: pip install 'aws-encryption-sdk[MPL]' "
                "(Python 3.11 or newer)" % error
            ) from None
        # Its own policy is to write and to read with key commitment only.
        self.client = aws_encryption_sdk.EncryptionSDKClient(max_encrypted_data_keys=MOST_KEYS)
        self.algorithm = aws_encryption_sdk.Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY
        self._providers = AwsCryptographicMaterialProviders(config=config.MaterialProvidersConfig())
        self._models = models

    def keyring(self, name: str, client: _KmsClient) -> Any:
        return self._providers.create_aws_kms_keyring(
            self._models.CreateAwsKmsKeyringInput(kms_key_id=name, kms_client=client)
        )

    def discovery_keyring(self, client: _KmsClient) -> Any:
        """The SDK's keyring of a key opens only what names its ARN, and the catalog names an alias."""
        return self._providers.create_aws_kms_discovery_keyring(
            self._models.CreateAwsKmsDiscoveryKeyringInput(kms_client=client)
        )

    def joined(self, keyrings: Sequence[Any]) -> Any:
        return self._providers.create_multi_keyring(
            self._models.CreateMultiKeyringInput(generator=keyrings[0], child_keyrings=list(keyrings[1:]))
        )

    def decrypted(self, message: bytes, keyring: Any) -> Tuple[bytes, Any]:
        """What the message holds, and its header."""
        stream = self.client.stream(mode="d", source=message, keyring=keyring)
        try:
            return bytes(stream.read()), stream.header
        finally:
            # Without it, closing a stream that failed prints a second error, past the one that is raised.
            stream.footer = getattr(stream, "footer", None)
            stream.close()
