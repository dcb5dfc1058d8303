# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets that leave by way of outputs, scripts, actions and workflows of the repository, and what only looks so."""

# ruff: noqa: E501 a file is a line
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import workflow_lint
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.collect_repository import parsed
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.followed_files import LARGEST, FollowedFiles
from tests import planted
from tests.unit.plugins.plugin_utils._github.workflow_checks import judged

W = ".github/workflows/w.yml"
R = ".github/workflows/r.yml"
CALLED = "Outputs, scripts, actions and workflows that a workflow calls"
ACTION = ".github/actions/x/action.yml"


def job(steps: str, extra: str = "") -> str:
    return "jobs:\n  a:\n    env: {TOKEN: '${{ secrets.TOKEN }}'}\n" + extra + "    steps:\n" + steps


MISTAKES: dict[str, dict[str, str]] = {
    "an output of a step": {
        W: job(
            '    - id: x\n      run: echo "y=$TOKEN" >> "$GITHUB_OUTPUT"\n    - run: echo ${{ steps.x.outputs.y }}\n'
        )
    },
    "an output of a step in a variable": {
        W: job(
            '    - id: x\n      run: echo "y=$TOKEN" >> $GITHUB_OUTPUT\n    - env: {V: "${{ steps.x.outputs.y }}"}\n      run: echo $V\n'
        )
    },
    "an output of several lines": {
        W: job(
            "    - id: x\n      run: |\n        { echo 'y<<E'; echo \"$TOKEN\"; echo E; } >> $GITHUB_OUTPUT\n    - run: echo ${{ steps.x.outputs.y }}\n"
        )
    },
    "an output of several lines, line by line": {
        W: job(
            "    - id: x\n      run: |\n        echo 'y<<E' >> $GITHUB_OUTPUT\n        echo \"$TOKEN\" >> $GITHUB_OUTPUT\n        echo E >> $GITHUB_OUTPUT\n    - run: echo ${{ steps.x.outputs.y }}\n"
        )
    },
    "an output by a here-document": {
        W: job(
            "    - id: x\n      run: |\n        cat <<EOF >> $GITHUB_OUTPUT\n        a=1\n        y=$TOKEN\n        EOF\n    - run: echo ${{ steps.x.outputs.y }}\n"
        )
    },
    "all outputs of the steps": {
        W: job("    - id: x\n      run: echo \"y=$TOKEN\" >> $GITHUB_OUTPUT\n    - run: echo '${{ toJSON(steps) }}'\n")
    },
    "a variable by an expression": {W: job("    - run: echo ${{ env.TOKEN }}\n")},
    "all variables by an expression": {W: job("    - run: echo '${{ toJSON(env) }}'\n")},
    "an output of a job": {
        W: "jobs:\n  a:\n    outputs: {t: '${{ steps.x.outputs.y }}'}\n    steps:\n    - id: x\n      run: echo \"y=${{ secrets.T }}\" >> $GITHUB_OUTPUT\n  b:\n    needs: a\n    steps:\n    - run: echo ${{ needs.a.outputs.t }}\n"
    },
    "an output of a job that is written below": {
        W: "jobs:\n  b:\n    needs: a\n    steps:\n    - run: echo ${{ needs.a.outputs.t }}\n  a:\n    outputs: {t: '${{ steps.x.outputs.y }}'}\n    steps:\n    - id: x\n      run: echo \"y=${{ secrets.T }}\" >> $GITHUB_OUTPUT\n"
    },
    "a secret as an output of a job": {
        W: "jobs:\n  a:\n    outputs: {t: '${{ secrets.X }}'}\n    steps: []\n  b:\n    env: {V: '${{ needs.a.outputs.t }}'}\n    steps:\n    - run: echo $V\n"
    },
    "an argument of a script": {
        W: job('    - run: ./scripts/d.sh "$TOKEN"\n'),
        "scripts/d.sh": '#!/bin/bash\nset -e\necho "deploying $1"\n',
    },
    "a variable in a script": {W: job("    - run: bash scripts/d.sh\n"), "scripts/d.sh": "echo $TOKEN\n"},
    "a script that traces": {W: job("    - run: bash scripts/d.sh\n"), "scripts/d.sh": "set -x\n./x\n"},
    "a script that traces by its first line": {W: job("    - run: ./d.sh\n"), "d.sh": "#!/bin/bash -ex\n./x\n"},
    "a function of a sourced script": {
        W: job('    - run: |\n        . ./lib.sh\n        show "$TOKEN"\n'),
        "lib.sh": 'show() {\n  echo "$1"\n}\n',
    },
    "a script that a script calls": {
        W: job("    - run: scripts/a.sh\n"),
        "scripts/a.sh": "#!/bin/sh\nscripts/b.sh $TOKEN\n",
        "scripts/b.sh": "#!/bin/sh\necho $1\n",
    },
    "the output of a script, encoded": {W: job("    - run: ./a.sh | base64\n"), "a.sh": "#!/bin/sh\necho $TOKEN\n"},
    "the output of a script in a variable": {
        W: job("    - run: |\n        X=$(./a.sh)\n        echo $X\n"),
        "a.sh": "#!/bin/sh\necho $TOKEN\n",
    },
    "a script in the working directory": {
        W: job("    - run: ./a.sh\n      working-directory: deploy\n"),
        "deploy/a.sh": "#!/bin/sh\necho $TOKEN\n",
    },
    "a script behind cd": {W: job("    - run: cd deploy && ./a.sh\n"), "deploy/a.sh": "#!/bin/sh\necho $TOKEN\n"},
    "a script by GITHUB_WORKSPACE": {W: job("    - run: bash $GITHUB_WORKSPACE/a.sh\n"), "a.sh": "echo $TOKEN\n"},
    "a script by github.workspace": {W: job("    - run: bash ${{ github.workspace }}/a.sh\n"), "a.sh": "echo $TOKEN\n"},
    "a script in Python": {
        W: job("    - run: python scripts/d.py\n"),
        "scripts/d.py": "import os\ntoken = os.environ['TOKEN']\nprint(f'x {token}')\n",
    },
    "an argument of a script in Python": {
        W: job("    - run: python d.py $TOKEN\n"),
        "d.py": "import sys\nprint(sys.argv[1])\n",
    },
    "a script in Python without its suffix": {
        W: job("    - run: ./d\n"),
        "d": "#!/usr/bin/env python3\nimport os, logging\nlogging.info(os.getenv('TOKEN'))\n",
    },
    "a script in Node": {
        W: job("    - run: node d.js\n"),
        "d.js": "const t = process.env.TOKEN;\nconsole.log('x', t);\n",
    },
    "an input of a composite action": {
        W: job("    - uses: ./.github/actions/x\n      with: {token: '${{ secrets.T }}'}\n"),
        ACTION: "runs:\n  using: composite\n  steps:\n  - run: echo ${{ inputs.token }}\n    shell: bash\n",
    },
    "an input of a composite action in a variable": {
        W: job("    - uses: ./.github/actions/x\n      with: {token: '${{ secrets.T }}'}\n"),
        ".github/actions/x/action.yaml": "runs:\n  using: composite\n  steps:\n  - run: echo $T\n    env: {T: '${{ inputs.token }}'}\n    shell: bash\n",
    },
    "a variable in a composite action": {
        W: job("    - uses: ./.github/actions/x\n"),
        ACTION: "runs:\n  using: composite\n  steps:\n  - run: echo $TOKEN\n    shell: bash\n",
    },
    "a script of a composite action": {
        W: job("    - uses: ./.github/actions/x\n"),
        ACTION: "runs:\n  using: composite\n  steps:\n  - run: $GITHUB_ACTION_PATH/r.sh\n    shell: bash\n",
        ".github/actions/x/r.sh": "#!/bin/sh\necho $TOKEN\n",
    },
    "a script of a composite action by an expression": {
        W: job("    - uses: ./.github/actions/x\n"),
        ACTION: "runs:\n  using: composite\n  steps:\n  - run: ${{ github.action_path }}/r.sh\n    shell: bash\n",
        ".github/actions/x/r.sh": "#!/bin/sh\necho $TOKEN\n",
    },
    "an output of a composite action": {
        W: job("    - id: c\n      uses: ./.github/actions/x\n    - run: echo ${{ steps.c.outputs.o }}\n"),
        ACTION: "outputs: {o: {value: '${{ steps.s.outputs.v }}'}}\nruns:\n  using: composite\n  steps:\n  - id: s\n    run: echo v=$TOKEN >> $GITHUB_OUTPUT\n    shell: bash\n",
    },
    "a variable that a composite action sets": {
        W: "jobs:\n  a:\n    steps:\n    - uses: ./.github/actions/x\n      with: {t: '${{ secrets.T }}'}\n    - run: echo $Z\n",
        ACTION: "runs:\n  using: composite\n  steps:\n  - run: echo Z=${{ inputs.t }} >> $GITHUB_ENV\n    shell: bash\n",
    },
    "a composite action in another": {
        W: job("    - uses: ./.github/actions/x\n      with: {t: '${{ secrets.T }}'}\n"),
        ACTION: "runs:\n  using: composite\n  steps:\n  - uses: ./.github/actions/y\n    with: {u: '${{ inputs.t }}'}\n",
        ".github/actions/y/action.yml": "runs:\n  using: composite\n  steps:\n  - run: echo ${{ inputs.u }}\n    shell: bash\n",
    },
    "a called workflow that inherits secrets": {
        W: "jobs:\n  a:\n    uses: ./.github/workflows/r.yml\n    secrets: inherit\n",
        R: "on: {workflow_call: {}}\njobs:\n  j:\n    steps:\n    - run: echo ${{ secrets.ANY }}\n",
    },
    "an input of a called workflow": {
        W: "jobs:\n  a:\n    uses: ./.github/workflows/r.yml\n    with: {t: '${{ needs.z.outputs.s }}'}\n  z:\n    outputs: {s: '${{ secrets.S }}'}\n    steps: []\n",
        R: "on: {workflow_call: {}}\njobs:\n  j:\n    steps:\n    - run: echo ${{ inputs.t }}\n",
    },
    "an output of a called workflow": {
        W: "jobs:\n  a:\n    uses: ./.github/workflows/r.yml\n    secrets: inherit\n  b:\n    needs: a\n    steps:\n    - run: echo ${{ needs.a.outputs.o }}\n",
        R: "on:\n  workflow_call:\n    outputs: {o: {value: '${{ jobs.j.outputs.p }}'}}\njobs:\n  j:\n    outputs: {p: '${{ steps.s.outputs.q }}'}\n    steps:\n    - id: s\n      run: echo q=${{ secrets.X }} >> $GITHUB_OUTPUT\n",
    },
    "a shell that traces, by default": {W: "defaults: {run: {shell: 'bash -x {0}'}}\n" + job("    - run: ./deploy\n")},
    "a shell that traces, by the job's default": {
        W: job("    - run: ./deploy\n", "    defaults: {run: {shell: 'bash -ex {0}'}}\n")
    },
    "SHELLOPTS of a step": {W: job("    - run: ./deploy\n      env: {SHELLOPTS: xtrace}\n")},
    "SHELLOPTS of a job": {
        W: "jobs:\n  a:\n    env: {TOKEN: '${{ secrets.TOKEN }}', SHELLOPTS: xtrace}\n    steps:\n    - run: ./deploy\n"
    },
    "a step in Python": {
        W: job("    - run: |\n        import os\n        print(os.environ['TOKEN'])\n      shell: python\n")
    },
    "github-script": {
        W: job(
            "    - uses: actions/github-script@v7\n      with:\n        script: |\n          console.log(process.env.TOKEN)\n"
        )
    },
    "github-script with an expression": {
        W: job("    - uses: actions/github-script@v7\n      with:\n        script: core.info('${{ secrets.X }}')\n")
    },
    "a file in the cache": {
        W: job("    - run: echo $TOKEN > k/f\n    - uses: actions/cache@v4\n      with: {path: k, key: x}\n")
    },
    "a file for GitHub Pages": {
        W: job(
            "    - run: echo $TOKEN > site/f\n    - uses: actions/upload-pages-artifact@v3\n      with: {path: site}\n"
        )
    },
    "a file in one of several folders of an artifact": {
        W: job(
            "    - run: echo $TOKEN > out/f\n    - uses: actions/upload-artifact@v4\n      with:\n        name: x\n        path: |\n          a\n          out/\n"
        )
    },
    "a copied file in an artifact": {
        W: job(
            "    - run: |\n        echo $TOKEN > f\n        mkdir -p out\n        cp f out/\n    - uses: actions/upload-artifact@v4\n      with: {path: out}\n"
        )
    },
    "a packed file in an artifact": {
        W: job(
            "    - run: |\n        echo $TOKEN > f\n        tar czf a.tgz f\n    - uses: actions/upload-artifact@v4\n      with: {path: a.tgz}\n"
        )
    },
    "build arguments of an image": {
        W: job(
            "    - uses: docker/build-push-action@v6\n      with:\n        build-args: |\n          TOKEN=${{ secrets.T }}\n"
        )
    },
    "a script for an SSH action": {
        W: job(
            "    - uses: appleboy/ssh-action@v1\n      with:\n        script: |\n          set -e\n          echo ${{ secrets.T }}\n"
        )
    },
    "a comment by an action": {
        W: job("    - uses: peter-evans/create-or-update-comment@v4\n      with: {body: 'x ${{ secrets.T }}'}\n")
    },
    "the name of a step": {W: job("    - name: deploy ${{ secrets.T }}\n      run: ./x\n")},
    "PowerShell": {W: job("    - run: Write-Host $env:TOKEN\n      shell: pwsh\n")},
    "PowerShell that lists the variables": {W: job("    - run: 'Get-ChildItem env:'\n      shell: pwsh\n")},
    "cmd": {W: job("    - run: echo %TOKEN%\n      shell: cmd\n")},
    "a variable of the workflow": {W: "env: {T: '${{ secrets.T }}'}\njobs:\n  a:\n    steps:\n    - run: echo $T\n"},
    "a variable that a step sets": {
        W: job("    - run: echo A=$TOKEN >> $GITHUB_ENV\n    - run: |\n        echo ${{ env.A }}\n")
    },
}
STATIC_KEYS: dict[str, dict[str, str]] = {
    "a script that sets a static key": {
        W: job("    - run: bash d.sh\n"),
        "d.sh": "aws configure set aws_secret_access_key $TOKEN\n",
    },
}
LEGITIMATE: dict[str, dict[str, str]] = {
    "a script that sends a header": {
        W: job("    - run: ./d.sh $TOKEN\n"),
        "d.sh": '#!/bin/sh\ncurl -H "A: $1" https://x\necho done\n',
    },
    "another output of the step": {
        W: job(
            "    - id: x\n      run: |\n        echo a=1 >> $GITHUB_OUTPUT\n        echo b=$TOKEN >> $GITHUB_OUTPUT\n    - run: echo ${{ steps.x.outputs.a }}\n"
        )
    },
    "another output of a group": {
        W: job(
            "    - id: x\n      run: |\n        { echo a=1; echo b=$TOKEN; } >> $GITHUB_OUTPUT\n    - run: echo ${{ steps.x.outputs.a }}\n"
        )
    },
    "a step of the same id in another job": {
        W: "jobs:\n  a:\n    steps:\n    - id: x\n      run: echo y=${{ secrets.T }} >> $GITHUB_OUTPUT\n  b:\n    steps:\n    - id: x\n      run: echo y=1 >> $GITHUB_OUTPUT\n    - run: echo ${{ steps.x.outputs.y }}\n"
    },
    "the result of a job": {
        W: "jobs:\n  a:\n    outputs: {t: '${{ secrets.S }}'}\n    steps: []\n  b:\n    needs: a\n    steps:\n    - run: echo ${{ needs.a.result }} ${{ needs.*.result }}\n"
    },
    "a composite action that gets whether a secret is set": {
        W: job("    - uses: ./.github/actions/x\n      with: {has: \"${{ secrets.T != '' }}\"}\n"),
        ACTION: "runs:\n  using: composite\n  steps:\n  - run: echo ${{ inputs.has }}\n    shell: bash\n",
    },
    "an input that is compared": {
        W: job("    - uses: ./.github/actions/x\n      with: {t: '${{ secrets.T }}'}\n"),
        ACTION: "runs:\n  using: composite\n  steps:\n  - run: echo ${{ inputs.t != '' }} ${{ inputs.other }}\n    shell: bash\n",
    },
    "a script in Python that uses the secret": {
        W: job("    - run: python d.py\n"),
        "d.py": "import os\ntoken = os.environ['TOKEN']\nif not token:\n    raise SystemExit('TOKEN is missing')\nprint('TOKEN ok')\nrequests.get(x, headers={'a': token})\nfingerprint = hash(token)\n",
    },
    "a script in Node that uses the secret": {
        W: job("    - run: node d.js\n"),
        "d.js": "const token = process.env.TOKEN;\nif (!token) { console.error('TOKEN is missing'); }\ncore.setSecret(token);\n",
    },
    "github-script with a token": {
        W: job(
            "    - uses: actions/github-script@v7\n      with:\n        github-token: ${{ secrets.T }}\n        script: console.log(context.sha)\n"
        )
    },
    "a called workflow that uses the secret": {
        W: "jobs:\n  a:\n    uses: ./.github/workflows/r.yml\n    secrets: {t: '${{ secrets.T }}'}\n",
        R: "on: {workflow_call: {}}\njobs:\n  j:\n    steps:\n    - run: ./x\n      env: {T: '${{ secrets.t }}'}\n",
    },
    "a script that calls itself": {W: job("    - run: ./a.sh\n"), "a.sh": "#!/bin/sh\n./a.sh\n"},
    "a composite action that calls itself": {
        W: job("    - uses: ./x\n"),
        "x/action.yml": "runs:\n  using: composite\n  steps:\n  - uses: ./x\n",
    },
    "secrets of a build": {
        W: job(
            "    - uses: docker/build-push-action@v6\n      with:\n        secrets: |\n          t=${{ secrets.T }}\n        build-args: |\n          A=1\n"
        )
    },
    "another folder as an artifact": {
        W: job("    - run: echo $TOKEN > key.pem\n    - uses: actions/upload-artifact@v4\n      with: {path: dist}\n")
    },
    "a module of Python": {W: job("    - run: python -m pytest\n")},
    "a release without secrets": {
        W: job("    - uses: softprops/action-gh-release@v2\n      with: {body: 'x ${{ github.ref }}', files: dist/*}\n")
    },
    "a message without secrets": {
        W: job(
            "    - uses: slackapi/slack-github-action@v2\n      with: {webhook: '${{ secrets.HOOK }}', payload: 'x'}\n"
        )
    },
}


