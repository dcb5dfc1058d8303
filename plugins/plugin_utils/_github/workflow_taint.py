# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Follows a workflow's secrets through steps, jobs, and the actions, workflows and scripts of the same repository.

Pure: parsed YAML in, findings out. Readers that the caller passes give the files of the repository.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import command_effects
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.expressions import SecretContexts
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.script_taint import (
    Job,
    Scripts,
    Spot,
    below,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.taint import MARK, Taint, plain_path

PATHS = 100
"""The most paths of one upload that are compared."""
SHOWN = 60
"""Characters of a shell's name in a message."""
PASSES = 4
"""Passes over the jobs, because a job may precede a job that it needs."""
DEEPEST = 5
"""The deepest nesting of actions and workflows that call each other."""
_UPLOADS = re.compile(
    r"actions/(?:upload-(?:pages-)?artifact|upload-release-asset|cache(?:/save)?)@.*|softprops/action-gh-release@.*|"
    r"peaceiris/actions-gh-pages@.*|JamesIves/github-pages-deploy-action@.*|ncipollo/release-action@.*|"
    r"svenstaro/upload-release-action@.*|crazy-max/ghaction-github-pages@.*",
    re.IGNORECASE,
)
_PATHS = ("path", "files", "publish_dir", "folder", "artifacts", "asset_path", "file", "build_dir")
_PUBLISHED = re.compile(
    r"(?:html_|commit[_-])?(?:body|message|comment|text|payload|title|subject|notes|description)(?:_text)?"
)
_EVERYTHING = (".", "", "*", "**", "${{ github.workspace }}")
_POWERSHELL = ("pwsh", "powershell")
_PROGRAMS = ("python", "node", "ruby", "perl")
_SHELLS = ("bash", "sh", "dash", "zsh", "ksh", "cmd", "msys", "wsl-bash", *_POWERSHELL, *_PROGRAMS)
_SCRIPTS = ("script", "run", "command", "commands", "inlineScript")
"""Inputs by which actions take a shell script."""


@dataclass
class FollowedWorkflow:
    """A workflow or a composite action, as its caller runs it."""

    file: str
    scripts: Scripts
    document: Callable[[str], Any] = lambda _path: None
    """A parsed file of the repository. None if it does not exist."""
    known: SecretContexts = field(default_factory=SecretContexts)
    names: dict[str, str] = field(default_factory=dict)
    """Variables that hold secrets."""
    files: dict[str, str] = field(default_factory=dict)
    depth: int = 0

    def spots(self, document: Any) -> Iterator[Spot]:
        document = _mapping(document)
        self.names |= self._env(document)
        jobs = _mapping(document.get("jobs"))
        defaults = {**_mapping(_mapping(document.get("defaults")).get("run")), **_traced(document)}
        count = -1
        for _pass in range(PASSES):
            if len(self.known.names) == count:
                break
            count = len(self.known.names)
            for name, job in jobs.items():
                yield from self._job(str(name), _mapping(job), defaults)
        yield from self._steps(_mapping(document.get("runs")).get("steps"), self.names, defaults, self.files)

    def outputs(self, values: Any) -> list[str]:
        """Names of outputs that hold secrets, of an action or a called workflow."""
        return [str(name) for name, output in _mapping(values).items() if self.known.of(_mapping(output).get("value"))]

    def _env(self, node: Mapping[str, Any]) -> dict[str, str]:
        names = self.known.among(node.get("env"))
        for name in names:
            self.known.add(f"env.{name}")
        return {name: f"${name}" for name in names}

    def _job(self, name: str, job: Mapping[str, Any], defaults: Mapping[str, Any]) -> Iterator[Spot]:
        self.known.forget("steps")
        own = {**defaults, **_mapping(_mapping(job.get("defaults")).get("run")), **_traced(job)}
        names = {**self.names, **self._env(job), **self._env(_mapping(job.get("container")))}
        yield from self._steps(job.get("steps"), names, own, {})
        address = _mapping(job.get("environment")).get("url")
        if self.known.of(address):
            yield self.file, _line(address), f"publishes {self.known.of(address)} as the address of the environment"
        outputs = list(self.known.among(job.get("outputs")))
        if isinstance(job.get("uses"), str):
            called, document = self._open(job["uses"], job, {}, {})
            yield from called.spots(document)
            trigger = _mapping(_mapping(_mapping(document).get("on")).get("workflow_call"))
            outputs += called.outputs(trigger.get("outputs"))
        for output in outputs:
            self.known.add(f"needs.{name}.outputs.{output}")
            self.known.add(f"jobs.{name}.outputs.{output}")

    def _steps(
        self, steps: Any, names: Mapping[str, str], defaults: Mapping[str, Any], files: dict[str, str]
    ) -> Iterator[Spot]:
        outer_names = dict(names)
        for step in steps if isinstance(steps, list) else ():
            if isinstance(step, Mapping):
                job = Job()
                taint = Taint({**outer_names, **self._env(step)}, files)
                yield from self._step({**defaults, **step, **_traced(step)}, taint, job)
                outer_names |= job.names
                for name in job.names:
                    self.known.add(f"env.{name}")
                for output in job.outputs:
                    self.known.add(".".join(filter(None, ("steps", str(step.get("id", "")), "outputs", output))))
        self.names |= outer_names  # an action passes its variables to its caller

    def _step(self, step: Mapping[str, Any], taint: Taint, job: Job) -> Iterator[Spot]:
        if self.known.of(step.get("name")):
            yield self.file, _line(step["name"]), f"prints {self.known.of(step['name'])} as the name of the step"
        if isinstance(step.get("run"), str):
            yield from self._run(step, taint, job)
        if isinstance(step.get("uses"), str):
            yield from self._uses(step, taint, job)

    def _run(self, step: Mapping[str, Any], taint: Taint, job: Job) -> Iterator[Spot]:
        script, shell = step["run"], str(step.get("shell", "")).split()
        text = self._text(script)
        if any(map(command_effects.TRACE.fullmatch, shell[1:])) and (taint.own or MARK in text):
            yield self.file, _line(step["shell"]) or _line(script), command_effects.TRACED
        names = [re.sub(r"[\d.]+$|\.exe$", "", posixpath.basename(word)) for word in shell]
        name = next((name for name in names if name in _SHELLS), "")
        if shell and not name and (taint.own or MARK in text):
            reason = f"has a step with secrets for the unknown shell {' '.join(shell)[:SHOWN]!r}"
            self.scripts.not_followed[self.file] = reason
        if name in _POWERSHELL:
            yield from self._program(script, _explicit(text), taint)
        if name in _PROGRAMS:
            yield from self._program(script, text, taint)
        else:
            folder = below("", str(step.get("working-directory", "")))
            yield from self.scripts.shell(text, (self.file, _first_line(script)), taint, job, folder)

    def _text(self, script: str) -> str:
        folder = posixpath.dirname(self.file)
        script = re.sub(r"\$\{\{\s*github\.action_path\s*\}\}|\$\{?GITHUB_ACTION_PATH\}?", f"./{folder}", script)
        return self.known.marked(re.sub(r"\$\{\{\s*github\.workspace\s*\}\}/", "./", script))

    def _program(self, script: str, text: str, taint: Taint) -> Iterator[Spot]:
        for line, secret in command_effects.printed(text, _first_line(script), taint):
            yield self.file, line, f"prints {secret}"

    def _uses(self, step: Mapping[str, Any], taint: Taint, job: Job) -> Iterator[Spot]:
        uses, inputs = step["uses"], _mapping(step.get("with"))
        if uses.startswith("./"):
            called, document = self._open(uses, step, taint.names, taint.files)
            self._not_followed(called.file, document, next(iter(self.known.among(inputs).values()), taint.named()))
            yield from called.spots(document)
            job.names |= {name: label for name, label in called.names.items() if name not in taint.names}
            job.outputs += called.outputs(_mapping(document).get("outputs"))
        elif uses.startswith("actions/github-script@"):
            text = self._text(inputs.get("script", ""))
            yield from self._program(inputs.get("script", ""), text, taint)
            for is_variable, name in command_effects.handed_on(text, taint):
                job.names |= {name: f"${name}"} if is_variable else {}
                job.outputs += [] if is_variable else [name]
        elif _UPLOADS.fullmatch(uses):
            for name in _PATHS:
                yield from self._uploaded(inputs.get(name), taint)
            yield from self._given(uses, inputs, taint, job)
        else:
            yield from self._given(uses, inputs, taint, job)

    def _not_followed(self, file: str, document: Any, secret: str) -> None:
        """Records an action whose program is not a shell script, if the action gets a secret."""
        program = str(_mapping(_mapping(document).get("runs")).get("using", ""))
        if secret and program not in ("", "composite"):
            kind = "a container" if program == "docker" else f"JavaScript ({program})"
            self.scripts.not_followed[file] = f"gets {secret}, but is an action in {kind} and was not followed"

    def _given(self, uses: str, inputs: Mapping[str, Any], taint: Taint, job: Job) -> Iterator[Spot]:
        """Findings about an input of another repository's action, by the known use of such inputs."""
        for name, secret in self.known.among(inputs).items():
            if name in ("build-args", "labels"):
                yield self.file, _line(inputs[name]), f"builds {secret} into an image"
            elif _PUBLISHED.fullmatch(name):
                yield self.file, _line(inputs[name]), f"publishes {secret}"
        for name in (*_SCRIPTS, *(("args",) if uses.startswith("docker://") else ())):
            if isinstance(inputs.get(name), str):
                own = Taint() if "ssh" in uses else taint  # an ssh action runs the script on another machine
                place = self.file, _first_line(inputs[name])
                yield from self.scripts.shell(self._text(inputs[name]), place, own, job)

    def _uploaded(self, paths: Any, taint: Taint) -> Iterator[Spot]:
        for part in str(paths or "").split()[:PATHS]:
            path = plain_path(re.sub(r"^\$\{\{\s*github\.workspace\s*\}\}/", "", part))
            for file, secret in taint.files.items():
                if path in _EVERYTHING or file == path or file.startswith(path.rstrip("*/") + "/"):
                    yield self.file, _line(paths), f"uploads {file}, which holds {secret}"

    def _open(
        self, uses: str, caller: Mapping[str, Any], names: Mapping[str, str], files: dict[str, str]
    ) -> tuple[FollowedWorkflow, Any]:
        """A called workflow or action, with the secrets that its caller passes. Empty for other repositories."""
        known = SecretContexts()
        for name in self.known.among(caller.get("with")):
            known.add(f"inputs.{name}")
        path = below("", uses) if uses.startswith("./") and self.depth < DEEPEST else ""
        leaves = ("",) if path.endswith((".yml", ".yaml")) else ("/action.yml", "/action.yaml")
        for file in [path + leaf for leaf in leaves if path]:
            document = self.document(file)
            if document is not None:
                return self._called(file, known, {**names}, files), document
        return self._called(uses, known, {**names}, files), None

    def _called(
        self, file: str, known: SecretContexts, names: dict[str, str], files: dict[str, str]
    ) -> FollowedWorkflow:
        return FollowedWorkflow(file, self.scripts, self.document, known, names, files, self.depth + 1)


def _explicit(script: str) -> str:
    """Adds the ``write-output`` that PowerShell implies for an expression whose result no command takes."""
    return re.sub(r"^([ \t]*)(?=[\"(\[]|\$env:\w+\s*$)", r"\1write-output ", script, flags=re.IGNORECASE | re.MULTILINE)


def _mapping(node: Any) -> Mapping[str, Any]:
    return node if isinstance(node, Mapping) else {}


def _traced(node: Mapping[str, Any]) -> dict[str, str]:
    """The shell with a trace, if bash's variable ``SHELLOPTS`` turns the trace on."""
    options = str(_mapping(node.get("env")).get("SHELLOPTS", ""))
    return {"shell": "bash -x"} if "xtrace" in options.split(":") else {}


def _line(text: Any) -> int:
    return int(getattr(text, "line", 0))


def _first_line(script: str) -> int:
    """The number of the first line. A block begins on the line after its key."""
    return _line(script) + (1 if "\n" in script else 0)
