# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The workflow and the Dev Container run targets of make, the workflow the README's command."""

from __future__ import annotations

import json
import re

import yaml

from sandbox.process import REPOSITORY


def text_of(path: str) -> str:
    return (REPOSITORY / path).read_text(encoding="utf-8")


def made_by(command: str) -> list[str]:
    return re.findall(r"\bmake ([a-z-]+)", command)


def test_they_run_targets_that_exist() -> None:
    steps = yaml.safe_load(text_of(".github/workflows/test.yml"))["jobs"]["test"]["steps"]
    workflow = made_by("\n".join(step.get("run", "") for step in steps))
    container = made_by(json.loads(text_of(".devcontainer/devcontainer.json"))["onCreateCommand"])
    assert (workflow, container) == (["packages", "test"], ["packages", "setup"])
    assert {*workflow, *container} <= set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    assert "    make test " in text_of("README.md")
