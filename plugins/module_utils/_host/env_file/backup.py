# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The last healthy files of a deployment, kept for a rollback.

``healthy`` holds the bytes of ``.env``. If a deploy writes other files too, ``healthy.files`` replaces it: one document
with all files, so that no rollback mixes two deployments.
"""

from __future__ import annotations

import base64
import json
from typing import Any, Dict, Mapping, Optional

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import safe_files
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file.atomic_file import (
    EnvFile,
    OpenPath,
    Ownership,
    Present,
)

FilesByPath = Dict[str, Present]
"""Files by path."""


def load(env: EnvFile) -> Optional[FilesByPath]:
    """None if nothing is kept."""
    document = env.files_backup
    together = atomic_file.present(document)
    if document and together:
        return _parsed(document, together.content)
    alone = atomic_file.present(env.backup)
    return {env.path: alone} if alone else None


def save(env: EnvFile, files: Mapping[str, Present]) -> None:
    """Replaces the kept files in one step."""
    document, alone = env.files_backup, atomic_file.present(env.backup)
    together = atomic_file.present(document)
    if together or set(files) != {env.path}:
        content = _packed(files)
        if together is None or together.content != content:
            _write(document, content)
        atomic_file.remove(env.backup)
    elif alone is None or alone.content != files[env.path].content:
        _write(env.backup, files[env.path].content)


def path(env: EnvFile) -> str:
    """Path of the backup; empty if nothing is kept."""
    present = [at.path for at in (env.files_backup, env.backup) if at and safe_files.status(at)]
    return present[0] if present else ""


def remove(env: EnvFile) -> None:
    """Raises OSError."""
    for at in (env.files_backup, env.backup):
        atomic_file.remove(at)


def _write(at: Optional[OpenPath], content: bytes) -> None:
    atomic_file.write(atomic_file.for_writing(at), content, Ownership(None, None, 0o600))


def _packed(files: Mapping[str, Present]) -> bytes:
    entries = {
        path: {**present._asdict(), "content": base64.b64encode(present.content).decode("ascii")}
        for path, present in files.items()
    }
    return json.dumps(entries, sort_keys=True).encode("utf-8") + b"\n"


def _parsed(at: OpenPath, content: bytes) -> FilesByPath:
    try:
        return {str(path): _file(entry) for path, entry in json.loads(content.decode("utf-8")).items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        raise HostError("%s: cannot be read; delete it and deploy again" % at.path) from None


def _file(entry: Dict[str, Any]) -> Present:
    return Present(**{**entry, "content": base64.b64decode(entry["content"])})
