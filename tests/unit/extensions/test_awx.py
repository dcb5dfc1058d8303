# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Surveys ask for variables that their playbook reads; credential types pass a secret in a file, and only its path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment

from ansible_collections.watchparty.secrets.plugins.filter import input_errors
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.extra_variables import KNOWN
from sandbox.process import REPOSITORY

AWX = REPOSITORY / "extensions" / "awx"
PREFIXES = {"deploy": "env_", "rotate": "rotation_", "leak_response": "leak_"}
CANARY = "canary-of-a-credential"


def documents(folder: str) -> list[Any]:
    return [pytest.param(path, id=path.stem) for path in sorted((AWX / folder).glob("*.yml"))]


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", documents("surveys"))
def test_a_survey_asks_for_what_its_playbook_reads(path: Path) -> None:
    assert (REPOSITORY / "playbooks" / path.name).is_file()
    known = KNOWN.get(PREFIXES[path.stem], frozenset()) | {"app_environment"}
    kinds = {"leak_confirm": input_errors.KINDS["confirmation"]}
    kinds |= dict.fromkeys(("leak_drill", "rotation_force"), input_errors.KINDS["boolean"])
    for question in load(path)["spec"]:
        assert question["variable"] in known
        assert question["type"] in ("text", "multiplechoice"), "AWX stores the answers"
        for answer in {*question.get("choices", []), question.get("default", "")} - {""}:
            assert isinstance(answer, str)
            assert kinds.get(question["variable"], lambda _answer: "")(answer) == ""


@pytest.mark.parametrize("path", documents("credential_types"))
def test_a_credential_type_passes_its_secret_in_a_file(path: Path) -> None:
    document = load(path)
    fields = document["inputs"]["fields"]
    assert all(field["secret"] for field in fields)
    values = {**{field["id"]: CANARY for field in fields}, "tower": {"filename": "/tmp/path"}}
    injectors = document["injectors"]
    made = {
        kind: {name: Environment(autoescape=True).from_string(text).render(values) for name, text in texts.items()}
        for kind, texts in injectors.items()
    }
    assert made.pop("file") == {"template": CANARY}
    ((name, passed),) = [item for group in made.values() for item in group.items()]
    assert passed == "/tmp/path"
    assert name in {"GITHUB_TOKEN_FILE", "vault_secret_id_file"} | KNOWN["rotation_"]
