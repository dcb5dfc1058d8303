# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Steps that give secrets away, each with the kind of finding, and steps that are legitimate."""

from __future__ import annotations

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import workflow_lint
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.collect_repository import parsed
from tests import planted
from tests.unit.plugins.plugin_utils._github.workflow_checks import judged

JOB = (
    "jobs:\n  a:\n    env: {TOKEN: '${{ secrets.TOKEN }}', PLAIN: x, HAS: \"${{ secrets.TOKEN != '' }}\"}\n    steps:\n"
)
STEPS = "Steps of a workflow"
UPLOAD = "\n    - uses: actions/upload-artifact@v4\n      with: {path: %s}\n"
MISTAKES: list[tuple[str, str]] = [
    # --- static keys
    ('aws configure set aws_secret_access_key "$KEY"', "static-key"),
    ("aws configure set aws_access_key_id ${{ secrets.AWS_ID }} --profile x", "static-key"),
    ("export AWS_SECRET_ACCESS_KEY=${{ secrets.AWS }}", "static-key"),
    ("if true; then export AWS_ACCESS_KEY_ID=$ID; fi", "static-key"),
    ('AWS_SECRET_ACCESS_KEY="$KEY" aws s3 ls', "static-key"),
    ('echo "AWS_SECRET_ACCESS_KEY=$KEY" >> "$GITHUB_ENV"', "static-key"),
    # --- printed
    ('if [ -n "$TOKEN" ]; then echo "$TOKEN"; fi', "echo"),
    ("for i in 1 2; do printf '%s' \"$TOKEN\"; done", "echo"),
    ("while true; do echo $TOKEN; done", "echo"),
    ("(echo $TOKEN)", "echo"),
    ("{ echo $TOKEN; }", "echo"),
    ("true && ! echo $TOKEN", "echo"),
    ("case x in\n        x) echo $TOKEN ;;\n        esac", "echo"),
    ('base64 <<< "$TOKEN"', "echo"),
    ('rev <<<"$TOKEN"', "echo"),
    ("cat <<EOF\n        value: $TOKEN\n        EOF", "echo"),
    ('echo "$TOKEN" | base64 | tr a b', "echo"),
    ('echo "$TOKEN" | tee token.txt', "echo"),
    ('COPY="$TOKEN"; echo "$COPY"', "echo"),
    ("COPY=$(echo $TOKEN | rev)\n        echo $COPY", "echo"),
    ("export OTHER=${{ secrets.OTHER }}; echo $OTHER", "echo"),
    ("python3 -c 'import os; print(os.environ[\"TOKEN\"])'", "echo"),
    ("python -c \"print('$TOKEN'[::-1])\"", "echo"),
    ("node -e 'console.log(process.env.TOKEN)'", "echo"),
    ("env | sort", "echo"),
    ("printenv | grep TOK", "echo"),
    ("export -p", "echo"),
    ("declare -x", "echo"),
    ("sudo printenv TOKEN", "echo"),
    ("echo '${{ toJSON(secrets) }}'", "echo"),
    ("echo ${{ secrets['TOKEN'] }}", "echo"),
    ("echo ${{ github.ref == 'x' && secrets.TOKEN || '' }}", "echo"),
    ("echo $TOKEN > f; cat f", "echo"),
    ("echo $TOKEN > f\n        head -c 9 f | base64", "echo"),
    ('echo "$TOKEN" >> "$GITHUB_STEP_SUMMARY"', "echo"),
    ('echo "$TOKEN" | tee -a $GITHUB_STEP_SUMMARY', "echo"),
    ("echo X=$TOKEN >> $GITHUB_ENV\n    - run: echo $X", "echo"),
    # --- traced
    ("set -e -x\n        ./deploy", "echo"),
    ("set -o xtrace", "echo"),
    ("set -euxo pipefail", "echo"),
    ("bash -ex deploy.sh", "echo"),
    ("./deploy\n      shell: bash -x {0}", "echo"),
    ("./deploy\n      shell: bash -e -x {0}", "echo"),
    # --- sent
    ('curl "https://example.com/?token=$TOKEN"', "echo"),
    ('git clone "https://x:$TOKEN@github.com/a/b"', "echo"),
    ("curl https://example.com/?q=${{ secrets.TOKEN }}", "echo"),
    ("mysql -p$TOKEN", "echo"),
    ("docker login -u x -p $TOKEN", "echo"),
    ("./deploy --password=$TOKEN", "echo"),
    ("echo $TOKEN > out/f" + UPLOAD % "out", "echo"),
    ("echo $TOKEN > f" + UPLOAD % "'.'", "echo"),
    ("echo $TOKEN > dist/key.pem" + UPLOAD % "'dist/**'", "echo"),
]
LEGITIMATE = [
    "echo '$TOKEN'",
    'echo "$HAS"',
    "echo ${{ secrets.TOKEN != '' }}",
    "if ${{ secrets.TOKEN != '' }}; then echo set; fi",
    '[ -n "$TOKEN" ] && echo "is set"',
    'echo "${#PLAIN}"',
    "echo TOKEN",
    '# echo "$TOKEN"',
    'echo "$TOKEN" | docker login -u x --password-stdin ghcr.io',
    'docker login --password-stdin <<< "$TOKEN"',
    'echo "$TOKEN" | gh auth login --with-token',
    'curl -H "Authorization: Bearer $TOKEN" https://example.com/?page=1',
    'curl "https://$PLAIN.example.com/"',
    'echo "::add-mask::$TOKEN"',
    "echo $TOKEN > key.pem; chmod 600 key.pem; ssh -i key.pem host",
    "echo $TOKEN > key.pem" + UPLOAD % "dist",
    "env FOO=1 make",
    "set -euo pipefail",
    "set -- a b",
    "mkdir -p $PLAIN",
    "python3 -c 'print(1)'",
    "python3 deploy.py",
    'COPY="$TOKEN" ./deploy',
    "aws configure set region eu-west-3",
    "export AWS_REGION=eu-west-3",
    "./build\n      shell: bash -e {0}",
    "cat <<'EOF'\n        $TOKEN\n        EOF",
    "tar -xf archive.tar",
]


