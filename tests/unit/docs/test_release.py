# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The version is the same wherever it is written."""

from __future__ import annotations

import re

import yaml

from sandbox.process import REPOSITORY


def version() -> str:
    return str(yaml.safe_load((REPOSITORY / "galaxy.yml").read_text(encoding="utf-8"))["version"])


def test_plugins_and_options_came_with_a_release() -> None:
    changelog = yaml.safe_load((REPOSITORY / "changelogs" / "changelog.yaml").read_text(encoding="utf-8"))
    releases = {*changelog["releases"], version()}
    files = [path for path in (REPOSITORY / "plugins").rglob("*") if path.suffix in (".py", ".yml")]
    added = [
        (str(path.relative_to(REPOSITORY)), release)
        for path in files
        for release in re.findall(r"^ *version_added: *['\"]?([\w.]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert len(added) > 60
    assert [item for item in added if item[1] not in releases] == []


def test_examples_install_this_version() -> None:
    hook = (REPOSITORY / "docs" / "how-to" / "scan-a-repository.md").read_text(encoding="utf-8")
    assert re.findall(r"^ *rev: (.+)$", hook, re.MULTILINE) == [version()]
    example = REPOSITORY / "examples" / "execution-environment" / "requirements.yml"
    (collection,) = yaml.safe_load(example.read_text(encoding="utf-8"))["collections"]
    assert collection["version"] == version()
