# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each version of each name is asked for once, a failure included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import CURRENT, PREVIOUS, Contents
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.cached_stores import ParametersOnce, ReadOnce
from tests.fakes.memory_stores import MemoryParameters, MemorySecrets


class Counted:
    """A store that remembers what it was asked."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.asked: list[tuple[tuple[str, ...], Mapping[str, str]]] = []

    def read(self, names: Sequence[str], *, pins: Any = None, stages: Any = None) -> Contents:
        self.asked.append((tuple(names), {**(pins or {}), **(stages or {})}))
        contents: Contents = self._store.read(names, pins=pins, stages=stages)
        return contents

    def history(self, name: str) -> Any:
        return self._store.history(name)


def values(contents: Contents) -> dict[str, str]:
    return {name: reading.value for name, reading in contents.readings.items()}


def test_secrets() -> None:
    memory = MemorySecrets()
    for name in ("a", "b"):
        memory.seed(name, f"{name}1")
        memory.seed(name, f"{name}2")
    store = Counted(memory)
    once: Any = ReadOnce(store)  # type: ignore[arg-type]
    assert values(once.read(["a"])) == {"a": "a2"}
    assert values(once.read(["a", "b"])) == {"a": "a2", "b": "b2"}
    assert values(once.read(["b", "a"], stages={"a": PREVIOUS})) == {"a": "a1", "b": "b2"}
    assert values(once.read(["a"], stages={"a": CURRENT})) == {"a": "a2"}
    first = memory.read(["b"], stages={"b": PREVIOUS}).readings["b"].version
    assert values(once.read(["b"], pins={"b": first})) == {"b": "b1"}
    for _ in range(2):
        assert list(once.read(["gone"]).failures) == ["gone"]
    assert store.asked == [
        (("a",), {}),
        (("b",), {}),
        (("a",), {"a": PREVIOUS}),
        (("b",), {"b": first}),
        (("gone",), {}),
    ]


def test_what_another_has_read() -> None:
    memory, parameters = MemorySecrets(), MemoryParameters()
    memory.seed("a", "a1")
    parameters.seed("/app/test/A", "1")
    parameters.seed("/app/testing/B", "2")
    store, paths = Counted(memory), Counted(parameters)
    once: Any = ReadOnce(store)  # type: ignore[arg-type]
    below: Any = ParametersOnce(paths)  # type: ignore[arg-type]
    read = memory.read(["a"]) | parameters.read(["/app/test", "/app/testing"])
    once.keep(["a"], read)
    below.keep(["/app/test", "/app/empty"], read)
    assert values(once.read(["a"])) == {"a": "a1"}
    assert values(below.read(["/app/test"])) == {"/app/test/A": "1"}
    assert values(below.read(["/app/empty"])) == {}, "that nothing is there is known too"
    assert store.asked == paths.asked == []
    assert [item.value for item in below.history("/app/test/A")] == ["1"]
