# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalog's section ``stores.vault``: Vault or OpenBao as a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Optional

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_schema_parts import (
    NAME,
    described,
    schema_object,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_declaration import (
    CatalogSection,
    StoreTraits,
)

VAULT = "vault"
VAULT_PREFIX = "vault:"


@dataclass(frozen=True)
class Vault:
    """A server and its login. Options have the names of community.hashi_vault.

    No environment variable is read: the token goes only to the catalog's address.
    """

    address: str
    auth: str
    """token, approle, jwt or aws."""
    mount: str = "secret"
    namespace: Optional[str] = None
    mount_point: Optional[str] = None
    """Path of the login method. By default its name."""
    role_id: Optional[str] = None
    token_file: str = "~/.vault-token"
    secret_id_file: Optional[str] = None
    jwt_file: Optional[str] = None
    ca_cert: Optional[str] = None
    """Path of trusted certificates. By default those of Python's requests."""
    aws_iam_server_id: Optional[str] = None


PATH = {
    "type": "string",
    "pattern": r"^[A-Za-z0-9_{}](?:[A-Za-z0-9_{}.-]|/(?=[A-Za-z0-9_{}]))*$",
}
"""Parts between slashes. None begins with a dot."""
_ADDRESS = {
    "type": "string",
    "pattern": r"^(https://[A-Za-z0-9.-]+|https://\[[0-9a-f:]+\]|http://127\.0\.0\.1|http://\[::1\])(:[0-9]{1,5})?$",
}
NEEDED = {"token": (), "approle": ("role_id", "secret_id_file"), "jwt": ("role_id", "jwt_file"), "aws": ("role_id",)}
"""Required options by login method."""
_TAKEN = {
    "token": ("token_file",),
    "approle": ("role_id", "secret_id_file", "mount_point"),
    "jwt": ("role_id", "jwt_file", "mount_point"),
    "aws": ("role_id", "aws_iam_server_id", "mount_point"),
}
_OF_A_LOGIN = ("token_file", "role_id", "secret_id_file", "jwt_file", "mount_point", "aws_iam_server_id")

_OPTIONS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "address": (
        "URL of the server, such as https://vault.internal:8200, without a path. http only for 127.0.0.1 and ::1.",
        _ADDRESS,
    ),
    "mount": ("Path at which the KV engine is mounted, secret by default.", PATH),
    "kv": ("Version of the KV engine. Must be 2, because version 1 keeps no versions of values.", {"enum": [2]}),
    "namespace": ("Namespace of the KV engine and of the login.", PATH),
    "auth": ("Login method.", {"enum": list(NEEDED)}),
    "mount_point": ("Path at which the login method is mounted. By default, the name of the method.", PATH),
    "role_id": ("The role_id for auth approle. The name of the role for auth jwt and aws.", NAME),
    "token_file": ("Path of the file with the token for auth token, mode 0600. The default is ~/.vault-token.", NAME),
    "secret_id_file": ("Path of the file with the secret_id for auth approle, mode 0600.", NAME),
    "jwt_file": ("Path of the file with the JSON Web Token for auth jwt, mode 0600.", NAME),
    "aws_iam_server_id": (
        "Value of the header X-Vault-AWS-IAM-Server-ID, if the server requires this header for auth aws.",
        NAME,
    ),
    "ca_cert": (
        "Path of a file with trusted certificates on the controller. By default, those that Python's requests trusts.",
        NAME,
    ),
}


def _problems(raw: Mapping[str, Any]) -> Iterator[str]:
    """Missing and conflicting options. The schema requires none, because an override may have any option."""
    lacking = [key for key in ("address", "auth") if key not in raw]
    if lacking:
        yield from (f"stores.vault.{key}: is required" for key in lacking)
        return
    auth = raw["auth"]
    for key in NEEDED[auth]:
        if key not in raw:
            yield f"stores.vault.{key}: is required for auth {auth}"
    for key in _OF_A_LOGIN:
        if key in raw and key not in _TAKEN[auth]:
            yield f"stores.vault.{key}: cannot be combined with auth {auth}; remove it"


def _place_problems(path: str, key: Optional[str]) -> Iterator[str]:
    """Problems of a place, to follow its name."""
    if key is None:
        yield "names no key; a secret in Vault has keys, so give key or keys"
    if "creds" in path.split("/"):
        yield (
            f"{path} creates another login at each read. Keep the login in the KV engine, and let a credential "
            "of kind vault_database replace it there; its options name the role"
        )


def _parsed(raw: Mapping[str, Any]) -> Vault:
    return Vault(**{key: value for key, value in raw.items() if key != "kv"})


STORE = StoreTraits(
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
    section=CatalogSection(
        "A HashiCorp Vault or OpenBao server, with a KV engine.",
        schema_object({name: described(text, form) for name, (text, form) in _OPTIONS.items()}),
        "{address: …, auth: …}",
        "The value is at this path of Vault, below stores.vault.mount.",
        PATH,
        problems=_problems,
        place_problems=_place_problems,
        parsed=_parsed,
        code="vault_making:MakingVault",
        package="hvac",
        named=("mount", "namespace"),
    ),
)
