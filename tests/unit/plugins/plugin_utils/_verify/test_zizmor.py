# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""zizmor's findings without what it quotes; whatever keeps it from an answer is named."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ScanError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import zizmor
from tests import planted
from tests.unit.plugins.plugin_utils._verify import verify_facts

WORKFLOW = """name: test
on: push
permissions: {}
jobs:
  test:
    runs-on: ubuntu-latest
    container:
      image: ghcr.io/example/image@sha256:%s
      credentials: {username: me, password: canary-password}
    steps:
      - run: echo "${{ github.event.head_commit.message }}"
""" % ("0" * 64)


def finding(**over: Any) -> dict[str, Any]:
    location = {
        "symbolic": {"kind": "Primary", "key": {"Local": {"verbatim_path": "./.github/workflows/a.yml"}}},
        "concrete": {"location": {"start_point": {"row": 8}}, "feature": "canary"},
    }
    return {
        "ident": "x",
        "desc": "is wrong",
        "determinations": {"severity": "High"},
        "locations": [location],
        "ignored": False,
        **over,
    }


def program(path: Path, text: str) -> str:
    """One that answers with a shell script's body."""
    file = path / "zizmor"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return str(file)


def test_place_and_words_without_what_is_quoted() -> None:
    assert zizmor.findings(json.dumps([finding(), finding(ignored=True)]).encode()) == [
        {"path": ".github/workflows/a.yml", "line": 9, "message": "x (high): is wrong", "opens": True, "audit": "x"}
    ]
    assert zizmor.findings(json.dumps([finding(locations=[])]).encode()) == [
        {"path": "", "line": 0, "message": "x (high): is wrong", "opens": False, "audit": "x"}
    ]
    assert zizmor.findings(b"[]") == []


@pytest.mark.parametrize("text", [b"", b"no json", b"{}x", b'{"a": 1}', b"[1]", b'[{"ident": "x"}]', b"null"])
def test_what_is_no_answer_of_its(text: bytes) -> None:
    assert zizmor.findings(text) is None


def test_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(zizmor, "installed", lambda: None)
    with pytest.raises(ScanError, match="zizmor is not installed on the controller; install zizmor"):
        zizmor.run_zizmor(str(tmp_path))


def test_it_is_found_beside_this_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = program(tmp_path, "true")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert zizmor.installed() == text
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert zizmor.installed() is None


def test_it_gets_no_token_and_may_ask_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("GH_TOKEN", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "ZIZMOR_CONFIG"):
        monkeypatch.setenv(name, "canary")
    kept = tmp_path / "kept"
    zizmor.run_zizmor(str(tmp_path), program=program(tmp_path, f'(env; echo "$@") > {kept}; echo "[]"'))
    text = kept.read_text()
    assert "canary" not in text
    assert "--offline" in text


@pytest.mark.parametrize(
    ("body", "seconds", "message"),
    [
        ("exit 3", 60, "zizmor ended with exit code 3; run it in the repository by hand"),
        ("echo canary; echo canary >&2", 60, "zizmor ended with exit code 0; run it in the repository by hand"),
        ("exec sleep 60", 0.5, "zizmor gave no answer in 0.5 s"),
    ],
)
def test_what_keeps_it_from_an_answer(tmp_path: Path, body: str, seconds: float, message: str) -> None:
    with pytest.raises(ScanError, match=message) as caught:
        zizmor.run_zizmor(str(tmp_path), program=program(tmp_path, body), seconds=seconds)
    assert "canary" not in str(caught.value)


def test_it_cannot_be_started(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="cannot be started: No such file or directory; install zizmor"):
        zizmor.run_zizmor(str(tmp_path), program=str(tmp_path / "gone"))


def test_the_real_one(tmp_path: Path) -> None:
    if zizmor.installed() is None:
        pytest.skip("no zizmor: its real answer was not read")
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "test.yml").write_text(WORKFLOW)
    result = zizmor.run_zizmor(str(tmp_path))
    assert {(item["path"], item["line"], item["message"].partition(" ")[0]) for item in result["findings"]} == {
        (".github/workflows/test.yml", 9, "hardcoded-container-credentials"),
        (".github/workflows/test.yml", 11, "template-injection"),
    }
    assert result["not_checked"] == []
    assert "canary" not in json.dumps(result)
    config = ".github/zizmor.yml"
    (tmp_path / config).write_text("rules: {template-injection: {ignore: [test.yml]}}\n")
    assert [item["line"] for item in zizmor.run_zizmor(str(tmp_path), config=config)["findings"]] == [9]
    assert [item["line"] for item in zizmor.run_zizmor(str(tmp_path))["findings"]] == [9, 11]
    (folder / "broken.yml").write_text("jobs: [\n")
    result = zizmor.run_zizmor(str(tmp_path), config=config)
    assert [item["line"] for item in result["findings"]] == [9]
    assert "cannot read every workflow" in result["not_checked"][0]
    assert sorted(os.listdir(tmp_path)) == [".github"]


SHA = "1" * 40
JOB = "on: {trigger}\npermissions: {{}}\njobs: {{a: {job}}}\n"
STEP = "{{runs-on: ubuntu-latest, steps: [{}]}}"


PINS = (
    *("an action by a tag", "an action by a branch", "an action by a short hash", "a called workflow by a tag"),
    *("an image without a digest", "a secret for pull_request_target", "a secret for issue_comment"),
    *(
        "a secret for one of two triggers",
        "a checkout of the head for workflow_run",
        "all secrets for another workflow",
    ),
)


@planted.mistakes("Pins and triggers of a workflow", planted.REPOSITORY_FILES)
@pytest.mark.skipif(zizmor.installed() is None, reason=f"{zizmor.REMEDY}: no sample workflow was looked at")
@pytest.mark.parametrize(
    ("trigger", "job", "audit"),
    [
        *(
            ("push", STEP.format("{uses: %s}" % uses), "unpinned-uses")
            for uses in ("actions/checkout@v5", "someone/action@main", "someone/action@1a2b3c4")
        ),
        ("push", "{uses: org/repo/.github/workflows/x.yml@v1}", "unpinned-uses"),
        ("push", STEP.format("{uses: 'docker://alpine'}"), "unpinned-images"),
        *(
            (trigger, STEP.format("{run: ./x, env: {T: '${{ secrets.DEPLOY }}'}}"), "dangerous-triggers")
            for trigger in ("pull_request_target", "issue_comment", "[push, pull_request_target]")
        ),
        (
            "{workflow_run: {workflows: [x]}}",
            STEP.format("{uses: actions/checkout@%s, with: {ref: '${{ github.head_ref }}'}}" % SHA),
            "dangerous-triggers",
        ),
        (
            "pull_request_target",
            "{uses: org/repo/.github/workflows/x.yml@%s, secrets: inherit}" % SHA,
            "dangerous-triggers",
        ),
    ],
    ids=PINS,
)
def test_what_the_checks_of_pins_and_triggers_rely_on(tmp_path: Path, trigger: str, job: str, audit: str) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "a.yml").write_text(JOB.format(trigger=trigger, job=job))
    found = zizmor.run_zizmor(str(tmp_path))
    assert audit in {one["audit"] for one in found["findings"]}
    assert found["not_checked"] == []
    assert planted.KINDS[audit] in verify_facts.judged("WPS504", "WPS505", zizmor={**found, "accepted": 0, "files": 1})
