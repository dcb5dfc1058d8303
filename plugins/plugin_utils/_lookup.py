# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the lookups share: AWS options, tolerance, and errors in words."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible_collections.amazon.aws.plugins.plugin_utils.lookup import AWSLookupBase

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._aws import AwsConnection


class StoreLookup(AWSLookupBase):
    """A lookup over a store; subclasses answer for all terms at once."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        super().run(terms, variables, **kwargs)
        try:
            return self.answer([str(term) for term in terms])
        except SecretsError as error:
            raise AnsibleLookupError(str(error)) from None

    def answer(self, terms: list[str]) -> list[Any]:
        raise NotImplementedError

    def store_client(self, service: str) -> Any:
        return AwsConnection(self.ansible_name, self.get_options()).store_client(service)

    def tolerate(self, option: str, words: str) -> None:
        """Raises, warns or passes over, as the option of that name says."""
        how = self.get_option(option)
        if how == "error":
            self._do_fail(words)
        elif how == "warn":
            self.warn(words)
