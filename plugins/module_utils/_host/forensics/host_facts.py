# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads a host's facts about its ``.env`` and changes nothing.

Returns only fingerprints of values, under the run's key.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    dotenv,
    dotenv_flaws,
    fingerprints,
    timestamps,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import DotenvError, HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import bounded_command, safe_files
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import mark as env_file_mark
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import (
    file_access,
    host_copies,
    journal_search,
    other_files,
    unit_facts,
    value_search,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.value_matcher import (
    OutOfTime,
    ValueMatcher,
)

SHORTEST = 12
"""Fewest characters of a value that count as a copy in another file, not as chance."""
SELINUX = "/sys/fs/selinux/enforce"
NO_CONTEXT = "<<none>>"
"""Answer for a path whose context a policy does not set."""
SECONDS = 5
LARGEST_OUTPUT = 1 << 20
SEARCH_SECONDS = 8
"""Seconds of work for copies below the file, and again for copies elsewhere."""
_FILE = {"path": str, "mode": str, "owner": str, "uid": int}
_ACL = {"path": str, "who": str, "may": str}
_DIRECTORY = {"path": str, "uid": (int, None), "owner": str, "mode": str}
ANSWER = {
    "file": {"exists": bool, "path": str, "mode?": str, "owner?": str, "uid?": int, "problem?": str},
    "companions": [_FILE],
    "acl": [_ACL],
    "selinux": {
        "enabled": bool,
        "why?": str,
        "context?": str,
        "right?": (bool, None),
        "wanted?": str,
        "no_context?": bool,
    },
    "other_files": [
        {
            **dict.fromkeys(("name", "path", "mode?", "owner?", "group?", "wanted_group?", "problem?"), str),
            "uid?": int,
            "acl?": [_ACL],
            "replaceable?": [_DIRECTORY],
            "fingerprints": {str: str},
        }
    ],
    "undeclared_files": [str],
    "strays": [{"path": str, "mode": str, "why": str}],
    "strays_unread": [str],
    "copies": [{"path": str, "mode": str, "why": str}],
    "copies_unread": [str],
    "copies_closed": [str],
    "shown": [{"process": str, "setting": str, "why": str}],
    "shown_unread": [str],
    "shown_closed": [str],
    "journal": [{"unit": str, "why": str}],
    "journal_unread": [str],
    "flaws?": {
        "twice": [str],
        "misread": [{"name": str, "reader": str}],
        "comments": [{"line": int, "why": str}],
    },
    "since": (str, None),
    "units": [
        {
            **dict.fromkeys(
                ("unit", "manager?", "service?", "account?", "load", "active", "sub", "enabled", "user"), str
            ),
            **dict.fromkeys(("is_up", "starts", "stale", "container", "old"), bool),
            "began": (str, None),
            "pids": [int],
            "silent": [int],
            "environment": {str: str},
            "files": [{"path": str, "problem": str, "values": {str: str}}],
            "held": {str: [str]},
        }
    ],
    "units_problem": str,
    "mark": {"problem?": str, "snapshot?": (str, None), "journal?": int, "edited": bool},
    "account": str,
    "replaceable": [_DIRECTORY],
    "values_problem?": str,
    "fingerprints?": {str: str},
}
"""Types of the result of :func:`gathered`."""


class FactsRequest(NamedTuple):
    path: str
    units: Sequence[str] = ()
    key: Optional[str] = None
    """Key of this run's fingerprints; None compares no values."""
    sensitive: Sequence[str] = ()
    """Settings whose values a stray file must not hold."""
    readers: Sequence[str] = dotenv.DEFAULT_READERS
    patterns: Sequence[str] = ()
    """The catalog's settings."""
    places: Sequence[str] = host_copies.ELSEWHERE
    """Patterns of files elsewhere that may hold copies."""
    managed: Sequence[Mapping[str, Any]] = ()
    """Services of managers other than systemd."""
    files: Sequence[Mapping[str, Any]] = ()
    """The catalog's files beside ``.env``."""
    owner: Optional[str] = None
    group: Optional[str] = None
    """``owner`` and ``group`` of ``.env``, and of other files without an owner."""


def gather_facts(wanted: FactsRequest) -> Dict[str, Any]:
    """All facts except health. Raises HostError if the file's directory cannot be read."""
    with atomic_file.open_file(wanted.path, look=True) as env:
        return _gathered(wanted, env)


def _gathered(wanted: FactsRequest, env: atomic_file.EnvFile) -> Dict[str, Any]:
    present, refused = _present(env.file)
    state = [at for at in (env.mark, env.backup, env.files_backup) if at and safe_files.status(at)]
    values, problem = _values(present, wanted.readers)
    problem = refused or problem
    mark = _mark(env, present)
    patterns = wanted.patterns if wanted.key else ()

    def fingerprint(name: str, value: str) -> str:
        return fingerprints.of_value(wanted.key or "", value, name=name)

    defaults = other_files.Defaults(wanted.readers, wanted.owner, wanted.group)
    others = other_files.read(env, wanted.files, defaults, fingerprint)
    written = mark.get("written", {})
    env = env._replace(others=other_files.own_paths(others.rows, written))
    since = _since(env, present, mark, others.changed_at)
    known = unit_facts.Known(patterns, fingerprint, env.path, env.others)
    matcher = ValueMatcher(_searched(wanted, {**others.values, **values}))
    units, no_units = unit_facts.units(wanted.units, known, since, _command)
    not_asked: List[str] = []
    if wanted.managed:  # most hosts have only systemd
        from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import managed_facts

        managed, not_asked = managed_facts.units(wanted.managed, known, since)
        units += managed
    described = [file_access.described(open_path) for open_path in (env.file if present else None, *state) if open_path]
    answer: Dict[str, Any] = {
        "file": {"exists": present is not None, **(described[0] if present else {"path": env.path})},
        "companions": described[1:] if present else described,
        "acl": [line for open_path in (env.file, *state) for line in file_access.widened(open_path)],
        "selinux": _selinux(env.file) if present else {"enabled": False},
        **_copies(wanted, env, matcher, units),
        "since": timestamps.stamp_of(since) if since else None,
        "units": units,
        "units_problem": "; ".join(filter(None, (no_units, *not_asked))),
        "mark": {**mark, "edited": _is_edited(mark, present)},
        "other_files": others.rows,
        "undeclared_files": other_files.undeclared(env, others.rows, written),
        "account": file_access.user_name(os.geteuid()),
        "replaceable": list(safe_files.replaceable(env.file)),
    }
    if refused:
        answer["file"]["problem"] = refused
    if problem:
        answer["values_problem"] = problem
    elif wanted.key:
        answer["fingerprints"] = known._replace(patterns=("*",)).fingerprints(values)
    if present and not problem:
        search = value_search.within(SEARCH_SECONDS, matcher)
        text = present.content.decode("utf-8")
        with suppress(OutOfTime):
            answer["flaws"] = dotenv_flaws.flaws(text, wanted.readers, lambda line: search.named(line.encode("utf-8")))
    for digests in ("accepted", "healthy", "current", "written"):
        answer["mark"].pop(digests, None)
    return answer


def _present(at: atomic_file.OpenPath) -> Tuple[Optional[atomic_file.Present], str]:
    """The file, or the reason why it cannot be read: a directory, a pipe, a link, a hard link."""
    try:
        return atomic_file.present(at), ""
    except HostError as error:
        if "use become" in str(error):
            raise
        return None, str(error)


def _searched(wanted: FactsRequest, values: Dict[str, str]) -> Dict[str, List[str]]:
    return {name: [values[name]] for name in wanted.sensitive if len(values.get(name, "")) >= SHORTEST}


def _copies(
    wanted: FactsRequest, env: atomic_file.EnvFile, matcher: ValueMatcher, units: Sequence[Dict[str, Any]]
) -> Dict[str, Any]:
    below = host_copies.below(env, value_search.within(SEARCH_SECONDS, matcher), wanted.sensitive)
    if not matcher.longest:
        strays = {"strays": below.copies, "strays_unread": below.unread}
        empty = ("copies", "copies_unread", "copies_closed", "shown", "shown_unread", "shown_closed", "journal")
        return {**strays, **{name: [] for name in (*empty, "journal_unread")}}
    owner = safe_files.status(env.file)
    accounts = {
        "root",
        file_access.user_name(os.geteuid()),
        file_access.user_name(owner.st_uid) if owner else "",
        *(unit["user"] for unit in units),
    }
    soon = value_search.within(SEARCH_SECONDS, matcher)
    in_processes, shown_unread, shown_closed = host_copies.in_processes(
        soon, [pid for unit in units for pid in unit["pids"]], accounts
    )
    journal = journal_search.searched([unit["unit"] for unit in units if "manager" not in unit], soon)
    away = host_copies.elsewhere(env, soon, wanted.places)  # last, because it may take all the time
    return {
        "strays": below.copies,
        "strays_unread": below.unread,
        "copies": away.copies,
        "copies_unread": away.unread,
        "copies_closed": list(away.closed),
        "shown": in_processes,
        "shown_unread": shown_unread,
        "shown_closed": shown_closed,
        "journal": journal.units,
        "journal_unread": journal.unread,
    }


def _values(present: Optional[atomic_file.Present], readers: Sequence[str]) -> Tuple[Dict[str, str], str]:
    if present is None:
        return {}, "there is no file"
    try:
        return dotenv.from_dotenv(present.content.decode("utf-8"), readers), ""
    except UnicodeDecodeError:
        return {}, "the file is not UTF-8"
    except DotenvError:
        return {}, "the file cannot be parsed as its readers would"


def _selinux(at: atomic_file.OpenPath) -> Dict[str, Any]:
    if not os.path.exists(SELINUX):
        return {"enabled": False}
    try:
        context = file_access.attribute(at, "security.selinux").rstrip(b"\0").decode("utf-8", "replace")
    except OSError as error:
        return {"enabled": True, "why": "the file's context cannot be read: %s" % error.strerror}
    code, text, why = _command(["matchpathcon", "-V", at.path])
    answer: Dict[str, Any] = {"enabled": True, "context": context, "right": None, "why": why}
    wanted = text.strip().rpartition(" should be ")[2] if " should be " in text else ""
    if code == 0:
        answer["right"] = True
    elif wanted == NO_CONTEXT:
        answer["no_context"] = True
    elif wanted:
        answer.update(right=False, wanted=wanted)
    elif code is not None:
        answer["why"] = "matchpathcon does not print the right context (exit code %d)" % code
    return answer


def _mark(env: atomic_file.EnvFile, present: Optional[atomic_file.Present]) -> Dict[str, Any]:
    try:
        mark = env_file_mark.Mark(env)
        current = mark.current(present) if present else None
    except HostError as error:
        return {"problem": str(error)}
    return {
        "current": current,
        "written": mark.written,
        "snapshot": mark.healthy.get("snapshot"),
        "journal": mark.journal,
        "accepted": mark.accepted,
        "healthy": mark.healthy,
    }


def _since(
    env: atomic_file.EnvFile, present: Optional[atomic_file.Present], mark: Dict[str, Any], others: float
) -> Optional[float]:
    """Time of the files' content: from the mark, else the latest ctime.

    Not the mtime, which a copy may keep.
    """
    status = safe_files.status(env.file)
    if present is None or status is None:
        return None
    healthy = mark.get("healthy") or {}
    settled = healthy.get("digest") == mark.get("current") and not (mark.get("accepted") or {}).get("restart")
    at = healthy.get("at")
    return float(at) if settled and isinstance(at, (int, float)) else max(status.st_ctime, others)


def _is_edited(mark: Dict[str, Any], present: Optional[atomic_file.Present]) -> bool:
    """Whether somebody other than a deploy wrote a file."""
    written = {(mark.get(name) or {}).get("digest") for name in ("accepted", "healthy")} - {None}
    return bool(present and written and mark.get("current") not in written)


def _command(command: Sequence[str]) -> Tuple[Optional[int], str, str]:
    """Exit code, output, and the reason for a missing code."""
    try:
        process = bounded_command.output(command, seconds=SECONDS, largest=LARGEST_OUTPUT)
    except OSError as error:
        return None, "", "%s: %s" % (command[0], error.strerror)
    if process.code is None or process.is_cut:
        return None, "", "%s: gave no answer" % command[0]
    return process.code, process.content.decode("utf-8", "replace"), ""
