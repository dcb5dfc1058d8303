# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A scan that takes long shows how far it is, and one that is quick shows nothing."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import scan, scan_progress, sources
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Needles


class Clock:
    def __init__(self, step: float) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def shown(monkeypatch: pytest.MonkeyPatch, source: scan.Source, step: float) -> list[str]:
    """Lines of a scan in which each object takes so many seconds, without their time."""
    lines: list[str] = []
    monkeypatch.setattr(scan_progress, "time", SimpleNamespace(monotonic=Clock(step)))
    scan.scan([source], Needles(), show=lines.append)
    return [line[10:] for line in lines]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(6):
        (tmp_path / f"{number}.txt").write_text(str(number), encoding="utf-8")
    return tmp_path


def test_files_are_counted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = sources.DirectorySource(str(folder))
    assert shown(monkeypatch, source, step=0.1) == []
    assert shown(monkeypatch, source, step=3) == [
        f"running                       {folder}: 2 objects",
        f"running                       {folder}: 6 objects",
    ]


def test_objects_of_a_repository_have_an_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    monkeypatch.setattr("ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.git.SLAB", 1)
    (line, *_more) = shown(monkeypatch, sources.GitSource(str(folder), tree=False), step=3)
    assert re.search(r": \d of 8 objects, about \d+ s left$", line)
