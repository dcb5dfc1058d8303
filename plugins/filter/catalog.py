# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import deploy_workflow
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import env_example as _env_example


def env_example(document: Any, environment: str = "production") -> str:
    try:
        return _env_example.env_example(catalog_parser.parse(document, environment))
    except SecretsError as error:
        raise AnsibleFilterError(str(error)) from None


def github_workflow(document: Any, environments: Sequence[str] = (), **options: str) -> str:
    try:
        declared = document.get("environments", {}) if isinstance(document, Mapping) else {}
        names = list(environments) or deploy_workflow.order(list(declared) or ["production"])
        catalogs = {name: catalog_parser.parse(document, name) for name in names}
        return deploy_workflow.workflow(catalogs, deploy_workflow.Options(**options))
    except TypeError as error:
        raise AnsibleFilterError(f"github_workflow: {error}") from None
    except SecretsError as error:
        raise AnsibleFilterError(str(error)) from None


def catalog_services(document: Any, environment: str) -> dict[str, dict[str, Any]]:
    try:
        services = catalog_parser.parse(document, environment).services
    except SecretsError as error:
        raise AnsibleFilterError(str(error)) from None
    return {
        name: {"units": list(service.systemd_units), "health": service.health or ""}
        for name, service in services.items()
    }


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"catalog_services": catalog_services, "env_example": env_example, "github_workflow": github_workflow}
