# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings of a developer: the catalog's examples, and a generated signing key."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind

SIGNING_KEY = "SECRET_KEY"
"""Django's signing key. It is generated even if no credential declares it."""


def settings(
    catalog: Catalog, kinds: Mapping[str, Kind], present: Collection[str], generate: Callable[[Kind], str]
) -> dict[str, str]:
    """Settings for a file that has those in ``present``. A setting without an example or a value is left out."""
    signing = {SIGNING_KEY: Kind("signing", length=64)}
    for credential in catalog.credentials.values():
        kind = kinds.get(credential.kind)
        if kind and kind.routine == "signing_key":
            signing.update(dict.fromkeys(credential.settings, kind))
    result: dict[str, str] = {}
    for setting in catalog.settings.values():
        if setting.is_pattern or not setting.rendered or setting.name in present:
            continue
        if setting.name in signing:
            result[setting.name] = generate(signing[setting.name])
        elif setting.example is not None:
            result[setting.name] = setting.example
        elif setting.literal is not None:
            result[setting.name] = setting.literal
    return result
