# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ansible-builder accepts the example, and gets from the collection every package that the collection may use."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "execution-environment"


def builder(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("ansible-builder")
    return subprocess.run([program, *arguments], cwd=EXAMPLE, capture_output=True, text=True, check=False)


def names(lines: list[str]) -> set[str]:
    return {re.split(r"[ =;\[]", line)[0] for line in lines if line and not line.startswith("#")}


def test_the_example_makes_a_build_context(tmp_path: Path) -> None:
    done = builder("create", "--context", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    galaxy = yaml.safe_load((tmp_path / "_build" / "requirements.yml").read_text(encoding="utf-8"))
    assert [item["name"] for item in galaxy["collections"]] == ["https://github.com/watchparty/secrets.git"]
    lines = (tmp_path / "Dockerfile").read_text(encoding="utf-8").splitlines()
    git = next(number for number, line in enumerate(lines) if "git-core" in line)
    assert git < next(number for number, line in enumerate(lines) if "ansible-galaxy collection install" in line)


def test_a_wrong_key_is_refused(tmp_path: Path) -> None:
    text = (EXAMPLE / "execution-environment.yml").read_text(encoding="utf-8")
    (tmp_path / "wrong.yml").write_text(text.replace("base_image:", "base_images:"), encoding="utf-8")
    assert builder("create", "--file", tmp_path / "wrong.yml", "--context", tmp_path / "context").returncode != 0


@pytest.fixture(scope="module")
def introspected() -> dict[str, list[str]]:
    done = builder("introspect", ROOT / "playbooks" / "collections")
    assert done.returncode == 0, done.stderr
    result: dict[str, list[str]] = yaml.safe_load(done.stdout)
    return result


def test_the_collection_names_its_python_packages(introspected: dict[str, list[str]]) -> None:
    files = (ROOT / "requirements" / "runtime.txt", ROOT / "requirements" / "scanner.txt")
    expected = [line for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    assert names(introspected["python"]) == names(expected)


def test_the_collection_names_its_programs(introspected: dict[str, list[str]]) -> None:
    assert names(introspected["system"]) == {"git", "openssh-clients"}
