# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The audit log's body in memory, with what a hook makes of it."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Conflict
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import chain as audit_chain
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.backends import AuditBody
from tests.fakes.memory_stores import Hook, _Hooked


class MemoryAudit(_Hooked, AuditBody):
    """A body in memory; ``exclusive`` refuses a number that is taken, as S3 does and CloudWatch Logs does not."""

    location = "memory"

    def __init__(self, hook: Hook | None = None, *, exclusive: bool = True) -> None:
        super().__init__(hook)
        self.held: list[str] = []
        """The lines, past the hook."""
        self._exclusive = exclusive

    def lines(self) -> list[str]:
        return self._act("lines", self.location, lambda: list(self.held))

    def append(self, line: str) -> str:
        return self._act("append", self.location, lambda: self._append(line))

    def _append(self, line: str) -> str:
        entry = audit_chain.parsed(line)
        taken = [
            audit_entry for audit_entry in map(audit_chain.parsed, self.held) if audit_entry.number == entry.number
        ]
        if not (self._exclusive and taken):
            self.held.append(line)
        for standing in audit_chain.chain(self.held).entries:
            if standing.line == line or standing.id == entry.id:
                return standing.line
        raise Conflict(f"{self.location}: another record {entry.number} was written first")
