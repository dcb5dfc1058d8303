# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The manifest of an installed collection, galaxy.yml of a clone, or nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import collection_metadata


def test_a_clone() -> None:
    assert collection_metadata.metadata()["name"] == "secrets"


def test_a_manifest_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collection_metadata, "folders", lambda _name: [tmp_path])
    assert collection_metadata.metadata() == {}
    (tmp_path / "galaxy.yml").write_text("version: 1.2.3")
    assert collection_metadata.metadata() == {"version": "1.2.3"}
    (tmp_path / "MANIFEST.json").write_text(json.dumps({"collection_info": {"version": "1.2.4"}}))
    assert collection_metadata.metadata() == {"version": "1.2.4"}
