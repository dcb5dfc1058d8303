# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Base of actions on the controller: options with full paths, and errors as failures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.paths import with_full_paths


class ControllerAction(ActionBase):
    """Runs on the controller, in process; nothing is sent to a host."""

    TRANSFERS_FILES = False
    _requires_connection = False
    options: Mapping[str, Any] = {}
    """Options that several actions share."""
    extra_options: Mapping[str, Any] = {}
    conditions: Mapping[str, Any] = {}
    """Conditions between options, such as ``required_if``."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        spec = {**self.options, **self.extra_options}
        _validated, args = self.validate_argument_spec(argument_spec=spec, **self.conditions)
        try:
            return {**result, **self.result(with_full_paths(args, spec), task_vars or {})}
        except SecretsError as error:
            return {**result, "failed": True, "msg": str(error), "error_type": type(error).__name__}

    def result(self, args: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """Raises SecretsError."""
        raise NotImplementedError
