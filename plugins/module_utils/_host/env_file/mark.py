# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The mark of a file, and a delivery that goes by it. Standard library only; Python 3.8 is enough.

The mark says which snapshot was last accepted here and which one the services were healthy on; the backup holds
the bytes of the last healthy file. Both are 0600: in a directory of root's where root deploys, else ``.env.mark`` and
``.env.healthy`` beside the file.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any, Dict, NamedTuple, Optional, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file


def _new_delivery() -> str:
    return os.urandom(8).hex()


def _at(seconds: Any) -> Dict[str, Any]:
    """When these bytes were delivered, if that is known: marks of versions before do not tell."""
    return {} if seconds is None else {"at": seconds}


def _is_entry(result: Any) -> bool:
    return result is None or (isinstance(result, dict) and isinstance(result.get("journal", 0), int))


class Mark:
    """The record of a file, kept by version ids and the digest of the whole file."""

    def __init__(self, env: atomic_file.EnvFile) -> None:
        self._env = env
        self._shown = (env.mark or env.file).path
        self._data = self._load()

    def _load(self) -> Dict[str, Any]:
        present = atomic_file.present(self._env.mark)
        if present is None:
            return {}
        try:
            data = json.loads(present.content.decode("utf-8"))
        except ValueError:
            data = None
        if not isinstance(data, dict) or not all(_is_entry(data.get(name)) for name in ("accepted", "healthy")):
            raise HostError(
                "%s: invalid deploy marker; delete it and deploy again (services will restart)" % self._shown
            )
        return data

    @property
    def healthy(self) -> Dict[str, Any]:
        return self._data.get("healthy") or {}

    @property
    def accepted(self) -> Dict[str, Any]:
        return self._data.get("accepted") or {}

    @property
    def journal(self) -> int:
        """The highest journal number that this host accepted a snapshot under."""
        return max(int(self.healthy.get("journal", 0)), int(self.accepted.get("journal", 0)))

    def refuse_older(self, journal: int) -> None:
        if journal < self.journal:
            raise HostError(
                "this host already accepted a snapshot read at journal number %d, but this run read an older "
                "journal (number %d). If another run was faster, deploy again. If somebody restored an older journal, "
                "see docs/runbooks/lost-journal.md" % (self.journal, journal)
            )

    def refuse_older_file(self, written_at: str) -> None:
        """Of a ``.env.enc``; values that come from the stores have no such moment."""
        last = str(self._data.get("encrypted_at", ""))
        if written_at and written_at < last:
            raise HostError(
                "this host already accepted an encrypted .env written at %s, and this one was written at %s. Put the "
                "newer file there, or write it again: ansible-playbook watchparty.secrets.env_encrypt"
                % (last, written_at)
            )

    @property
    def delivery(self) -> str:
        """Name of the last write of other bytes; empty before the first.

        A snapshot's name does not do: its bytes can be written, replaced and written again while a module that
        restarted services on the first ones is still waiting for their health.
        """
        return str(self.accepted.get("delivery", ""))

    def refuse_foreign(self, snapshot: Optional[str], delivery: Optional[str] = None) -> None:
        """Refuses to roll back what another run wrote here since, or found the services healthy on."""
        accepted = self.accepted
        given, last = (snapshot, accepted.get("snapshot"))
        if delivery and self.delivery:
            given, last = delivery, self.delivery
        ours = (last, *accepted.get("instead_of", ()))
        if accepted.get("snapshot") is not None and given is not None and given not in ours:
            raise HostError("another run wrote snapshot %s here meanwhile; its file was kept" % accepted["snapshot"])

    def refuse_healthy(self, present: Optional[atomic_file.Present], delivery: Optional[str]) -> None:
        """Another run may have delivered the same bytes and seen the services healthy on them."""
        if delivery and delivery == self.delivery and present and self.is_settled(atomic_file.digest(present.content)):
            raise HostError("another run found the services healthy on this file meanwhile; the file was kept")

    def accept(
        self,
        snapshot: str,
        journal: int,
        file_digest: str,
        *,
        restart: bool = False,
        rewrite: bool = True,
        encrypted_at: str = "",
    ) -> None:
        """Records what is about to be written.

        ``restart``: services may run on something else until they are healthy on it. ``rewrite``: other bytes
        are there now. ``encrypted_at``: when the ``.env.enc`` that it comes from was written.
        """
        entry: Dict[str, Any] = {"snapshot": snapshot, "journal": journal, "digest": file_digest}
        same = not rewrite and self.accepted.get("digest") == file_digest and self.delivery
        at = self.accepted.get("at") if same else time.time()
        is_healthy = self.healthy.get("digest") == file_digest
        healthy = {**entry, **_at(self.healthy.get("at"))} if is_healthy else self.healthy
        accepted = {**entry, **_at(at), "delivery": same or _new_delivery(), **({"restart": True} if restart else {})}
        moment = {"encrypted_at": encrypted_at} if encrypted_at else {}
        self._save({"accepted": accepted, "healthy": healthy or None, **moment})

    def record_healthy(self, snapshot: str, present: atomic_file.Present, delivery: Optional[str] = None) -> None:
        """Records the file as healthy and keeps its bytes for a rollback.

        Raises HostError unless the file is the one that ``delivery`` wrote, whoever delivered the same bytes again
        since. Without a delivery it goes by ``snapshot``.
        """
        accepted = self.accepted
        by_name = delivery == self.delivery if delivery and self.delivery else snapshot == accepted.get("snapshot")
        if not by_name or accepted.get("digest") != atomic_file.digest(present.content) or self._load() != self._data:
            raise HostError("the file no longer holds snapshot %s: another run wrote it; deploy again" % snapshot)
        kept = atomic_file.present(self._env.backup)
        if kept is None or kept.content != present.content:
            atomic_file.write(
                atomic_file.for_writing(self._env.backup), present.content, atomic_file.Ownership(None, None, 0o600)
            )
        entry = {name: accepted[name] for name in ("snapshot", "journal", "digest", "at") if name in accepted}
        self._save({"accepted": {**entry, "delivery": self.delivery or _new_delivery()}, "healthy": entry})

    def is_healthy(self, file_digest: str) -> bool:
        return self.healthy.get("digest") == file_digest

    def is_settled(self, file_digest: str) -> bool:
        """Whether the services were healthy on this very file, and nothing was written since."""
        return self.is_healthy(file_digest) and not self.accepted.get("restart")

    def _save(self, changes: Dict[str, Any]) -> None:
        data = {**self._data, **changes}
        if data == self._data:
            return
        content = json.dumps(data, sort_keys=True).encode("utf-8") + b"\n"
        atomic_file.write(atomic_file.for_writing(self._env.mark), content, atomic_file.Ownership(None, None, 0o600))
        self._data = data

    def keep(self, present: atomic_file.Present) -> None:
        """Keeps a file that was here before the first deploy; a healthy one is kept when it is recorded."""
        if not self.healthy and not self.accepted.get("digest") and atomic_file.present(self._env.backup) is None:
            atomic_file.write(
                atomic_file.for_writing(self._env.backup), present.content, atomic_file.Ownership(None, None, 0o600)
            )

    def go_back(self, wanted: atomic_file.Ownership, instead_of: Sequence[str] = ()) -> bool:
        """Puts the last healthy file back; without one the path becomes empty again. Whether it put a file back.

        A file that no deploy of ours wrote is never removed. ``instead_of`` names the delivery and the snapshot given
        up; taking it back may be repeated.
        """
        kept = atomic_file.present(self._env.backup)
        if kept is None:
            if self.healthy:
                gone = atomic_file.for_writing(self._env.backup).path
                raise HostError(
                    "%s: rollback failed: the last verified file is missing. Deploy again: ansible-playbook "
                    "watchparty.secrets.deploy" % gone
                )
            present = atomic_file.present(self._env.file)
            if present and atomic_file.digest(present.content) == self.accepted.get("digest"):
                try:
                    atomic_file.remove(self._env.file)
                except OSError as error:
                    raise HostError("%s: cannot be removed: %s" % (self._env.path, atomic_file.reason(error))) from None
            self._save({"accepted": {"journal": self.journal}, "healthy": None})
            return False
        known = self.healthy.get("snapshot") if self.is_healthy(atomic_file.digest(kept.content)) else None
        # The services still run on the file that goes: until they are healthy on this one, no deploy may spare them
        # the restart.
        entry = {
            "snapshot": known,
            "journal": self.journal,
            "digest": atomic_file.digest(kept.content),
            "restart": True,
            "at": time.time(),
        }
        entry["delivery"] = _new_delivery()
        if instead_of:
            entry["instead_of"] = list(instead_of)
        self._save({"accepted": entry, "healthy": self.healthy or None})
        atomic_file.write(self._env.file, kept.content, wanted)
        return True


