# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Encrypts systemd credentials with a key of this host or its TPM.

Values reach ``systemd-creds`` by a pipe: neither a disk nor a process list shows them.
"""

from __future__ import annotations

import os
import re
import subprocess
from typing import Optional

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.accounts import PATH
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file.atomic_file import Present

PROGRAM = "systemd-creds"
SECONDS = 60
_ENCRYPTED = re.compile(rb"[A-Za-z0-9+/]{24}AAABAAAADAAAABAA[A-Za-z0-9+/=\s]+")
"""Base64: id of the key type, then the sizes of AES256-GCM."""


def content(name: str, value: bytes, present: Optional[Present], *, path: str, check: bool) -> bytes:
    """The file's encrypted content, unchanged if it holds the value. With ``check``, nothing is encrypted.

    Encrypting a value again gives different bytes, and the first encryption makes the host's key.
    """
    if present and decrypted(name, present.content) == value:
        return present.content
    _require(path)
    return b"" if check else encrypted(name, value, path)


def encrypted(name: str, value: bytes, path: str) -> bytes:
    result = _run("encrypt", name, value)
    if not result:
        raise HostError("%s: %s cannot encrypt on this host; try: %s setup" % (path, PROGRAM, PROGRAM))
    return result


def decrypted(name: str, content: bytes) -> Optional[bytes]:
    """None if this host cannot decrypt it, such as a file of another host or name."""
    return _run("decrypt", name, content)


def plain(content: bytes) -> Optional[bytes]:
    """The value of a credential under any name; other content unchanged. None if this host cannot decrypt the
    credential.
    """
    return decrypted("", content) if _ENCRYPTED.fullmatch(content) else content


def _require(path: str) -> None:
    if os.geteuid() != 0:
        raise HostError("%s: only root can encrypt a systemd credential; deploy with become" % path)
    if not any(os.access(os.path.join(folder, PROGRAM), os.X_OK) for folder in PATH.split(":")):
        raise HostError(
            "%s: this host has no %s (systemd 250 or newer); install it, or use format: value" % (path, PROGRAM)
        )


def _run(verb: str, name: str, sent: bytes) -> Optional[bytes]:
    try:
        process = subprocess.run(  # pylint: disable=ansible-bad-function
            [PROGRAM, verb, "--name=" + name, "-", "-"],
            input=sent,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
            env={"PATH": PATH},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return process.stdout if process.returncode == 0 else None
