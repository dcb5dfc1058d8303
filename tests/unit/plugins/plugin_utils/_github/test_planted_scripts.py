# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Scripts that give a secret away by what a shell can do, and those that only look so."""

from __future__ import annotations

import contextlib
import textwrap
from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import script_taint, workflow_lint
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.collect_repository import parsed
from tests import planted
from tests.unit.plugins.plugin_utils._github.workflow_checks import judged

JOB = "jobs:\n  a:\n    env: {TOKEN: '${{ secrets.TOKEN }}', PLAIN: x}\n    steps:\n    - run: |\n"
SCRIPTS = "Scripts of a workflow"
PRINT = [
    'f() { echo "$1"; }; f "$TOKEN"',
    "f() { printf '%s' \"$@\"; }\nf x $TOKEN",
    'function show { echo "$TOKEN"; }\nshow',
    'show() { local v="$1"; shift; echo "v=$v"; }\nshow "$TOKEN"',
    'a() { b "$1"; }\nb() { echo $1; }\na $TOKEN',
    'f() { echo "$1"; }\nX=$(f "$TOKEN"); echo $X',
    "f() { cat; }\necho $TOKEN | f",
    'f() { echo $1; }\nf "$TOKEN" | base64',
    'log() { echo "::notice::$*"; }\nlog "token is $TOKEN"',
    'eval "echo \\$TOKEN"',
    "eval 'echo $TOKEN'",
    "bash -c 'echo $TOKEN'",
    'sh -ec "echo $TOKEN"',
    "sudo -E bash -c 'echo \"$TOKEN\"'",
    'docker exec app sh -c "echo $TOKEN"',
    "bash <<'EOF'\necho $TOKEN\nEOF",
    "bash -s <<EOF\necho $TOKEN\nEOF",
    "trap 'echo $TOKEN' EXIT",
    'trap "env" EXIT',
    'STATUS=$(curl "https://example.com/?token=$TOKEN")',
    "X=`echo $TOKEN`; echo $X",
    'echo "$(echo "$TOKEN" | rev)"',
    '{ echo "a"; echo "$TOKEN"; } | tee out.log',
    "(echo $TOKEN) | base64",
    "{ echo $TOKEN; } > f; cat f",
    "if true; then echo $TOKEN; fi | cat",
    'while read -r l; do echo "$l"; done <<< "$TOKEN"',
    'echo "$TOKEN" | while read -r l; do echo "$l"; done',
    'read -r X <<< "$TOKEN"; echo "$X"',
    'mapfile -t A < <(echo "$TOKEN"); echo "${A[0]}"',
    'cat <(echo "$TOKEN")',
    'diff <(echo "$TOKEN") /dev/null | cat',
    "for x in $TOKEN; do echo $x; done",
    'for n in TOKEN PLAIN; do echo "${!n}"; done',
    'n=TOKEN; echo "${!n}"',
    'A=("$TOKEN" b); echo "${A[@]}"',
    "printf -v X '%s' \"$TOKEN\"; echo $X",
    'echo "${TOKEN:0:4}"',
    'echo "${TOKEN//a/b}"',
    "echo ${TOKEN:-none}",
    'echo "${TOKEN@Q}"',
    "cp key.pem k; echo $TOKEN > key.pem; cp key.pem k2; cat k2",
    "echo $TOKEN > f; X=$(<f); echo $X",
    "echo $TOKEN > f; X=$(cat f); echo $X",
    "echo $TOKEN > ./f; cat f",
    "echo $TOKEN > f; while read l; do echo $l; done < f",
    "/usr/bin/printenv",
    "env | grep -i tok",
    "cat /proc/self/environ",
    "tr '\\0' '\\n' < /proc/self/environ",
    "docker compose config",
    "sudo env",
    "env -0 | tr '\\0' '\\n'",
    "set | grep TOKEN",
    "declare -p",
    "ps eww",
    "python3 - <<'EOF'\nimport os\nprint(os.environ[\"TOKEN\"])\nEOF",
    "python3.12 -c 'import os;print(os.getenv(\"TOKEN\"))'",
    "python3 -c 'import os; print(os.environ)'",
    "node -e 'console.log(process.env)'",
    "perl -e 'print $ENV{TOKEN}'",
    "ruby -e 'puts ENV[\"TOKEN\"]'",
    "php -r 'echo getenv(\"TOKEN\");'",
    "awk 'BEGIN{print ENVIRON[\"TOKEN\"]}'",
    "jq -n 'env.TOKEN'",
    "jq -n '$ENV.TOKEN'",
    "jq -Rn --arg t \"$TOKEN\" '$t'",
    "envsubst < template",
    'openssl base64 <<< "$TOKEN"',
    "xxd <<< $TOKEN",
    "echo $TOKEN | xargs echo",
    "echo $TOKEN | sed 's/./& /g'",
    'timeout 5 echo "$TOKEN"',
    "command echo $TOKEN",
    'curl -v -H "Authorization: Bearer $TOKEN" https://example.com',
    'curl -sv -u "x:$TOKEN" https://example.com',
    "docker build --build-arg TOKEN=$TOKEN .",
    "docker build --build-arg TOKEN .",
    "git add f; echo $TOKEN > f; git add f",
    '[ -z "$X" ] || echo "$TOKEN"',
    '[[ -n "$TOKEN" ]] && echo "$TOKEN" >&2',
    "X=$(echo $TOKEN >&2)",
    'echo "::warning::$TOKEN"',
    'echo "::set-output name=x::$TOKEN"',
    'logger "$TOKEN"',
    'echo "$TOKEN" > /dev/tty',
    "exec echo $TOKEN",
    'case "$PLAIN" in\n  x|y) echo "$TOKEN" ;;\n  *) true ;;\nesac',
    "select x in a; do echo $TOKEN; done",
    "echo a; # comment\necho $TOKEN",
    "cat > f <<EOF\nkey=$TOKEN\nEOF\ncat f",
    "cat <<-EOF | base64\n\\tx $TOKEN\n\\tEOF",
    "cat <<A <<B\nx\nA\n$TOKEN\nB",
    "echo 'a'\"$TOKEN\"'b'",
    "echo ${TOKEN}",
    "coproc echo $TOKEN",
    "X=$TOKEN Y=2 && echo $X",
    'readonly X="$TOKEN"; echo $X',
    'echo "${{ secrets.A }}"',
    "echo '${{ secrets.A }}' | rev",
    "X='${{ secrets.A }}'; echo $X",
    "export A=$TOKEN && env",
    'mysql -u root -p"$TOKEN" x',
    'tee >(cat) <<< "$TOKEN"',
    "echo $TOKEN | tee -a log",
    "set -x; ./deploy",
    "bash -x ./deploy.sh",
    "sh -x x.sh",
    "tar czf a.tgz key.pem; echo $TOKEN > key.pem; tar czf a.tgz key.pem; cat a.tgz",
    'echo "a\nb $TOKEN"',
]
STATIC_KEYS = [
    "aws configure set aws_secret_access_key $K",
    '{ echo "AWS_SECRET_ACCESS_KEY=$KEY"; } >> $GITHUB_ENV',
    "f() { export AWS_SECRET_ACCESS_KEY=$1; }; f x",
]
LEGITIMATE = [
    "echo '$TOKEN'",
    'echo "${TOKEN:+is set}"',
    'echo "${TOKEN+set}"',
    'echo "${#TOKEN}"',
    'X=$(curl -H "Authorization: Bearer $TOKEN" https://a.example.com/v); echo "$X"',
    '[ -n "$TOKEN" ] && echo "TOKEN is set"',
    'if [[ -z "$TOKEN" ]]; then echo "TOKEN is missing" >&2; exit 1; fi',
    "printf -v X '%s' \"$TOKEN\"",
    'f() { curl -H "Authorization: $1" https://x; }; f "$TOKEN"',
    'f() { echo "$1"; }; f hello "$PLAIN"',
    'f() { echo "$2"; }; f "$TOKEN" hello',
    'echo "$TOKEN" | sudo tee /etc/app/token > /dev/null',
    "echo \"${{ secrets.TOKEN && 'set' || 'unset' }}\"",
    "echo \"${{ contains(secrets.TOKEN, 'x') }}\"",
    'echo "${{ !secrets.TOKEN }}"',
    'echo "::add-mask::$TOKEN"',
    'echo "$TOKEN" | ssh-add -',
    'ssh-add - <<< "$TOKEN"',
    "printf '%s' \"$TOKEN\" > ~/.ssh/id; chmod 600 ~/.ssh/id",
    "cat <<EOF > .env\nTOKEN=$TOKEN\nEOF",
    "cat > .env <<EOF\nTOKEN=$TOKEN\nEOF\nscp .env host:",
    'echo "$TOKEN" | gh secret set X',
    "python3 -c 'import os; print(\"TOKEN is missing\")'",
    "python3 manage.py migrate",
    'python3 -c \'import os, requests; requests.get("https://x", headers={"a": os.environ["TOKEN"]})\'',
    "node -e 'fetch(\"https://x\", {headers: {a: process.env.TOKEN}})'",
    "env FOO=$TOKEN ./deploy",
    "sudo -E ./deploy",
    "TOKEN=$TOKEN ./deploy",
    "docker run -e TOKEN app",
    "docker build --secret id=token,env=TOKEN .",
    'gpg --batch --passphrase-fd 0 -d f.gpg <<< "$TOKEN" > f',
    'sha256sum <<< "$PLAIN"',
    'curl -fsS -H "Authorization: Bearer $TOKEN" https://x',
    "ps -ef",
    "ps aux",
    "set -euo pipefail",
    "set +x",
    'set -- "$PLAIN"',
    'case "$TOKEN" in\n  "") echo "not set" ;;\n  *) echo ok ;;\nesac',
    "for f in a b; do echo $f; done",
    'while read l; do echo "$l"; done < README.md',
    'git commit -m "x" && git push',
    'VERSION=$(cat VERSION); echo "$VERSION"',
    'kubectl create secret generic x --from-literal=a="$TOKEN" --dry-run=client -o yaml | kubectl apply -f -',
    'echo "$PLAIN" | base64',
    "export -f f",
    "declare -a x",
    "type env",
    "command -v printenv",
    'test "$TOKEN" = "$PLAIN" && echo same',
    "cd deploy && ./x.sh",
    'echo "a $((1+2)) b"',
    "terraform apply -auto-approve",
    "aws s3 cp out s3://bucket --recursive",
    "trap 'rm -f key.pem' EXIT",
    "bash -c 'echo hello'",
    "awk '{print $1}' file",
    "jq -r .version package.json",
    'f() { echo "$1"; }\nf "$TOKEN" > /dev/null',
    'f() { echo "$1"; }\nf "$TOKEN" | docker login --password-stdin',
    'X=$(echo "$TOKEN" | sha256sum)',
    'echo "${TOKENS}"',
    "dotenv -e .env -- ./deploy",
    "exec ./deploy",
    "nohup ./deploy &",
    '"$PLAIN" x',
    'echo "$GITHUB_REF"',
    'echo "done" >> "$GITHUB_STEP_SUMMARY"',
    'echo "X=1" >> "$GITHUB_ENV"',
    'echo "sha=$(git rev-parse HEAD)" >> "$GITHUB_OUTPUT"',
    "date +%Y%m%d",
]


