# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Acts that one execution carries out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host import runtime


def test_what_fills_the_answer_leaves_the_rest_to_another_execution(capsys: pytest.CaptureFixture[str]) -> None:
    runtime.each(
        [{"params": {"text": "x" * (1 << 20)}}] * 9, lambda params, keep: keep({"changed": False, **params}), 0
    )
    results: list[Any] = json.loads(capsys.readouterr().out)["results"]
    assert len(results) == 4
