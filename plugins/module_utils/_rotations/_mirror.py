# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What GitHub holds of a credential, and the port through which a promotion sends it there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, Mapping

from ansible_collections.watchparty.secrets.plugins.module_utils import _graph, _resolve
from ansible_collections.watchparty.secrets.plugins.module_utils._model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._rotations import _rotation
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.base import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._url import Login


class Mirror(ABC):
    """A place that holds copies which cannot be read back."""

    @abstractmethod
    def send(self, values: Mapping[str, str]) -> None:
        """Puts each value under its name; sending one again does no harm. Raises :class:`StoreError`."""


def values_of(
    catalog: Catalog, plan: Mapping[str, Any], contents: Contents, logins: Mapping[str, Login]
) -> dict[str, str]:
    """What GitHub must hold of a rotation's credentials with ``logins`` in force; with none, what it held before."""
    items = _rotation.items_of(plan) if logins else ()
    edits = _rotation.edits(catalog, items, contents, logins, int(plan["phases"]))
    secrets, parameters = _graph.contents_with(contents, edits)
    changed = {name: replace(contents.readings[name], value=text) for name, text in {**secrets, **parameters}.items()}
    after = Contents({**contents.readings, **changed}, contents.failures)
    resolved = _resolve.resolve(catalog, after).values
    found: dict[str, str] = {}
    for name in plan["credentials"]:
        credential = catalog.credentials[name]
        password = _graph.find(catalog, credential, after).login.password
        for mirrored in _graph.mirrored_names(catalog, credential):
            value = resolved.get(mirrored) if mirrored in credential.settings else password
            if value is not None:
                found[mirrored] = value
    return found
