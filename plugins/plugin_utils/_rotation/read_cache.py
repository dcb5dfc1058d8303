# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What one process of a rotation has read of what is current."""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import ServerBaseline


@dataclass
class ReadCache:
    """What this process has read, until :meth:`forget`: a promotion, or its undoing, changes what is current."""

    journal: Journal | None = None
    """As it was planned from."""
    contents: Contents | None = field(default=None, repr=False)
    """What the stores held when it was planned: everything that credentials are in."""
    held: dict[str, credential_graph.StoredCredential] = field(default_factory=dict, repr=False)

    baseline: list[ServerBaseline | None] = field(default_factory=list, repr=False)
    """What servers are compared with, once it was read. No rotation changes it."""

    def forget(self) -> None:
        self.journal, self.contents = None, None
        self.held.clear()
