# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The stores, with the traits that catalogs, plans and messages need. Python 3.8.

``_stores`` opens, reads and writes them. Each file of the package ``stores`` is a store outside AWS.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from ansible_collections.watchparty.secrets.plugins.module_utils._core import stores
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_declaration import StoreTraits

SECRETS_MANAGER = "secretsmanager"
SSM = "ssm"

STORES = {
    traits.name: traits
    for traits in (
        StoreTraits(
            SECRETS_MANAGER,
            "secret",
            start="",
            has_labels=True,
            has_keys=True,
            is_listed=False,
            restores="aws secretsmanager restore-secret --secret-id {0}",
            lists_versions="aws secretsmanager list-secret-version-ids --secret-id {0}",
            takes_label_off="aws secretsmanager update-secret-version-stage --secret-id {0}",
            allows_reading="secretsmanager:GetSecretValue",
        ),
        StoreTraits(
            SSM,
            "parameter",
            start="/",
            has_labels=False,
            has_keys=False,
            is_listed=True,
        ),
        *(
            import_module(f"{stores.__name__}.{file.name}").STORE
            for file in sorted(iter_modules(stores.__path__), key=lambda file: file.name)
        ),
    )
}

OUTSIDE_AWS = {name: traits.section for name, traits in STORES.items() if traits.section}


def command(name: str, which: str) -> str:
    """A command of StoreTraits for this name."""
    store = of_name(name)
    return str(getattr(store, which)).format(name[len(store.start) :] if not store.is_aws else name)


def of_name(name: str) -> StoreTraits:
    """The store of a secret's or parameter's name."""
    return max(
        (traits for traits in STORES.values() if name.startswith(traits.start)), key=lambda traits: len(traits.start)
    )
