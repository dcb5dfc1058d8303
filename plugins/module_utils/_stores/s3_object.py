# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An S3 object with conditional writes.

S3 reads the newest state, and checks the condition of a write against it.
"""

from __future__ import annotations

from typing import Any, Dict, Optional, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors


class S3Object:
    def __init__(self, client: Any, catalog: Catalog, place: Tuple[str, str], content_type: str) -> None:
        """``place`` is bucket and key."""
        bucket, key = place
        self._client, self._type = client, content_type
        self._names: Dict[str, Any] = {"Bucket": bucket, "Key": key}
        if catalog.expected_account_id:  # bucket names are shared by all AWS accounts
            self._names["ExpectedBucketOwner"] = catalog.expected_account_id
        self.where = f"s3://{bucket}/{key}"

    def read(self, limit: int) -> Tuple[bytes, str]:
        """The content and its version. Content beyond ``limit`` is cut one byte after it. Raises StoreError."""
        with aws_errors.translated("s3:GetObject", self.where):
            answer = self._client.get_object(**self._names)
            content: bytes = answer["Body"].read(limit + 1)
        return content, str(answer["ETag"])

    def replace(self, content: bytes, version: Optional[str]) -> str:
        """Replaces this version, or creates the object if it is None. Returns the new version.

        Raises AlreadyExists if another version is stored, Conflict if S3 could not decide, and StoreError.
        """
        condition = {"IfMatch": version} if version is not None else {"IfNoneMatch": "*"}
        with aws_errors.translated("s3:PutObject", self.where):
            answer = self._client.put_object(
                **self._names, **condition, Body=content, ContentType=self._type, ChecksumAlgorithm="SHA256"
            )
        return str(answer["ETag"])
