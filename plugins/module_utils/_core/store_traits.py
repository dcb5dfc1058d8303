# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The stores, and what catalogs, plans and messages need to know of each. Pure; Python 3.8.

How each is opened, read and written is in ``_stores``.
"""

from __future__ import annotations

from dataclasses import dataclass

SECRETS_MANAGER = "secretsmanager"
SSM = "ssm"
VAULT = "vault"
VAULT_PREFIX = "vault:"


@dataclass(frozen=True)
class StoreTraits:
    """What tells one store from the others."""

    name: str
    """In places, origins and readings."""
    noun: str
    """What holds a value there."""
    start: str
    """How its names begin, and no other store's: the journal and the audit log keep names alone."""
    has_labels: bool
    """Whether a version can be written before it is the current one, and is kept after it. A store without labels is
    written at the promotion, over a version whose number is compared."""
    has_keys: bool
    """Whether one name holds a JSON object of many values."""
    is_listed: bool
    """Whether all below a path is read at once, so that a pattern finds names that no catalog declares."""
    restores: str = ""
    """The command that takes a deletion back; here and below, ``{0}`` is the name or path."""
    lists_versions: str = ""
    """The command that lists the versions of one name."""
    takes_label_off: str = ""
    """The command that takes the label of a version to come off."""
    allows_reading: str = ""
    """What a policy must allow for a version to be read."""
    is_aws: bool = True
    """Whether IAM allows it, and keys of KMS, replicas and resource policies stand beside its values."""
    encrypted_form: str = ""
    """What a value of high sensitivity is stored as, where others may be kept unencrypted."""


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
            encrypted_form="SecureString",
        ),
        StoreTraits(
            VAULT,
            "secret",
            start=VAULT_PREFIX,
            has_labels=True,
            has_keys=True,
            is_listed=False,
            restores="bao kv undelete -mount=MOUNT -versions=NUMBER {0}",
            lists_versions="bao kv metadata get -mount=MOUNT {0}",
            takes_label_off="bao kv metadata patch -mount=MOUNT -remove-metadata=watchparty-label-AWSPENDING {0}",
            allows_reading="read",
            is_aws=False,
        ),
    )
}


def command(name: str, which: str) -> str:
    """One of the commands above, about this name."""
    store = of_name(name)
    return str(getattr(store, which)).format(name[len(store.start) :] if not store.is_aws else name)


def of_name(name: str) -> StoreTraits:
    """The store that has a secret or parameter of this name."""
    return max(
        (traits for traits in STORES.values() if name.startswith(traits.start)), key=lambda traits: len(traits.start)
    )