def findings(script: str) -> Sequence[dict[str, Any]]:
    return judged(workflow_lint.findings("f.yml", parsed(JOB + textwrap.indent(script, " " * 8) + "\n")))


@planted.mistakes(SCRIPTS, planted.PROGRAM, checks="WPS503")
@pytest.mark.parametrize("script", PRINT)
def test_a_script_that_gives_a_secret_away(script: str) -> None:
    assert {finding["kind"] for finding in findings(script)} == {"echo"}


@planted.mistakes(SCRIPTS, planted.PROGRAM, checks="WPS501")
@pytest.mark.parametrize("script", STATIC_KEYS)
def test_a_script_that_sets_a_static_key(script: str) -> None:
    assert {finding["kind"] for finding in findings(script)} == {"static-key"}


@planted.variations(SCRIPTS, planted.PROGRAM)
@pytest.mark.parametrize("script", LEGITIMATE)
def test_a_legitimate_script(script: str) -> None:
    assert findings(script) == []


HOSTILE = {
    "functions that call each other": "".join(f"f{n}() {{ {f'f{n + 1}; ' * 9}}}\n" for n in range(20)) + "f0",
    "many substitutions in one pipeline": "a $(b) | " * 5_000,
    "many open parentheses": "(" * 20_000,
    "substitutions that never end": '"$(' * 10_000,
    "many here-documents": "cat <<A <<B\nx\nA\ny\nB\n" * 2_000,
    "programs that start programs": "env sudo " * 10_000,
}


@pytest.mark.parametrize("script", HOSTILE.values(), ids=HOSTILE)
def test_a_script_that_would_take_long(script: str) -> None:
    """Each takes a second at most; what it leaves out is an error."""
    document = {"jobs": {"a": {"steps": [{"run": workflow_lint.Text.at(script, 1)}]}}}
    with contextlib.suppress(script_taint.TooManyCommands):
        assert workflow_lint.findings("f.yml", document) == []


def test_what_was_not_followed_is_an_error() -> None:
    document = {"jobs": {"a": {"steps": [{"run": HOSTILE["functions that call each other"]}]}}}
    with pytest.raises(script_taint.TooManyCommands, match="runs more than 20000 commands; the rest was not followed"):
        workflow_lint.findings("f.yml", document)
