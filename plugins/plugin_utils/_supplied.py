# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""New values that a third party issued: from a private file, or as the operator was asked for them."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._url import Login

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
        details = path.lstat()
        if not stat.S_ISREG(details.st_mode) or details.st_uid not in (os.geteuid(), 0) or details.st_mode & 0o077:
            raise RotationError(f"{path}: must be a regular file of yours with mode 0600, since it holds secret values")
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RotationError(f"{path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise RotationError(f"{path}: is no YAML; write one line a credential, NAME: 'value'") from None
    if not isinstance(document, dict):
        raise RotationError(f"{path}: holds no mapping; write one line a credential, NAME: 'value'")
    return document
