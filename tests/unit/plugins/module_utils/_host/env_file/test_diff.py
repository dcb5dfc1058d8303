# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a delivery changes is shown by names and fingerprints; a value is in none of it."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import diff as env_file_diff

READERS = dotenv.DEFAULT_READERS
OLD = {"A": "canary-1", "B": "canary-2", "C": "canary-3"}
NEW = {"B": "canary-2", "C": "canary-4", "D": "canary-5"}


def test_settings_of_a_file() -> None:
    assert env_file_diff.settings_of(dotenv.to_dotenv(OLD).encode(), READERS) == OLD
    for content in (None, b"", b"A='unclosed\n", b"\xff\xfe"):
        assert env_file_diff.settings_of(content, READERS) == {}


def test_names_by_kind_of_change() -> None:
    assert env_file_diff.changes(OLD, NEW) == {"added": ["D"], "changed": ["C"], "removed": ["A"]}


def test_a_diff_shows_what_is_another_value_and_no_value() -> None:
    shown = env_file_diff.diff("/srv/.env", (OLD, "0644"), (NEW, "0600"), key="k")
    assert (shown["before_header"], shown["after_header"]) == ("/srv/.env", "/srv/.env")
    before, after = shown["before"].splitlines(), shown["after"].splitlines()
    assert (before[0], after[0]) == ("mode 0644", "mode 0600")
    assert set(before) & set(after) == {before[2]}, "the same value has the same fingerprint"
    assert before[2].startswith("B fingerprint ")
    assert "canary" not in str(shown)
    assert env_file_diff.diff("/srv/.env", ({}, ""), (NEW, "0600"), key="k")["before"] == ""
    assert env_file_diff.diff("/srv/.env", (OLD, "0644"), (NEW, "0600"), key="l")["after"] != shown["after"]
