# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Scripts, actions and workflows that a repository's workflows call. No link is followed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.script_taint import Scripts
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.workflow_taint import FollowedWorkflow

LARGEST = 256 * 1024
FILES = 1000


@dataclass
class FollowedFiles:
    paths: Mapping[str, bytes]
    """Tracked paths, by their printable form."""
    content: Callable[[bytes], bytes | None]
    parsed: Callable[[str], Any]
    unread: dict[str, str] = field(default_factory=dict)
    """Reasons, by file that was not followed."""
    not_followed: dict[str, str] = field(default_factory=dict)
    """Reasons, by read file into which secrets were not followed."""
    _texts: dict[str, str | None] = field(default_factory=dict)

    def workflow(self, file: str) -> FollowedWorkflow:
        return FollowedWorkflow(file, Scripts(self.text, not_followed=self.not_followed), self.document)

    def document(self, path: str) -> Any:
        text = self.text(path)
        try:
            return None if text is None else self.parsed(text)
        except yaml.YAMLError:  # the file itself is reported
            return None

    def text(self, path: str) -> str | None:
        if path not in self.paths:
            return None
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def _read(self, path: str) -> str | None:
        data = self.content(self.paths[path]) if len(self._texts) < FILES else b""
        if data is None:
            self.unread[path] = "is called, but is not a regular file, so it was not followed"
        elif len(data) > LARGEST:
            self.unread[path] = f"is called and larger than {LARGEST >> 10} KiB, so it was not followed"
        elif len(self._texts) >= FILES:
            self.unread[path] = f"was not followed, because workflows call more than {FILES} files"
        else:
            return data.decode("utf-8", "replace")
        return None
