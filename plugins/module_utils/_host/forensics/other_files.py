# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads facts about the files that a deploy writes beside ``.env``."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import file_formats
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import DotenvError, HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import safe_files
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import (
    atomic_file,
    credentials,
    file_set,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import file_access

Fingerprint = Callable[[str, str], str]


class Defaults(NamedTuple):
    """Values that a deploy uses for files that declare none."""

    readers: Sequence[str]
    owner: Optional[str]
    group: Optional[str]


class OtherFiles(NamedTuple):
    """Rows for the report, and values by setting, which stay on the host."""

    rows: List[Dict[str, Any]]
    values: Dict[str, str]
    changed_at: float
    """Latest ctime; 0 if there are no files."""

    def __repr__(self) -> str:
        return "OtherFiles(%d)" % len(self.rows)


def read(
    env: atomic_file.EnvFile, declared: Sequence[Mapping[str, Any]], defaults: Defaults, fingerprint: Fingerprint
) -> OtherFiles:
    """``declared``: files of the catalog, as in a snapshot."""
    result = OtherFiles([], {}, 0.0)
    for file in declared:
        row: Dict[str, Any] = {"name": file["name"], "path": file_set.path_of(env, file["path"]), "fingerprints": {}}
        result.rows.append(row)
        try:
            values, changed_at = _values(row, file, defaults)
        except (HostError, DotenvError, ValueError) as error:
            row["problem"] = str(error) if isinstance(error, HostError) else "cannot be parsed as %s" % file["format"]
            continue
        row["fingerprints"] = {name: fingerprint(name, value) for name, value in values.items()}
        result.values.update(values)
        result = result._replace(changed_at=max(result.changed_at, changed_at))
    return result


def _values(row: Dict[str, Any], file: Mapping[str, Any], defaults: Defaults) -> Tuple[Dict[str, str], float]:
    with file_set.place(row["path"]) as at:
        row["path"] = at.path
        present, status = atomic_file.present(at), safe_files.status(at)
        if present is None or status is None:
            return {}, 0.0
        row.update(file_access.described(at), acl=list(file_access.widened(at)))
        row.update(replaceable=list(safe_files.replaceable(at)), group=file_access.group_name(present.gid))
    wanted_gid = _wanted_gid(file, defaults)
    row.update({} if wanted_gid is None else {"wanted_group": file_access.group_name(wanted_gid)})
    content = present.content
    if file["credential"]:
        plain = credentials.decrypted(file["credential"], content)
        if plain is None:
            raise HostError("this host cannot decrypt it as credential %s" % file["credential"])
        content = plain
    text = content.decode("utf-8")
    return file_formats.parsed(
        file["format"], text, file["readers"] or defaults.readers, file["settings"]
    ), status.st_ctime


def _wanted_gid(file: Mapping[str, Any], defaults: Defaults) -> Optional[int]:
    """Group that a deploy gives the file; None if unchanged."""
    group = file["group"] or (None if file["owner"] else defaults.group)
    return atomic_file.ownership(file["owner"] or defaults.owner, group, file["mode"]).gid


def undeclared(env: atomic_file.EnvFile, rows: Sequence[Mapping[str, Any]], recorded: Iterable[str]) -> List[str]:
    """Deployed files that still exist but are not in the catalog."""
    declared = {env.path, *(row["path"] for row in rows)}
    return sorted(path for path in recorded if path not in declared and os.path.lexists(path))


def own_paths(rows: Sequence[Mapping[str, Any]], recorded: Mapping[str, str]) -> FrozenSet[str]:
    """Files of deploys, which are no copies."""
    return frozenset(os.path.normpath(path) for path in (*(row["path"] for row in rows), *recorded))
