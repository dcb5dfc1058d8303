# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How long comments are judged."""

from __future__ import annotations

import time

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv, dotenv_flaws


@pytest.mark.parametrize("comment", ["://a:", ":1", "A"])
def test_a_long_comment_takes_no_long_time(comment: str) -> None:
    began = time.process_time()
    text = "# " + comment * 200_000 + "\n"
    assert dotenv_flaws.flaws(text, dotenv.DEFAULT_READERS, lambda _line: ())["comments"] == []
    assert time.process_time() - began < 5


def test_a_value_is_found_anywhere_in_a_comment() -> None:
    text = "# " + "x " * 10_000 + "canary\n"
    flaws = dotenv_flaws.flaws(text, dotenv.DEFAULT_READERS, lambda line: ["KEY"] if "canary" in line else [])
    assert flaws["comments"] == [{"line": 1, "why": "holds KEY"}]
