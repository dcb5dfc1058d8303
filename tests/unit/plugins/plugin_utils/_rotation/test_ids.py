# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ids import Values, label, version_id

NAMES = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=8)
PARTS = st.tuples(NAMES, NAMES, st.integers(1, 3), st.integers(1, 3))


def test_an_id_is_the_same_in_every_release() -> None:
    """A rotation that one release began is ended by the next."""
    assert version_id("r1", "app/test/core", 1, 1) == "5e6c6d57-c879-5e2c-80f3-8a0de2cfc732"
    assert version_id("r1", "app-rotation/test/r1") == "a9c5a11c-4654-5124-95c7-851f0d0a9423"


@given(PARTS, PARTS)
def test_no_two_versions_share_one(pair: tuple[str, str, int, int], other: tuple[str, str, int, int]) -> None:
    assert (version_id(*pair) == version_id(*other)) is (pair == other)
    assert str(uuid.UUID(version_id(*pair))) == version_id(*pair), "AWS takes 32 to 64 characters"


def test_a_label_of_our_own() -> None:
    assert label(OpenRotation("r-20261125T150000-ab12", "create", "ann@x", "t"), 2) == "r-20261125T150000-ab12-2"


def test_values_are_not_shown() -> None:
    assert "canary" not in repr(Values({"c": Login("u", "canary")}, [{"/p": "canary"}], "v"))
