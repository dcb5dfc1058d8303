# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The audit log as a whole: its body, the local copy, and the CHANGELOG."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import AuditError, HostError, SecretsError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import chain as _chain
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import events, local_copy
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import record as audit_record
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.announcer import Announcer
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.backends import AuditBody, record
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.chain import AuditEntry, Chain, Head
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.local_copy import AuditFile


def attempted(act: Callable[[], dict[str, Any]], *, required: bool) -> dict[str, Any]:
    """Runs an act on the audit log, and shows its warnings. Raises SecretsError if the log is ``required``.

    If it is not, as in a leak response, a failure is a warning, and ``against`` has the reason.
    """
    try:
        answer = act()
    except SecretsError as error:
        if required:
            raise
        Display().warning(f"the audit log: {error}")
        return {"changed": False, "where": "", "head": {}, "against": str(error)}
    for warning in answer.pop("warnings", ()):
        Display().warning(warning)
    return answer


def recorded_and_announced(
    log: AuditLog, fields: Mapping[str, Any], announcer: Announcer, *, required: bool
) -> dict[str, Any]:
    """Writes a record, then announces it. After a kill in between, a run repeats both under the same id.

    If the log is not ``required``, a record that could not be written is announced too. ``unannounced`` has a message
    for each channel that was not notified.
    """
    answer = attempted(lambda: log.recorded(fields, write=True), required=required) if log.has_place else {}
    record = {**fields, "application": log.catalog.application, "environment": log.catalog.environment}
    return {**answer, "unannounced": announcer.announce(events.of_record(record))}


