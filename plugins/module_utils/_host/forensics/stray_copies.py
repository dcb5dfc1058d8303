# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Removes our copies of revoked values beside a ``.env``, and reports others."""

from __future__ import annotations

import contextlib
import os
import shlex
import stat
from typing import ContextManager, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import safe_files
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import (
    atomic_file,
    backup,
    credentials,
    file_set,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import mark as env_file_mark
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.value_matcher import ValueMatcher

LARGEST = 1024 * 1024
"""Bytes of the largest file to search."""
MOST = 500
"""Files to search, similar names first."""

Values = Mapping[str, Sequence[str]]
"""Revoked values by credential."""


class RemovalResult(NamedTuple):
    """Messages about removed copies, and about remaining ones with the remedy."""

    removed: List[str]
    remaining: List[str]


def scrub(path: str, values: Values, *, check: bool = False) -> RemovalResult:
    """Searches beside the file. Raises HostError if its directory or the file itself cannot be read."""
    removed: List[str] = []
    dead_values = ValueMatcher(values)
    with atomic_file.open_file(path, look=True) as env, _alone(env):
        backup_path, backup_files = backup.path(env), backup.load(env) or {}
        written, remaining = _written(env)
        env = env._replace(others=frozenset([*written, *backup_files]))
        files = file_set.read_all(env, atomic_file.present(env.file), [env.path, *sorted(env.others - {env.path})])
        texts, kept_texts = _texts(files), _texts(backup_files)
        live = {path: _named(dead_values, [text]) for path, text in texts.items()}
        remaining += [
            "%s itself holds a revoked value of %s: deploy to this host" % (path, ", ".join(names))
            for path, names in live.items()
            if names
        ]
        remaining += _not_decrypted("", texts)
        remaining += _not_decrypted(" in " + backup_path, kept_texts)
        dead = _named(dead_values, kept_texts.values())
        if dead and any(live.values()):
            remaining.append(
                "%s holds a revoked value of %s, and the next deploy replaces it" % (backup_path, ", ".join(dead))
            )
        elif dead:
            if not check:
                _remove(env)
            removed.append("%s, which held a revoked value of %s" % (backup_path, ", ".join(dead)))
        if not check:
            _sweep(env)
        remaining += strays(env, dead_values)
    return RemovalResult(removed, remaining)


def _alone(env: atomic_file.EnvFile) -> ContextManager[None]:
    return atomic_file.lock(env.mark) if env.mark else contextlib.nullcontext()


def _written(env: atomic_file.EnvFile) -> Tuple[List[str], List[str]]:
    """Files that deploys wrote here, or why they are unknown."""
    try:
        return list(env_file_mark.Mark(env).written), []
    except HostError as error:
        return [], ["%s. Only .env and the files of the last healthy deploy were searched" % error]


def _texts(files: Mapping[str, atomic_file.Present]) -> Dict[str, Optional[bytes]]:
    return {path: credentials.plain(file.content) for path, file in files.items()}


def _not_decrypted(place: str, texts: Mapping[str, Optional[bytes]]) -> Iterator[str]:
    message = "%s%s cannot be decrypted on this host, so it was not searched: deploy to this host"
    return (message % (path, place) for path, text in texts.items() if text is None)


def _named(dead_values: ValueMatcher, texts: Iterable[Optional[bytes]]) -> List[str]:
    return sorted({name for text in texts for name in dead_values.named(text or b"")})


def _sweep(env: atomic_file.EnvFile) -> None:
    """Removes temporary files of killed runs, which may hold a revoked value."""
    atomic_file.remove_temporary_files(env)
    for path in sorted(env.others - {env.path}):
        with contextlib.suppress(safe_files.NoDirectory), file_set.place(path) as at:
            atomic_file.remove_temporary(at)


def _remove(env: atomic_file.EnvFile) -> None:
    try:
        backup.remove(env)
    except OSError as error:
        raise HostError("%s: cannot be removed: %s" % (backup.path(env), error.strerror)) from None


def strays(env: atomic_file.EnvFile, dead_values: ValueMatcher) -> List[str]:
    """Files beside ``.env`` that no deploy wrote and that hold a revoked value, each with its remedy."""
    directory, base = env.file.folder, env.file.name
    try:
        names = [name for name in safe_files.listed(env.file) if _is_foreign(env, name)]
    except OSError as error:
        return ["%s cannot be listed: %s; use become" % (directory, error.strerror)]
    names.sort(key=lambda name: (base.lstrip(".") not in name, name))
    lines: List[str] = []
    unread: List[str] = []
    large = 0
    for name in names[:MOST]:
        stray = os.path.join(directory, name)
        content, mode = read_regular(env.file.sibling(name))
        if mode is None:
            continue
        if content is None:
            unread.append(stray)
        elif len(content) > LARGEST:
            large += 1
        else:
            dead = dead_values.named(content)
            if dead:
                path_shown = "".join(name if name.isprintable() else "?" for name in stray)
                lines.append(
                    "%s (mode %04o) holds a revoked value of %s; remove it: rm %s"
                    % (path_shown, mode, ", ".join(dead), shlex.quote(path_shown))
                )
    passed = large + len(names[MOST:])
    if unread:
        lines.append("%d files in %s cannot be read; use become" % (len(unread), directory))
    if passed:
        lines.append("%d files in %s were not searched, because they are large or many" % (passed, directory))
    return lines


def _is_foreign(env: atomic_file.EnvFile, name: str) -> bool:
    return name not in env.own_names and env.file.sibling(name).path not in env.others


def read_regular(at: atomic_file.OpenPath) -> Tuple[Optional[bytes], Optional[int]]:
    """Content and mode of a regular file; no mode for anything else. Opens nothing that could wait."""
    try:
        status = safe_files.status(at)
    except HostError:
        return None, None
    if status is None or not stat.S_ISREG(status.st_mode):
        return None, None
    mode = stat.S_IMODE(status.st_mode)
    try:
        with os.fdopen(safe_files.opened(at), "rb") as stream:
            return stream.read(LARGEST + 1), mode
    except (HostError, OSError):
        return None, mode


def by_credential(values: Mapping[str, object]) -> Dict[str, List[str]]:
    """Validated values: lists of texts by credential."""
    credential = {}
    for name, texts in values.items():
        if not isinstance(texts, (list, tuple)) or not all(isinstance(text, str) and text for text in texts):
            raise HostError("values: must be lists of texts by credential")
        credential[str(name)] = list(texts)
    return credential
