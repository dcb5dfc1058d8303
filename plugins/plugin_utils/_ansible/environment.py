# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one read of an environment, shared by every plugin that needs it: from the stores, or of a file."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, dotenv, journal, resolver
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import environment_reader
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.environment_reader import (
    Environment,
    ReadRequest,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import catalog_override
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.access_propagation import AccessWait
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection, suit

__all__ = ("FILE", "Environment", "ReadRequest", "read")

FILE = "file"
"""Takes the place of a snapshot's id where a file was looked at instead of the stores."""


def read(request: ReadRequest, connection: AwsConnection, wait: AccessWait | None = None) -> Environment:
    """Reads every store once: the account, the journal, the secrets, the parameters. Raises SecretsError.

    With ``wait`` it waits for what IAM denies and must be read.
    """
    catalog = catalog_parser.parse(request.document, request.environment)
    if request.file:
        return _read_file(catalog, request.file)
    catalog = catalog_override.narrowed(catalog, secret_ids=request.secret_ids, ssm_path=request.ssm_path)
    suit(connection, catalog)
    if wait is None or request.on_denied != "error":
        return environment_reader.read(request, catalog, connection.store_client)
    return wait.until_granted(
        lambda: environment_reader.read(request, catalog, connection.store_client),
        lambda environment: environment.contents.denials,
    )


def _read_file(catalog: Catalog, path: str) -> Environment:
    """The same of a file; no store is asked."""
    try:
        with open(path, encoding="utf-8", newline="") as handle:
            values = dotenv.from_dotenv(handle.read(), catalog.readers)
    except OSError as error:
        raise HostError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise HostError(f"{path}: is not UTF-8") from None
    resolution = resolver.resolve(catalog_override.filed(catalog, values), Contents())
    unknown = tuple(name for name in values if not any(s.matches(name) for s in catalog.settings.values()))
    resolution = replace(resolution, unknown=unknown, snapshot_id=FILE)
    return Environment(catalog, journal.Journal(), resolution, Contents(), resolution.warnings)
