# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values are asked for at the terminal; optional ones may stay without an answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.action.ask_secret import ActionModule
from ansible_collections.watchparty.secrets.plugins.plugin_utils._seal import opened
from tests.unit.plugins.action.local_action import run_action

Types = Callable[..., list[str]]
act = partial(run_action, ActionModule)


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> Types:
    """What is typed, one answer a question; None where there is no terminal. Returns what was asked."""

    def typed(*answers: bytes | None) -> list[str]:
        asked: list[str] = []
        left = list(answers)

        def prompt_until(_display: Display, msg: str, *, private: bool, complete_input: object) -> bytes:
            assert private
            asked.append(msg)
            answer = left.pop(0)
            if answer is None:
                raise AnsibleError("input is not interactive")
            return answer

        monkeypatch.setattr(Display, "prompt_until", prompt_until)
        return asked

    return typed


def test_the_answers_are_hidden(types: Types) -> None:
    asked = types(b"one\n", b"two\r\n")
    found = act(names=["a", "b"], pages={"a": "https://provider.example"})
    assert asked == ["New value of a (from https://provider.example): ", "New value of b: "]
    assert opened(found)["answers"] == {"a": "one", "b": "two"}
    assert (found["answered"], found["_ansible_no_log"]) == (["a", "b"], True)
    asked = types(b"three")
    act(names=["what leaked"], question="Paste")
    assert asked == ["Paste what leaked: "]


@pytest.mark.parametrize(("answer", "words"), [(b"\n", "the answer was empty"), (None, "cannot be asked for")])
def test_without_an_answer(types: Types, answer: bytes | None, words: str) -> None:
    types(answer)
    with pytest.raises(AnsibleActionFail, match=f"^a: {words}.*; give the values in a file instead$"):
        act(names=["a"])


def test_optional_ones_are_left_out(types: Types) -> None:
    types(None, b"\n", b"three")
    found = act(names=["a", "b", "c"], optional=True)
    assert (opened(found)["answers"], found["answered"]) == ({"c": "three"}, ["c"])


def test_several_lines(types: Types) -> None:
    """They are one answer where it may have several; else the value is not cut at the first one's end."""
    asked = types(b"one\rtwo\r\nthree\xff\r")
    assert opened(act(names=["it"], question="Paste", lines=True))["answers"] == {"it": "one\ntwo\nthree\ufffd"}
    assert asked == ["Paste it (several lines at once are fine, Enter ends): "]
    asked = types(b"one\rcanary", b"two")
    with pytest.raises(AnsibleActionFail, match=r"^a: several lines came at once, and nothing of them is kept; "):
        act(names=["a", "b"])
    assert len(asked) == 1
    asked = types(b"one\rcanary", b"\xff", b"two")
    assert opened(act(names=["a", "b", "c"], optional=True))["answers"] == {"c": "two"}


@pytest.mark.parametrize("args", [{"names": []}, {"names": ["a"], "check": True}])
def test_nothing_is_asked(types: Types, args: dict[str, Any]) -> None:
    asked = types()
    assert act(**args)["answered"] == []
    assert asked == []