def kinds(text: str) -> set[str]:
    return {finding["kind"] for finding in judged(workflow_lint.findings("f.yml", parsed(text)))}


@planted.mistakes(STEPS, planted.PROGRAM)
@pytest.mark.parametrize(("script", "kind"), MISTAKES, ids=planted.short)
def test_a_planted_step_is_found(script: str, kind: str) -> None:
    assert kinds(f"{JOB}    - run: |\n        {script}\n") == {kind}


@planted.variations(STEPS, planted.PROGRAM)
@pytest.mark.parametrize("script", LEGITIMATE, ids=planted.short)
def test_a_legitimate_step_passes(script: str) -> None:
    assert kinds(f"{JOB}    - run: |\n        {script}\n") == set()


@pytest.mark.parametrize("name", ["DB_PASS", "SMTP_PWD", "db_pass", "ADMIN_PASSPHRASE"])
def test_short_names_of_passwords(name: str) -> None:
    assert kinds(f"env:\n  {name}: hunter2hunter2\n") == {"password"}
    assert kinds(f"run: export {name}=hunter2hunter2\n") == {"password"} or name == "ADMIN_PASSPHRASE"


def test_the_password_of_a_service_that_the_job_starts() -> None:
    services = "jobs:\n  a:\n    services:\n      db: {image: x, env: {POSTGRES_PASSWORD: only-for-tests}}\n"
    assert kinds(services) == set()
    assert kinds(services + "    env: {DB_PASSWORD: only-for-tests}\n") == set()
    assert kinds(services + "    env: {DB_PASSWORD: another-one-of-production}\n") == {"password"}


@planted.mistakes("Permissions of a workflow", planted.PROGRAM, checks="WPS509")
@pytest.mark.parametrize(
    "text", ["permissions: write-all\njobs: {a: {steps: []}}\n", "jobs: {a: {permissions: write-all, steps: []}}\n"]
)
def test_every_permission(text: str) -> None:
    assert kinds(text) == {"permissions"}


@planted.variations("Permissions of a workflow", planted.PROGRAM)
@pytest.mark.parametrize("permissions", ["read-all", "{contents: write, id-token: write}", "{}"])
def test_permissions(permissions: str) -> None:
    assert kinds(f"permissions: {permissions}\njobs: {{a: {{steps: [{{run: make}}]}}}}\n") == set()
    assert kinds(f"jobs: {{a: {{permissions: {permissions}, steps: [{{run: make}}]}}}}\n") == set()


def test_the_lines_of_findings() -> None:
    script = "cat <<EOF\n        a\n        EOF\n        echo a \\\n          b\n        echo $TOKEN\n"
    text = f"{JOB}    - run: |\n        {script}"
    assert [finding["line"] for finding in workflow_lint.findings("f.yml", parsed(text))] == [11]
