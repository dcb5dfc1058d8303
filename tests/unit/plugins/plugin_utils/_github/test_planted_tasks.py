# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets that leave by way of a Makefile or a package's scripts, and actions that are not followed."""

# ruff: noqa: E501 a file is a line
from __future__ import annotations

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import workflow_lint
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.collect_repository import parsed
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.followed_files import FollowedFiles
from tests import planted
from tests.unit.plugins.plugin_utils._github.test_planted_calls import ACTION, W, job
from tests.unit.plugins.plugin_utils._github.workflow_checks import judged

RUNS = job("    - run: make deploy\n")
TASKS = "Makefiles and scripts of a package"
NPM = job("    - run: npm run deploy\n")


def package(script: str, name: str = "deploy") -> str:
    return '{\n "scripts": {\n  "build": "tsc",\n  "%s": "%s"\n }\n}\n' % (name, script)


MISTAKES: dict[str, tuple[dict[str, str], str]] = {
    "a recipe": ({W: RUNS, "Makefile": "build:\n\tgo build\n\ndeploy:\n\t@echo $$TOKEN\n"}, "Makefile:5 prints $TOKEN"),
    "a variable of make's": ({W: RUNS, "Makefile": "deploy:\n\t@echo $(TOKEN)\n"}, "Makefile:2 prints $TOKEN"),
    "a command that make prints": ({W: RUNS, "Makefile": "deploy:\n\t./push --key $(TOKEN)\n"}, "Makefile:2 prints $TOKEN"),
    "a variable of the file": ({W: RUNS, "Makefile": "AUTH := user:$(TOKEN)\ndeploy:\n\t@echo ${AUTH}\n"}, "Makefile:3 prints $AUTH"),
    "what it needs": ({W: RUNS, "Makefile": "deploy: login\n\t@./deploy\n\nlogin: ; @echo $$TOKEN\n"}, "Makefile:4 prints $TOKEN"),
    "the first target": ({W: job("    - run: make\n"), "Makefile": ".PHONY: all\nall:\n\t@echo $$TOKEN\n"}, "Makefile:3 prints $TOKEN"),
    "a folder": ({W: job("    - run: make -C deploy up\n"), "deploy/Makefile": "up:\n\t@./up.sh\n", "deploy/up.sh": "#!/bin/sh\necho $TOKEN\n"}, "deploy/up.sh:2 prints $TOKEN"),
    "a file of another name": ({W: job("    - run: make -f ci.mk up\n"), "ci.mk": "up:\n\t@echo $$TOKEN\n"}, "ci.mk:2 prints $TOKEN"),
    "a variable on the command line": ({W: job("    - run: make up PASS=$TOKEN\n"), "Makefile": "up:\n\t@echo $(PASS)\n"}, "Makefile:2 prints $PASS"),
    "make in make": ({W: RUNS, "Makefile": "deploy:\n\t@$(MAKE) up\n\nup:\n\t@echo $$TOKEN\n"}, "Makefile:5 prints $TOKEN"),
    "trace": ({W: RUNS, "Makefile": "deploy:\n\t@set -x; ./deploy\n"}, "Makefile:2 the shell prints each command, with secrets in it"),
    "two targets of a rule": ({W: RUNS, "Makefile": "up deploy:\n\t@printenv TOKEN\n"}, "Makefile:2 prints the variables, TOKEN among them"),
    "a continued line": ({W: RUNS, "Makefile": "deploy:\n\t@true && \\\n\t  echo $$TOKEN\n"}, "Makefile:3 prints $TOKEN"),
    "a function": ({W: RUNS, "Makefile": "deploy:\n\t@echo $(or $(TOKEN),none)\n"}, "Makefile:2 prints $TOKEN"),
    "npm run": ({W: NPM, "package.json": package("echo $TOKEN")}, "package.json:4 prints $TOKEN"),
    "npm's argument": ({W: job("    - run: npm run deploy -- $TOKEN\n"), "package.json": package("echo")}, "package.json:4 prints $TOKEN"),
    "what runs before": ({W: NPM, "package.json": '{"scripts": {"deploy": "true", "predeploy": "env"}}'}, "package.json:1 prints the variables, TOKEN among them"),
    "npm ci": ({W: job("    - run: npm ci\n"), "package.json": package("echo $TOKEN", "postinstall")}, "package.json:4 prints $TOKEN"),
    "npm start elsewhere": ({W: job("    - run: npm start --prefix web\n"), "web/package.json": package("echo $TOKEN", "start")}, "web/package.json:4 prints $TOKEN"),
    "a script in a script": ({W: NPM, "package.json": '{"scripts": {"deploy": "yarn show", "show": "node show.js"}}', "show.js": "console.log(process.env.TOKEN)\n"}, "show.js:1 prints $TOKEN"),
    "yarn": ({W: job("    - run: yarn deploy\n"), "package.json": package("echo $TOKEN | base64")}, "package.json:4 prints $TOKEN"),
    "pnpm elsewhere": ({W: job("    - run: cd web && pnpm run deploy\n"), "web/package.json": package("echo $TOKEN")}, "web/package.json:4 prints $TOKEN"),
}  # fmt: skip
LEGITIMATE: dict[str, dict[str, str]] = {
    "a recipe that uses it": {W: RUNS, "Makefile": "deploy:\n\tcurl -H @header $$HOST\n\t@./push\n"},
    "a variable that is silent": {W: RUNS, "Makefile": "deploy:\n\t@./push $(TOKEN)\n"},
    "a silent make": {W: job("    - run: make -s deploy\n"), "Makefile": "deploy:\n\t./push $(TOKEN)\n"},
    "a silent file": {W: RUNS, "Makefile": ".SILENT:\ndeploy:\n\t./push $(TOKEN)\n"},
    "the shell's own variable": {W: RUNS, "Makefile": "deploy:\n\t./push $$TOKEN\n"},
    "another target": {W: RUNS, "Makefile": "show:\n\t@echo $$TOKEN\ndeploy:\n\t@./push\n"},
    "whether it is set": {W: RUNS, "Makefile": "deploy:\n\t@echo $(if $(TOKEN),set,unset)\n"},
    "a rule's own variables": {W: RUNS, "Makefile": "deploy: x\n\t@echo $@ $< $(@D)\n"},
    "a target that is not there": {W: RUNS, "Makefile": "up:\n\t@echo $$TOKEN\n"},
    "targets in a circle": {W: RUNS, "Makefile": "deploy: up\n\t@$(MAKE) deploy\nup: deploy\n"},
    "no Makefile": {W: RUNS},
    "another script": {W: NPM, "package.json": '{"scripts": {"deploy": "vite build", "show": "echo $TOKEN"}}'},
    "a script that uses it": {W: NPM, "package.json": package("node push.js")},
    "a program of a package": {W: job("    - run: npx deploy\n"), "package.json": package("echo $TOKEN")},
    "npm's other commands": {W: job("    - run: npm publish\n"), "package.json": package("echo $TOKEN")},
    "no JSON": {W: NPM, "package.json": "["},
    "no scripts": {W: NPM, "package.json": '{"scripts": ["echo $TOKEN"]}'},
}  # fmt: skip


