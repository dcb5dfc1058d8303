# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Resolves paths on the controller relative to the folder in which ansible-playbook was started.

Ansible runs a module on localhost in the playbook's folder, and the environment's PWD may be missing or old. The
controller process keeps the starting folder, and its tasks inherit it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError


def full_path(path: str) -> str:
    """The absolute path, ``~`` and variables expanded. Raises SecretsError."""
    expanded = os.path.expandvars(os.path.expanduser(path))
    try:
        return os.path.abspath(expanded)
    except FileNotFoundError:
        raise SecretsError(
            f"{path}: the folder in which the command was started no longer exists; change to another folder"
        ) from None


def with_full_paths(args: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """Replaces options of the type path by absolute paths."""
    paths = {name for name, option in spec.items() if option.get("type") == "path"}
    return {name: full_path(value) if name in paths and value else value for name, value in args.items()}
