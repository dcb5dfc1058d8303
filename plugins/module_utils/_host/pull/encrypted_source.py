# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A ``.env.enc`` on the host, used instead of the stores."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, Optional, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import encrypted_env
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.encrypted_env import EncryptedEnv
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import EncryptedEnvError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import safe_files, trusted_imports
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import env_keys

Connect = Callable[[Optional[str]], Callable[[str], Any]]


def opened(path: str, catalog: Catalog, region: Optional[str], connect: Connect) -> Tuple[EncryptedEnv, Dict[str, str]]:
    """The file and its values, decrypted with KMS. Raises SecretsError."""
    file = encrypted_env.parsed(_content(path), path)
    context = encrypted_env.context_of(catalog)
    encrypted_env.require_context(file, context)
    main = connect(region or catalog.region)  # first, because it makes the host's packages importable
    keys = env_keys.kms_keys(catalog, lambda other: (connect(other) if other else main)("kms"))
    try:
        file_key = env_keys.unwrapped(keys, file.wrapped_key, context, path).file_key
        return file, encrypted_env.opened(file, file_key)
    except trusted_imports.Untrusted as error:
        raise EncryptedEnvError(
            "%s, which another account may change; nothing was decrypted. Run again: ansible-playbook "
            "watchparty.secrets.host" % error
        ) from None


def _content(path: str) -> bytes:
    """The file's content. The application may own its directory, so links are not followed and pipes not waited for."""
    with safe_files.place(path) as at:
        try:
            handle = safe_files.opened(at)
        except FileNotFoundError:
            raise EncryptedEnvError("%s: does not exist; put the .env.enc of this environment there" % path) from None
        with os.fdopen(handle, "rb") as stream:
            return stream.read(encrypted_env.LARGEST + 1)
