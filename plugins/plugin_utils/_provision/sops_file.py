# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A sops file of dotenv or JSON. The program sops decrypts it, with the operator's AWS login or age key."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ProvisionError

SECONDS = 60
_DOTENV = re.compile(rb"^sops_([^=\n]*)=", re.MULTILINE)
_ABOUT_THE_FILE = {"mac", "lastmodified", "version", "shamir_threshold", "mac_only_encrypted"}
_WHAT_IS_ENCRYPTED = {
    f"{kind}_{by}" for kind in ("unencrypted", "encrypted") for by in ("suffix", "regex", "comment_regex")
}
_KNOWN = {"kms", "age", *_ABOUT_THE_FILE, *_WHAT_IS_ENCRYPTED}
"""Allowed metadata. Any other could make sops start a program, or connect to an address that the file names.

A list of forbidden names would not do, because sops also reads ``HC_VAULT`` for ``hc_vault``.
"""


def is_sops(content: bytes) -> bool:
    return "mac" in _metadata(content)


def decrypted(path: Path, content: bytes) -> dict[str, str]:
    """Decrypts exactly this content. Returns its settings. Raises ProvisionError, without a value."""
    foreign = sorted(kind for kind, value in _metadata(content).items() if value and kind not in _KNOWN)
    if foreign:
        unsupported = f"has keys of {', '.join(foreign)}, but only AWS KMS and age are supported"
        raise ProvisionError([f"{path}: {unsupported}; run: sops updatekeys {path}"])
    twice = _twice(content) if _is_json(content) else []
    if twice:
        raise ProvisionError([f"{path}: {', '.join(twice)}: occurs twice, and sops would join both; keep one"])
    program = shutil.which("sops")
    if program is None:
        raise ProvisionError(
            [f"{path}: is a sops file, but the program sops is not installed; install it (getsops.io)"]
        )
    kind = "json" if _is_json(content) else "dotenv"
    command = [program, "--decrypt", "--input-type", kind, "--output-type", "json", "/dev/stdin"]
    # sops gets no login to Vault, because a file could make sops send it elsewhere.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VAULT_")}
    try:
        run = subprocess.run(command, input=content, env=environment, capture_output=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProvisionError(
            [f"{path}: sops did not answer ({type(error).__name__}); to see the cause, run: sops -d {path}"]
        ) from None
    if run.returncode != 0:
        raise ProvisionError(
            [f"{path}: sops could not decrypt it (exit code {run.returncode}); to see the cause, run: sops -d {path}"]
        )
    return _settings(path, run.stdout)


def _twice(content: bytes) -> list[str]:
    """Names that one object has more than once. Like Go, sops does not distinguish ``SOPS`` from ``sops``."""
    repeated: set[str] = set()

    def note(pairs: list[tuple[str, Any]]) -> None:
        counted = Counter(name.casefold() for name, _value in pairs)
        repeated.update(name for name, times in counted.items() if times > 1)

    json.loads(content, object_pairs_hook=note)
    return sorted(repeated)


def _is_json(content: bytes) -> bool:
    return content.lstrip().startswith(b"{")


def _metadata(content: bytes) -> Mapping[str, Any]:
    """The file's metadata for sops. Empty for any other file."""
    if not _is_json(content):
        flat = [name.decode("ascii", "replace") for name in _DOTENV.findall(content)]
        return {name.partition("__")[0]: True for name in flat}
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    metadata = document.get("sops") if isinstance(document, dict) else None
    return metadata if isinstance(metadata, dict) else {}


def _settings(path: Path, output: bytes) -> dict[str, str]:
    try:
        document = json.loads(output)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ProvisionError([f"{path}: sops gave no JSON object; check its output: sops -d"])
    nested = sorted(name for name, value in document.items() if isinstance(value, (dict, list)))
    if nested:
        raise ProvisionError(
            [f"{path}: {name}: is not a single value; keep settings at the top level" for name in nested]
        )
    return {name: _text(value) for name, value in document.items()}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value)
