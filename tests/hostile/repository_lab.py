# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hostile repositories: one for each way in which git's configuration names a program, and what scans them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.process import REPOSITORY
from tests.unit.plugins.plugin_utils._scan.scan_world import ENVIRONMENT, git

VALUE = "Hs4-canary-of-a-hostile-repository-58"
PATTERN = "ghp_" + "b7K2m9Q4x1" * 3 + "Lp8Rt5"
SCRIPT = REPOSITORY / "scripts" / "scan-staged.sh"
WORKFLOW = """name: test
on: push
permissions: {}
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - run: echo "${{ secrets.TOKEN }}"
"""
SIGNED = """tree {tree}
parent {parent}
author A Writer <writer@example.com> 1772366400 +0000
committer A Writer <writer@example.com> 1772366400 +0000
gpgsig -----BEGIN {kind}-----
{blank}
 iHUEABYKAB0WIQ
 -----END {kind}-----

signed
"""


@dataclass(frozen=True)
class Attack:
    """Configuration that names a program, and a git command that is seen to run it."""

    name: str
    control: tuple[str, ...]
    config: Mapping[str, str] = field(default_factory=dict)
    attributes: str = ""
    change: Callable[[Path, Path], None] = lambda _repository, _program: None


def _missing(repository: Path, _program: Path) -> None:
    """An object that git would fetch."""
    blob = git(repository, "rev-parse", "HEAD:lost.txt")
    (repository / ".git" / "objects" / blob[:2] / blob[2:]).unlink()


def _hook(name: str) -> Callable[[Path, Path], None]:
    def change(repository: Path, program: Path) -> None:
        shutil.copy(program, repository / ".git" / "hooks" / name)

    return change


def _included(repository: Path, program: Path) -> None:
    (repository / "more.conf").write_text(f"[core]\n\tfsmonitor = {program}\n")


def _per_worktree(repository: Path, program: Path) -> None:
    (repository / ".git" / "config.worktree").write_text(f"[core]\n\tfsmonitor = {program}\n")


def _attributes_of_git(repository: Path, _program: Path) -> None:
    (repository / ".git" / "info" / "attributes").write_text("* filter=x diff=x\n")


def _signed(kind: str) -> Callable[[Path, Path], None]:
    def change(repository: Path, _program: Path) -> None:
        tree, parent = git(repository, "rev-parse", "HEAD^{tree}"), git(repository, "rev-parse", "HEAD")
        text = SIGNED.format(tree=tree, parent=parent, kind=kind, blank=" ")
        made = git(repository, "hash-object", "-t", "commit", "-w", "--stdin", given=text.encode())
        git(repository, "update-ref", "refs/heads/main", made)

    return change


def _promisor(url: str, **extra: str) -> dict[str, str]:
    return {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": url,
        **{name.replace("__", "."): value for name, value in extra.items()},
    }


FETCH = ("cat-file", "-p", "HEAD:lost.txt")
STATUS = ("status", "--porcelain")
ATTACKS = (
    Attack("filter.clean", STATUS, {"filter.x.clean": "{ran}"}, "* filter=x\n"),
    Attack("filter.process", STATUS, {"filter.x.process": "{ran}"}, "* filter=x\n"),
    Attack("filter.clean by info/attributes", STATUS, {"filter.x.clean": "{ran}"}, change=_attributes_of_git),
    Attack("core.fsmonitor", STATUS, {"core.fsmonitor": "{ran}"}),
    Attack("core.fsmonitor by include.path", STATUS, {"include.path": "../more.conf"}, change=_included),
    Attack("core.fsmonitor by includeIf", STATUS, {"includeIf.gitdir:/.path": "../more.conf"}, change=_included),
    Attack("core.fsmonitor by config.worktree", STATUS, {"extensions.worktreeConfig": "true"}, change=_per_worktree),
    Attack("diff.external", ("diff", "HEAD"), {"diff.external": "{ran}"}),
    Attack("diff.command", ("diff", "HEAD"), {"diff.x.command": "{ran}"}, "* diff=x\n"),
    Attack("diff.textconv", ("log", "-p"), {"diff.x.textconv": "{ran}"}, "* diff=x\n"),
    Attack("core.pager", ("--paginate", "log"), {"core.pager": "{ran}"}),
    Attack("pager.log", ("log",), {"pager.log": "{ran}"}),
    Attack(
        "gpg.program", ("log",), {"log.showSignature": "true", "gpg.program": "{ran}"}, change=_signed("PGP SIGNATURE")
    ),
    Attack(
        "gpg.x509.program",
        ("log",),
        {"log.showSignature": "true", "gpg.x509.program": "{ran}"},
        change=_signed("SIGNED MESSAGE"),
    ),
    Attack(
        "gpg.ssh.program",
        ("log",),
        {"log.showSignature": "true", "gpg.ssh.program": "{ran}", "gpg.ssh.allowedSignersFile": "/dev/null"},
        change=_signed("SSH SIGNATURE"),
    ),
    Attack("protocol.ext.allow", FETCH, _promisor("ext::{ran} %S", protocol__ext__allow="always"), change=_missing),
    Attack("core.sshCommand", FETCH, _promisor("ssh://127.0.0.1:9/x", core__sshCommand="{ran}"), change=_missing),
    Attack("core.gitProxy", FETCH, _promisor("git://127.0.0.1:9/x", core__gitProxy="{ran}"), change=_missing),
    Attack(
        "remote.uploadpack",
        FETCH,
        _promisor("file://{repository}", remote__origin__uploadpack="{ran}", protocol__file__allow="always"),
        change=_missing,
    ),
    Attack("core.hooksPath", ("update-index", "--refresh", "--force-write-index"), {"core.hooksPath": "{hooks}"}),
    Attack(
        "post-index-change", ("update-index", "--refresh", "--force-write-index"), change=_hook("post-index-change")
    ),
    Attack("alias", ("scan",), {"alias.scan": "!{ran}", "alias.ls-files": "!{ran}", "alias.log": "!{ran}"}),
    Attack(
        "core.alternateRefsCommand", ("fetch-pack", "--all", "{repository}"), {"core.alternateRefsCommand": "{ran}"}
    ),
    Attack("credential.helper", ("credential", "fill"), {"credential.helper": "!{ran}"}),
)


