# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A compromised rotation host is sent an operator's own kind: what it answers is a message and notes, and no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import own_kind_main
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import remote_program
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import NotReached
from tests.hostile.test_host_answers import CONTROL, ESCAPES
from tests.unit.plugins.plugin_utils._ansible.test_remote_program import Host
from tests.unit.plugins.plugin_utils._rotation.kinds.test_own import own, part
from tests.unit.plugins.plugin_utils._rotation.rotator_world import World

HONEST = {"changed": False, "message": "done", "notes": "null"}


@pytest.fixture
def world() -> World:
    made = World()
    made.created(made.begun("token"))
    return made


class Liar(Host):
    """A rotation host that runs nothing and answers what it likes."""

    def __init__(self, answer: str) -> None:
        super().__init__()
        self._answer = answer

    def _low_level_execute_command(self, command: str, *, sudoable: bool, in_data: bytes) -> dict[str, Any]:
        assert b"new-token" in in_data
        return {"rc": 0, "stdout": self._answer, "stderr": ""}


def answered(world: World, folder: Path, answer: str | dict[str, Any]) -> Any:
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return own(folder, "#!/bin/sh\n", runs_on="rotation_host").set(part(world, Liar(text)))


def test_an_honest_answer(world: World, tmp_path: Path) -> None:
    notes = {"id": [1, None, True, {"deep": "x"}]}
    assert answered(world, tmp_path, {**HONEST, "notes": json.dumps(notes)}) == {"message": "done", "notes": notes}


@pytest.mark.parametrize("name", CONTROL)
def test_forged_keys_make_the_host_a_lost_one(world: World, tmp_path: Path, name: str) -> None:
    with pytest.raises(NotReached, match="web1 cannot be reached; choose another by -e rotation_host="):
        answered(world, tmp_path, {**HONEST, name: CONTROL[name]})


@pytest.mark.parametrize("name", CONTROL)
def test_forged_keys_in_notes_are_data(world: World, tmp_path: Path, name: str) -> None:
    """They go to the journal and back to the executable, and never become a task's result."""
    answer = answered(world, tmp_path, {**HONEST, "notes": json.dumps({name: 1})})
    assert answer == {"message": "done", "notes": {name: 1}}


@pytest.mark.parametrize(
    "answer",
    [
        {**HONEST, "message": "x" * 9 * 1024 * 1024},
        {**HONEST, "message": ["x"]},
        {**HONEST, "notes": {"id": 7}},
        {"changed": False, "message": "done"},
        '{"message": ' + "[" * 200000,
    ],
    ids=["too large", "another type", "notes that are not text", "no notes", "a bomb"],
)
def test_an_answer_of_another_shape_makes_the_host_a_lost_one(world: World, tmp_path: Path, answer: Any) -> None:
    with pytest.raises(NotReached) as raised:
        answered(world, tmp_path, answer)
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize(
    ("notes", "message"),
    [
        ("no JSON", "the notes in the host's answer are not JSON"),
        ("[" * 60000, "the notes in the host's answer are not JSON"),
        ('{"a": ' * 30 + "1" + "}" * 30, "nested too deeply"),
        ('{"a": NaN}', "a number that JSON does not have"),
        ('{"a": "' + "x" * 70000 + '"}', "the notes in the host's answer are not JSON"),
        ('{"a": "the new-token"}', "its notes contain a secret value, which the journal must not store"),
        ('{"new-token": 1}', "its notes contain a secret value, which the journal must not store"),
        ('{"a": "new\\u200b-token"}', "its notes contain a secret value, which the journal must not store"),
    ],
)
def test_notes_that_the_journal_must_not_keep(world: World, tmp_path: Path, notes: str, message: str) -> None:
    with pytest.raises(RotationError, match=message) as raised:
        answered(world, tmp_path, {**HONEST, "notes": notes})
    assert "new-token" not in str(raised.value)
    assert len(str(raised.value)) < 500


def test_text_is_printable_and_shows_no_value(world: World, tmp_path: Path) -> None:
    answer = {**HONEST, "message": f"{ESCAPES}new\x1b-token", "notes": json.dumps({ESCAPES: ESCAPES})}
    result = answered(world, tmp_path, answer)
    assert "new-token" not in result["message"]
    for text in (result["message"], *result["notes"], *result["notes"].values()):
        assert all(character == "\n" or character.isprintable() for character in text)
    with pytest.raises(RotationError) as raised:
        answered(world, tmp_path, {"failed": True, "msg": f"{ESCAPES}new\u202e-token"})
    assert str(raised.value).isprintable()
    assert "new-token" not in str(raised.value)


def test_a_message_is_short(world: World, tmp_path: Path) -> None:
    assert len(answered(world, tmp_path, {**HONEST, "message": "x" * 60000})["message"]) < 700
    with pytest.raises(RotationError) as raised:
        answered(world, tmp_path, {"failed": True, "msg": "x" * 60000})
    assert len(str(raised.value)) < 700


def test_what_the_executable_repeats_is_masked_before_it_leaves_the_host(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connection plugins show an answer with -vvv."""
    answers: list[str] = []
    host = Host()
    execute = host._low_level_execute_command

    def kept(*arguments: Any, **extra: Any) -> dict[str, Any]:
        answer = execute(*arguments, **extra)
        answers.append(answer["stdout"] + answer["stderr"])
        return answer

    monkeypatch.setattr(host, "_low_level_execute_command", kept)
    script = """#!/usr/bin/python3
import json, sys
text = sys.stdin.read()
print(text, file=sys.stderr)
print(json.dumps({"message": text, "notes": None}))
"""
    own(tmp_path, script, runs_on="rotation_host").set(part(world, host))
    for name in ("sys.exit(1)\n", "print('x')\n"):
        with pytest.raises(RotationError):
            own(tmp_path, script + name, runs_on="rotation_host").set(part(world, host))
    assert len(answers) == 3
    assert not [text for text in answers if "old-token" in text or "new-token" in text]


def test_what_is_sent_is_masked_in_an_error_of_the_connection() -> None:
    """A forced command that reads standard input may repeat all of it."""
    given = {"request": {"new": {"password": "a-long-value-of-this-test"}}, "masked": []}
    texts = remote_program.secret_texts(own_kind_main.ARGUMENT_SPEC, given)
    assert "a-long-value" not in remote_program._message("said: a-long-value-of-this-test", texts)
