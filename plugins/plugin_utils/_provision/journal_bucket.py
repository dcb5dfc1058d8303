# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The journal's bucket, with the journal and an empty baseline: finds and creates the parts that are missing.

No KMS key is needed: S3 encrypts every object by itself, and the journal holds no value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied, NotFound
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.baseline_store import BaselineStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.journal_store import JournalStore
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.missing_part import MissingPart

PRIVATE = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
SID = "RefuseUnencryptedConnections"


class JournalBucket:
    """Adds missing parts, and changes nothing else: the bucket may hold more than the journal."""

    def __init__(self, client: Any, catalog: Catalog, journal: JournalStore, tags: Mapping[str, str]) -> None:
        self._client = client
        self._bucket = catalog.journal_place[0]
        self._names: dict[str, Any] = {"Bucket": self._bucket}
        if catalog.expected_account_id:
            self._names["ExpectedBucketOwner"] = catalog.expected_account_id
        self._journal, self._baseline = journal, BaselineStore(client, catalog)
        self._tags = tags
        self.lacks_journal = False

    def missing(self) -> list[MissingPart]:
        """Missing parts, in the order in which they are created."""
        steps: list[MissingPart] = []
        try:
            versions = self._read("GetBucketVersioning").get("Status")
        except NotFound:
            steps.append(MissingPart(f"create bucket {self._bucket}", self._make))
            versions = None
        except Denied as error:
            raise Denied(
                f"bucket {self._bucket} cannot be read ({error.detail}); allow s3:GetBucketVersioning on it. If it "
                "belongs to somebody else, name another bucket in journal.s3",
                error.detail,
            ) from None
        is_complete = not steps
        blocked = (
            self._read_if_set("GetPublicAccessBlock").get("PublicAccessBlockConfiguration", {}) if is_complete else {}
        )
        if not all(blocked.get(name) for name in PRIVATE):
            steps.append(MissingPart(f"block public access of bucket {self._bucket}", self._make_private))
        policy = json.loads(self._read_if_set("GetBucketPolicy").get("Policy", "{}")) if is_complete else {}
        others = [item for item in policy.get("Statement", []) if item.get("Sid") != SID]
        if [*others, self._statement()] != policy.get("Statement"):
            wanted = {"Version": "2012-10-17", **policy, "Statement": [*others, self._statement()]}
            steps.append(
                MissingPart(f"deny unencrypted connections to bucket {self._bucket}", lambda: self._restrict(wanted))
            )
        if versions != "Enabled":
            steps.append(MissingPart(f"enable versioning of bucket {self._bucket}", self._keep_versions))
        self.lacks_journal = not is_complete or not self._has_journal()
        if self.lacks_journal:
            steps.append(MissingPart(f"create journal {self._journal.where}", self._journal.make))
        if not is_complete or self._baseline.is_missing():
            steps.append(MissingPart(f"create empty baseline {self._baseline.where}", self._baseline.make))
        return steps

    def _has_journal(self) -> bool:
        try:
            self._journal.read()
        except NotFound:
            return False
        return True

    def _read(self, operation: str) -> Mapping[str, Any]:
        with aws_errors.translated(f"s3:{operation}", f"bucket {self._bucket}"):
            result: Mapping[str, Any] = getattr(self._client, _METHODS[operation])(**self._names)
        return result

    def _read_if_set(self, operation: str) -> Mapping[str, Any]:
        """The answer. Empty if nothing is set."""
        try:
            return self._read(operation)
        except NotFound:
            return {}

    def _make(self) -> None:
        region = self._client.meta.region_name
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        with (
            aws_errors.translated("s3:CreateBucket", f"bucket {self._bucket}"),
            suppress(self._client.exceptions.BucketAlreadyOwnedByYou),
        ):
            self._client.create_bucket(Bucket=self._bucket, **where)
        if self._tags:
            tags = [{"Key": key, "Value": value} for key, value in self._tags.items()]
            with aws_errors.translated("s3:PutBucketTagging", f"bucket {self._bucket}"):
                self._client.put_bucket_tagging(**self._names, Tagging={"TagSet": tags})

    def _make_private(self) -> None:
        with aws_errors.translated("s3:PutBucketPublicAccessBlock", f"bucket {self._bucket}"):
            self._client.put_public_access_block(**self._names, PublicAccessBlockConfiguration=PRIVATE)

    def _restrict(self, policy: Mapping[str, Any]) -> None:
        with aws_errors.translated("s3:PutBucketPolicy", f"bucket {self._bucket}"):
            self._client.put_bucket_policy(**self._names, Policy=json.dumps(policy))

    def _keep_versions(self) -> None:
        with aws_errors.translated("s3:PutBucketVersioning", f"bucket {self._bucket}"):
            self._client.put_bucket_versioning(**self._names, VersioningConfiguration={"Status": "Enabled"})

    def _statement(self) -> dict[str, Any]:
        arn = f"arn:{self._client.meta.partition}:s3:::{self._bucket}"
        return {
            "Sid": SID,
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }


_METHODS = {
    "GetBucketVersioning": "get_bucket_versioning",
    "GetPublicAccessBlock": "get_public_access_block",
    "GetBucketPolicy": "get_bucket_policy",
}
