# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A DSN of Sentry: one client key of a project, by the requests of Sentry's public API."""

from __future__ import annotations

from collections.abc import Mapping
from re import ASCII, fullmatch
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import kind_names, provider_requests
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_requests import (
    AnswerPaths,
    ApiRequest,
    ProviderApi,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import Part
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.http_api import HttpApi

OPTIONS = {"url": "https://sentry.io", "first_label": "Default"}


class SentryDsn(HttpApi):
    """Only the list of keys shows whether a key is accepted: to try a DSN would send an event."""

    kind = Kind(
        kind_names.SENTRY_DSN,
        "A DSN of a Sentry project: a client key, which is disabled and deleted; not run on Sentry.",
        value="provider",
        needs_admin=True,
        options=("organization", "project"),
        revokes_each=True,
    )

    @staticmethod
    def api(part: Part) -> ProviderApi:
        where, options = f"credentials.{part.name}.options", part.setting.catalog.credentials[part.name].options
        api = _requests({**OPTIONS, **options}, where)
        for problem in provider_requests.problems(where, api):
            raise RotationError(problem)
        return api


def _requests(options: Mapping[str, Any], where: str) -> ProviderApi:
    for name in ("organization", "project"):
        if not fullmatch(r"[\w-]+", str(options[name]), ASCII):
            raise RotationError(f"{where}.{name} is not a slug of Sentry (letters, digits, - and _); correct it")
    path = f"/api/0/projects/{options['organization']}/{options['project']}/keys/"
    return ProviderApi(
        url=str(options["url"]).rstrip("/"),
        headers={"Authorization": "Bearer {admin}"},
        listing=ApiRequest("GET", path),
        listed=AnswerPaths("id", label="name", active="isActive"),
        create=ApiRequest("POST", path, {"name": "{label}"}),
        created=AnswerPaths("id", value="dsn.public"),
        disable=ApiRequest("PUT", path + "{id}/", {"isActive": False}),
        revoke=ApiRequest("DELETE", path + "{id}/"),
        first_label=str(options["first_label"]),
        value_has_id=True,
        remedy=f"correct url, organization and project in {where}",
    )
