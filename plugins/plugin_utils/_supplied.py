# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""New values that a third party issued: from a private file, or as the operator was asked for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import NoAccess, RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._url import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._private_file import read_private

OPTIONS: dict[str, Any] = {"values_file": {"type": "path"}, "values_from": {"type": "str"}}

_PARTS = {"username", "password"}


def supplied(args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Login]:
    """New values that a third party issued, from a private file or from what ask_secret registered."""
    found: dict[str, Any] = {}
    if args.get("values_from"):
        asked = task_vars.get(args["values_from"])
        found.update(asked.get("answers", {}) if isinstance(asked, Mapping) else {})
    if args.get("values_file"):
        found.update(read_values(Path(args["values_file"]).expanduser()))
    return {str(name): _login(name, value) for name, value in found.items()}


def _login(name: str, value: Any) -> Login:
    parts = value if isinstance(value, Mapping) else {"password": value}
    if not parts or not all(isinstance(part, str) and part for part in parts.values()) or set(parts) - _PARTS:
        raise RotationError(
            f"{name}: its new value is empty or no text; write it in quotes, or as a username, a password or both"
        )
    return Login(**{part: str(text) for part, text in parts.items()})


def read_values(path: Path) -> dict[str, Any]:
    """The values in a file that nobody else may read. Raises RotationError, in words without a value."""
    try:
        document = yaml.safe_load(read_private(path, "secret values").decode("utf-8"))
    except NoAccess as error:
        raise RotationError(str(error)) from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise RotationError(f"{path}: is no YAML; write one line a credential, NAME: 'value'") from None
    if not isinstance(document, dict):
        raise RotationError(f"{path}: holds no mapping; write one line a credential, NAME: 'value'")
    return document
