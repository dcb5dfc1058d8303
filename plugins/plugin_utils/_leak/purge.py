# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Empties caches in Valkey and CloudFront, in the task of the step before.

A separate task would take a second more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError

from ansible_collections.watchparty.secrets.plugins.module_utils._core import kind_names, redaction, server_addresses
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Purge
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound, SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import purge_main
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import environment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.rotation_host import RotationHost
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.segment import show

Purger = Callable[[Sequence[str]], Mapping[str, Any]]
"""Empties caches of these kinds. Returns the program's result, or only ``msg`` after a failure."""
VALKEY_SECONDS = 600
"""Seconds for millions of keys."""


def purge_on(host: RotationHost, connection: AwsConnection, args: Mapping[str, Any]) -> Purger:
    def purge(kinds: Sequence[str]) -> Mapping[str, Any]:
        show("purge", "", "caches in Valkey")  # of millions of keys it takes minutes
        masked: list[str] = []
        try:
            request = environment.ReadRequest(
                document=args["catalog"], environment=args["environment"], journal="optional"
            )
            read = environment.read(request, connection)
            values = dict(read.resolution.values)
            levels = {name: setting.sensitivity for name, setting in read.catalog.settings.items()}
            masked += redaction.maskable(values, levels)
            params = purge_request(read.catalog, values, kinds)
            if not params["chosen"]:
                return {"count": 0, "milliseconds": 0, "purged": []}
            answer = host.execute(purge_main, args=params, seconds=VALKEY_SECONDS, packages=True)
        except (SecretsError, AnsibleError) as error:
            return {"msg": redaction.scrub(str(error), masked)}
        except Exception as error:  # noqa: BLE001 - the report shows it as open, and the response continues
            return {"msg": f"unexpected error: {type(error).__name__}"}
        clean: Mapping[str, Any] = redaction.scrub(answer, masked)
        return clean

    return purge


def purge_request(catalog: Catalog, values: Mapping[str, str], kinds: Sequence[str]) -> dict[str, Any]:
    """The program's arguments: entries, brokers and their URLs. Raises NotFound."""
    chosen = [purge for purge in catalog.purge.values() if purge.kind in kinds]
    other_purges = [purge for purge in catalog.purge.values() if purge.kind == "sessions" and purge not in chosen]
    # Remaining sessions matter only if the application has the setting.
    other_purges = [purge for purge in other_purges if values.get(purge.setting)]
    brokers = [name for name, setting in catalog.settings.items() if setting.broker and values.get(name)]
    for purge in chosen:
        if not values.get(purge.setting):
            raise NotFound(
                f"purge.{purge.name}: {purge.setting} has no value in {catalog.environment}; store "
                f"it: ansible-playbook watchparty.secrets.set -e set_names={purge.setting}"
            )
    needed = sorted({purge.setting for purge in (*chosen, *other_purges)} | set(brokers))
    return {
        "chosen": [_as_data(purge) for purge in chosen],
        "spared_sessions": [_as_data(purge) for purge in other_purges],
        "brokers": brokers,
        "urls": {name: values[name] for name in needed},
        "nodes": {name: server_addresses.of_setting(catalog, name, kind_names.VALKEY) for name in needed},
    }


def _as_data(entry: Purge) -> dict[str, Any]:
    return {"name": entry.name, "kind": entry.kind, "setting": entry.setting, "keys": list(entry.keys)}


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
