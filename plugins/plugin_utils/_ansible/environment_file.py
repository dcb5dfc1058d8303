# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads an environment from a file. Imports no AWS library, whose import takes longer than the rest."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv, journal, resolver
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.environment_reader import Environment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import catalog_override

FILE = "file"
"""Replaces a snapshot's id if a file was read instead of the stores."""


def read_file(catalog: Catalog, path: str) -> Environment:
    """Asks no store. Raises SecretsError."""
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
