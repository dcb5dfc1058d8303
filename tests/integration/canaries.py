# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unique values for every secret, and the search for them in files and in the process list."""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import stat
import string
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ahocorasick_rs import BytesAhoCorasick

LENGTH = 24


class Canaries:
    """Makes values; each holds a token that is nowhere else. The search is for the tokens, in every usual encoding."""

    def __init__(self) -> None:
        self._names: dict[bytes, str] = {}
        self.search = BytesAhoCorasick([])

    def value(self, name: str) -> str:
        """A value for a setting, with characters around the token that URLs, JSON and YAML spell differently."""
        token = self._token(name)
        return (
            token
            if name == "DATABASE_PASSWORD"
            else f"Ca&/+= '\u00e9' {token} \u00e9nd=%{name.lower()} 1234567890 1234"
        )

    def _token(self, name: str) -> str:
        token = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(LENGTH))
        self.add(name, token)
        return token

    def add(self, name: str, token: str) -> None:
        """Look for a value that was made elsewhere too; it must be nowhere else by chance."""
        names = {**self._names, **{text: f"{name} ({form})" for form, text in forms(token).items()}}
        self._names = names  # first, since a thread may search meanwhile
        self.search = BytesAhoCorasick(list(names))

    def found(self, content: bytes) -> set[str]:
        """The names of the canaries in some bytes."""
        hits = self.search.find_matches_as_indexes(content, overlapping=True)
        return {self._names[content[start:end]] for _, start, end in hits}


def forms(token: str) -> Mapping[str, bytes]:
    """The token as it is (so it is in JSON, URLs, repr and logs), and encoded."""
    raw = token.encode()
    result = {"raw": raw, "hex": raw.hex().encode(), "utf-16": token.encode("utf-16-le")}
    for shift in range(3):
        # What comes before and after the token changes the outer characters of base64.
        text = base64.b64encode(b"\0" * shift + raw)
        result[f"base64+{shift}"] = text[4 if shift else 0 : -4]
    result["percent"] = "".join(f"%{byte:02X}" for byte in raw).encode()
    return result


OBSERVED = (
    *("ANSIBLE_DISPLAY_ARGS_TO_STDOUT", "ANSIBLE_LOG_PATH", "ANSIBLE_CACHE_PLUGIN", "ANSIBLE_CACHE_PLUGIN_CONNECTION"),
    *("ANSIBLE_RETRY_FILES_ENABLED", "ANSIBLE_RETRY_FILES_SAVE_PATH"),
)
"""Variables of observers that Ansible reads while it is imported."""


def observers(directory: Path) -> dict[str, str]:
    """The environment of a run in which callbacks, a log and a fact cache keep all that they get, below ``directory``.

    What an earlier run left there is removed.
    """
    for name in ("log", "dump", "outcome"):
        (directory / name).unlink(missing_ok=True)
    for name in ("facts", "retries"):
        shutil.rmtree(directory / name, ignore_errors=True)
        (directory / name).mkdir()
    return {
        "ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "1",
        "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).resolve().parent / "callback_plugins"),
        "ANSIBLE_CALLBACKS_ENABLED": "dump_everything,watchparty.secrets.result_file",
        "WATCHPARTY_SECRETS_RESULT_FILE": str(directory / "outcome"),
        "DUMP_FILE": str(directory / "dump"),
        "ANSIBLE_LOG_PATH": str(directory / "log"),
        "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(directory / "facts"),
        "ANSIBLE_RETRY_FILES_ENABLED": "1",
        "ANSIBLE_RETRY_FILES_SAVE_PATH": str(directory / "retries"),
    }


def in_files(roots: Iterable[Path], canaries: Canaries, *, allowed: Iterable[Path] = ()) -> list[str]:
    """Where canaries are, apart from the *allowed* files, which must be readable by their owner alone."""
    allowed, hits = set(allowed), []
    for path in _files(roots):
        try:
            content, mode = path.read_bytes(), stat.S_IMODE(path.stat().st_mode)
        except OSError:
            continue
        files = canaries.found(content)
        if files and path not in allowed:
            hits.append(f"{path}: {', '.join(sorted(files))}")
        elif files and mode & 0o077:
            hits.append(f"{path}: has mode {mode:04o}")
    return hits


def _files(roots: Iterable[Path]) -> Iterator[Path]:
    for root in roots:
        for path in sorted(_below(root)) if root.is_dir() else [root]:
            if path.is_file() and not path.is_symlink():
                yield path


def _below(root: Path) -> Iterator[Path]:
    # Unlike rglob, walk passes over a directory that a run removes meanwhile.
    for directory, _, names in os.walk(root):
        yield from (Path(directory, name) for name in names)


class Watch:
    """Looks at every process, and at files that live only during a run, again and again; a context manager."""

    def __init__(self, canaries: Canaries, directories: Iterable[Path]) -> None:
        self.hits: set[str] = set()
        self.rounds = 0
        self._canaries = canaries
        self._directories = list(directories)
        self._searched: dict[str, tuple[bytes, object]] = {}
        """What was read when it was searched last, and for what, so that nothing is searched twice."""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.1):
            self.rounds += 1
            for process in filter(str.isdigit, os.listdir("/proc")):
                self._process(process)
            self.hits.update(in_files(self._directories, self._canaries))

    def _process(self, process: str) -> None:
        for name in ("cmdline", "environ"):
            path = f"/proc/{process}/{name}"
            try:
                with open(path, "rb", buffering=0) as file:
                    content = file.readall()
            except OSError:
                continue
            searched = (content, self._canaries.search)
            if self._searched.get(path) == searched:
                continue
            self._searched[path] = searched
            for text in self._canaries.found(content):
                self.hits.add(f"{name} of a process: {text}: {content.split(bytes(1))[0].decode(errors='replace')}")
