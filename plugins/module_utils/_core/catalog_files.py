# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalog's section ``files``: files that a deploy writes in addition to ``.env``, and their settings."""

from __future__ import annotations

import os
import re
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any, Collection, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_schema_parts import (
    NAME,
    described,
    schema_object,
    with_tuples,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.dotenv_dialects import READERS
from ansible_collections.watchparty.secrets.plugins.module_utils._core.file_formats import (
    CREDENTIAL,
    DOTENV,
    FORMATS,
    SINGLE,
    rendered,
)

MODE = "0600"
_REQUIRED = ("path", "settings")
_KEYS = {"readers": (DOTENV,), "credential": (CREDENTIAL,)}
"""Formats that allow the key."""
_CREDENTIAL_NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class OutputFile:
    """A file that a deploy writes in addition to ``.env``."""

    name: str
    path: str
    """Absolute, or relative to the directory of ``.env``."""
    settings: Tuple[str, ...]
    format: str = DOTENV
    also_in_env: Tuple[str, ...] = ()
    """Settings of the file that are in ``.env`` too."""
    readers: Tuple[str, ...] = ()
    """Readers of a dotenv file. Empty for the catalog's readers."""
    owner: Optional[str] = None
    group: Optional[str] = None
    mode: str = MODE
    credential: Optional[str] = None
    """Name of the systemd credential. By default the name of the file."""
    hosts: Tuple[str, ...] = ()
    """Hosts and groups of the inventory. Empty for all."""

    @property
    def data(self) -> Dict[str, Any]:
        """The form in a snapshot."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    def values(self, values: Mapping[str, str]) -> Dict[str, str]:
        return {name: value for name, value in values.items() if _is_named(name, self.settings)}

    def content(self, values: Mapping[str, str], readers: Sequence[str], header: str) -> Optional[str]:
        """The file's text. None if no setting of the file has a value.

        Raises DotenvError for a value that the format cannot hold.
        """
        own = self.values(values)
        return rendered(self.format, own, self.readers or readers, header) if own else None


def parsed_files(raw: Mapping[str, Optional[Mapping[str, Any]]]) -> Dict[str, OutputFile]:
    """The declared files, without those that lack a required key (see :func:`missing`)."""
    complete = {name: entry for name, entry in raw.items() if entry and all(key in entry for key in _REQUIRED)}
    return {name: output_file({**entry, "name": name}) for name, entry in complete.items()}


def missing(raw: Mapping[str, Optional[Mapping[str, Any]]]) -> Iterator[str]:
    """Problems of files without a required key. The schema requires none, because an override may have any key."""
    for name, entry in raw.items():
        if entry is not None:
            yield from ("files.%s.%s: is required" % (name, key) for key in _REQUIRED if key not in entry)


def output_file(data: Mapping[str, Any]) -> OutputFile:
    """A file from its entry in the catalog or in a snapshot."""
    values = with_tuples(data)
    if values.get("format") == CREDENTIAL:
        values = {"owner": "root", "credential": os.path.basename(values["path"]), **values}
    return OutputFile(**values)


def in_env(files: Iterable[OutputFile], values: Mapping[str, str]) -> Dict[str, str]:
    declared = list(files)
    return {name: value for name, value in values.items() if is_in_env(declared, name)}


def is_in_env(files: Iterable[OutputFile], name: str) -> bool:
    """Whether no file has the setting, or a file lists it in ``also_in_env``."""
    holders = [file for file in files if _is_named(name, file.settings)]
    return not holders or any(_is_named(name, file.also_in_env) for file in holders)


def holders(files: Iterable[OutputFile], name: str) -> Iterator[OutputFile]:
    return (file for file in files if _is_named(name, file.settings))


def of_host(files: Iterable[OutputFile], names: Collection[str]) -> List[OutputFile]:
    """The files of a host. ``names`` are its own name and its groups."""
    return [file for file in files if not file.hosts or not set(file.hosts).isdisjoint(names)]


def _is_named(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def problems(files: Mapping[str, OutputFile], delivered: Iterable[str]) -> Iterator[str]:
    """``delivered`` are the settings that a deploy can write."""
    known = set(delivered)
    paths: Dict[str, str] = {}
    for file in files.values():
        where = f"files.{file.name}"
        yield from (
            f"{where}.settings: {name} is not a setting that a deploy writes; correct the name, or "
            "declare it in settings"
            for name in file.settings
            if name not in known
        )
        yield from (
            f"{where}.also_in_env: {name} is not in settings; add it there, or remove it here"
            for name in file.also_in_env
            if name not in file.settings
        )
        if file.format in SINGLE and (len(file.settings) > 1 or file.settings[0].endswith("*")):
            yield f"{where}.settings: a file of the format {file.format} holds one setting; declare a file for each"
        for key, formats in _KEYS.items():
            if getattr(file, key) and file.format not in formats:
                yield f"{where}.{key}: is for the format {formats[0]}, not for {file.format}; remove it"
        if file.credential and not _CREDENTIAL_NAME.fullmatch(file.credential):
            yield (
                f"{where}.credential: {file.credential!r} is not a credential's name (letters, digits and "
                "_.-); write for example db-password"
            )
        other = paths.setdefault(file.path, file.name)
        if other != file.name:
            yield f"{where}.path: is already the path of files.{other}; give another path"
        if os.path.normpath(file.path) != file.path or ".." in file.path.split("/"):
            yield f"{where}.path: must contain no '..', '//' and no '/' at its end; write for example conf/app.env"


FILE = schema_object(
    {
        "path": described(
            "Path of the file on the host, absolute or relative to the directory of .env.",
            {"type": "string", "pattern": r"^[^\x00-\x1f\x7f]+$"},
        ),
        "format": described(
            "dotenv by default. json and yaml: one mapping of names to strings. value: the bytes of one setting, such "
            "as a PEM key. systemd_credential: one setting, encrypted on the host for LoadCredentialEncrypted=.",
            {"enum": list(FORMATS)},
        ),
        "settings": described(
            "Settings in the file. They are not in .env.", {"type": "array", "items": NAME, "minItems": 1}
        ),
        "also_in_env": described("Those of its settings that .env contains too.", {"type": "array", "items": NAME}),
        "readers": described(
            "For dotenv, programs that read the file. By default the readers of the catalog.",
            {"type": "array", "items": {"enum": list(READERS)}, "minItems": 1},
        ),
        "owner": described("Owner of the file. By default env_deploy_owner; root for systemd_credential.", NAME),
        "group": described("Group of the file. By default the owner's group.", NAME),
        "mode": described(
            f"Octal mode of the file, {MODE} by default. It gives rights to the owner and the group only.",
            {"type": "string", "pattern": "^0[46][04]0$"},
        ),
        "credential": described(
            "For systemd_credential, name of the credential. By default the name of the file.", NAME
        ),
        "hosts": described(
            "Hosts and groups of the inventory that get the file. By default all hosts of the environment.",
            {"type": "array", "items": NAME, "minItems": 1},
        ),
    }
)
