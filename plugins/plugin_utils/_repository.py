# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a checkout of the application's repository tells, of its working tree alone."""

from __future__ import annotations

import subprocess
from collections.abc import Set
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._github_actions import _workflows
from ansible_collections.watchparty.secrets.plugins.module_utils._github_actions._workflows import Text
from ansible_collections.watchparty.secrets.plugins.module_utils._model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._provisioning import _env_placeholders
from ansible_collections.watchparty.secrets.plugins.module_utils._scans import _zizmor
from ansible_collections.watchparty.secrets.plugins.module_utils._scans._scan_git import Repository

ASKED = (".env", ".env.local", ".env.production")
"""Names that git must ignore."""
LARGEST = 1024 * 1024
SECONDS = 60


def gathered(path: str, catalog: Catalog, live: Set[str]) -> dict[str, Any]:
    """Ignored names, and what committed ``.env`` files hold. Raises HostError for what is no working tree."""
    root = _root(path)
    tracked = [name for name in _git(root, "ls-files", "-z").split("\0") if name]
    files = [name for name in tracked if _is_env(name)]
    return {
        "path": str(root),
        "ignores": {name: _is_ignored(root, name) for name in ASKED},
        "env_files": {name: _env_placeholders.judged(_text(root / name), catalog, live) for name in files},
    }


def workflows(path: str) -> dict[str, Any]:
    """What is wrong in workflows and composite actions. Raises HostError."""
    root = _root(path)
    files = [name for name in _git(root, "ls-files", "-z").split("\0") if _is_workflow(name)]
    findings: list[dict[str, Any]] = []
    unread: dict[str, str] = {}
    for name in sorted(files):
        try:
            findings += _workflows.findings(name, parsed(_text(root / name)))
        except yaml.YAMLError:
            unread[name] = "is no YAML"
    return {"files": files, "findings": findings, "unread": unread}


def zizmor(path: str) -> dict[str, Any]:
    """What zizmor says of workflows and composite actions. Raises SecretsError."""
    root = _root(path)
    files = [name for name in _git(root, "ls-files", "-z").split("\0") if _is_workflow(name)]
    if not files:
        raise HostError("the repository has no workflows")
    return {**_zizmor.looked(str(root)), "files": len(files)}


def parsed(text: str) -> Any:
    """The document with every scalar as a text that knows its line; YAML's ``on`` stays a word."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    return None if node is None else _plain(node)


def _plain(node: Any) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {Text.at(str(key.value), key.start_mark.line + 1): _plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(one) for one in node.value]
    return Text.at(str(node.value), node.start_mark.line + 1)


def _root(path: str) -> Path:
    root = Path(path).expanduser()
    if not root.is_dir():
        raise HostError(f"repository {root}: is no directory here; give the path of a checkout")
    return Path(_git(root, "rev-parse", "--show-toplevel").strip())


def _git(root: Path, *words: str) -> str:
    # Without what a hook's environment says of another repository, and without programs that its configuration names.
    asked = Repository(str(root))
    command, environment = asked.command(*words), asked.environment()
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS, env=environment)
    except FileNotFoundError:
        raise HostError("git is not installed here") from None
    except subprocess.CalledProcessError as error:
        words_of = (error.stderr or "").strip().splitlines()
        raise HostError(f"repository {root}: git says: {words_of[-1] if words_of else 'nothing'}") from None
    except subprocess.TimeoutExpired:
        raise HostError(f"repository {root}: git gave no answer in {SECONDS} s") from None
    return done.stdout


def _is_ignored(root: Path, name: str) -> bool:
    try:
        _git(root, "check-ignore", "--no-index", "--quiet", name)
    except HostError:
        return False
    return True


def _is_env(name: str) -> bool:
    leaf = name.rpartition("/")[2]
    return leaf == ".env" or leaf.startswith(".env.") or leaf.endswith(".env")


def _is_workflow(name: str) -> bool:
    stem, _dot, kind = name.rpartition("/")[2].rpartition(".")
    return kind in ("yml", "yaml") and (name.startswith(".github/workflows/") or stem == "action")


def _text(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        return ""
    with path.open("rb") as stream:
        return stream.read(LARGEST).decode("utf-8", "replace")