def followed(files: dict[str, str]) -> tuple[list[str], FollowedFiles]:
    names = {name: name.encode() for name in files}
    reader = FollowedFiles(names, lambda path: files[path.decode()].encode(), parsed)
    found = judged(workflow_lint.findings(W, parsed(files[W]), reader.workflow(W)))
    return [f"{item['file']}:{item['line']} {item['message']}" for item in found], reader


@planted.mistakes(TASKS, planted.PROGRAM, checks="WPS503")
@pytest.mark.parametrize(("files", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_planted_mistake_is_found(files: dict[str, str], message: str) -> None:
    assert message in followed(files)[0]


@planted.variations(TASKS, planted.PROGRAM)
@pytest.mark.parametrize("files", LEGITIMATE.values(), ids=LEGITIMATE)
def test_what_is_legitimate_passes(files: dict[str, str]) -> None:
    assert followed(files)[0] == []


def test_static_keys_in_a_recipe() -> None:
    makefile = "deploy:\n\t@aws configure set aws_secret_access_key $$TOKEN\n"
    assert followed({W: RUNS, "Makefile": makefile})[0] == ["Makefile:2 aws_secret_access_key is set by the script"]


@pytest.mark.parametrize(("program", "kind"), [("node24", "JavaScript (node24)"), ("docker", "a container")])
def test_an_action_that_is_not_followed_is_named(program: str, kind: str) -> None:
    action = f"runs: {{using: {program}, main: dist/index.js}}\n"
    calls = "    - uses: ./.github/actions/x\n      with: {token: '${{ secrets.T }}'}\n"
    messages, reader = followed({W: job(calls), ACTION: action})
    assert messages == []
    assert reader.not_followed == {ACTION: f"gets secrets.T, but is an action in {kind} and was not followed"}


def test_an_action_without_secrets_needs_no_note() -> None:
    action = "runs: {using: node24, main: dist/index.js}\n"
    calls = "jobs:\n  a:\n    steps:\n    - uses: ./.github/actions/x\n"
    assert followed({W: calls, ACTION: action})[1].not_followed == {}


@pytest.mark.parametrize("shell", ["fish", "php {0}", "Rscript {0}", "${{ matrix.shell }}"])
def test_a_shell_that_is_not_known_is_named(shell: str) -> None:
    steps = f"    - run: x $TOKEN\n      shell: '{shell}'\n"
    reader = followed({W: job(steps)})[1]
    assert reader.not_followed == {W: f"has a step with secrets for the unknown shell {shell!r}"}
    assert followed({W: steps.join(["jobs:\n  a:\n    steps:\n", ""])})[1].not_followed == {}


@pytest.mark.parametrize(
    ("shell", "script"),
    [
        ("bash -eo pipefail {0}", "echo $TOKEN"),
        ("/bin/bash -e {0}", "echo $TOKEN"),
        ("nix develop -c bash {0}", "echo $TOKEN"),
        ("msys2 {0}", "echo $TOKEN"),
        ("cmd", "echo %TOKEN%"),
        ("pwsh.exe", "Write-Host $env:TOKEN"),
        ("uv run python3.12 {0}", "print(os.environ['TOKEN'])"),
    ],
)
def test_a_shell_by_its_path_or_behind_another_program(shell: str, script: str) -> None:
    messages, reader = followed({W: job(f"    - run: {script}\n      shell: '{shell}'\n")})
    assert len(messages) == 1
    assert reader.not_followed == {}
