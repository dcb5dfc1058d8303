# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.module_utils._stores.base import DENIED, MISSING, Failure, Reading
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.memory import MemoryStore

A = Reading("m", "a", "1", "canary")
X = Reading("m", "/p/X", "1", "canary")
DEEP = Reading("m", "/p/X/Y", "1", "canary")
OTHER = Reading("m", "/pp/X", "1", "canary")


def test_names_and_paths() -> None:
    store = MemoryStore("m", [A, X, DEEP, OTHER])
    found = store.read(["a", "/p"])
    assert found.readings == {"a": A, "/p/X": X, "/p/X/Y": DEEP}
    assert found.failures == {}
    assert store.reads == 1


def test_failures() -> None:
    denied = Failure("m", "/p", DENIED)
    found = MemoryStore("m", [A, X], [denied]).read(["b", "/p", "a"])
    assert found.readings == {"a": A}
    assert found.failures == {"/p": denied, "b": Failure("m", "b", MISSING)}


def test_nothing_asked_nothing_found() -> None:
    found = MemoryStore("m", [A]).read([])
    assert (found.readings, found.failures) == ({}, {})


def test_a_value_is_in_no_repr() -> None:
    store = MemoryStore("m", [A])
    assert "canary" not in repr(A) + repr(store.read(["a"])) + str(A)


def test_words_of_a_failure() -> None:
    assert str(Failure("m", "a", MISSING)) == "secret a: missing"
    assert str(Failure("m", "/p", DENIED, "no policy")) == "parameters below /p: denied (no policy)"
