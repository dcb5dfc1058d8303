# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Facts of the application's repository, from a checkout's working tree and index."""

from __future__ import annotations

import codecs
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.watchparty.secrets.plugins.module_utils._core import env_placeholders
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError, ScanError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import workflow_lint
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.script_taint import TooManyCommands
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.workflow_lint import Text
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import files as scan_files
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import git as scan_git
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import gitleaks
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.bounded_program import Bounds
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.git_worktree import IGNORE, Ignores
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import zizmor as _zizmor
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import NotApplicable
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.followed_files import FollowedFiles

ENV_PATHS = (".env", ".env.local", ".env.production")
"""Names that git must ignore."""
WITHOUT_VALUES = (".env.vault", ".env.schema")
"""Ciphertext of dotenv-vault and declarations of varlock."""
_ENV = re.compile(
    r"\.env(rc)?([^a-z].*)?|\.flaskenv|.+\.env(\.(backup|bak|old|orig|save|txt|local|dev|prod|production|staging|test))?",
    re.IGNORECASE,
)
_ENVS = re.compile(r"(?:^|/)\.envs/\.?prod[^/]*/")
"""The folder of cookiecutter-django."""
LARGEST = 1024 * 1024
SECONDS = 60
FILES = 1000
"""Limit of files of one kind."""
NODES = 100_000
"""Limit of a document's values; each alias counts as its whole value."""
FINDINGS = 1000
"""Limit of listed findings of all workflows."""
NESTED = 100


