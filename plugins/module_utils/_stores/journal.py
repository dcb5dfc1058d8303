# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The journal as a store: numbered parameters below a path, each created once, so that a number can be taken once."""

from __future__ import annotations

import re
import secrets
from typing import Any, Dict, List, Mapping, Optional

from ansible_collections.watchparty.secrets.plugins.module_utils import _journal_text
from ansible_collections.watchparty.secrets.plugins.module_utils._errors import (
    AlreadyExists,
    Conflict,
    JournalError,
    NoAccess,
    Overtaken,
    SecretsError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.base import NumberedStore, Reading

TRIES = 3
"""How often an entry is written, or looked for, while AWS says that another writes it, or does not list it yet."""


class JournalStore:
    """Reads, appends to and trims one journal."""

    def __init__(self, parameters: NumberedStore, path: str) -> None:
        self._parameters = parameters
        self._path = path

    def readings(self) -> List[Reading]:
        """Every parameter below the path. Raises :class:`NoAccess` when they may not be read."""
        contents = self._parameters.read([self._path])
        for failure in contents.failures.values():
            raise NoAccess(
                f"the journal below {self._path} cannot be read; allow ssm:GetParametersByPath on it ({failure.detail})"
            )
        return list(contents.readings.values())

    def append(self, number: int, entry: Mapping[str, Any]) -> str:
        """Writes entry ``number``; returns its text. The same entry again, with the same nonce, is fine.

        Raises :class:`Overtaken`, naming whose entry stands there or above it, when another run went on meanwhile;
        ours is taken back then, unless that run has followed it up.
        """
        entry = {"nonce": secrets.token_hex(8), **entry}
        text = self.text(number, entry)
        standing = self._create(number, text)
        if standing is not None:
            if _parsed(standing).get("nonce") != entry["nonce"]:
                raise Overtaken(f"{self._name(number)} was taken by {_whose(standing)}; {_ADVICE}")
            text = standing
        self._require_head(number, entry)
        return text

    def trim(self, below: int) -> None:
        """Deletes the entries with a lower number, the lowest first; the newest one always stays."""
        numbers = sorted(self._entries())
        gone = [number for number in numbers[:-1] if number < below]
        self._parameters.delete([self._name(number) for number in gone])

    def _name(self, number: int) -> str:
        return f"{self._path}/{number}"

    def text(self, number: int, entry: Mapping[str, Any]) -> str:
        """The entry as it is kept. Raises :class:`JournalError` for one that a parameter would not take."""
        text = _journal_text.written(entry)
        if len(text) > _journal_text.ROOM:
            raise JournalError(
                f"journal entry {self._name(number)} would hold {len(text):,} bytes, compressed, and a parameter takes "
                f"{_journal_text.ROOM:,}; rotate fewer credentials in one run (-e credential=… or -e leaked=…)"
            )
        return text

    def _create(self, number: int, text: str) -> Optional[str]:
        """Creates the parameter; returns the text of the one that stands there instead, if one does."""
        for _try in range(TRIES):
            try:
                self._parameters.create(self._name(number), text)
                return None
            except (AlreadyExists, Conflict):
                standing = self._entries().get(number)
                if standing is not None:
                    return standing.value
        raise Overtaken(f"{self._name(number)} is being written by another run; {_ADVICE}")

    def _require_head(self, number: int, entry: Mapping[str, Any]) -> None:
        """Raises :class:`Overtaken` unless ours is the newest entry and follows the one before it."""
        for _try in range(TRIES):
            entries = self._entries()
            if number in entries:
                break
        else:
            raise Overtaken(f"{self._name(number)} was taken away by another run; {_ADVICE}")
        head = max(entries)
        follows = number == 1 or number - 1 in entries or bool(entry.get("base"))
        if head == number and follows:
            return
        if head != number:
            reason = f"{self._name(head)} was written by {_whose(entries[head].value)}"
        else:
            reason = f"{self._name(number - 1)}, which came before, was taken away by another run"
        # A number that was trimmed away can be taken once more, by a run that was paused before it wrote. An entry that
        # another run has already followed up must stay, though: the chain goes through it, unless it begins anew above.
        later = [_parsed(entries[one].value) for one in entries if one > number]
        if number + 1 not in entries or any(one.get("base") for one in later):
            self._take_back(number, reason)
        raise Overtaken(f"{reason}; {_ADVICE}")

    def _take_back(self, number: int, reason: str) -> None:
        try:
            self._parameters.delete([self._name(number)])
        except SecretsError as error:
            raise Overtaken(
                f"{reason}; our {self._name(number)} could not be taken back ({error}), so delete it by "
                f"'aws ssm delete-parameter --name {self._name(number)}'; {_ADVICE}"
            ) from None

    def _entries(self) -> Dict[int, Reading]:
        found: Dict[int, Reading] = {}
        for reading in self.readings():
            tail = reading.name[len(self._path) + 1 :]
            if not re.fullmatch(r"[1-9][0-9]{0,11}", tail):
                raise JournalError(
                    f"parameter {reading.name} lies in the journal's path and is no entry; move it elsewhere"
                )
            found[int(tail)] = reading
        return found


_ADVICE = "nothing further was done by this run; see who holds the rotation by watchparty.secrets.rotation_report"


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        entry = _journal_text.read(text)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _whose(text: str) -> str:
    entry = _parsed(text)
    if not entry:
        return "something that is no journal entry"
    words = {key: str(entry.get(key, "unknown")) for key in ("rotation", "who", "at", "step")}
    return "rotation {rotation} of {who} at {at} (step {step})".format(**words)
