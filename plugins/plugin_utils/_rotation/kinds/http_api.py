# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A key that a provider's HTTP API makes and deletes, by the requests in the catalog."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.module_utils._core import kind_names
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_requests import ProviderApi
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import Answer, KindStages, Part
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.provider_client import ProviderClient
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.provider_keys import ProviderKeys


class HttpApi(KindStages):
    """Asks the provider from the controller."""

    kind = Kind(
        kind_names.HTTP_API,
        "A key that a provider's HTTP API makes and deletes, by the requests in the catalog.",
        value="provider",
        needs_admin=True,
        needs_user=True,
        revokes_each=True,
    )

    def check(self, part: Part) -> Answer:
        return self._keys(part).check()

    def block(self, part: Part) -> Answer:
        return self._keys(part).block()

    def issue(self, part: Part) -> Answer:
        return self._keys(part).issue()

    def test(self, part: Part) -> Answer:
        return self._keys(part).test()

    def revoke(self, part: Part) -> Answer:
        return self._keys(part).revoke(part.pending_task)

    def _keys(self, part: Part) -> ProviderKeys:
        credentials = part.setting.catalog.credentials
        api, admin = self.api(part), credentials.get(credentials[part.name].admin or "")
        if api is None or admin is None:
            raise RotationError(f"credentials.{part.name} needs api and admin; add them to the catalog")
        login = part.setting.administrators_login(admin, part.setting.rotator.look().rotation)
        return ProviderKeys(part.setting, part.name, api, ProviderClient(api, login))

    @staticmethod
    def api(part: Part) -> ProviderApi | None:
        return part.setting.catalog.credentials[part.name].api
