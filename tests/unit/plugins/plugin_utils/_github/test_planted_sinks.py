# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Further ways by which a workflow prints, publishes or writes a secret, and what only looks so."""

# ruff: noqa: E501 a workflow is a line
from __future__ import annotations

import pytest

from tests import planted
from tests.unit.plugins.plugin_utils._github.test_planted_workflows import JOB, STEPS, UPLOAD, kinds

ECHO, KEY, PASSWORD = "echo", "static-key", "password"
SCRIPTS: list[tuple[str, str]] = [
    ("echo $TOKEN | openssl enc -base64", ECHO),
    *((f"echo $TOKEN | {name}", ECHO) for name in ("figlet", "qrencode -t ansi", "pv", "ts", "uuencode x", "vis", "lolcat", "zstd -c | base64")),
    *((f"{name} echo $TOKEN", ECHO) for name in ("busybox", "watch -n1", "doas", "unbuffer")),
    ("parallel echo ::: $TOKEN", ECHO),
    ("declare -p TOKEN", ECHO),
    ("node -p process.env.TOKEN", ECHO),
    ("echo x | xargs -I{} echo $TOKEN", ECHO),
    *((command, ECHO) for command in ("date +$TOKEN", "basename $TOKEN", "dirname x/$TOKEN/y", "expr $TOKEN : '.*'")),
    ("aws configure import --csv file://keys.csv", KEY),
    ("find . -exec echo $TOKEN \\;", ECHO),
    ('script -c "echo $TOKEN"', ECHO),
    *((f"echo $TOKEN > {place}", ECHO) for place in ("/dev/fd/1", "/proc/1/fd/1", "/dev/fd/2")),
    ("echo $TOKEN | nc example.com 80", ECHO),
    ('gh pr comment 1 -b "$TOKEN"', ECHO),
    ('gh issue create --title x --body "$TOKEN"', ECHO),
    ('gh release create v1 --notes "$TOKEN"', ECHO),
    ('echo "$TOKEN" > t; gh release upload v1 t', ECHO),
    ('echo "$TOKEN" > t; gh gist create t', ECHO),
    ('git commit -m "$TOKEN"', ECHO),
    ('git tag "$TOKEN"', ECHO),
    ('sed "s/X/$TOKEN/" file', ECHO),
    ('sed -i "s/X/$TOKEN/" file; cat file', ECHO),
    ('yq -n ".t = \\"$TOKEN\\""', ECHO),
    ("kubectl create secret generic x --from-literal=t=$TOKEN --dry-run=client -o yaml", ECHO),
    ('wget -d --header="A: $TOKEN" https://x', ECHO),
    ('http -v https://x "A:$TOKEN"', ECHO),
    *((f'echo "$TOKEN" > public/t\n    - uses: {action}\n      with: {{{name}: public}}', ECHO) for action, name in (("peaceiris/actions-gh-pages@v4", "publish_dir"), ("JamesIves/github-pages-deploy-action@v4", "folder"))),
    ("cat > ~/.aws/credentials <<EOF\n        [default]\n        aws_secret_access_key=$K\n        EOF", KEY),
    ("printf '[default]\\naws_secret_access_key=%s' \"$K\" > ~/.aws/credentials", KEY),
    ("terraform init -backend-config=access_key=$ID", KEY),
    ("curl -u admin:hunter2hunter2 https://x", PASSWORD),
    ("sshpass -p hunter2hunter2 ssh host", PASSWORD),
    ("docker login -u x -p hunter2hunter2 ghcr.io", PASSWORD),
    ("mysql -phunter2hunter2 -h db.example.com", PASSWORD),
    ("./deploy --password hunter2hunter2", PASSWORD),
    *((f"ssh {words}", ECHO) for words in ('host "echo $TOKEN"', "-i key -p 22 ops@host echo $TOKEN", "-oBatchMode=yes host 'set -x; ./x' $TOKEN")),
    ('gh variable set X --body "$TOKEN"', ECHO),
    ('git config http.extraheader "A: $TOKEN"; cat .git/config', ECHO),
    *((f'echo "X=$TOKEN" > e; {name} ./e; echo $X', ECHO) for name in (".", "source")),
    ("cat > e <<E\n        A=1\n        X=$TOKEN\n        E\n        . ./e; echo $X", ECHO),
    *((command, ECHO) for command in ("jq -n env.TOKEN", "rev <<< $TOKEN", "echo ${TOKEN:0:5}", "for ((i=0;i<9;i++)); do echo ${TOKEN:$i:1}; done")),
    *((command, ECHO) for command in ('mapfile -t a <<< "$TOKEN"; echo "${a[0]}"', "declare -A m; m[a]=$TOKEN; echo ${m[a]}", "cat <(echo $TOKEN)")),
    *((command, ECHO) for command in ("PS4='+ $TOKEN '; set -x; true", "coproc echo $TOKEN; cat <&${COPROC[0]}", "helm upgrade x . --debug; strings /proc/$$/environ")),
    ("./deploy --api-key='hunter2hunter2'", PASSWORD),
]  # fmt: skip
WORKFLOWS: dict[str, tuple[str, str]] = {
    "message": ("jobs: {a: {steps: [{uses: marocchino/sticky-pull-request-comment@v2, with: {message: '${{ secrets.T }}'}}]}}", ECHO),
    "payload": ("jobs: {a: {steps: [{uses: slackapi/slack-github-action@v2, with: {payload: 'x ${{ secrets.T }}'}}]}}", ECHO),
    "mail": ("jobs: {a: {steps: [{uses: dawidd6/action-send-mail@v3, with: {html_body: '${{ secrets.T }}'}}]}}", ECHO),
    "address": (JOB + "    - id: s\n      run: echo u=$TOKEN >> $GITHUB_OUTPUT\n    environment: {name: p, url: 'https://x/?t=${{ steps.s.outputs.u }}'}", ECHO),
    "container": ("jobs: {a: {container: {image: x, env: {T: '${{ secrets.T }}'}}, steps: [{run: echo $T}]}}", ECHO),
    "image": ("jobs: {a: {steps: [{uses: 'docker://x@sha256:%s', with: {args: 'echo ${{ secrets.T }}'}}]}}" % ("a" * 64), ECHO),
    "setOutput": (JOB + "    - id: s\n      uses: actions/github-script@v7\n      with: {script: \"core.setOutput('t', process.env.TOKEN)\"}\n    - run: echo ${{ steps.s.outputs.t }}", ECHO),
    "exportVariable": (JOB + "    - uses: actions/github-script@v7\n      with: {script: \"core.exportVariable('Z', process.env.TOKEN)\"}\n    - run: echo $Z", ECHO),
    "comment by a script": (JOB + "    - uses: actions/github-script@v7\n      with: {script: 'github.rest.issues.createComment({body: process.env.TOKEN})'}", ECHO),
    "github.token": ("jobs: {a: {steps: [{run: 'echo ${{ github.token }}'}]}}", ECHO),
    **{f"pwsh {name}": (JOB + f"    - run: |\n        {script}\n      shell: pwsh", ECHO) for name, script in {
        "alone": "$env:TOKEN",
        "in a text": 'Write-Output "x $($env:TOKEN)"',
        "assigned": "$t = $env:TOKEN\n        Write-Host $t",
        "encoded": "[Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($env:TOKEN))",
        "summary": '"$env:TOKEN" >> $env:GITHUB_STEP_SUMMARY',
    }.items()},
    "old names": ("env: {AWS_ACCESS_KEY: '${{ secrets.A }}'}\njobs: {}", KEY),
}  # fmt: skip
LEGITIMATE = [
    'git commit -m "release $VERSION"',
    "gh release create v1 dist/*",
    "gh workflow run x -f name=abc",
    "docker build --secret id=npm,env=TOKEN .",
    'curl --user "x:$TOKEN" https://x',
    "curl -u x: https://x",
    'sed -i "s/X/$TOKEN/" conf.yml',
    'sed -i "s/X/$VERSION/" f; cat f',
    "kubectl get pods -o yaml",
    "declare -p PLAIN; date +%F; d=$(basename $PWD); node -p process.version",
    "x=$(basename \"$TOKEN\"); ./deploy",
    "aws configure list; aws configure get region",
    *('ssh host ./deploy', 'ssh -i key ops@host "systemctl restart shop"', 'ssh host "cat > .env" <<< "$TOKEN"', "ssh -N -L 5432:db:5432 host"),
    *("gh variable list", "git config user.name ci; cat .git/config", 'echo "A=1" > e; . ./e; echo $A', 'echo "X=$TOKEN" > e; . ./e; ./deploy'),
    *("echo ${#TOKEN}", 'umask 077; echo "$TOKEN" > ~/.token', '[[ -z $TOKEN ]] && exit 1; ./deploy'),
    'find . -name "*.sh" -exec chmod +x {} \\;',
    "cat > ~/.aws/config <<EOF\n        [profile x]\n        role_arn=arn:aws:iam::1:role/x\n        EOF",
    "psql --password -h db",
    "mysqldump --password-file=x db",
    "./deploy --password test",
    "echo 'usage: x --password PASSWORD'",
    "aws ecr get-login-password | docker login -u AWS --password-stdin x",
    "openssl genrsa -aes256 -passout file:x",
    "nc -z localhost 5432",
    "echo ${{ github.token != '' }} ${{ github.sha }}",
    "./build\n    - uses: peaceiris/actions-gh-pages@v4\n      with: {publish_dir: public, github_token: '${{ github.token }}', commit_message: x}",
    "$h = @{ Authorization = \"Bearer $env:TOKEN\" }\n        Invoke-RestMethod https://x -Headers $h\n        \"done\"\n      shell: pwsh",
    "if ($env:TOKEN) { Write-Host 'is set' }\n      shell: pwsh",
]  # fmt: skip


@planted.mistakes(STEPS, planted.PROGRAM)
@pytest.mark.parametrize(("script", "kind"), SCRIPTS, ids=planted.short)
def test_a_planted_step_is_found(script: str, kind: str) -> None:
    assert kinds(f"{JOB}    - run: |\n        {script}\n") == {kind}


@planted.mistakes("Actions, images and comments of a workflow", planted.PROGRAM)
@pytest.mark.parametrize(("text", "kind"), WORKFLOWS.values(), ids=WORKFLOWS)
def test_a_planted_workflow_is_found(text: str, kind: str) -> None:
    assert kinds(text + "\n") == {kind}


@planted.variations(STEPS, planted.PROGRAM)
@pytest.mark.parametrize("script", LEGITIMATE, ids=planted.short)
def test_a_legitimate_step_passes(script: str) -> None:
    assert kinds(f"{JOB}    - run: |\n        {script}\n") == set()


def test_an_upload_of_an_edited_file() -> None:
    assert kinds(f'{JOB}    - run: |\n        sed -i "s/X/$TOKEN/" out/f{UPLOAD % "out"}') == {ECHO}
