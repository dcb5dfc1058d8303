# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Buckets of the journal and the audit log: rules that delete their objects, and their policies."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import S3_PREFIX, Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound, StoreError, one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import policies_reader
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import chain as audit_chain


def places(catalog: Catalog) -> list[tuple[str, str]]:
    """Buckets and objects: the journal, and the first record of the audit log."""
    results = [catalog.journal_place] if catalog.journal else []
    if "s3" in catalog.audit_log:
        bucket, prefix = audit_chain.location(catalog.audit_log["s3"])
        results.append((bucket, f"{prefix}{catalog.application}/{catalog.environment}/{1:012}.json"))
    return results


def described(catalog: Catalog, client: Callable[[str], Any]) -> dict[str, dict[str, Any]]:
    """Facts by bucket and object. A problem is reported for its bucket alone."""
    results: dict[str, dict[str, Any]] = {}
    for bucket, name in places(catalog):
        place = {"bucket": bucket, "object": name}
        try:
            results[f"{S3_PREFIX}{bucket}/{name}"] = {**place, **_described(client("s3"), bucket, name)}
        except StoreError as error:
            results[f"{S3_PREFIX}{bucket}/{name}"] = {**place, "problem": one_line(error)}
    return results


def _described(client: Any, bucket: str, name: str) -> dict[str, Any]:
    versions = _read(client, "GetBucketVersioning", bucket).get("Status", "never enabled")
    rules = _read(client, "GetLifecycleConfiguration", bucket).get("Rules", [])
    policy = policies_reader.document(_read(client, "GetBucketPolicy", bucket).get("Policy", "{}"))
    return {"versions": versions, "expires": [*_expired(rules, name)], "policy": policy}


_METHODS = {
    "GetBucketVersioning": "get_bucket_versioning",
    "GetLifecycleConfiguration": "get_bucket_lifecycle_configuration",
    "GetBucketPolicy": "get_bucket_policy",
}


def _read(client: Any, operation: str, bucket: str) -> Mapping[str, Any]:
    """Empty if the bucket has no such configuration."""
    try:
        with aws_errors.translated(f"s3:{operation}", f"bucket {bucket}"):
            result: Mapping[str, Any] = getattr(client, _METHODS[operation])(Bucket=bucket)
    except NotFound:
        if operation == "GetBucketVersioning":  # the bucket is missing
            raise
        return {}
    return result


def _expired(rules: list[Mapping[str, Any]], name: str) -> Iterator[str]:
    """Rules that delete such objects. Rules for tags do not, since these objects have no tags."""
    for rule in rules:
        conditions = rule.get("Filter") or {}
        conditions = conditions.get("And") or conditions
        prefix, expires = conditions.get("Prefix", rule.get("Prefix", "")), rule.get("Expiration", {})
        is_concerned = name.startswith(prefix) or prefix.startswith(f"{posixpath.dirname(name)}/")
        is_active = rule.get("Status") == "Enabled" and not ({"Tag", "Tags"} & {*conditions})
        if is_active and is_concerned and ({"Days", "Date"} & {*expires}):
            when = f"after {expires['Days']} days" if "Days" in expires else f"on {expires['Date']:%Y-%m-%d}"
            yield f"its lifecycle rule {rule.get('ID', '')} deletes objects {when}"
