# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A setting in a further store is read, planned and reported by what the registries say of it, and by nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Place
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import (
    SECRETS_MANAGER,
    SSM,
    STORES,
    StoreTraits,
    of_name,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import environment_reader, registry
from tests.fakes.folder_store import FolderStore
from tests.unit.plugins.module_utils._stores.test_new_store import Folder

NAME = "folder:app"
FOLDER = StoreTraits("folder", "document", "folder:", has_labels=True, has_keys=True, is_listed=False)
DOCUMENT = {
    "application": "watchparty",
    "settings": {"TOKEN": {"group": "tokens", "required": True}},
    "credentials": {"token": {"kind": "external", "appears_in": [{"setting": "TOKEN"}]}},
}


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    monkeypatch.setitem(STORES, "folder", FOLDER)
    monkeypatch.setitem(registry.OPEN, "folder", lambda _client: FolderStore(tmp_path))
    declared = catalog_parser.parse(DOCUMENT, "staging")
    setting = replace(declared.settings["TOKEN"], place=Place("folder", NAME, "TOKEN"))
    return replace(declared, settings={"TOKEN": setting})


def test_every_store_can_be_opened() -> None:
    assert set(registry.OPEN) == set(STORES)


@pytest.mark.parametrize(
    ("name", "store"), [("watchparty/production/django", SECRETS_MANAGER), ("/watchparty/production/DEBUG", SSM)]
)
def test_a_name_tells_its_store(name: str, store: str) -> None:
    assert of_name(name).name == store


def test_only_stores_that_hold_a_setting_are_opened(catalog: Catalog, tmp_path: Path) -> None:
    Folder(tmp_path).write(NAME, '{"TOKEN": "value-of-token"}', "v1")

    def client(service: str) -> Any:
        raise AssertionError(service)

    request = environment_reader.ReadRequest(DOCUMENT, "staging", journal="ignored")
    found = environment_reader.read(request, catalog, client)
    found.resolution.require()
    assert found.resolution.values == {"TOKEN": "value-of-token"}
    assert [(one.source, one.version) for one in found.resolution.origins] == [("folder", "v1")]


def test_what_is_missing_is_reported_in_its_words(catalog: Catalog) -> None:
    request = environment_reader.ReadRequest(DOCUMENT, "staging", journal="ignored", on_missing="skip")
    found = environment_reader.read(request, catalog, lambda _service: None)
    remedy = "create it: ansible-playbook watchparty.secrets.provision"
    assert found.resolution.problems == (f"TOKEN: is missing; document {NAME} is missing; {remedy}",)


def test_a_credential_in_it_is_found_and_changed(catalog: Catalog, tmp_path: Path) -> None:
    Folder(tmp_path).write(NAME, '{"TOKEN": "old", "OTHER": 1}', "v1")
    places = credential_graph.every_place(catalog)
    assert registry.names_to_read(catalog, places) == {"folder": [NAME]}
    contents = registry.current(catalog, places, {"folder": FolderStore(tmp_path)})
    found = credential_graph.find(catalog, catalog.credentials["token"], contents)
    assert (found.login.password, found.problems) == ("old", ())
    secrets, parameters = credential_graph.contents_with(contents, {found.places[0]: "new"})
    assert (secrets, parameters) == ({NAME: '{"TOKEN":"new","OTHER":1}'}, {})
