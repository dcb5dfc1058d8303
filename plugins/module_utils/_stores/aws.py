# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Turns what botocore raises into our errors, in one place."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Iterator

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import (
    Denied,
    NoAccess,
    NotFound,
    StoreError,
    WrongAccount,
)

try:
    from botocore import exceptions
except ImportError:  # the plugins that hand us clients check for boto3 and say how to install it
    exceptions = None

CLIENT_CONFIG = {"retries": {"mode": "standard", "total_max_attempts": 6}, "connect_timeout": 5, "read_timeout": 20}
"""Six tries with exponential backoff and jitter, on throttling, 5xx and lost connections."""

DENIED_CODES = ("AccessDeniedException", "AccessDenied", "UnauthorizedOperation")
_CREDENTIAL_CODES = (
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "ExpiredTokenException",
    "ExpiredToken",
    "IncompleteSignature",
    "MissingAuthenticationToken",
)
_THROTTLE_CODES = ("ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded")
_MISSING_CODES = ("ResourceNotFoundException", "ParameterNotFound", "ParameterVersionNotFound")


def code_of(error: Exception) -> str:
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))


def is_scheduled_for_deletion(code: str, message: str) -> bool:
    return code == "InvalidRequestException" and "delet" in message.lower()


@contextmanager
def translated(operation: str, name: str) -> Iterator[None]:
    """Runs a call on ``name``; raises our errors, which name the operation, the id and the remedy."""
    try:
        yield
    except exceptions.ClientError as error:
        code, message = code_of(error), error.response["Error"].get("Message", "")
        if code in DENIED_CODES:
            remedy = f"allow {operation} on it for the role in use"
            raise Denied(f"AWS denies {operation} on {name}; {remedy} ({message})", message) from None
        if code in _CREDENTIAL_CODES:
            remedy = "log in again, or set AWS_PROFILE or the AWS_* variables to valid ones"
            raise NoAccess(f"AWS does not accept the credentials in use ({code} at {operation}); {remedy}") from None
        if code in _THROTTLE_CODES:
            raise NoAccess(f"AWS still throttles {operation} on {name} after every retry; try again later") from None
        if code in _MISSING_CODES or is_scheduled_for_deletion(code, message):
            raise NotFound(f"{name} cannot be read by {operation}: {message or code}") from None
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
            raise NoAccess(f"AWS failed at {operation} on {name} after every retry: {code} {message}") from None
        raise StoreError(f"AWS refused {operation} on {name}: {code}: {message}") from None
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError, exceptions.CredentialRetrievalError):
        raise NoAccess(
            f"No AWS credentials were found for {operation} on {name}; set AWS_PROFILE, log in by 'aws sso login', or "
            "give access_key and secret_key"
        ) from None
    except exceptions.NoRegionError:
        raise NoAccess(
            "No AWS region was found; set AWS_REGION, the region option, or environments.<name>.region in the catalog"
        ) from None
    except (exceptions.TokenRetrievalError, exceptions.SSOError) as error:
        raise NoAccess(f"The AWS login has run out ({error}); log in again by 'aws sso login'") from None
    except (exceptions.HTTPClientError, exceptions.ConnectionError) as error:
        raise NoAccess(f"AWS could not be reached for {operation} on {name}: {error}") from None
    except exceptions.BotoCoreError as error:
        raise StoreError(f"{operation} on {name} could not be asked: {error}") from None


def account_id(client: Any) -> str:
    """The account of the credentials in use, as STS says."""
    with translated("sts:GetCallerIdentity", "this account"):
        return str(client.get_caller_identity()["Account"])


def require_account(actual: str, expected: str) -> None:
    if actual != expected:
        raise WrongAccount(
            f"These credentials belong to the AWS account {actual}, and the catalog expects {expected} "
            "(expected_account_id); choose another AWS_PROFILE or role"
        )
