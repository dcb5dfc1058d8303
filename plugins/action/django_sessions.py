# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.watchparty.secrets.plugins.module_utils import (
    _django_direct,
    _django_sessions,
    _django_stores,
    _dotenv,
    _dotenv_readers,
    _errors,
    _postgresql,
    _purge,
    _purge_server,
    _redact,
    _valkey,
    _valkey_server,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils import _django_sessions_module, _lean

USES = (
    _errors,
    _redact,
    _dotenv_readers,
    _dotenv,
    _postgresql,
    _valkey,
    _valkey_server,
    _purge,
    _purge_server,
    _django_sessions,
    _django_stores,
    _django_direct,
)


class ActionModule(ActionBase):
    """Runs on the host with the application's interpreter. No value travels: the .env is read there."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        args = dict(self._task.args)
        python = args.pop("python", None)
        valid = _lean.validated(_django_sessions_module.ARGUMENT_SPEC, args)
        answer = _lean.execute(
            self,
            _django_sessions_module,
            USES,
            args=valid,
            task_vars=task_vars or {},
            packages=True,
            python=python,
        )
        return {**result, **answer}
