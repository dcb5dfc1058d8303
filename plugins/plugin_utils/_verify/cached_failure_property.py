# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A property that is read once and cached, failures included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError


class cached_outcome:  # noqa: N801 used like functools.cached_property
    def __init__(self, read: Callable[[Any], Any]) -> None:
        self._read = read
        self._name = f"_cached_{read.__name__}"

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if self._name not in instance.__dict__:
            try:
                instance.__dict__[self._name] = self._read(instance)
            except SecretsError as error:
                instance.__dict__[self._name] = error
        outcome = instance.__dict__[self._name]
        if isinstance(outcome, SecretsError):
            raise outcome
        return outcome
