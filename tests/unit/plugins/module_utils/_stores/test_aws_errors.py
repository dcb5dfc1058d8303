# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore import exceptions
from botocore.config import Config

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    AlreadyExists,
    Conflict,
    Denied,
    NoAccess,
    NotFound,
    SecretsError,
    StoreError,
    WrongAccount,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors, throttling


def client_error(code: str, message: str = "aws says", status: int = 400) -> exceptions.ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return exceptions.ClientError(answer, "GetSecretValue")


def translate(error: Exception) -> SecretsError:
    with pytest.raises(SecretsError) as raised, aws_errors.translated("secretsmanager:GetSecretValue", "secret core"):
        raise error
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
    return raised.value


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        *(
            (client_error(code), Denied, "allow secretsmanager:GetSecretValue on it")
            for code in aws_errors.DENIED_CODES
        ),
        *((client_error(code), NoAccess, "credentials in use") for code in aws_errors._CREDENTIAL_CODES),
        *((client_error(code), NoAccess, "still throttles") for code in throttling.CODES),
        *((client_error(code), NotFound, "secret core does not exist") for code in aws_errors._MISSING_CODES),
        (client_error("InvalidRequestException", "marked for deletion"), NotFound, "marked for deletion"),
        (client_error("InvalidRequestException", "a secret is already scheduled for deletion"), NotFound, "scheduled"),
        (client_error("InvalidRequestException", "that's currently marked deleted"), NotFound, "marked deleted"),
        (client_error("InvalidRequestException", "You can't delete it"), StoreError, "AWS refused"),
        (client_error("InvalidRequestException", "something else"), StoreError, "AWS refused"),
        *((client_error(code), AlreadyExists, "secret core already exists") for code in aws_errors._EXISTING_CODES),
        *((client_error(code), Conflict, "another writer changes") for code in aws_errors._RACE_CODES),
        (client_error("ParameterMaxVersionLimitExceeded"), StoreError, "remove the label of its oldest version"),
        (client_error("InternalFailure", status=503), NoAccess, "after every retry: InternalFailure"),
        (client_error("Odd"), StoreError, "Odd: aws says"),
        (exceptions.NoCredentialsError(), NoAccess, "No AWS credentials were found"),
        (exceptions.PartialCredentialsError(provider="env", cred_var="x"), NoAccess, "No AWS credentials were found"),
        (exceptions.CredentialRetrievalError(provider="p", error_msg="x"), NoAccess, "No AWS credentials were found"),
        (exceptions.NoRegionError(), NoAccess, "No AWS region was found; run export AWS_REGION="),
        (exceptions.UnauthorizedSSOTokenError(), NoAccess, "aws sso login"),
        (exceptions.TokenRetrievalError(provider="sso", error_msg="x"), NoAccess, "aws sso login"),
        (exceptions.EndpointConnectionError(endpoint_url="http://x"), NoAccess, "could not be reached"),
        (exceptions.ConnectTimeoutError(endpoint_url="http://x"), NoAccess, "could not be reached"),
        (exceptions.ReadTimeoutError(endpoint_url="http://x"), NoAccess, "could not be reached"),
        (exceptions.SSLError(endpoint_url="http://x", error="bad"), NoAccess, "could not be reached"),
        (exceptions.ParamValidationError(report="bad name"), StoreError, "failed: Parameter validation"),
    ],
    ids=lambda value: (
        value.__name__ if isinstance(value, type) else type(value).__name__ if isinstance(value, Exception) else ""
    ),
)
def test_each_error_says_what_and_what_to_do(error: Exception, kind: type[SecretsError], message: str) -> None:
    secrets_error = translate(error)
    assert type(secrets_error) is kind
    assert message in str(secrets_error)


@pytest.mark.parametrize("code", [*throttling.CODES, "InternalFailure", "Odd", "AccessDenied"])
def test_the_operation_and_the_id_are_named(code: str) -> None:
    message = str(translate(client_error(code, status=500)))
    assert "secretsmanager:GetSecretValue" in message
    assert "secret core" in message


def test_the_stores_own_words_stay_with_a_denial() -> None:
    secrets_error = translate(client_error("AccessDeniedException", "no identity-based policy"))
    assert isinstance(secrets_error, Denied)
    assert secrets_error.detail == "no identity-based policy"


@pytest.mark.parametrize(
    "error",
    [
        *(client_error(code, "Value 'canary-\\u00e9' at 'value' failed") for code in aws_errors._QUOTING_CODES),
        client_error("Odd", "canary-value is not what I like"),
        client_error("AccessDeniedException", "canary-value may not be used"),
        exceptions.ParamValidationError(report="Invalid type for parameter Value, value: canary-value"),
    ],
)
def test_what_a_call_carries_is_never_repeated(error: Exception) -> None:
    with (
        pytest.raises(StoreError) as raised,
        aws_errors.translated("ssm:PutParameter", "parameter /p", carries="canary-value"),
    ):
        raise error
    assert "canary" not in str(raised.value)
    assert "ssm:PutParameter on parameter /p" in str(raised.value)


def test_words_stay_whole_around_a_short_value() -> None:
    with pytest.raises(StoreError, match="Odd: aws says"), aws_errors.translated("x", "y", carries="a"):
        raise client_error("Odd")


def test_our_own_errors_and_bugs_pass_through() -> None:
    with pytest.raises(ZeroDivisionError), aws_errors.translated("x", "y"):
        raise ZeroDivisionError


def test_an_endpoint_that_is_down() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        client = boto3.client(
            "sts", region_name="eu-west-3", endpoint_url=url, config=Config(retries={"max_attempts": 0})
        )
        with pytest.raises(NoAccess, match="AWS could not be reached for sts:GetCallerIdentity"):
            aws_errors.account_id(client)


def test_the_retries_are_what_botocore_takes() -> None:
    client = boto3.client("sts", region_name="eu-west-3", config=Config(**aws_errors.CLIENT_CONFIG))
    assert client.meta.config.retries["mode"] == "adaptive"
    assert client.meta.config.retries["total_max_attempts"] == 8


def test_the_account(moto: Callable[[str], tuple[Any, list[str]]]) -> None:
    client, _calls = moto("sts")
    assert aws_errors.account_id(client) == "123456789012"


def test_another_account_is_refused() -> None:
    aws_errors.require_account("123456789012", "123456789012")
    with pytest.raises(WrongAccount, match=r"AWS account 111111111111, but the catalog expects 222222222222"):
        aws_errors.require_account("111111111111", "222222222222")
