# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Python decides, YAML lists: what playbooks and roles must not do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sandbox.process import REPOSITORY
from tests.unit.playbooks.variables import sources

ROLES = sorted(path for path in (REPOSITORY / "roles").iterdir() if path.is_dir())
FILES = tuple(sources())
PRIVATE = re.compile(r"\b([a-z]+(?:_[a-z]+)*)__[a-z]")
FACTS_OF_LOCALHOST = {"roles/env_deploy/tasks/restore.yml"}
"""deploy.yml's batches are plays: only a fact of a host that all of them see tells the next one of a failure."""


def name_of(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_a_role_reads_no_private_variable_of_another(role: Path) -> None:
    files = [path for path in role.rglob("*") if path.suffix in (".yml", ".j2")]
    assert files
    owners = {owner for path in files for owner in PRIVATE.findall(path.read_text(encoding="utf-8"))}
    assert owners <= {role.name}


def test_playbooks_read_no_private_variable() -> None:
    books = [path for path in FILES if path.is_relative_to(REPOSITORY / "playbooks")]
    assert books
    result = {name_of(path): PRIVATE.findall(path.read_text(encoding="utf-8")) for path in books}
    assert {name: owners for name, owners in result.items() if owners} == {}


def test_no_state_in_facts_of_localhost() -> None:
    keeping = {name_of(path) for path in FILES if "delegate_facts" in path.read_text(encoding="utf-8")}
    assert keeping == FACTS_OF_LOCALHOST


def test_no_outcome_depends_on_the_name_of_a_task() -> None:
    assert not [name_of(path) for path in FILES if "ansible_failed_task" in path.read_text(encoding="utf-8")]


MESSAGE = re.compile(r"\b(?:msg|message|stderr|stdout)\b[^\n]*?(?:\bis (?:not )?(?:search|match|regex)\b|==|!=)")
"""A text that something is decided by. A lookup's or filter's error is data; what it says is for people."""


def test_no_outcome_depends_on_the_text_of_a_message() -> None:
    assert MESSAGE.search("  when: result.msg is search('refused')")
    assert not [name_of(path) for path in FILES if MESSAGE.search(path.read_text(encoding="utf-8"))]


def test_no_program_in_jinja_decides_a_rotation_or_a_response() -> None:
    engines = [path for path in FILES if path.parts[len(REPOSITORY.parts) + 1] in ("secret_rotate", "leak_respond")]
    assert engines
    assert not [name_of(path) for path in engines if "{%" in path.read_text(encoding="utf-8")]
