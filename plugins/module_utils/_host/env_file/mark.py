# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The deploy marker of a deployment.

It names the last accepted snapshot, and the one on which services were healthy. The backup holds the last healthy file.
Both have mode 0600. They are in root's own directory if root deploys, else ``.env.mark`` and ``.env.healthy`` beside
the file.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file, backup, file_set
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file.file_set import Digests


def _new_delivery() -> str:
    return os.urandom(8).hex()


def _given(**parts: Any) -> Dict[str, Any]:
    return {name: part for name, part in parts.items() if part}


def _is_entry(result: Any) -> bool:
    if result is None:
        return True
    return (
        isinstance(result, dict)
        and isinstance(result.get("journal", 0), int)
        and _are_by_path(result.get("files"), lambda each: isinstance(each, str))
        and _are_by_path(result.get("replaced"), lambda each: isinstance(each, list))
        and _are_by_path(result.get("owners"), lambda each: isinstance(each, list) and len(each) == 3)
    )


def _are_by_path(result: Any, is_right: Callable[[Any], bool]) -> bool:
    return result is None or (isinstance(result, dict) and all(is_right(each) for each in result.values()))


class Mark:
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
        """The highest journal number of an accepted snapshot."""
        return max(int(self.healthy.get("journal", 0)), int(self.accepted.get("journal", 0)))

    def refuse_older(self, journal: int) -> None:
        if journal < self.journal:
            raise HostError(
                "this host already has the .env of a newer journal (number %d; this run read number %d). If another "
                "run was faster, deploy again. If somebody restored an older journal, see docs/runbooks/lost-journal.md"
                % (self.journal, journal)
            )

    def refuse_older_file(self, written_at: str) -> None:
        """Raises HostError if the ``.env.enc`` is older than the last accepted one. Stores give no such time."""
        last = str(self._data.get("encrypted_at", ""))
        if written_at and written_at < last:
            raise HostError(
                "the encrypted .env was written at %s, but this host already accepted one written at %s. Put the newer "
                "file there, or write it again: ansible-playbook watchparty.secrets.env_encrypt" % (written_at, last)
            )

    @property
    def delivery(self) -> str:
        """Id of the last write of other bytes; empty before the first.

        A snapshot's id does not suffice: while a module waits for services to be healthy, the same bytes may be
        replaced and written again.
        """
        return str(self.accepted.get("delivery", ""))

    def refuse_foreign(self, snapshot: Optional[str], delivery: Optional[str] = None) -> None:
        """Raises HostError if another run has written here since."""
        accepted = self.accepted
        present_id, last = (delivery, self.delivery) if delivery else (snapshot, accepted.get("snapshot"))
        ours = (last, *accepted.get("instead_of", ()))
        if accepted.get("snapshot") is not None and present_id is not None and present_id not in ours:
            raise HostError(
                "nothing was restored, because another run has written snapshot %s since" % accepted["snapshot"]
            )

    def refuse_healthy(self, present: Optional[atomic_file.Present], delivery: Optional[str]) -> None:
        """Raises HostError if another run delivered the same bytes and found the services healthy."""
        if delivery and delivery == self.delivery and present and self._is_settled_on(present):
            raise HostError("nothing was restored, because another run has verified this file since")

    def recorded(self, entry: Mapping[str, Any]) -> Digests:
        """Digests of the files in an entry."""
        own = {self._env.path: entry["digest"]} if entry.get("digest") else {}
        return entry.get("files") or own

    @property
    def written(self) -> Dict[str, Set[str]]:
        """Digests that deploys may have left at each path: of the accepted file, and of files that a killed run had yet
        to replace or remove.
        """
        digests = {path: set(each) for path, each in (self.accepted.get("replaced") or {}).items()}
        for path, digest in self.recorded(self.accepted).items():
            digests.setdefault(path, set()).add(digest)
        return digests

    @property
    def _owners(self) -> Dict[str, List[Any]]:
        """Wanted owner, group and mode of the files beside ``.env``, by path."""
        return {**(self.healthy.get("owners") or {}), **(self.accepted.get("owners") or {})}

    def current(self, present: atomic_file.Present) -> str:
        """Digest of the accepted files as they are now. ``present`` is ``.env``."""
        return file_set.digest(file_set.digests(self._present(present)))

    def _is_settled_on(self, present: atomic_file.Present) -> bool:
        try:
            return self.is_settled(self.current(present))
        except HostError:  # a file that cannot be read is not the accepted one
            return False

    def _present(self, present: Optional[atomic_file.Present]) -> Dict[str, atomic_file.Present]:
        paths = {self._env.path, *self.recorded(self.accepted)}
        return file_set.read_all(self._env, present, sorted(paths))

    def accept(
        self,
        snapshot: str,
        journal: int,
        file_digest: str,
        *,
        files: Optional[Digests] = None,
        owners: Optional[Mapping[str, atomic_file.Ownership]] = None,
        present: Optional[Mapping[str, atomic_file.Present]] = None,
        restart: bool = False,
        rewrite: bool = True,
        encrypted_at: str = "",
    ) -> None:
        """Records a write before it happens.

        ``restart``: services may run on other content until they are healthy on this. ``rewrite``: the bytes change.
        ``encrypted_at``: time of the source ``.env.enc``. ``files``: digests of all files if there are several.
        ``owners``: of files beside ``.env``. ``present``: all files as they are now.
        """
        wanted = {path: list(owner) for path, owner in (owners or {}).items()}
        entry = {"snapshot": snapshot, "journal": journal, "digest": file_digest, **_given(files=files, owners=wanted)}
        same = not rewrite and self.accepted.get("digest") == file_digest and self.delivery
        at = self.accepted.get("at") if same else time.time()
        is_healthy = self.healthy.get("digest") == file_digest
        healthy = {**entry, "at": self.healthy.get("at")} if is_healthy else self.healthy
        replaced = self._replaced(present or {}, files or {self._env.path: file_digest})
        delivered = {"delivery": same or _new_delivery(), **_given(restart=restart, replaced=replaced)}
        accepted = {**entry, "at": at, **delivered}
        self._save({"accepted": accepted, "healthy": healthy or None, **_given(encrypted_at=encrypted_at)})

    def _replaced(self, present: Mapping[str, atomic_file.Present], files: Digests) -> Dict[str, List[str]]:
        """Digests of deployed files that remain until ``files`` replace them."""
        ours = self.written
        digests = {path: digest for path, digest in file_set.digests(present).items() if digest in ours.get(path, ())}
        return {path: [digest] for path, digest in digests.items() if digest != files.get(path)}

    def record_healthy(self, snapshot: str, present: atomic_file.Present, delivery: Optional[str] = None) -> None:
        """Records the file as healthy and keeps its bytes for a rollback.

        Raises HostError unless the file is from ``delivery``, even if another delivery wrote the same bytes. Without a
        delivery, ``snapshot`` decides.
        """
        accepted = self.accepted
        by_name = delivery == self.delivery if delivery else snapshot == accepted.get("snapshot")
        files = self._present(present)
        digest = file_set.digest(file_set.digests(files))
        if not by_name or accepted.get("digest") != digest or self._load() != self._data:
            raise HostError("the file no longer holds snapshot %s: another run wrote it; deploy again" % snapshot)
        backup.save(self._env, files)
        names = ("snapshot", "journal", "digest", "at", "files", "owners")
        entry = {name: accepted[name] for name in names if name in accepted}
        self._save({"accepted": {**entry, "delivery": self.delivery}, "healthy": entry})

    def is_healthy(self, file_digest: str) -> bool:
        return self.healthy.get("digest") == file_digest

    def is_settled(self, file_digest: str) -> bool:
        """Whether the services were healthy on these files, and nothing was written since."""
        return self.is_healthy(file_digest) and not self.accepted.get("restart")

    def _save(self, changes: Dict[str, Any]) -> None:
        data = {**self._data, **changes}
        if data == self._data:
            return
        content = json.dumps(data, sort_keys=True).encode("utf-8") + b"\n"
        atomic_file.write(atomic_file.for_writing(self._env.mark), content, atomic_file.Ownership(None, None, 0o600))
        self._data = data

    def keep(self, present: Mapping[str, atomic_file.Present]) -> None:
        """Keeps files from before their first deploy. Healthy files are kept when they are recorded."""
        files = backup.load(self._env) or {}
        known = {*files, *self.written, *self.recorded(self.healthy)}
        foreign = {path: file for path, file in present.items() if path not in known}
        foreign = {path: file for path, file in foreign.items() if not file_set.reaches_disk(self._env, path)}
        if foreign:
            backup.save(self._env, {**files, **foreign})

    def go_back(self, wanted: atomic_file.Ownership, instead_of: Sequence[str] = ()) -> bool:
        """Restores the last healthy files. Removes ``.env`` if it is not among them. Returns whether it restored
        ``.env``.

        A file that cannot be restored does not prevent others. Files that no deploy wrote are never removed.
        ``instead_of``: the delivery and snapshot given up. The rollback may be repeated.
        """
        files = backup.load(self._env) or {}
        entry = self._entry_of(files)
        if set(self.recorded(entry)) - set(files):
            backup_path = atomic_file.for_writing(self._env.backup).path
            raise HostError(
                "%s: rollback failed: the last verified file is missing. Deploy again: ansible-playbook "
                "watchparty.secrets.deploy" % backup_path
            )
        ours, owners = self.written, {**self._ownership(files, entry), self._env.path: wanted}
        self._save(self._gone_back(files, entry, instead_of))
        file_set.carry_out(
            file_set.restored(path, files[path].content, owners[path], at=self._place(path))
            for path in sorted(files, key=lambda path: (path == self._env.path, path))
        )
        file_set.carry_out(
            file_set.removal(path, ours[path], at=self._place(path)) for path in sorted(set(ours) - set(files))
        )
        self._save({"accepted": {name: part for name, part in self.accepted.items() if name != "replaced"}})
        return self._env.path in files

    def _place(self, path: str) -> Optional[atomic_file.OpenPath]:
        return self._env.file if path == self._env.path else None

    def _entry_of(self, files: backup.FilesByPath) -> Dict[str, Any]:
        """The entry of the kept files. A run killed while it recorded healthy files has already kept them."""
        is_accepted = self.accepted.get("digest") == file_set.digest(file_set.digests(files))
        return self.accepted if is_accepted else self.healthy

    def _ownership(self, files: backup.FilesByPath, entry: Dict[str, Any]) -> Dict[str, atomic_file.Ownership]:
        """Ownership last declared in the catalog; for a file from before the first deploy, its former ownership."""
        recorded = self.recorded(entry)
        owners = {path: owner for path, owner in self._owners.items() if path in recorded}
        own = {path: atomic_file.Ownership(file.uid, file.gid, file.mode) for path, file in files.items()}
        return {
            path: atomic_file.filled(atomic_file.Ownership(*owners[path]), files[path]) if path in owners else own[path]
            for path in files
        }

    def goes_back(self, present: Optional[atomic_file.Present]) -> Tuple[bool, bool]:
        """Whether a rollback would change files, and whether it would restore ``.env``."""
        files = backup.load(self._env) or {}
        contents = {path: file.content for path, file in files.items()}
        paths = sorted({self._env.path, *files, *self.written})
        try:
            present_files = file_set.read_all(self._env, present, paths)
        except HostError:  # the rollback names what cannot be read
            return True, self._env.path in files
        return contents != {path: file.content for path, file in present_files.items()}, self._env.path in files

    def _gone_back(self, files: backup.FilesByPath, entry: Dict[str, Any], instead_of: Sequence[str]) -> Dict[str, Any]:
        """The marker's entries after the restoration of these files."""
        own = self.recorded(entry) or {self._env.path: ""}
        ours = self.written
        digests = file_set.digests(files)
        digests = {path: digest for path, digest in digests.items() if path in own or digest in ours.get(path, ())}
        replaced = {path: sorted(each - {digests.get(path)}) for path, each in ours.items()}
        replaced = {path: backup_text for path, backup_text in replaced.items() if backup_text}
        common: Dict[str, Any] = {"journal": self.journal, **_given(replaced=replaced)}
        if self._env.path not in digests:
            return {"accepted": common, "healthy": None}
        digest = file_set.digest(digests)
        # The services still run on the replaced files, so each deploy must restart them until they are healthy.
        accepted: Dict[str, Any] = {
            **common,
            "snapshot": entry.get("snapshot") if entry.get("digest") == digest else None,
            "digest": digest,
            "restart": True,
            "at": time.time(),
            "delivery": _new_delivery(),
        }
        owners = {path: owner for path, owner in self._owners.items() if path in digests}
        accepted.update(_given(owners=owners, files=digests if len(digests) > 1 else None, instead_of=list(instead_of)))
        return {"accepted": accepted, "healthy": self.healthy or None}
