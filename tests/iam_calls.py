# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What IAM is asked for each call that a server's log tells of: actions, resources, and the key behind them.

What AWS documents as needed by an operation stands here a second time, written by hand and without a look at the
policies, so that the two can be compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.aws_scope import AwsScope
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policies import documents
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_evaluator import (
    IamRequest,
    PolicyDecision,
    decide,
)
from sandbox.aws import ACCOUNT, REGION

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
Call = Mapping[str, Any]
FREE = ("sts GetCallerIdentity",)
"""Needs no permission."""
ACCOUNT_WIDE = ("ListUsers", "GetAccountAuthorizationDetails", "ListOpenIDConnectProviders")
ANYBODY = "any user of the account"


def secret(name: str) -> str:
    return name if name.startswith("arn:") else f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-AbCdEf"


def parameter(name: str) -> str:
    return f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{name.partition(':')[0]}"


def through(service: str, action: str, arn: str) -> IamRequest:
    context = {"secretsmanager": "SecretARN", "ssm": "PARAMETER_ARN"}[service]
    via = {"kms:ViaService": f"{service}.{REGION}.amazonaws.com", f"kms:EncryptionContext:{context}": arn}
    return IamRequest(f"kms:{action}", KEY, via)


@dataclass(frozen=True)
class Asked:
    """The questions to IAM that calls of one application bring."""

    catalog: Catalog
    user: str = ""
    """ARN of the IAM user whose keys rotate: a call may name the key alone."""

    def requests(self, call: Call) -> Iterator[IamRequest]:
        service, operation, request = call["service"], call["operation"], call["request"]
        if f"{service} {operation}" in FREE:
            return
        known: dict[str, Callable[[str, Mapping[str, Any]], Iterator[IamRequest]]] = {
            "secretsmanager": self._secrets,
            "ssm": self._parameters,
            "logs": self._logs,
            "iam": self._iam,
            "kms": lambda name, request: iter([self._kms(name, request)]),
            "cloudtrail": lambda name, _request: iter([IamRequest(f"cloudtrail:{name}", "*")]),
            "s3": lambda name, request: iter([IamRequest(f"s3:{name}", f"arn:aws:s3:::{request['Name']}")]),
            "events": lambda name, request: self._events(name, request),
            "monitoring": lambda name, _request: self._metrics(name),
            "cloudfront": lambda name, _request: self._cloudfront(name),
        }
        if service not in known:
            raise AssertionError(f"what {service} {operation} needs is not known here")
        yield from known[service](operation, request)

    def _kms(self, operation: str, request: Mapping[str, Any]) -> IamRequest:
        """Directly; a key that is named by its ARN is that one."""
        named = str(request.get("KeyId", ""))
        context = {f"kms:EncryptionContext:{key}": value for key, value in request.get("EncryptionContext", {}).items()}
        return IamRequest(f"kms:{operation}", named if named.startswith("arn:") else KEY, context)

    def _secrets(self, operation: str, request: Mapping[str, Any]) -> Iterator[IamRequest]:
        action = f"secretsmanager:{operation}"
        if operation == "ListSecrets":
            yield IamRequest(action, "*")
            return
        if operation == "BatchGetSecretValue":
            yield IamRequest(action, "*")
            for name in request["SecretIdList"]:
                yield from self._secrets("GetSecretValue", {"SecretId": name})
            return
        name = request["Name"] if operation == "CreateSecret" else request["SecretId"]
        yield IamRequest(action, secret(name))
        if operation == "CreateSecret" and request.get("Tags"):
            yield IamRequest("secretsmanager:TagResource", secret(name))
        needs = {
            "GetSecretValue": ("Decrypt",),
            "PutSecretValue": ("GenerateDataKey",),
            "CreateSecret": ("GenerateDataKey", "Decrypt"),
        }
        for need in needs.get(operation, ()):
            yield through("secretsmanager", need, secret(name))

    def _parameters(self, operation: str, request: Mapping[str, Any]) -> Iterator[IamRequest]:
        action = f"ssm:{operation}"
        if operation == "DescribeParameters":
            yield IamRequest(action, "*")
            return
        path = request.get("Path")
        names = [path] if path else request.get("Names") or [request["Name"]]
        for name in names:
            yield IamRequest(action, parameter(name))
            if not f"{name}/".startswith(f"{self.catalog.ssm_path}/"):
                continue  # the records of what GitHub was sent are not encrypted
            arn = parameter(f"{name}/any" if path else name)
            if operation == "PutParameter" and request.get("Type") == "SecureString":
                yield through("ssm", "Encrypt", arn)
            if operation.startswith("GetParameter"):
                yield through("ssm", "Decrypt", arn)

    def _logs(self, operation: str, request: Mapping[str, Any]) -> Iterator[IamRequest]:
        if operation == "DescribeLogGroups":
            yield IamRequest(f"logs:{operation}", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group::log-stream:")
            return
        group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{request['logGroupName']}"
        stream = f":log-stream:{request.get('logStreamName')}"
        yield IamRequest(f"logs:{operation}", group if operation == "DescribeLogStreams" else group + stream)

    def _iam(self, operation: str, request: Mapping[str, Any]) -> Iterator[IamRequest]:
        if operation in ACCOUNT_WIDE:
            yield IamRequest(f"iam:{operation}", "*")
            return
        if "RoleName" in request:
            yield IamRequest(f"iam:{operation}", f"arn:aws:iam::{ACCOUNT}:role/{request['RoleName']}")
            return
        if "PolicyArn" in request:
            yield IamRequest(f"iam:{operation}", request["PolicyArn"])
            return
        if self.user == ANYBODY:
            yield IamRequest(f"iam:{operation}", f"arn:aws:iam::{ACCOUNT}:user/{request.get('UserName', 'any')}")
            return
        assert request.get("UserName", self.user).rpartition("/")[2] == self.user.rpartition("/")[2]
        yield IamRequest(f"iam:{operation}", self.user)

    def _events(self, operation: str, request: Mapping[str, Any]) -> Iterator[IamRequest]:
        """Each entry of PutEvents is judged by its bus and its source."""
        assert operation == "PutEvents"
        for entry in request["Entries"]:
            bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{entry['EventBusName']}"
            yield IamRequest("events:PutEvents", bus, {"events:source": entry["Source"]})

    def _metrics(self, operation: str) -> Iterator[IamRequest]:
        """The log has no names of a request in CBOR: test_metrics looks at the namespace."""
        yield IamRequest(f"cloudwatch:{operation}", "*", {"cloudwatch:namespace": "watchparty.secrets"})

    def _cloudfront(self, operation: str) -> Iterator[IamRequest]:
        """Of REST calls the log has method and path."""
        match = re.fullmatch(r"(GET|POST) /[0-9-]+/distribution/(\w+)/invalidation(/\w+)?/?", operation)
        assert match, f"what cloudfront {operation} needs is not known here"
        action = "CreateInvalidation" if match[1] == "POST" else "GetInvalidation" if match[3] else "ListInvalidations"
        yield IamRequest(f"cloudfront:{action}", f"arn:aws:cloudfront::{ACCOUNT}:distribution/{match[2]}")


@dataclass
class Usage:
    """Of one role: what was asked and refused, and which grants were used."""

    refused: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    """Actions with the statement that allowed them."""


def usage(role: str, asked: Asked, calls: Sequence[Call]) -> Usage:
    """Judges the calls by the policies of the role."""
    policies = documents(asked.catalog, AwsScope(ACCOUNT, REGION, KEY))[role]
    result = Usage()
    for call in calls:
        for request in asked.requests(call):
            decision: PolicyDecision = decide(policies, request)
            if decision:
                result.used.add(f"{re.sub('[0-9]+$', '', decision.reason.split()[0])} {request.action}")
            else:
                result.refused.append(f"{call['operation']}: {decision.reason} with {dict(request.context)}")
    return result


def grants(role: str, catalog: Catalog) -> set[str]:
    """Each action that the role is granted, with the statement that grants it."""
    results = set()
    for document in documents(catalog, AwsScope(ACCOUNT, REGION, KEY))[role]:
        for item in document["Statement"]:
            actions = [item["Action"]] if isinstance(item["Action"], str) else item["Action"]
            results |= {f"{re.sub('[0-9]+$', '', item['Sid'])} {action}" for action in actions}
    return results
