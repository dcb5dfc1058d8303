# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The journal as earlier versions kept it, in numbered parameters: read once, when the present one is made."""

from __future__ import annotations

import base64
import json
import re
import zlib
from typing import Any, Dict, List, Mapping

from ansible_collections.watchparty.secrets.plugins.module_utils._core import journal as _journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import JournalError, NoAccess
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.numbered_versions import NumberedStore

PACKED = "zlib:"
"""What a compressed entry begins with; base64 follows."""
LIMIT = 1 << 20
"""The most bytes that are uncompressed."""
_RESTORE = "restore its text from 'aws ssm get-parameter-history', then run watchparty.secrets.provision again"


def path_of(catalog: Catalog) -> str:
    """The default place before the catalog could set it."""
    return f"/{catalog.application}-journal/{catalog.environment}"


def entries(parameters: NumberedStore, path: str, *, who: str, at: str) -> List[str]:
    """The entry that stands for all of them; none where there is no such journal.

    Raises :class:`JournalError` where a rotation is open there: the version that began it has to end it.
    """
    contents = parameters.read([path])
    for failure in contents.failures.values():
        raise NoAccess(
            f"the former journal below {path} cannot be read; allow ssm:GetParametersByPath on it ({failure.detail})"
        )
    texts: Dict[int, str] = {}
    for reading in contents.readings.values():
        number = reading.name[len(path) + 1 :]
        if not re.fullmatch(r"[1-9][0-9]{0,11}", number):
            raise JournalError(
                f"parameter {reading.name} lies in the former journal's path but is not an entry; delete it, or "
                "copy it to another path first"
            )
        texts[int(number)] = reading.value
    if not texts:
        return []
    journal = _journal.fold(_chained(path, texts))
    if journal.rotation is not None:
        raise JournalError(
            f"{journal.rotation} is open in the former journal below {path}; finish it with the version of "
            "watchparty.secrets that started it, then run provision again"
        )
    base = {"rotation": "import", "step": "closed", "who": who, "at": at, **_journal.base_entry(journal)}
    return [_journal.written({**base, "number": journal.head + 1})]


def _chained(path: str, texts: Mapping[int, str]) -> List[str]:
    """The newest base and what follows it, numbered as entries are now."""
    parsed = {number: _parsed(f"{path}/{number}", text) for number, text in sorted(texts.items())}
    base = max((number for number, entry in parsed.items() if entry.get("base")), default=min(parsed))
    lines = []
    for number in (number for number in parsed if number >= base):
        entry = dict(parsed[number])
        previous = entry.pop("prev", None)
        if number > base and number - 1 in texts and previous != _journal.digest_of(texts[number - 1]):
            raise JournalError(f"{path}/{number - 1} was altered after {path}/{number} was written; {_RESTORE}")
        lines.append(_journal.written({**entry, "number": number}))
    return lines


def _parsed(name: str, text: str) -> Mapping[str, Any]:
    try:
        entry = json.loads(_unpacked(text) if text.startswith(PACKED) else text)
    except (ValueError, RecursionError, zlib.error):
        entry = None
    if not isinstance(entry, dict):
        raise JournalError(f"parameter {name} is not a journal entry; {_RESTORE}")
    return entry


def _unpacked(text: str) -> bytes:
    unpacking = zlib.decompressobj()
    data = unpacking.decompress(base64.b64decode(text[len(PACKED) :], validate=True), LIMIT)
    if not unpacking.eof:
        raise ValueError("it is cut off, or too long")
    return data
