# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the unit tests share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml
from ansible.module_utils import urls
from hypothesis import settings

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import CatalogError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents, Reading
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER, SSM
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import Store
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.settling import Settling
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.oidc_store import OidcProviders
from sandbox.moto_mends import spare_private_keys
from sandbox.state import forget

ROOT = Path(__file__).parents[2]
ONE_VERSION = (
    "plugins/action/test_environment_provision",
    "plugins/action/test_github_actions_secrets",
    "plugins/action/test_host_fetcher",
    "plugins/action/test_provision_journal",
    "plugins/modules/test_env_file_killed",
    "plugins/modules/test_host_check_",
    "plugins/plugin_utils/_ansible/reports/",
    "plugins/plugin_utils/_ansible/test_encrypted_",
    "plugins/plugin_utils/_ansible/test_environment",
    "plugins/plugin_utils/_rotation/kinds/test_own",
    "plugins/plugin_utils/_verify/test_collect_scan",
    "scripts/test_commands.py::TestErrors",
    "scripts/test_commands.py::TestFronts",
)
"""Tests that take long, of pages that know no Ansible, and of plugins that run with both versions of it elsewhere."""

settings.register_profile("tests", deadline=None)  # on a busy machine any example may take long
settings.register_profile("few", deadline=None, max_examples=25)
"""Among other stages, where the examples are the same each time."""
settings.load_profile("tests")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.partition("tests/unit/")[2].startswith(ONE_VERSION):
            item.add_marker(pytest.mark.servers)


@pytest.fixture(scope="session", autouse=True)
def state_is_removed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """As root, what is deployed leaves its state in a directory of this machine."""
    yield
    forget(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session", autouse=True)
def models_are_read_once() -> Iterator[None]:
    """The descriptions of AWS's services, which each session of botocore, and so each test, reads anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))
        yield


@pytest.fixture(scope="session", autouse=True)
def keys_of_kms_are_made_quickly() -> None:
    spare_private_keys()


@pytest.fixture(scope="session", autouse=True)
def authorities_are_read_once() -> Iterator[None]:
    """The system's certificates, which each request by Ansible's client reads anew."""
    made = cache(urls.make_context)

    def make_context(*, ciphers: list[str] | None = None, **given: Any) -> Any:
        return made(ciphers=tuple(ciphers or ()), **given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(urls, "make_context", make_context)
        yield


@pytest.fixture(autouse=True)
def umask_is_kept() -> Iterator[None]:
    """Programs set it for their own process, and some are called in this one."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that stores made: neither reads that are behind nor late grants are waited for here."""
    made: list[float] = []
    for kind in (Store, OidcProviders):
        monkeypatch.setattr(kind, "settling", Settling(sleep=made.append))
    monkeypatch.setenv("WATCHPARTY_SECRETS_ACCESS_WAIT", "0")
    return made


@pytest.fixture(scope="session")
def load_catalog() -> Callable[[str], dict[str, Any]]:
    """The catalog in a file of the repository."""

    def load(path: str) -> dict[str, Any]:
        document: dict[str, Any] = yaml.safe_load((ROOT / path).read_text())["secrets_catalog"]
        return document

    return load


@pytest.fixture(scope="session")
def catalog() -> Callable[..., Catalog]:
    """A catalog of these settings, of the application ``app`` in the environment ``test``."""

    def make(settings: dict[str, Any], environment: str = "test", **extra: Any) -> Catalog:
        return catalog_parser.parse({"application": "app", "settings": settings, **extra}, environment)

    return make


@pytest.fixture(scope="session")
def problems() -> Callable[..., list[str]]:
    """What is wrong with a catalog of these settings; an empty list if it is valid."""

    def find(settings: Any, environment: str = "test", **extra: Any) -> list[str]:
        try:
            catalog_parser.parse({"application": "app", "settings": settings, **extra}, environment)
        except CatalogError as error:
            return error.problems
        return []

    return find


@pytest.fixture(scope="session")
def holding() -> Callable[..., Contents]:
    """Contents that hold these texts by name; a name that starts with a slash is an encrypted parameter."""

    def make(texts: dict[str, str], plain: tuple[str, ...] = ()) -> Contents:
        return Contents(
            {
                name: Reading(SSM if name.startswith("/") else SECRETS_MANAGER, name, "1", text, plain=name in plain)
                for name, text in texts.items()
            }
        )

    return make
