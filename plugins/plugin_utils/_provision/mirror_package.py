# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The zip of the mirror's Lambda function: our own files, and the catalog, which holds names and no value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import program_bundle

ENTRY, NAME = "_host.mirror_function", "mirror"
HANDLER = f"{NAME}.handler"


def package(document: Mapping[str, Any], environment: str) -> bytes:
    """The same catalog and sources make the same bytes."""
    return program_bundle.function(ENTRY, NAME, {"catalog": document, "environment": environment})