def repository(where: Path) -> Path:
    """A repository with a commit that holds a value."""
    files = {
        "lost.txt": "an object that is lost\n",
        "old.txt": f"one\ntoken: {PATTERN}\n{VALUE}\n",
        ".github/workflows/a.yml": WORKFLOW,
        ".env": "A=change_me\n",
    }
    for name, text in files.items():
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        (where / name).write_text(text)
    git(where, "init", "-q", "-b", "main")
    git(where, "add", "-A", "--force")
    git(where, "commit", "-q", "-m", "with")
    return where


class Lair:
    """A repository with a value in its history, in its index and in its tree, and a program that leaves a mark."""

    def __init__(self, where: Path, pattern: Path) -> None:
        self.repository = where / "repository"
        self.mark = where / "ran"
        self.program = where / "hooks" / "post-index-change"
        self.program.parent.mkdir(parents=True)
        self.program.write_text(f"#!/bin/sh\ntouch {self.mark}\nexit 0\n")
        self.program.chmod(0o755)
        shutil.copytree(pattern, self.repository)

    def prepared(self, attack: Attack) -> None:
        """The attack in place; the files differ from the index, and the index from the commit."""
        if attack.attributes:
            (self.repository / ".gitattributes").write_text(attack.attributes)
        (self.repository / "old.txt").write_text("one\n")
        git(self.repository, "add", "-A")
        git(self.repository, "commit", "-q", "-m", "without")
        (self.repository / "staged.txt").write_text(f"token: {PATTERN}\n{VALUE}\n")
        git(self.repository, "add", "staged.txt")
        (self.repository / "old.txt").write_text(f"two\n{VALUE}\n")
        for name, value in attack.config.items():
            ready = value.format(ran=self.program, repository=self.repository, hooks=self.program.parent)
            git(self.repository, "config", name, ready)
        attack.change(self.repository, self.program)
        self.mark.unlink(missing_ok=True)

    def seen_to_run(self, attack: Attack) -> bool:
        """Whether git itself runs the program, so that the attack is one."""
        control = [name.format(repository=self.repository) for name in attack.control]
        if attack.name == "core.alternateRefsCommand":
            other = self.repository.parent / "other"
            git(self.repository.parent, "clone", "-q", "--bare", "--shared", str(self.repository), str(other))
            git(other, "config", "core.alternateRefsCommand", str(self.program))
            control = ["-C", str(other), "fetch", "-q", str(self.repository)]
        environment = {**os.environ, **ENVIRONMENT, "GIT_TERMINAL_PROMPT": "0", "TERM": "xterm"}
        environment = {name: value for name, value in environment.items() if not name.endswith("PAGER")}
        terminal, output = os.openpty()  # a pager needs one
        try:
            subprocess.run(
                ["git", *control],
                cwd=self.repository,
                env=environment,
                input=b"protocol=https\nhost=example.com\n\n",
                stdout=output,
                stderr=subprocess.DEVNULL,
                timeout=60,
                check=False,
            )
        finally:
            os.close(terminal)
            os.close(output)
        ran = self.mark.exists()
        self.mark.unlink(missing_ok=True)
        return ran


def measured(script: str, *arguments: str) -> dict[str, Any]:
    """What a script prints as JSON, in a process of its own, with its memory in MB and its processor seconds, and those
    of what it started."""
    text = f"""
import json, os, resource, sys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import scan as _scan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Live
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import needles_for
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.sources import *
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.bounded_program import Bounds
SOUGHT = needles_for([Live("TOKEN", "current", {VALUE!r})])
def as_data(report):
    notes = [(one.source, one.what, one.reason) for one in report.not_checked]
    return {{"findings": [one.data() for one in report.findings], "notes": notes, "objects": report.objects}}
{script}
# Not ru_maxrss, which begins with the memory of whoever started this process.
own = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024
others = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(json.dumps({{**answer, "memory": max(own, others), "own_memory": own, "seconds": sum(os.times()[:4])}}))
"""
    done = subprocess.run(
        [sys.executable, "-c", text, *arguments],
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY / 'playbooks' / 'collections'}:{REPOSITORY}"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def scanned(path: Path, *, text: str = "") -> dict[str, Any]:
    """A repository's scan, measured."""
    script = f"answer = as_data(_scan.scan([GitSource(sys.argv[1])], SOUGHT{text}))"
    return measured(script, str(path))


def put(repository: Path, kind: str, data: bytes) -> str:
    """An object as it is, which git would not make of it."""
    whole = f"{kind} {len(data)}\0".encode() + data
    name = hashlib.sha1(whole).hexdigest()
    place = repository / ".git" / "objects" / name[:2] / name[2:]
    place.parent.mkdir(exist_ok=True)
    if not place.exists():
        place.write_bytes(zlib.compress(whole, 1))
    return name


def tree(*entries: tuple[str, str, str]) -> bytes:
    return b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(text) for mode, name, text in entries)


def committed(repository: Path, root: str, name: str = "main") -> str:
    who = "A Writer <writer@example.com> 1772366400 +0000"
    text = f"tree {root}\nauthor {who}\ncommitter {who}\n\nwork\n"
    made = put(repository, "commit", text.encode())
    git(repository, "update-ref", f"refs/heads/{name}", made)
    return made
