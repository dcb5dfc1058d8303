# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Shows the changes of a delivery by names and fingerprints."""

from __future__ import annotations

from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv, fingerprints
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import DotenvError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file.atomic_file import Present
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file.file_set import PlannedFile

Settings = Mapping[str, str]


def settings_of(content: Optional[bytes], readers: Sequence[str]) -> Settings:
    """Settings of a file; empty if it is missing or cannot be parsed."""
    try:
        return dotenv.from_dotenv(content.decode("utf-8"), readers) if content else {}
    except (DotenvError, ValueError):
        return {}


def changes(before: Settings, after: Settings) -> Dict[str, List[str]]:
    """Names by kind of change."""
    return {
        "added": sorted(set(after) - set(before)),
        "changed": sorted(name for name in set(before) & set(after) if before[name] != after[name]),
        "removed": sorted(set(before) - set(after)),
    }


def diff(
    path: str,
    before: Tuple[Settings, str],
    after: Tuple[Settings, str],
    *,
    key: str,
    files: Sequence[PlannedFile] = (),
) -> Dict[str, str]:
    """Diff for Ansible: the mode, if any, and each name with a fingerprint under ``key``.

    Then a line for each of the other ``files`` that changes.
    """
    changes = [change for change in files if change.rewrite]
    return {
        "before_header": path,
        "after_header": path,
        "before": _side(*before, key=key) + "".join(_file(change, change.present, key) for change in changes),
        "after": _side(*after, key=key) + "".join(_file(change, change.future, key) for change in changes),
    }


def _file(change: PlannedFile, state: Optional[Present], key: str) -> str:
    """Empty without a file. Other bytes may be the same value, encrypted again."""
    if state is None:
        return ""
    fingerprint = fingerprints.of_value(key, state.content.hex(), name=change.path, digits=fingerprints.SHORT)
    names = " (%s)" % ", ".join(change.settings) if change.settings else ""
    return "%s%s mode %04o fingerprint %s\n" % (change.path, names, state.mode, fingerprint)


def _side(settings: Settings, mode: str, *, key: str) -> str:
    lines = ["mode %s" % mode] if mode else []
    for name in sorted(settings):
        fingerprint = fingerprints.of_value(key, settings[name], name=name, digits=fingerprints.SHORT)
        lines.append("%s fingerprint %s" % (name, fingerprint))
    return "".join(line + "\n" for line in lines)
