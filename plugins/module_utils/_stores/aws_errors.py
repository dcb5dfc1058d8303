# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Translation of botocore's errors into this collection's errors."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import Any, Iterator, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    AlreadyExists,
    Conflict,
    Denied,
    NoAccess,
    NotFound,
    StoreError,
    WrongAccount,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import throttling

try:
    from botocore import exceptions, parsers
except ImportError:  # the plugins that make the clients report a missing boto3
    exceptions = parsers = None

CLIENT_CONFIG = {"retries": {"mode": "adaptive", "total_max_attempts": 8}, "connect_timeout": 5, "read_timeout": 20}
"""Eight tries with backoff and jitter, after throttling, HTTP 5xx and lost connections. Throttling slows the client."""

DENIED_CODES = ("AccessDeniedException", "AccessDenied", "AuthorizationError", "UnauthorizedOperation")
_CREDENTIAL_CODES = (
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "ExpiredTokenException",
    "ExpiredToken",
    "IncompleteSignature",
    "MissingAuthenticationToken",
)
_MISSING_CODES = (
    "ResourceNotFoundException",
    "ParameterNotFound",
    "ParameterVersionNotFound",
    "NoSuchBucket",
    "NoSuchKey",
    "NoSuchBucketPolicy",
    "NoSuchLifecycleConfiguration",
    "NoSuchPublicAccessBlockConfiguration",
    "NotFound",
)
_EXISTING_CODES = (
    "ResourceExistsException",
    "ParameterAlreadyExists",
    "ResourceAlreadyExistsException",
    "PreconditionFailed",
    "BucketAlreadyExists",
)
_RACE_CODES = ("TooManyUpdates", "ConditionalRequestConflict", "OperationAbortedException")
_QUOTING_CODES = ("ValidationException", "SerializationException")
"""Errors whose message may quote the request."""
NO_REGION = "No AWS region was found; run export AWS_REGION=eu-west-1, or write region: eu-west-1 into the catalog"
MASKED_FROM = 8
"""Characters from which a value is masked in a message."""


def code_of(error: Exception) -> str:
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))


def is_scheduled_for_deletion(code: str, message: str) -> bool:
    return code == "InvalidRequestException" and speaks_of_deletion(message)


def speaks_of_deletion(message: str) -> bool:
    """Whether AWS says that a secret is scheduled for deletion. Other messages say that a secret cannot be deleted."""
    return bool(re.search(r"(marked|scheduled) (for )?delet", message, re.IGNORECASE))


@contextmanager
def translated(operation: str, name: str, *, carries: str = "") -> Iterator[None]:
    """Runs a call on ``name``. Raises errors that name the operation, the id and the remedy.

    ``carries`` is the value that the call sends. No error repeats it.
    """
    try:
        yield
    except exceptions.ClientError as error:
        raise _refusal(operation, name, error, carries) from None
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError, exceptions.CredentialRetrievalError):
        raise NoAccess(
            f"No AWS credentials were found for {operation} on {name}; set AWS_PROFILE, or log in by 'aws sso login'"
        ) from None
    except exceptions.NoRegionError:
        raise NoAccess(NO_REGION) from None
    except (exceptions.TokenRetrievalError, exceptions.SSOError) as error:
        raise NoAccess(f"The AWS login has expired ({error}); log in again by 'aws sso login'") from None
    except (exceptions.HTTPClientError, exceptions.ConnectionError) as error:
        raise NoAccess(
            f"AWS could not be reached for {operation} on {name}: {error}. Check the region, the "
            "network, HTTPS_PROXY and AWS_CA_BUNDLE, then run the same command again"
        ) from None
    except exceptions.BotoCoreError as error:
        raise StoreError(f"{operation} on {name} failed: {_without(carries, str(error))}") from None
    except parsers.ResponseParserError:  # its message quotes the answer, which may hold a value
        raise StoreError(
            f"The answer to {operation} on {name} is truncated, or does not come from AWS; correct "
            "HTTPS_PROXY, then run the same command again"
        ) from None


def _refusal(operation: str, name: str, error: Any, carries: str) -> StoreError:
    code, message = code_of(error), _without(carries, error.response["Error"].get("Message", ""))
    if code in DENIED_CODES:
        remedy = f"allow {operation} on it for the role in use"
        return Denied(f"AWS denies {operation} on {name}; {remedy} ({message})", message)
    if code in _CREDENTIAL_CODES:
        remedy = "log in again by 'aws sso login', or set AWS_PROFILE (see 'aws sts get-caller-identity')"
        return NoAccess(f"AWS rejects the credentials in use ({code} at {operation}); {remedy}")
    if code in throttling.CODES:
        return NoAccess(f"AWS still throttles {operation} on {name} after every retry. {throttling.remedy(operation)}")
    if code in _MISSING_CODES or is_scheduled_for_deletion(code, message):
        return NotFound(f"{name} does not exist ({operation}): {message or code}")
    if code in _EXISTING_CODES:
        return AlreadyExists(f"{name} already exists (AWS at {operation}): {message}")
    if code in _RACE_CODES:
        return Conflict(f"another writer changes {name} at the same time ({operation}); run the same command again")
    if code == "ParameterMaxVersionLimitExceeded":
        remedy = (
            "remove the label of its oldest version by 'aws ssm unlabel-parameter-version --name NAME "
            "--parameter-version NUMBER --labels LABEL'"
        )
        return StoreError(f"{name} has 100 versions, the oldest with a label, so {operation} fails; {remedy}")
    if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
        return NoAccess(
            f"AWS failed at {operation} on {name} after every retry: {code} {message}. Run the same command again later"
        )
    if carries and code in _QUOTING_CODES:
        message = "its message is not shown, because it may quote the value"
    return StoreError(f"AWS refused {operation} on {name}: {code}: {message}")


def _without(value: str, message: str) -> str:
    """The message with the value masked. A short value stays, because it may be a part of ordinary words."""
    return message.replace(value, "***") if len(value) >= MASKED_FROM else message


def identity(sts: Any) -> Tuple[str, str]:
    """Account and partition of the credentials in use."""
    with translated("sts:GetCallerIdentity", "this account"):
        caller_identity = sts.get_caller_identity()
    return str(caller_identity["Account"]), str(caller_identity["Arn"]).split(":")[1]


def account_id(sts: Any) -> str:
    return identity(sts)[0]


def require_account(actual: str, expected: str) -> None:
    if actual != expected:
        raise WrongAccount(
            f"These credentials belong to AWS account {actual}, but the catalog expects "
            f"{expected} (expected_account_id); choose another profile of 'aws configure list-profiles' "
            "and set AWS_PROFILE"
        )
