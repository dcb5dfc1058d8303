# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds present values in the systemd journal, by unit."""

from __future__ import annotations

import io
from typing import Dict, List, NamedTuple, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._host import bounded_command
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import value_search
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.value_matcher import OutOfTime
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.value_search import ValueSearch

LARGEST = 4 << 20
"""Bytes of the newest entries to search."""
LINES = 20000
SECONDS = 5
_SHOW = ("journalctl", "--quiet", "--no-pager", "--reverse", "--lines=%d" % LINES, "--output=cat")
_FIELDS = "--output-fields=MESSAGE,_CMDLINE"
"""The logged message, and the arguments of the logging process."""
_NAMED_BY = ("_SYSTEMD_UNIT", "UNIT", "_SYSTEMD_USER_UNIT", "USER_UNIT")


class JournalFindings(NamedTuple):
    """Units whose entries hold a value, and reasons for unsearched units."""

    units: List[Dict[str, str]]
    unread: List[str]


class Unreadable(Exception):
    """Raised with the reason for an incomplete answer of the journal."""


def searched(units: Sequence[str], values: ValueSearch) -> JournalFindings:
    """Searches the newest entries of all units at once, and unit by unit only after a match."""
    try:
        if not units or not _named(units, values):
            return JournalFindings([], [])
        names = [(unit, _named([unit], values)) for unit in units]
    except FileNotFoundError:  # without journalctl, nobody reads a journal here
        return JournalFindings([], [])
    except Unreadable as error:
        return JournalFindings([], ["the journal: %s" % error])
    except value_search.UnsearchedFile as error:  # an entry that looks like an archive
        return JournalFindings([], ["the journal: it %s" % error])
    except OutOfTime:
        return JournalFindings([], ["the journal: the time limit was reached"])
    rows = [{"unit": unit, "why": "holds %s" % ", ".join(named[:3])} for unit, named in names if named]
    return JournalFindings(rows, [])


def _named(units: Sequence[str], values: ValueSearch) -> List[str]:
    return value_search.in_stream(io.BytesIO(_entries(units)), values)


def _entries(units: Sequence[str]) -> bytes:
    matches: List[str] = []
    for field in _NAMED_BY:
        matches += [*(["+"] if matches else []), *("%s=%s" % (field, unit) for unit in units)]
    answer = bounded_command.output([*_SHOW, _FIELDS, *matches], seconds=SECONDS, largest=LARGEST)
    if answer.code is None:
        raise Unreadable("journalctl gave no answer in %d s" % SECONDS)
    if answer.code and not answer.is_cut:
        raise Unreadable("journalctl failed with code %d" % answer.code)
    return answer.content
