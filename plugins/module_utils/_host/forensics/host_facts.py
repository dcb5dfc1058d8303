# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host tells of its ``.env``, in one look that changes nothing. Standard library only; Python 3.8.

Of values only fingerprints under the run's key leave here.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import stat
import struct
import subprocess
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv, fingerprints, timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import DotenvError, HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import processes, safe_files, systemd_show
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import mark as env_file_mark
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import (
    records,
    stray_copies,
)

PLACEHOLDERS = (".example", ".sample", ".template", ".dist")
"""Ends of names that hold placeholders."""
SHORTEST = 12
"""Characters from which on a value in another file is a copy and no chance."""
ACL = "system.posix_acl_access"
_USER, _GROUP_OBJECT, _GROUP, _MASK = 0x02, 0x04, 0x08, 0x10
_READ, _WRITE = 4, 2
SELINUX = "/sys/fs/selinux/enforce"
NO_CONTEXT = "<<none>>"
"""How a policy says of a path that it leaves its context alone."""
SECONDS = 5


class FactsRequest(NamedTuple):
    """What is looked at."""

    path: str
    units: Sequence[str] = ()
    key: Optional[str] = None
    """Key of this run's fingerprints; without it no values are compared."""
    sensitive: Sequence[str] = ()
    """Settings whose values a stray file must not hold."""
    readers: Sequence[str] = dotenv.DEFAULT_READERS


def gathered(wanted: FactsRequest) -> Dict[str, Any]:
    """Everything but health. Raises HostError where the file cannot be looked at."""
    with atomic_file.held(wanted.path, look=True) as env:
        return _gathered(wanted, env)


def _gathered(wanted: FactsRequest, env: atomic_file.EnvFile) -> Dict[str, Any]:
    present = atomic_file.present(env.file)
    state = [open_path for open_path in (env.mark, env.backup) if open_path and safe_files.status(open_path)]
    values, problem = _values(present, wanted.readers)
    copies = {name: [values[name]] for name in wanted.sensitive if len(values.get(name, "")) >= SHORTEST}
    strays, unread = _strays(env, copies)
    status = safe_files.status(env.file)
    changed = status.st_mtime if present and status else None
    processes, users, no_processes = _processes(wanted.units, env, present, changed)
    described = [_described(open_path) for open_path in (env.file if present else None, *state) if open_path]
    answer: Dict[str, Any] = {
        "file": {"exists": present is not None, **(described[0] if present else {"path": env.path})},
        "companions": described[1:] if present else described,
        "acl": [line for open_path in (env.file, *state) for line in _widened(open_path)],
        "selinux": _selinux(env.file) if present else {"enabled": False},
        "strays": strays,
        "strays_unread": unread,
        "file_changed": timestamps.stamp_of(changed) if changed else None,
        "processes": processes,
        "processes_problem": no_processes,
        "users": users,
        "mark": _mark(env),
        "account": _name(os.geteuid()),
        "replaceable": list(safe_files.replaceable(env.file)),
    }
    if problem:
        answer["values_problem"] = problem
    elif wanted.key:
        answer["fingerprints"] = {
            name: fingerprints.of_value(wanted.key, value, name=name) for name, value in values.items()
        }
    return answer


def _values(present: Optional[atomic_file.Present], readers: Sequence[str]) -> Tuple[Dict[str, str], str]:
    if present is None:
        return {}, "there is no file"
    try:
        return dotenv.from_dotenv(present.content.decode("utf-8"), readers), ""
    except UnicodeDecodeError:
        return {}, "the file is not UTF-8"
    except DotenvError:
        return {}, "the file cannot be parsed as its readers would"


def _described(at: atomic_file.OpenPath) -> Dict[str, Any]:
    status = os.lstat(at.name, dir_fd=at.directory)
    mode = stat.S_IMODE(status.st_mode)
    entries = list(_entries(at))
    if entries:
        # With an access list the mode shows its mask in the place of the group's own rights.
        mask = next((may for tag, may, _id in entries if tag == _MASK), 7)
        group = next((may for tag, may, _id in entries if tag == _GROUP_OBJECT), 0)
        mode = (mode & ~0o070) | ((group & mask) << 3)
    return {"path": at.path, "mode": "%04o" % mode, "owner": _name(status.st_uid), "uid": status.st_uid}


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _attribute(at: atomic_file.OpenPath, name: str) -> bytes:
    """Raises OSError where the file has none, HostError where it cannot be opened."""
    handle = safe_files.opened(at)
    try:
        return os.getxattr(handle, name)
    finally:
        os.close(handle)


def _entries(at: atomic_file.OpenPath) -> Iterator[Tuple[int, int, int]]:
    """Tag, rights and id of each entry of the file's access list."""
    try:
        raw = _attribute(at, ACL)
    except (HostError, OSError, AttributeError):
        return
    for start in range(4, len(raw) - 7, 8):
        yield struct.unpack_from("<HHI", raw, start)


