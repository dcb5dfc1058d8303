# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Empties caches in Valkey and CloudFront, in the task of the step before.

A separate task would take a second more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.rotation_host import RotationHost
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.segment import show

Purge = Callable[[Sequence[str]], Mapping[str, Any]]
"""Empties caches of these kinds. Returns the module's result, or only ``msg`` after a failure."""


def purge_on(host: RotationHost) -> Purge:
    def purge(kinds: Sequence[str]) -> Mapping[str, Any]:
        show("purge", "", "caches in Valkey")  # of millions of keys it takes minutes
        try:
            return host.run_alone("valkey_purge", kinds=list(kinds))
        except (SecretsError, AnsibleError) as error:
            return {"msg": str(error)}
        except Exception as error:  # noqa: BLE001 - the report shows it as open, and the response continues
            return {"msg": f"unexpected error: {type(error).__name__}"}

    return purge


SECONDS = 40
"""Seconds for CloudFront's answer, which delays the response."""


def invalidate(connection: AwsConnection, copies: Mapping[str, Any], reference: str) -> None:
    """Invalidates CloudFront's copies. CloudFront accepts a reference once, so a repeated run invalidates nothing
    twice. Raises StoreError, or AnsibleActionFail without a client."""
    client = connection.bounded_client("cloudfront", SECONDS)
    paths = copies["paths"]
    with aws_errors.translated("cloudfront:CreateInvalidation", copies["distribution"]):
        client.create_invalidation(
            DistributionId=copies["distribution"],
            InvalidationBatch={"Paths": {"Quantity": len(paths), "Items": paths}, "CallerReference": reference},
        )