class Checkout:
    """A working tree and its index."""

    def __init__(self, repository: scan_git.Repository, root: str, bounds: Bounds) -> None:
        self.root = root
        self._repository = repository
        self._bounds = bounds

    def tracked(self, wanted: Callable[[str], bool]) -> dict[str, bytes]:
        """Paths in the index, by their printable form. Raises HostError for too many."""
        result = {scan_files.shown(path): path for path in self._repository.index() if wanted(os.fsdecode(path))}
        if len(result) > FILES:
            raise HostError(f"repository {self.root}: more than {FILES} such files; nothing was read")
        return result

    def paths(self) -> dict[str, bytes]:
        """All paths in the index, by their printable form."""
        return {scan_files.shown(path): path for path in self._repository.index()}

    def text(self, path: bytes) -> str:
        """``content`` as text; empty if None."""
        return (self.content(path) or b"").decode("utf-8", "replace")

    def content(self, path: bytes) -> bytes | None:
        """Beginning of a regular file. None if missing or behind a link. Raises ScanError at the time limit."""
        self._bounds.check()
        for _name, stream in scan_files.beneath(self.root, path):
            return None if isinstance(stream, str) else stream.read(LARGEST)
        return None

    def indexed(self, path: bytes) -> bytes:
        """Beginning of a file in the index. Empty for a link or a missing file. Raises ScanError."""
        mode, blob = [*self._repository.entries().get(path, b"").split(), b"", b""][:2]
        if not mode.startswith(b"100"):
            return b""
        with self._repository.blob(blob.decode()) as output:
            data = output.read(LARGEST)
            while output.read(LARGEST):
                self._bounds.check()
            return data

    def copy(self, path: bytes, folder: str) -> bool:
        """Copies a regular file's beginning to the same path below ``folder``. Returns whether the file exists."""
        data = self.content(path)
        if data is None:
            return False
        target = Path(folder, os.fsdecode(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        return True

    def ignores(self, names: tuple[str, ...]) -> dict[str, bool]:
        """Whether the index's .gitignore ignores files of these names at the top. Raises HostError."""
        problems: list[str] = []

        def passed(_path: bytes, reason: str) -> None:
            problems.append(reason)

        with Ignores.of(self._repository, passed, shared=True) as ignores:
            ignores.show(b"", self.indexed(IGNORE))
            results = ignores.of_these([name.encode() for name in names])
        if problems:
            raise HostError(f"repository {self.root}: {problems[0]}")
        return {name: name.encode() in results for name in names}


def gather(path: str, catalog: Catalog, live: Set[str]) -> dict[str, Any]:
    """Ignored names, and findings in tracked ``.env`` files. Raises HostError without a working tree."""
    with _checkout(path) as checkout:
        files = checkout.tracked(_is_env)
        judged = {name: _judged(name, file, checkout, catalog, live) for name, file in sorted(files.items())}
        return {"path": checkout.root, "ignores": checkout.ignores(ENV_PATHS), "env_files": judged}


def workflows(path: str) -> dict[str, Any]:
    """Findings in workflows, composite actions and the scripts that they run. Raises HostError."""
    findings: list[dict[str, Any]] = []
    with _checkout(path) as checkout:
        files = checkout.tracked(_is_workflow)
        followed = FollowedFiles(checkout.paths(), checkout.content, parsed)
        unread = followed.unread
        for name, file in sorted(files.items()):
            try:
                document = parsed(checkout.text(file))
                findings += workflow_lint.findings(name, document, followed.workflow(name))
            except (TooLarge, TooManyCommands) as error:
                unread[name] = str(error)
            except yaml.YAMLError:
                unread[name] = "is not valid YAML"
            if len(findings) > FINDINGS:
                del findings[FINDINGS:]
                unread[name] = "has more findings than are listed; fix those first"
    unique = {(finding["file"], finding["line"], finding["kind"], finding["message"]): finding for finding in findings}
    result = {"files": list(files), "findings": list(unique.values()), "unread": unread}
    return {**result, "not_followed": followed.not_followed}


def zizmor(path: str) -> dict[str, Any]:
    """zizmor's findings in workflows and composite actions. Raises SecretsError.

    Reads a copy: in the repository, zizmor skips files that git ignores, tracked or not, and follows links.
    """
    with _checkout(path) as checkout, tempfile.TemporaryDirectory(prefix="zizmor-") as copy:
        files = checkout.tracked(lambda name: _is_workflow(name) or name in _zizmor.OTHERS)
        copied = {name for name, file in sorted(files.items()) if checkout.copy(file, copy)}
        workflows = [name for name in files if _is_workflow(name)]
        if not workflows:
            raise NotApplicable("the repository has no workflows")
        config = next((name for name in _zizmor.CONFIGURATIONS if checkout.copy(name.encode(), copy)), "")
        result: dict[str, Any] = {"findings": [], "not_checked": [], "accepted": 0}
        if copied:
            result = _zizmor.run_zizmor(copy, config=config)
        missing = [f"{name}: is not a regular file in the checkout" for name in sorted(set(files) - copied)]
        return {**result, "not_checked": result["not_checked"] + missing, "files": len(workflows), "config": config}


class TooLarge(yaml.YAMLError):
    """Raised if a document repeats or nests values too often."""


def parsed(text: str) -> Any:
    """The document, each scalar as text with its line; YAML's ``on`` stays a word.

    Raises yaml.YAMLError; TooLarge if it would take more memory than its text.
    """
    node = yaml.compose(text, Loader=_Loader)
    _counted(node)
    return None if node is None else _plain(node)


class _Loader(yaml.SafeLoader):
    """Refuses nesting that exceeds Python's recursion."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.depth += 1
        if self.depth > NESTED:
            raise TooLarge("is nested too deep")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _counted(top: Any) -> None:
    """Counts values as a reader meets them, each alias as its whole value."""
    waiting, count, size = [(top, 0)], 0, 0
    while waiting:
        node, depth = waiting.pop()
        count += 1
        if count > NODES or depth > NESTED:
            raise TooLarge("has too many values")
        if isinstance(node, yaml.MappingNode):
            waiting += [(part, depth + 1) for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += [(part, depth + 1) for part in node.value]
        elif node is not None:
            size += len(node.value)
            if size > LARGEST:
                raise TooLarge("repeats too much text")


def _plain(node: Any) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {Text.at(str(key.value), key.start_mark.line + 1): _plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    return Text.at(str(node.value), node.start_mark.line + 1)


@contextmanager
def _checkout(path: str) -> Iterator[Checkout]:
    where = os.path.expanduser(path)
    if not os.path.isdir(where):
        raise HostError(f"repository {where}: is not a directory on the controller; give the path of a checkout")
    try:
        bounds = Bounds(idle=SECONDS, seconds=SECONDS).started()
        with scan_git.repository(where, bounds) as repository:
            root = repository.view.place.top
            if root is None:
                raise HostError(f"repository {where}: has no working tree; give the path of a checkout")
            yield Checkout(repository, root, bounds)
    except ScanError as error:
        reason = str(error)
        raise HostError(f"repository {reason if reason.startswith(where) else f'{where}: {reason}'}") from None


def _judged(name: str, path: bytes, checkout: Checkout, catalog: Catalog, live: Set[str]) -> list[tuple[str, int, str]]:
    """Results of the file in the index and in the working tree: git can be configured to ignore its changes."""
    texts = dict.fromkeys(_decoded(data) for data in (checkout.content(path) or b"", checkout.indexed(path)))
    return sorted({result for text in texts for result in _placeholders(name, text, catalog, live)})


def _decoded(data: bytes) -> str:
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if wide else "utf-8-sig", "replace")


def _placeholders(name: str, text: str, catalog: Catalog, live: Set[str]) -> list[tuple[str, int, str]]:
    """Only live values are wrong in test files, which hold test values."""
    results = env_placeholders.judged(text, catalog, live)
    of_tests = name.rpartition("/")[2] in gitleaks.OF_TESTS
    return [result for result in results if result[2] == env_placeholders.LIVE or not of_tests]


def _is_env(name: str) -> bool:
    leaf = name.rpartition("/")[2]
    return leaf not in WITHOUT_VALUES and bool(_ENV.fullmatch(leaf) or _ENVS.search(name))


def _is_workflow(name: str) -> bool:
    stem, _dot, kind = name.rpartition("/")[2].rpartition(".")
    return kind in ("yml", "yaml") and (name.startswith(".github/workflows/") or stem == "action")
