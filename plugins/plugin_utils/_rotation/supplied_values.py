# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Externally issued new values, from a private file or the operator's answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NoAccess, NotFound, RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.private_file import read_private
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.registered_results import answers
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan, preconditions
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

OPTIONS: dict[str, Any] = {"values_file": {"type": "path"}, "values_from": {"type": "str"}}

_PARTS = {"username", "password"}


def supplied(args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Login]:
    """Externally issued new values, from a private file or ask_secret's result."""
    result: dict[str, Any] = {}
    if args.get("values_from"):
        result.update(answers(args["values_from"], task_vars))
    if args.get("values_file"):
        result.update(read_values(Path(args["values_file"]).expanduser()))
    return {str(name): _login(name, value) for name, value in result.items()}


def for_credentials(setting: RotationSetup, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Login]:
    """The supplied values. Raises RotationError for credentials whose value no operator supplies."""
    logins = supplied(args, task_vars)
    message = preconditions.not_to_be_given(setting.catalog, setting.kinds, list(logins))
    if message:
        raise RotationError(f"{args.get('values_file') or args['values_from']}: {message}")
    return logins


def wanted_again(setting: RotationSetup, rotation: OpenRotation, supplied_logins: Mapping[str, Login]) -> list[str]:
    """Credentials of an open rotation whose value must be supplied again: the earlier run was killed before it stored
    the value.

    Raises RotationError for the value in use.
    """
    items = [item for item in plan.items_of(rotation.plan) if item.act in plan.CHANGES]
    names = [
        item.credential for item in items if item.kind in setting.kinds and setting.kinds[item.kind].value == "supplied"
    ]
    if not names or rotation.step != "create":
        return []
    try:
        setting.rotator.values(rotation)
    except NotFound:
        pass
    else:
        return []
    for name in names:
        old, credential = setting.old(rotation, name).login, setting.catalog.credentials[name]
        message = preconditions.in_use(credential, old, supplied_logins[name]) if name in supplied_logins else None
        if message:
            raise RotationError(f"{name}: {message}, then run the same command again")
    return [name for name in names if name not in supplied_logins]


def is_asked(setting: RotationSetup, name: str, supplied_logins: Mapping[str, Any]) -> bool:
    kind = setting.kinds.get(setting.catalog.credentials[name].kind)
    return kind is not None and kind.value == "supplied" and name not in supplied_logins


def _login(name: str, value: Any) -> Login:
    parts = value if isinstance(value, Mapping) else {"password": value}
    if not parts or not all(isinstance(part, str) and part for part in parts.values()) or set(parts) - _PARTS:
        raise RotationError(
            f"{name}: its new value is empty or not text; write it in quotes, or as a mapping with username, "
            "password or both"
        )
    return Login(**{part: str(text) for part, text in parts.items()})


def read_values(path: Path) -> dict[str, Any]:
    """The values in a file that no other account may read. Raises RotationError, without a value."""
    try:
        document = yaml.safe_load(read_private(path, "secret values").decode("utf-8"))
    except NoAccess as error:
        raise RotationError(str(error)) from None
    except (yaml.YAMLError, ValueError, RecursionError):  # a day such as 2026-02-30; lists in lists
        raise RotationError(f"{path}: is not valid YAML; write one line for each credential, NAME: 'value'") from None
    if not isinstance(document, dict):
        raise RotationError(f"{path}: is not a mapping; write one line for each credential, NAME: 'value'")
    return document
