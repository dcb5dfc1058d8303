# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The text that asks an operator for a value: its purpose, its places, and the check of the answer."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph, value_types
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_checks import PASSWORD
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Setting
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import targets


@dataclass(frozen=True)
class ValuePrompt:
    """A value that is asked for by the name of a setting, of a setting's part, or of a credential."""

    catalog: Catalog
    name: str
    setting: Setting | None = None
    """The setting whose whole value is asked for. None for other values."""
    purpose: str = ""
    places: tuple[str, ...] = ()

    @property
    def about(self) -> str:
        """One line for the terminal. Empty if the catalog describes neither purpose nor places."""
        kind = f" ({self.setting.type})" if self.setting and self.setting.type != "string" else ""
        purpose = f"{self.name}{kind}: {self.purpose}." if self.purpose else ""
        stored = f"It is stored in {', '.join(self.places)}." if self.places else ""
        return " ".join(filter(None, (purpose or (f"{self.name}{kind}:" if stored else ""), stored)))

    @property
    def several_lines(self) -> bool:
        """Whether the type allows an answer of several lines."""
        return self.setting is not None and self.setting.type in value_types.SEVERAL_LINES

    def problem_of(self, text: str) -> str | None:
        """The problem of an answer, without the answer. None if the answer is valid."""
        is_template = self.setting is not None and self.setting.type == "url" and PASSWORD in text
        return None if is_template else targets.wrong(self.catalog, self.setting, text)


def question(catalog: Catalog, name: str) -> ValuePrompt:
    """The prompt for a name. A name that the catalog does not know has no description."""
    target = targets.targets(catalog).get(name) or targets.matched(catalog, name)
    if target is not None:
        part = name.rpartition(".")[2]
        purpose = f"the {part} of {target.credential or target.part_of}" if target.setting is None else ""
        return _of(catalog, name, target.setting, purpose, [str(place) for place in target.places])
    if name in catalog.credentials:
        credential = catalog.credentials[name]
        spots = list(credential_graph.spots(catalog, credential))
        first = spots[0].setting if spots else None
        whole = first if first and all(spot.setting == first and _is_whole(spot) for spot in spots) else None
        return _of(catalog, name, whole, f"a credential of kind {credential.kind}", [str(spot.place) for spot in spots])
    setting = catalog.settings.get(name)
    return _of(catalog, name, setting, "", ["GitHub"] if setting and setting.github else [])


def _is_whole(spot: credential_graph.CredentialPlace) -> bool:
    """Whether the place holds only the credential's password or key."""
    return not spot.is_user and not credential_graph.holds_url(spot)


def _of(catalog: Catalog, name: str, setting: Setting | None, purpose: str, places: list[str]) -> ValuePrompt:
    message = (setting.description.rstrip(". ") if setting else "") or purpose
    return ValuePrompt(catalog, name, setting, message, tuple(dict.fromkeys(places)))
