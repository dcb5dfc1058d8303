# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json

from ansible_collections.watchparty.secrets.plugins.module_utils._stores.version_cache import (
    Remembered,
    RememberedParameters,
)
from tests.fakes.memory_stores import Hook, MemoryParameters, MemorySecrets


class Recorder(Hook):
    def __init__(self) -> None:
        self.acts: list[str] = []

    def before(self, op: str, name: str) -> None:
        self.acts.append(f"{op} {name}")


def test_a_version_of_a_secret_is_read_once_and_what_is_current_each_time() -> None:
    hook = Recorder()
    store = MemorySecrets(hook)
    version = store.seed("a", "1")
    remembered = Remembered(store)
    assert remembered.read(["a"]).readings["a"].version == version
    assert remembered.read(["a"], pins={"a": version}).readings["a"].value == "1"
    store.seed("a", "2")
    assert remembered.read(["a"]).readings["a"].value == "2"
    assert remembered.read(["a"], pins={"a": version}).readings["a"].value == "1"
    assert hook.acts == ["read a", "read a"]


def test_what_this_process_wrote_it_knows() -> None:
    hook = Recorder()
    remembered = Remembered(MemorySecrets(hook))
    remembered.create("a", "1", version="1" * 32)
    remembered.stage("a", "2", version="2" * 32, label="ours")
    for number in ("1", "2"):
        assert remembered.read(["a"], pins={"a": number * 32}).readings["a"].value == number
    assert hook.acts == ["create a", "put a"]


def test_what_somebody_else_knows_is_not_read() -> None:
    hook = Recorder()
    store = MemorySecrets(hook)
    reading = store.read(["a"]).readings
    assert reading == {}
    version = store.seed("a", json.dumps({"key": "x"}))
    known = Remembered(store)
    known.keep(list(store.read(["a"]).readings.values()))
    hook.acts.clear()
    assert known.read(["a"], pins={"a": version}).readings["a"].value == '{"key": "x"}'
    assert hook.acts == []


def test_a_version_of_a_parameter_is_read_once_and_a_path_each_time() -> None:
    hook = Recorder()
    store = MemoryParameters(hook)
    store.seed("/app/A", "1")
    remembered = RememberedParameters(store)
    assert remembered.read(["/app"]).readings["/app/A"].value == "1"
    store.seed("/app/A", "2")
    assert remembered.read([], pins={"/app/A": "1"}).readings["/app/A"].value == "1"
    assert remembered.read(["/app"]).readings["/app/A"].value == "2"
    assert remembered.read(["/app"], pins={"/app/A": "1"}).readings["/app/A"].value == "1"
    assert hook.acts == ["read /app", "read /app", "read /app", "read /app/A"]
