# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Base of the lookups: AWS options, tolerance and errors."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec
from ansible_collections.amazon.aws.plugins.plugin_utils.lookup import AWSLookupBase

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection


@dataclass(frozen=True)
class Shared:
    """Sessions and connections of one process's lookups, so that credentials are fetched once."""

    sessions: dict[str | None, Any] = field(default_factory=dict)
    connections: dict[str, AwsConnection] = field(default_factory=dict)


_shared: dict[Any, Shared] = {}
"""Keyed by process, because two must not share a connection, and by AWS's environment variables."""


class StoreLookup(AWSLookupBase):
    """A lookup over a store. Subclasses answer all terms at once."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        super().run(terms, variables, **kwargs)
        try:
            return self.answer([str(term) for term in terms])
        except SecretsError as error:
            raise AnsibleLookupError(str(error)) from None

    def answer(self, terms: list[str]) -> list[Any]:
        raise NotImplementedError

    def connection(self) -> AwsConnection:
        """A connection whose region may be changed, with shared credentials."""
        return AwsConnection(self.ansible_name, self.get_options(), self._of_process().sessions)

    def store_client(self, service: str) -> Any:
        """The shared client of lookups of this name with the same AWS options."""
        connections = self._of_process().connections
        options = {name: value for name, value in self.get_options().items() if name in aws_argument_spec()}
        key = json.dumps([self.ansible_name, options], sort_keys=True, default=str)
        if key not in connections:
            connections[key] = self.connection()
        return connections[key].store_client(service)

    @staticmethod
    def _of_process() -> Shared:
        variables = frozenset((name, value) for name, value in os.environ.items() if name.startswith("AWS_"))
        return _shared.setdefault((os.getpid(), variables), Shared())

    def tolerate(self, option: str, message: str) -> None:
        """Raises, warns or ignores, as the option says."""
        how = self.get_option(option)
        if how == "error":
            self._do_fail(message)
        elif how == "warn":
            self.warn(message)
