# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.watchparty.secrets.plugins.module_utils import _catalog, _example
from ansible_collections.watchparty.secrets.plugins.module_utils._errors import SecretsError


def env_example(document: Any, environment: str = "production") -> str:
    try:
        return _example.env_example(_catalog.parse(document, environment))
    except SecretsError as error:
        raise AnsibleFilterError(str(error)) from None


def catalog_services(document: Any, environment: str) -> dict[str, dict[str, Any]]:
    try:
        services = _catalog.parse(document, environment).services
    except SecretsError as error:
        raise AnsibleFilterError(str(error)) from None
    return {name: {"units": list(one.units), "health": one.health or ""} for name, one in services.items()}


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"catalog_services": catalog_services, "env_example": env_example}
