# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, resolver
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import catalog_override, encrypted_file, seal
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_action import AwsAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection, suit

OPTIONS: dict[str, Any] = {
    "catalog": {"type": "dict", "required": True},
    "environment": {"type": "str", "required": True},
    "path": {"type": "path"},
}


class ActionModule(AwsAction):
    """Opens the file and hands its values, sealed, to env_file."""

    name = "watchparty.secrets.env_decrypt"
    extra_options = OPTIONS

    def perform(self, connection: AwsConnection, args: Mapping[str, Any]) -> dict[str, Any]:
        catalog = catalog_parser.parse(args["catalog"], args["environment"])
        path = encrypted_file.path_of(catalog, args["path"])
        suit(connection, catalog)
        file, values = encrypted_file.read(path, catalog, encrypted_file.kms_keys(catalog, connection))
        resolution = resolver.resolve(catalog_override.filed(catalog, values), Contents()).require_deliverable()
        return {
            "changed": False,
            "_ansible_no_log": True,
            **seal.sealed(settings=values, fingerprint_key=secrets.token_hex(16)),
            "fingerprints": seal.fingerprints(values),
            "sensitivity": dict(resolution.sensitivity),
            "readers": list(catalog.readers),
            "names": sorted(values),
            "journal": file.journal,
            "snapshot_id": file.snapshot_id,
            "source": path,
        }