def findings(files: dict[str, str]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    followed = FollowedFiles(
        {name: name.encode() for name in files}, lambda path: files[path.decode()].encode(), parsed
    )
    return [*judged(workflow_lint.findings(W, parsed(files[W]), followed.workflow(W)))], followed.unread


@planted.mistakes(CALLED, planted.PROGRAM, checks="WPS503")
@pytest.mark.parametrize("files", MISTAKES.values(), ids=MISTAKES)
def test_a_planted_mistake_is_found(files: dict[str, str]) -> None:
    assert {finding["kind"] for finding in findings(files)[0]} == {"echo"}


@planted.mistakes(CALLED, planted.PROGRAM, checks="WPS501")
@pytest.mark.parametrize("files", STATIC_KEYS.values(), ids=STATIC_KEYS)
def test_a_static_key_is_found(files: dict[str, str]) -> None:
    assert {finding["kind"] for finding in findings(files)[0]} == {"static-key"}


@planted.variations(CALLED, planted.PROGRAM)
@pytest.mark.parametrize("files", LEGITIMATE.values(), ids=LEGITIMATE)
def test_what_is_legitimate_passes(files: dict[str, str]) -> None:
    assert findings(files) == ([], {})


def test_places_are_those_of_the_file_that_prints() -> None:
    files = {
        W: job("    - run: |\n        . ./lib.sh\n        show $TOKEN\n"),
        "lib.sh": "show() {\n  ./b.sh $1\n}\n",
        "b.sh": "#!/bin/sh\n\necho $1\n",
    }
    places = [(finding["file"], finding["line"], finding["message"]) for finding in findings(files)[0]]
    assert places == [("b.sh", 3, "prints $TOKEN")]


def test_a_called_file_that_cannot_be_followed() -> None:
    calls = {W: job("    - run: ./big.sh\n    - run: ./link.sh\n"), "big.sh": "#" * (LARGEST + 1), "link.sh": ""}
    followed = FollowedFiles(
        {name: name.encode() for name in calls},
        lambda path: calls[path.decode()].encode() if path != b"link.sh" else None,
        parsed,
    )
    assert workflow_lint.findings(W, parsed(calls[W]), followed.workflow(W)) == []
    assert followed.unread == {
        "big.sh": "is called and larger than 256 KiB, so it was not followed",
        "link.sh": "is called, but is not a regular file, so it was not followed",
    }


@pytest.mark.parametrize("path", ["../x.sh", "/etc/x.sh", "a/../../x.sh", "~/x.sh", "$HOME/x.sh", "untracked.sh"])
def test_nothing_outside_of_the_repository_is_read(path: str) -> None:
    read: list[bytes] = []
    text = job(f"    - run: bash {path}\n    - uses: ./{path}\n")
    followed = FollowedFiles({W: W.encode(), "x.sh": b"x.sh"}, lambda file: read.append(file) or b"echo $TOKEN", parsed)  # type: ignore[func-returns-value]
    assert workflow_lint.findings(W, parsed(text), followed.workflow(W)) == []
    assert read == []