class Delivery(NamedTuple):
    """What a delivery would do, wholly known before the first write."""

    env: atomic_file.EnvFile
    content: bytes
    wanted: atomic_file.Ownership
    present: Optional[atomic_file.Present]
    mark: Optional[Mark]
    differs: bool
    """Whether the bytes are others."""
    rewrite: bool
    """Whether the bytes, the owner, the group or the mode are others."""
    restart: bool
    """Whether services may run on something else than this content."""

    def __repr__(self) -> str:
        return "Delivery(path=%r, rewrite=%r, restart=%r)" % (self.env.path, self.rewrite, self.restart)

    @property
    def is_settled(self) -> bool:
        return self.mark is not None and self.mark.is_settled(atomic_file.digest(self.content))


def planned(
    env: atomic_file.EnvFile,
    content: bytes,
    wanted: atomic_file.Ownership,
    present: Optional[atomic_file.Present],
    mark: Optional[Mark],
) -> Delivery:
    wanted = atomic_file.filled(wanted, present)
    differs = present is None or present.content != content
    restart = mark is not None and (differs or not mark.is_settled(atomic_file.digest(content)))
    return Delivery(
        env, content, wanted, present, mark, differs, differs or atomic_file.drifted(present, wanted), restart
    )


def deliver(plan: Delivery, snapshot: str, journal: int, *, keep: bool = True, encrypted_at: str = "") -> None:
    """Carries a plan out. ``keep``: a file that was here before the first deploy stays for a rollback."""
    atomic_file.swept(plan.env)
    if plan.mark:
        if plan.present and keep:
            plan.mark.keep(plan.present)
        plan.mark.accept(
            snapshot,
            journal,
            atomic_file.digest(plan.content),
            restart=plan.restart,
            rewrite=plan.differs,
            encrypted_at=encrypted_at,
        )
    if plan.rewrite:
        atomic_file.write(plan.env.file, plan.content, plan.wanted)
