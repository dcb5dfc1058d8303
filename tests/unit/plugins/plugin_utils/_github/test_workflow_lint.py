# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong in a workflow, and what looks like it and is not."""

from __future__ import annotations

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import workflow_lint
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.collect_repository import parsed

STEP = "jobs:\n  a:\n    env: {TOKEN: '${{ secrets.TOKEN }}', PLAIN: x}\n    steps:\n"
SHA = "0" * 40


def kinds(text: str) -> list[tuple[str, int]]:
    return [(finding["kind"], finding["line"]) for finding in workflow_lint.findings("f.yml", parsed(text))]


@pytest.mark.parametrize(
    ("text", "results"),
    [
        ("env:\n  AWS_ACCESS_KEY_ID: ${{ secrets.ID }}\n", [("static-key", 2)]),
        ("steps:\n- with:\n    aws-secret-access-key: ${{ secrets.KEY }}\n", [("static-key", 3)]),
        ("env:\n  X: AKIAIOSFODNN7EXAMPLE\n", [("static-key", 2)]),
        ("steps:\n- run: |\n    set -e\n    aws configure set x AKIAIOSFODNN7EXAMPLE\n", [("static-key", 4)]),
        ("env:\n  AWS_SECRET_ACCESS_KEY: testing\n", []),
        ("with:\n  role-to-assume: arn:aws:iam::123456789012:role/x\n", []),
    ],
)
def test_static_keys(text: str, results: list[tuple[str, int]]) -> None:
    assert kinds(text) == results


@pytest.mark.parametrize(
    ("text", "results"),
    [
        ("env:\n  DB_PASSWORD: hunter2hunter2\n", [("password", 2)]),
        ("env:\n  API_KEY: 0123456789abcdef\n", [("password", 2)]),
        ("env:\n  URL: postgres://shop:s3cr3ts3cr3t@db.example.com/shop\n", [("password", 2)]),
        ("run: |\n  export PGPASSWORD=hunter2hunter2\n  psql\n", [("password", 2)]),
        ("services:\n  db:\n    env: {POSTGRES_PASSWORD: postgres}\n", []),
        ("env:\n  URL: postgres://shop:anything@localhost/shop\n", []),
        ("env:\n  URL: redis://:anything@redis:6379\n", []),
        ("permissions:\n  id-token: write\n", []),
        ("jobs:\n  a: {secrets: inherit}\n", []),
        ("env:\n  TOKEN: ${{ secrets.TOKEN }}\n", []),
        ("run: curl -H token=$TOKEN\n", []),
        ("env:\n  PASSWORD: ''\n", []),
    ],
)
def test_passwords(text: str, results: list[tuple[str, int]]) -> None:
    assert kinds(text) == results


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ('echo "$TOKEN"', "prints $TOKEN"),
        ('set -e; echo "${TOKEN}"', "prints $TOKEN"),
        ("echo ${{ secrets.OTHER }}", "prints secrets.OTHER"),
        ("printf %s $TOKEN | base64", "prints $TOKEN"),
        ("echo $TOKEN >&2", "prints $TOKEN"),
        ("echo $TOKEN > /dev/stderr", "prints $TOKEN"),
        ("set -ex", "the shell prints each command, with secrets in it"),
        ("printenv TOKEN", "prints the variables, TOKEN among them"),
        ("env", "prints the variables, TOKEN among them"),
        ('echo "$PLAIN"', None),
        ('echo "$TOKEN" | docker login --password-stdin', None),
        ('echo "$TOKEN" > key.pem', None),
        ('echo "::add-mask::$TOKEN"', None),
        ("env FOO=1 make", None),
        ("printenv PLAIN", None),
        ("./deploy --token $TOKEN", "gives $TOKEN as an argument, which other processes see"),
    ],
)
def test_echoes(script: str, message: str | None) -> None:
    text = f"{STEP}    - run: |\n        {script}\n"
    results = [
        (finding["message"], finding["line"])
        for finding in workflow_lint.findings("f.yml", parsed(text))
        if finding["kind"] == "echo"
    ]
    assert results == ([(message, 6)] if message else [])


def test_a_trace_without_secrets_is_fine() -> None:
    assert kinds("jobs:\n  a:\n    steps:\n    - run: set -x\n") == []


@pytest.mark.parametrize(
    ("uses", "wrong"),
    [
        ("actions/checkout@v5", False),
        ("docker://alpine:3", True),
        (f"actions/checkout@{SHA}", False),
        ("./.github/actions/own", False),
        (f"docker://alpine@sha256:{'0' * 64}", False),
    ],
)
def test_pins(uses: str, wrong: bool) -> None:
    assert kinds(f"steps:\n- uses: {uses}\n") == ([("unpinned", 2)] if wrong else [])


@pytest.mark.parametrize("text", ["", "just a text", "- 1\n- 2\n", "on:\n", "jobs: []\n", "a: &x {b: 1}\nc: *x\n"])
def test_other_documents_are_no_fault(text: str) -> None:
    assert kinds(text) == []
