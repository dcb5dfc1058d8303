# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What AWS says of the buckets of the journal and the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import collect_buckets
from tests.unit.plugins.plugin_utils._verify.verify_facts import JOURNAL, catalog

CATALOG = catalog(journal={"s3": "watchparty-journal"}, audit_log={"s3": "s3://records/log"})
RECORD = "s3://records/log/watchparty/production/000000000001.json"


class S3:
    """Answers by operation; a text is an error's code."""

    def __init__(self, **answers: Any) -> None:
        self._answers = {"versioning": {"Status": "Enabled"}, "lifecycle": "NoSuchLifecycleConfiguration"}
        self._answers |= {"policy": "NoSuchBucketPolicy", **answers}

    def _answer(self, name: str) -> Mapping[str, Any]:
        answer = self._answers[name]
        if isinstance(answer, str):
            raise ClientError({"Error": {"Code": answer, "Message": "no"}}, name)
        return answer  # type: ignore[no-any-return]

    def get_bucket_versioning(self, **_bucket: str) -> Mapping[str, Any]:
        return self._answer("versioning")

    def get_bucket_lifecycle_configuration(self, **_bucket: str) -> Mapping[str, Any]:
        return self._answer("lifecycle")

    def get_bucket_policy(self, **_bucket: str) -> Mapping[str, Any]:
        return self._answer("policy")


def described(**answers: Any) -> dict[str, dict[str, Any]]:
    return collect_buckets.described(CATALOG, lambda _service: S3(**answers))


def rule(**over: Any) -> dict[str, Any]:
    return {"lifecycle": {"Rules": [{"ID": "x", "Status": "Enabled", "Expiration": {"Days": 7}, **over}]}}


def test_both_buckets_as_they_should_be() -> None:
    results = described()
    assert list(results) == [JOURNAL, RECORD]
    assert {(entry["versions"], *entry["expires"]) for entry in results.values()} == {("Enabled",)}


@pytest.mark.parametrize(("answer", "versions"), [({"Status": "Suspended"}, "Suspended"), ({}, "never enabled")])
def test_versions(answer: dict[str, str], versions: str) -> None:
    assert described(versioning=answer)[RECORD]["versions"] == versions


@pytest.mark.parametrize("operation", ["versioning", "lifecycle", "policy"])
def test_what_aws_denies(operation: str) -> None:
    entry = described(**{operation: "AccessDenied"})[RECORD]
    assert "AWS denies s3:Get" in entry["problem"]
    assert entry["bucket"] == "records"


def test_a_bucket_that_is_not_there() -> None:
    assert "does not exist" in described(versioning="NoSuchBucket")[JOURNAL]["problem"]


@pytest.mark.parametrize(
    "over",
    [
        {},
        {"Prefix": "log/"},
        {"Filter": {"Prefix": "log/watchparty/"}},
        {"Filter": {"Prefix": "log/watchparty/production/0000000002"}},
        {"Filter": {"And": {"Prefix": "log/", "ObjectSizeGreaterThan": 1}}},
        {"Expiration": {"Date": datetime(2027, 1, 1, tzinfo=UTC)}},
    ],
)
def test_a_rule_that_deletes_records(over: dict[str, Any]) -> None:
    (message,) = described(**rule(**over))[RECORD]["expires"]
    assert message.startswith("its lifecycle rule x deletes objects ")


@pytest.mark.parametrize(
    "over",
    [
        {"Status": "Disabled"},
        {"Filter": {"Prefix": "tmp/"}},
        {"Filter": {"Tag": {"Key": "a", "Value": "b"}}},
        {"Filter": {"And": {"Prefix": "log/", "Tags": [{"Key": "a", "Value": "b"}]}}},
        {"Expiration": {"ExpiredObjectDeleteMarker": True}},
        {"Expiration": {}, "NoncurrentVersionExpiration": {"NoncurrentDays": 90}},
    ],
)
def test_a_rule_that_does_not(over: dict[str, Any]) -> None:
    assert described(**rule(**over))[RECORD]["expires"] == []
