# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.watchparty.secrets.plugins.module_utils import _catalog, _example
from ansible_collections.watchparty.secrets.plugins.module_utils._errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._github_actions import _github_workflow


def env_example(document: Any, environment: str = "production") -> str:
    try:
        return _example.env_example(_catalog.parse(document, environment))
    except SecretsError as error:
        raise AnsibleFilterError(str(error)) from None


def github_workflow(document: Any, environments: Sequence[str] = (), **options: str) -> str:
    try:
        declared = document.get("environments", {}) if isinstance(document, Mapping) else {}
        names = list(environments) or _github_workflow.order(list(declared) or ["production"])
        catalogs = {name: _catalog.parse(document, name) for name in names}
        return _github_workflow.workflow(catalogs, _github_workflow.Options(**options))
    except TypeError as error:
        raise AnsibleFilterError(f"github_workflow: {error}") from None
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
        return {"catalog_services": catalog_services, "env_example": env_example, "github_workflow": github_workflow}