def _widened(at: atomic_file.OpenPath) -> Iterator[Dict[str, str]]:
    entries = list(_entries(at))
    mask = next((may for tag, may, _id in entries if tag == _MASK), 7)
    for tag, may, number in entries:
        effective = may & mask
        if tag in (_USER, _GROUP) and effective & (_READ | _WRITE):
            rights = " and ".join(word for bit, word in ((_READ, "read it"), (_WRITE, "write it")) if effective & bit)
            who = "user %s" % _name(number) if tag == _USER else "group %s" % _group(number)
            yield {"path": at.path, "who": who, "may": rights}


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _selinux(at: atomic_file.OpenPath) -> Dict[str, Any]:
    if not os.path.exists(SELINUX):
        return {"enabled": False}
    try:
        context = _attribute(at, "security.selinux").rstrip(b"\0").decode("utf-8", "replace")
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
        answer["why"] = "matchpathcon cannot tell the right context (exit code %d)" % code
    return answer


def _mark(env: atomic_file.EnvFile) -> Dict[str, Any]:
    try:
        mark = env_file_mark.Mark(env)
    except HostError as error:
        return {"problem": str(error)}
    return {"snapshot": mark.proven.get("snapshot"), "journal": mark.journal}


# --- copies ----------------------------------------------------------------------------------------------------------


def _strays(env: atomic_file.EnvFile, copies: Mapping[str, Sequence[str]]) -> Tuple[List[Dict[str, str]], List[str]]:
    directory, base = env.file.folder, env.file.name
    try:
        names = [name for name in safe_files.listed(env.file) if name not in env.own_names]
    except OSError as error:
        return [], ["%s cannot be listed: %s" % (directory, error.strerror)]
    names.sort(key=lambda name: (not _is_called_alike(name, base), name))
    strays: List[Dict[str, str]] = []
    for name in names[: stray_copies.MOST]:
        stray = os.path.join(directory, name)
        content, mode = stray_copies.look(env.file.sibling(name))
        if mode is None:
            continue
        held = stray_copies.held(content, copies) if content and copies else []
        if held:
            why = "holds %s" % ", ".join(held[:3]) + (" and %d more" % (len(held) - 3) if held[3:] else "")
        elif _is_called_alike(name, base) and not name.endswith(PLACEHOLDERS):
            why = "looks like a copy"
        else:
            continue
        shown = "".join(name if name.isprintable() else "?" for name in stray)
        strays.append({"path": shown, "mode": "%04o" % mode, "why": why})
    count = len(names) - stray_copies.MOST
    return strays, ["%d files in %s were not looked into" % (count, directory)] if count > 0 else []


def _is_called_alike(name: str, base: str) -> bool:
    """``.env.bak``, ``.env~``, ``..env.swp``, ``#.env#``, ``env.old``; neither ``.envrc`` nor ``env.py``."""
    bare = re.escape(base.lstrip("."))
    hidden = r"[#~_.]*\.%s(?![A-Za-z0-9])" % bare
    plain = r"%s(~|[._-](bak|backup|old|orig|save|copy|tmp|swp|[0-9]+)\b)" % bare
    return bool(re.match(hidden, name) or re.match(plain, name))


# --- processes -------------------------------------------------------------------------------------------------------


def _processes(
    units: Sequence[str], env: atomic_file.EnvFile, present: Optional[atomic_file.Present], changed: Optional[float]
) -> Tuple[List[Dict[str, Any]], List[str], str]:
    """Processes by unit, the users that they run as, and why there are none to tell of."""
    units = [unit for unit in units if not unit.startswith("-")]
    if not units or not present or changed is None:
        return [], [], ""
    command = ["systemctl", "show", "--property=Id", "--property=MainPID", "--property=User", "--property=LoadState"]
    code, text, why = _command([*command, *units])
    if code != 0:
        return [], [], why or "systemctl failed with code %s" % code
    loaded = {
        entry.get("Id", ""): entry for entry in systemd_show.shown(text) if entry.get("LoadState", "loaded") == "loaded"
    }
    pids = {unit: pid for unit, pid in records.main_pids(text).items() if unit in loaded}
    users = sorted({entry["User"] for entry in loaded.values() if entry.get("User")})
    mended = _is_mended(env, present, changed)
    rows = []
    for unit in sorted(pids):
        began = processes.began(pids[unit])
        # The clock of processes counts in hundredths.
        late = began is not None and began + 0.02 < changed
        row = {
            "unit": unit,
            "began": timestamps.stamp_of(began) if began is not None else None,
            "old": late and not mended,
            "mended": late and mended,
        }
        rows.append(row)
    return rows, users, "" if rows else "none of the units %s is installed here" % ", ".join(units)


def _is_mended(env: atomic_file.EnvFile, present: atomic_file.Present, changed: float) -> bool:
    """Whether the file was written again, with the same content, after its services were proven on it."""
    try:
        settled = env_file_mark.Mark(env).is_settled(atomic_file.digest(present.content))
        backup = safe_files.status(env.backup) if env.backup else None
        return settled and backup is not None and backup.st_mtime < changed
    except HostError:
        return False


def _command(command: Sequence[str]) -> Tuple[Optional[int], str, str]:
    """Exit code, output, and the reason for a missing one."""
    try:
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            list(command), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        reason = error.strerror if isinstance(error, OSError) else "gave no answer"
        return None, "", "%s: %s" % (command[0], reason)
    return done.returncode, done.stdout.decode("utf-8", "replace"), ""
