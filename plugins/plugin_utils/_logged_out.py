# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What hosts told of the sessions that were to end, in words: what was tried, and what may be alive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import one_line

Lines = list[tuple[str, str]]
"""A host, and what is said of it."""
NONE_FOUND = (
    "whether that was all: no session was found where its variables say that they are; see that django_session_engine "
    "and the other django_session_… are the application's, or set django_chdir"
)


def told(
    gathered: Mapping[str, Any], declared: Sequence[str], keys: Mapping[str, bool], behind: Sequence[str] = ()
) -> dict[str, list[str]]:
    """Words under "tried" and "alive".

    ``gathered`` holds django_sessions' results: ``ended`` of ``host``, which ends what all hosts share, and by host in
    ``each`` what was ``ended`` and ``tried`` there. ``keys`` says of each credential that signs sessions whether it was
    replaced; hosts that were left ``behind`` have the old one.
    """
    if not gathered:
        return {"tried": [], "alive": []}
    if not gathered.get("wanted"):
        return {"tried": ["not tried: sessions, since leak_sessions=false"], "alive": []}
    host, ended, each = gathered["host"], gathered["ended"], gathered["each"]
    problem = _problem(ended)
    alive: Lines = [(host, f"sessions were not ended: {problem}")] if problem else []
    if ended.get("engine") == "file":
        # A session in a file is signed too, so a host's new key ends it.
        kept = behind if keys and all(keys.values()) else each
        found = {name: _of_files(one.get("ended") or {}) for name, one in each.items() if name in kept}
        alive += [(name, words) for name, words in found.items() if words]
    results = {host: {} if problem else ended, **{name: one.get("tried") or {} for name, one in each.items()}}
    untried = [(name, words) for name, result in results.items() for words in _untried(result, name != host)]
    untried += [(host, NONE_FOUND)] if _is_doubtful(gathered, ended) and not problem else []
    # Nothing was asked of a host that is given up.
    behind = [name for name in behind if name in results]
    tried = _shared((name, words) for name, result in results.items() for words in result.get("tried") or ())
    alive += [(name, words) for name, result in results.items() for words in result.get("accepted") or ()]
    return {
        "tried": [*tried, *(f"not tried: {line}" for line in _shared(untried))],
        "alive": [*_shared(alive), *(_of_cookies(declared, keys, behind) if ended.get("only_the_key") else ())],
    }


def _problem(result: Mapping[str, Any]) -> str:
    """Why a task brought nothing; empty if it did."""
    words = one_line(result.get("msg") or "no answer")
    if result.get("unreachable"):
        return f"cannot be reached: {words}"
    if not result:
        return "it was not asked"
    return words if result.get("failed") else ""


def _is_doubtful(gathered: Mapping[str, Any], ended: Mapping[str, Any]) -> bool:
    """Whether nothing was found by somebody else than the application, which knows where to look."""
    return not (gathered.get("by_application") or ended.get("only_the_key") or ended.get("count"))


def _of_files(result: Mapping[str, Any]) -> str:
    if result.get("skipped"):
        return (
            "sessions in its files, if any, were not ended; it names neither django_chdir nor django_session_file_path"
        )
    problem = _problem(result)
    return f"sessions in its files were not ended: {problem}" if problem else ""


def _untried(result: Mapping[str, Any], is_other: bool) -> Iterator[str]:
    """``is_other``: the one that ends them says why it tries none, or that it failed."""
    if is_other and result.get("skipped"):
        yield (
            "an old session: it names no address that only those who are logged in get (django_probe_url), or no "
            "django_chdir"
        )
    elif is_other and _problem(result):
        yield f"an old session: {_problem(result)}"
    yield from result.get("not_tried") or ()


def _of_cookies(declared: Sequence[str], keys: Mapping[str, bool], behind: Sequence[str]) -> Iterator[str]:
    """Nothing on a server ends sessions in cookies."""
    only = "sessions are in cookies, so only a new SECRET_KEY ends them"
    kept = sorted(name for name, is_replaced in keys.items() if not is_replaced)
    if not keys:
        yield (
            f"{only}, and the catalog has no credential of it: replace it by hand, then start again with "
            "-e leak_sessions=false"
        )
    elif kept:
        words = ",".join(dict.fromkeys((*declared, *kept)))
        yield (
            f"{only}, and {', '.join(kept)} was not replaced: start again with -e leaked={words}, or with "
            "-e leak_sessions=false to leave everybody logged in"
        )
    elif behind:
        words = "sessions are in cookies, and it was left behind: those that the old SECRET_KEY signed live there"
        yield from _shared((host, words) for host in behind)


def _shared(lines: Iterable[tuple[str, str]]) -> list[str]:
    """Each line once, after all hosts that say it."""
    hosts: dict[str, list[str]] = {}
    for host, words in lines:
        hosts.setdefault(words, []).append(host)
    return [f"{', '.join(names)}: {words}" for words, names in hosts.items()]
