# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is made of matchpathcon's answers; the real one is in tests/integration/test_verify_selinux.py."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host import safe_files
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import host_facts

HAS = "/app/.env has context u:r:now_t:s0, should be"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo '/app/.env verified.'", {"right": True}),
        (f"echo '{HAS} u:r:app_t:s0'; exit 1", {"right": False, "wanted": "u:r:app_t:s0"}),
        (f"echo '{HAS} <<none>>'; exit 1", {"right": None, "no_context": True}),
        ("echo '/app/.env error: No data available'; exit 1", {"right": None, "why": "does not print"}),
        ("echo 'Error while opening file contexts database' >&2; exit 255", {"right": None, "why": "(exit code 255)"}),
        (None, {"right": None, "why": "matchpathcon: No such file or directory"}),
    ],
)
def test_contexts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, expected: dict[str, Any]
) -> None:
    monkeypatch.setattr(host_facts, "SELINUX", str(tmp_path))
    monkeypatch.setattr(os, "getxattr", lambda *_arguments: b"u:r:now_t:s0\0")
    monkeypatch.setenv("PATH", str(tmp_path))
    if script:
        program = tmp_path / "matchpathcon"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    (tmp_path / ".env").touch()
    with safe_files.unguarded(str(tmp_path / ".env")) as at:
        result = host_facts._selinux(at)
    assert (result["enabled"], result["context"]) == (True, "u:r:now_t:s0")
    assert expected.pop("why", "") in (result["why"] or "")
    assert {name: result.get(name) for name in expected} == expected


def test_a_file_whose_comments_take_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything else is reported."""
    path = tmp_path / ".env"
    path.write_text("# comment\nA=1\n")
    assert "flaws" in host_facts.gather_facts(host_facts.FactsRequest(str(path)))
    monkeypatch.setattr(host_facts, "SEARCH_SECONDS", -1)
    answer = host_facts.gather_facts(host_facts.FactsRequest(str(path)))
    assert "flaws" not in answer
    assert answer["file"]["exists"]


def test_an_attribute_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_facts, "SELINUX", str(tmp_path))
    with safe_files.unguarded(str(tmp_path / "gone")) as at:
        result = host_facts._selinux(at)
    assert result == {"enabled": True, "why": "the file's context cannot be read: No such file or directory"}
