# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Time since which each key is in an authorized_keys file, at the latest: our own writes must not make a colleague's
key look new. Standard library only; Python 3.8."""

from __future__ import annotations

import contextlib
import json
import os
import re
from typing import Dict, Iterator

from ansible_collections.watchparty.secrets.plugins.module_utils._core import fingerprints
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import safe_files
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import all_accounts, authorized_keys

_RUNS = re.compile(rb'(?:^|,)(?:command|environment)="', re.IGNORECASE)
WITH_OPTIONS = " with options "


def times(file: all_accounts.File) -> Dict[str, float]:
    """Seconds since 1970 by fingerprint: when the file changed, or an earlier record. A key with a command or an
    environment has a second entry with its options: the time since any key had them, because our new key takes those of
    the old one."""
    entries = filter(None, map(authorized_keys.entry_of, (file.content or b"").split(b"\n")))
    recorded: Dict[str, float] = {}
    for name, at in _recorded(file.path).items():
        key = _shared(name)
        recorded[key] = min(at, recorded.get(key, at))
    names = [name for entry in entries for name in _names(entry)]
    return {name: min(file.kernel_changed, recorded.get(_shared(name), file.kernel_changed)) for name in names}


def _shared(name: str) -> str:
    """Options without their key."""
    key, separator, options = name.partition(WITH_OPTIONS)
    return separator + options if separator else key


def _names(entry: authorized_keys.AuthorizedKey) -> Iterator[str]:
    name = fingerprints.of_ssh_key(entry.blob)
    yield name
    if _RUNS.search(entry.options):
        yield name + WITH_OPTIONS + fingerprints.of_text(entry.options)


def record(path: str) -> None:
    """Records the times before the file is written. Only root has a place that the file's account cannot write.

    Without a record a key may look newer than it is, which keeps no leaked key valid.
    """
    file = all_accounts.file(path)
    if os.geteuid() != 0 or file is None or file.content is None:
        return
    with contextlib.suppress(HostError, OSError):
        atomic_file.make_state(atomic_file.state_of(path))
        with safe_files.place(_place(path), trusted=(0,)) as at:
            safe_files.require_owners(at, 0)
            content = json.dumps(times(file)).encode("ascii")
            atomic_file.write(at, content, atomic_file.Ownership(None, None, 0o600))


def _place(path: str) -> str:
    return os.path.join(atomic_file.state_of(path), "key-times")


def _recorded(path: str) -> Dict[str, float]:
    """Recorded times. Empty without a record, and for any account but root."""
    broken = (ValueError, TypeError, AttributeError)
    with contextlib.suppress(HostError, OSError, *broken), safe_files.place(_place(path), trusted=(0,)) as at:
        present = atomic_file.present(at) if os.geteuid() == 0 else None
        recorded = json.loads(present.content.decode("ascii")) if present else {}
        return {str(name): float(at_latest) for name, at_latest in recorded.items()}
    return {}
