# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one read of an environment, from the stores or a file, for every plugin."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import environment_reader
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.environment_reader import (
    Environment,
    ReadRequest,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import catalog_override, environment_file
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.access_propagation import AccessWait
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection, suit

__all__ = ("Environment", "ReadRequest", "read")


def read(request: ReadRequest, connection: AwsConnection, wait: AccessWait | None = None) -> Environment:
    """Reads every store once: the account, the journal, the secrets, the parameters. Raises SecretsError.

    With ``wait``, waits while IAM denies a required read.
    """
    catalog = catalog_parser.parse(request.document, request.environment)
    if request.file:
        return environment_file.read_file(catalog, request.file)
    catalog = catalog_override.narrowed(catalog, secret_ids=request.secret_ids, ssm_path=request.ssm_path)
    suit(connection, catalog)
    if wait is None or request.on_denied != "error":
        return environment_reader.read(request, catalog, connection.store_client)
    return wait.until_granted(
        lambda: environment_reader.read(request, catalog, connection.store_client),
        lambda environment: environment.contents.denials,
    )
