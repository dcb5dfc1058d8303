# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import (
    DENIED,
    MISSING,
    Contents,
    Failure,
    Reading,
)


def test_a_value_is_in_no_repr() -> None:
    reading = Reading("m", "a", "1", "canary")
    assert "canary" not in repr(reading) + str(reading) + repr(Contents({"a": reading}))


def test_words_of_a_failure() -> None:
    assert str(Failure("m", "a", MISSING)) == "secret a: missing"
    assert str(Failure("m", "/p", DENIED, "no policy")) == "parameters below /p: denied (no policy)"
