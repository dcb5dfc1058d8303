# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Service, operation and names of an AWS request (never a value), and the overlap of calls."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

SHOWN = frozenset(
    {
        *("SecretId", "SecretIdList", "VersionId", "VersionStage", "VersionStages", "ClientRequestToken"),
        *("MoveToVersionId", "RemoveFromVersionId", "Name", "Names", "Path", "Recursive", "WithDecryption"),
        *("MaxResults", "Overwrite", "Type", "KeyId", "TopicArn", "RoleName", "RoleArn", "PolicyName", "PolicyArn"),
        *("logGroupName", "logStreamName", "FunctionName", "UserName", "ReplicationGroupId", "KmsKeyId", "Tags"),
        "EncryptionContext",
    }
)
"""Request keys whose values are names, ids, tags or switches. The log has nothing else."""
TARGETS = ("SecretId", "SecretIdList", "Name", "Names", "Path")


@dataclass(frozen=True)
class Call:
    service: str
    operation: str
    request: Mapping[str, Any]
    protocol: str
    """``json``, ``query`` or ``rest``: the form of an error."""

    @property
    def targets(self) -> list[str]:
        results: list[str] = []
        for key in TARGETS:
            value = self.request.get(key, [])
            results += value if isinstance(value, list) else [str(value)]
        return results


def describe(environ: Mapping[str, Any], body: bytes) -> Call:
    """Reads service, operation and names from a request."""
    scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
    service = scope.group(1) if scope else ""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    smithy = re.search(r"/service/[^/]+/operation/([^/]+)", environ.get("PATH_INFO", ""))
    if target:
        return Call(service, target.rpartition(".")[2], {**_shown(_json(body)), **_entries(_json(body))}, "json")
    if smithy:
        return Call(service, smithy.group(1), {}, "rest")
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        form = dict(parse_qsl(body.decode("utf-8", errors="replace")))
        return Call(service, form.get("Action", ""), _shown(form), "query")
    if service == "s3":
        return _of_s3(environ)
    request = f"{environ.get('REQUEST_METHOD', '')} {environ.get('PATH_INFO', '')}"
    looked_for = re.fullmatch(r"GET /2015-03-31/functions/([^/]+)", request)
    if looked_for:
        return Call(service, "GetFunction", {"FunctionName": looked_for[1]}, "json")
    return Call(service, request, {}, "rest")


def _of_s3(environ: Mapping[str, Any]) -> Call:
    """The call of an S3 request, from its method, path and query."""
    method, path = environ.get("REQUEST_METHOD", "").capitalize(), environ.get("PATH_INFO", "").strip("/")
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    part = next((_PARTS[name] for name in query if name in _PARTS), "Object" if "/" in path else "Bucket")
    if "list-type" in query:
        return Call("s3", "ListObjectsV2", {"Name": path}, "rest")
    verb = "Create" if (method, part) == ("Put", "Bucket") else method
    return Call("s3", f"{verb}{part}", {"Name": path}, "rest")


_PARTS = {
    "versioning": "BucketVersioning",
    "publicAccessBlock": "PublicAccessBlock",
    "policy": "BucketPolicy",
    "lifecycle": "LifecycleConfiguration",
    "tagging": "BucketTagging",
    "location": "BucketLocation",
}
"""Parts of a bucket, by the name in the query."""


def _json(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _entries(request: Mapping[str, Any]) -> dict[str, Any]:
    """Targets and kinds of events."""
    entries = request.get("Entries")
    names = ("Source", "DetailType", "EventBusName")
    return {"Entries": [{key: entry.get(key) for key in names} for entry in entries]} if entries else {}


def _shown(request: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in request.items() if key in SHOWN}


def error_body(call: Call, code: str, message: str) -> tuple[str, bytes]:
    """Content type and body of an AWS error."""
    if call.protocol == "json":
        return "application/x-amz-json-1.1", json.dumps({"__type": code, "message": message}).encode()
    text = (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        "<RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>"
    )
    return "text/xml", text.encode()


def sequential_depth(calls: Iterable[Mapping[str, Any]]) -> int:
    """Length of the longest chain of logged calls that do not overlap."""
    depth, end = 0, 0.0
    for call in sorted(calls, key=lambda call: call["ended"]):
        if call["began"] >= end:
            depth, end = depth + 1, call["ended"]
    return depth