@dataclass(frozen=True)
class AuditLog:
    """The audit log of one environment. Each method returns the result of a task."""

    catalog: Catalog
    body: AuditBody | None
    head: Head | None = None
    """The newest record that the caller knows."""
    path: str | None = None
    changelog: str | None = None
    environ: Mapping[str, str] | None = None

    @property
    def has_place(self) -> bool:
        """Whether a log or a CHANGELOG is given. A CHANGELOG alone counts, so that its refusal has a reason."""
        return bool(self.body or self.path or self.changelog)

    def ready(self) -> dict[str, Any]:
        """Checks that a record could be written, and writes nothing. Reports an environment without a log as such."""
        self.require_place(recording=False)
        if self.body:
            self.body.require_readable()
        if self.path:
            local_copy.require_writable(self.path)
        if self.changelog:
            local_copy.require_writable(self.changelog, replaced=True)
        return {"changed": False, "where": self._where if self.body or self.path else ""}

    def recorded(self, fields: Mapping[str, Any], *, write: bool) -> dict[str, Any]:
        """Writes a record to the body, then to the copy, then to the CHANGELOG. A repeat does no harm."""
        fields = self._of_this_environment(fields)
        audit_record.require(fields)
        self.require_place()
        warnings: list[str] = []
        entry, changed = self._record(fields) if write else self._foreseen(fields)
        try:
            if self.body and self.path:
                changed |= self._copied(self.body, entry, warnings, write=write)
            if self.changelog:
                standing = _chain.record_of(entry.line)
                changed |= local_copy.enter_changelog(self.changelog, standing, write=write)
        except HostError as error:
            raise HostError(
                f"{error}. The audit log {self._where} already has {entry}: correct the file, then run the same "
                "command again"
            ) from None
        return {
            "changed": changed,
            "id": entry.id,
            "head": _as_data(entry.head),
            "where": self._where,
            "diff": {"before": "", "after": f"{entry.line}\n", "after_header": f"{self._where}: record {entry.number}"},
            "warnings": warnings,
        }

    def verified(self) -> dict[str, Any]:
        """Verifies the body, and compares the copy with it."""
        if self.body is None and self.path is None:
            raise self._nowhere("verify")
        # The copy is read first: a record that another run writes in between is then only in the body.
        copy = AuditFile(self.path).lines() if self.path else []
        chain = self.body.chain(self.head) if self.body else Chain(tuple(copy))
        problems = [f"{self._where}: {line}" for line in self._problems(chain)]
        if self.body and self.path:
            results = [*_chain.verify(copy), *_differences(copy, chain.lines)]
            problems += [f"{self.path}: {line}" for line in results]
        behind = max(len(chain.lines) - len(copy), 0) if self.path else 0
        answer = {
            "changed": False,
            "head": _as_data(chain.head),
            "records": len(chain.lines),
            "behind": behind,
            "problems": problems,
            "where": self._where,
        }
        if problems:
            message = "\n".join(f"  - {line}" for line in problems)
            answer.update(
                failed=True, msg=f"The audit log is incomplete or altered:\n{message}", error_type="AuditError"
            )
        return answer

    def rebuilt(self, *, write: bool) -> dict[str, Any]:
        """Makes the local copy equal to the body. A copy that differs is kept beside it."""
        if self.body is None or self.path is None:
            raise AuditError(
                f"environment {self.catalog.environment}: the catalog names no audit_log to rebuild the copy from"
            )
        chain = self.body.chain(self.head)
        problems = self._problems(chain)
        if problems:
            message = "\n".join(f"  - {line}" for line in problems)
            raise AuditError(
                f"{self.body.location} is incomplete or altered, so {self.path} was not changed:\n{message}"
            )
        file = AuditFile(self.path)
        changed, backup = file.rebuild(chain.lines) if write else (file.lines() != list(chain.lines), None)
        return {
            "changed": changed,
            "head": _as_data(chain.head),
            "records": len(chain.lines),
            "kept": backup,
            "where": self._where,
            "warnings": [f"{self.path} differed from the audit log; the old file was kept as {backup}"]
            if backup
            else [],
        }

    @property
    def _where(self) -> str:
        return self.body.location if self.body else str(self.path)

    def _problems(self, chain: Chain) -> list[str]:
        return [*_chain.verify(chain.lines, self.head), *_chain.strays(chain)]

    def _record(self, fields: Mapping[str, Any]) -> tuple[AuditEntry, bool]:
        if self.body:
            return record(self.body, fields, self.head)
        return AuditFile(str(self.path)).append(fields, self.head)

    def _foreseen(self, fields: Mapping[str, Any]) -> tuple[AuditEntry, bool]:
        """The entry that recording would give, and whether it would be new."""
        chain = self.body.chain(self.head) if self.body else Chain(tuple(AuditFile(str(self.path)).lines()))
        audit_entry = chain.find(_chain.identity(fields))
        return (
            (audit_entry, False)
            if audit_entry
            else (_chain.parsed(_chain.following(fields, chain.newest(self.head))), True)
        )

    def _copied(self, body: AuditBody, entry: AuditEntry, warnings: list[str], *, write: bool) -> bool:
        """Adds the missing lines to the copy. Returns whether the copy changed.

        The body already has the record. A copy that differs is therefore a warning, and does not stop the run.
        """
        file = AuditFile(str(self.path))
        chain = body.chain(entry.head)
        if not write:
            return len(file.lines()) < len(chain.lines)
        try:
            return bool(file.extend(chain.lines))
        except AuditError as error:
            warnings.append(str(error))
            return False

    def require_place(self, *, recording: bool = True) -> None:
        if self.body is None and self.path is None:
            if self.changelog:
                raise AuditError(
                    f"{self.changelog}: its entries come from the audit log, and environment "
                    f"{self.catalog.environment} has no audit log; set audit_log to a log_group or an s3 location in "
                    "the catalog, give the path of a file for the log, or leave the CHANGELOG out"
                )
            if recording:
                raise self._nowhere("record")
        elif self.body is None:
            local_copy.require_lasting(str(self.path), self.environ or {})

    def _nowhere(self, act: str) -> AuditError:
        return AuditError(
            f"environment {self.catalog.environment}: cannot {act}, because the catalog names no audit log; set "
            "audit_log to a log_group or an s3 location in the catalog, or give the path of a file"
        )

    def _of_this_environment(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        own = {"application": self.catalog.application, "environment": self.catalog.environment}
        for name, value in own.items():
            if fields.get(name, value) != value:
                raise AuditError(f"record.{name}: this audit log belongs to {value}; leave record.{name} out")
        return {**fields, **own}


def _differences(lines: Sequence[str], body: Sequence[str]) -> list[str]:
    at = next((n for n, (ours, theirs) in enumerate(zip(lines, body, strict=False), 1) if ours != theirs), 0)
    if at:
        return [f"differs from the audit log from line {at} on"]
    return [f"has {len(lines) - len(body)} lines more than the audit log"] if len(lines) > len(body) else []


def _as_data(head: Head) -> dict[str, Any]:
    return {"number": head.number, "digest": head.digest}
