# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What tests/integration/tiers.py names is there: a file or test with another name would run where it should not."""

from __future__ import annotations

import re

import pytest

from sandbox.process import REPOSITORY
from tests.integration import tiers

FILES = {path.name: path.read_text(encoding="utf-8") for path in (REPOSITORY / "tests").glob("[ih]*/test_*.py")}


@pytest.mark.parametrize("start", sorted({*tiers.BOTH, *tiers.RARELY, *tiers.SELECTED, *tiers.LONGEST}))
def test_it_names_a_test(start: str) -> None:
    file, _, test = start.partition("::")
    function = test.partition("[")[0]
    found = [text for name, text in FILES.items() if name.startswith(file)]
    assert any(re.search(rf"^\s*def {re.escape(function)}", text, re.MULTILINE) for text in found)


@pytest.mark.parametrize(
    ("file", "part"), [(file, part) for file, parts in tiers.SELECTED.items() for part in parts if "[" not in part]
)
def test_it_selects_a_test(file: str, part: str) -> None:
    found = [text for name, text in FILES.items() if name.startswith(file)]
    assert any(re.search(rf"^\s*def \w*{re.escape(part)}", text, re.MULTILINE) for text in found)
