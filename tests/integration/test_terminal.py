# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is pasted at a question is the answer to that question, and to no other one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.integration.harness import Lab
from tests.integration.terminal import at_a_terminal

FIRST, SECOND = "New value of twitch: ", "New value of stripe: "
AGAIN = "Answer again"
SEVERAL = "twitch: the answer had several lines, and all of them were discarded"
KEY = "-----BEGIN PRIVATE KEY-----\ncanaryLINE2canary\ncanaryLINE3canary\n-----END PRIVATE KEY-----\n"
FILE = "give it by the line NAME: 'VALUE' in -e rotation_values_file=FILE (mode 0600)"
ASK = {"watchparty.secrets.ask_secret": {"names": ["twitch", "stripe"], "remedy": FILE}, "register": "asked"}
PASTE = {"watchparty.secrets.ask_secret": {"names": ["it"], "question": "Paste", "lines": True}, "register": "asked"}
CONFIRM: dict[str, Any] = {"confirm": {}}
PAUSE = {"ansible.builtin.pause": {"prompt": "Look around"}}


def pasted(text: str, ends: str = "\r") -> bytes:
    """As terminals send it."""
    return text.replace("\n", ends).encode()


OPENED = """
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.seal import opened

class FilterModule:
    def filters(self):
        return {"opened": opened}
"""
CONFIRMED = """
from ansible.plugins.action import ActionBase
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import confirmation_prompt

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        own = {"loader": self._loader, "templar": self._templar}
        confirmation_prompt.require("Contain it now?", variable="leak_confirm", **own)
        return {"changed": False}
"""


class Terminal:
    """A few tasks that ask, and what came of them."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._kept = lab.directory / "answers.json"

    def run(self, *tasks: Mapping[str, Any], answers: Mapping[str, str | bytes]) -> tuple[int, str]:
        keep = {
            "ansible.builtin.copy": {
                "content": "{{ (asked | default({}) | opened).answers | default({}) | to_json }}",
                "dest": str(self._kept),
                "mode": "0600",
            },
            "no_log": True,
        }
        play = {"hosts": "localhost", "gather_facts": False, "tasks": [*tasks, keep]}
        for path, text in (("filter_plugins/opened.py", OPENED), ("action_plugins/confirm.py", CONFIRMED)):
            (self._lab.directory / path).parent.mkdir(exist_ok=True)
            (self._lab.directory / path).write_text(text)
        path = self._lab.directory / "asks.yml"
        path.write_text(json.dumps([play]))
        command = self._lab.command("-vvv", playbook=path)
        places = {"ANSIBLE_COLLECTIONS_PATH": str(self._lab.root / "playbooks" / "collections")}
        code, seen = at_a_terminal(command, self._lab.root, {**self._lab.environment(), **places}, answers)
        assert "canary" not in seen
        return code, seen

    @property
    def answers(self) -> Any:
        return json.loads(self._kept.read_text())


@pytest.fixture
def terminal(lab: Lab) -> Terminal:
    return Terminal(lab)


NAMES = ("cr", "lf", "crlf", "held", "line", "braced", "byte")
"""A paste by each way to end its lines; one that the terminal marks, where Enter ends the answer; single lines, whose
own end and bracket are not part of a value; a byte that is not text."""
TYPED = {
    "New value of cr: ": pasted(KEY, "\r"),
    "New value of lf: ": pasted(KEY, "\n"),
    "New value of crlf: ": pasted(KEY, "\r\n"),
    "New value of held: ": b"\x1b[200~%b\x1b[201~\r" % pasted(KEY),
    "New value of line: ": b"canary-line\r\n",
    "New value of braced: ": b"\x1b[200~canary-braced\x1b[201~\r",
    "New value of byte: ": b"canary\xff\r",
    **{f"{name}: the answer had several lines": f"canary-{name}" for name in NAMES[:4]},
    "byte: the answer is not UTF-8 text. Answer again": "canary-byte",
}


def test_what_is_pasted_is_no_answer_to_the_next_question(terminal: Terminal) -> None:
    """The question comes again, and the answers before it are kept."""
    ask = {**ASK, "watchparty.secrets.ask_secret": {"names": list(NAMES), "remedy": FILE}}
    code, seen = terminal.run(ask, answers=TYPED)
    assert code == 0, seen
    for name in NAMES[:4]:
        assert f"{name}: the answer had several lines, and all of them were discarded. Answer again" in seen
    assert terminal.answers == {name: f"canary-{name}" for name in NAMES}


def test_what_need_not_be_answered_is_left_out(terminal: Terminal) -> None:
    """The rest of a leak response goes on."""
    ask = {**ASK, "watchparty.secrets.ask_secret": {**ASK["watchparty.secrets.ask_secret"], "optional": True}}
    code, seen = terminal.run(ask, answers={FIRST: pasted(KEY), AGAIN: "", SECOND: "canary-2"})
    assert code == 0, seen
    assert terminal.answers == {"stripe": "canary-2"}
    assert f"{SEVERAL}. Answer again; Enter leaves it out." in seen


def test_several_lines_confirm_nothing(terminal: Terminal) -> None:
    """Neither after the word that is wanted, nor if the word is among them."""
    for answer in (b"yes\rno\r", b"no\ryes\r"):
        code, seen = terminal.run(CONFIRM, answers={"to continue: ": answer})
        assert code != 0, seen
        assert "not confirmed; nothing was changed" in seen


@pytest.mark.parametrize("question", ["to continue: ", FIRST])
def test_what_waited_before_the_question_is_no_answer(terminal: Terminal, question: str) -> None:
    """Here what somebody pasted at a question of another's, which took one line of it."""
    task = CONFIRM if question == "to continue: " else ASK
    extra = {} if task is CONFIRM else {AGAIN: "canary-1", SECOND: "canary-2"}
    code, seen = terminal.run(PAUSE, task, answers={"Look around": b"\ryes\ryes\r", question: b"no\rno\r", **extra})
    assert (code == 0) == bool(extra), seen
    assert ("not confirmed" if task is CONFIRM else SEVERAL) in seen


def test_all_that_was_found_is_read(terminal: Terminal) -> None:
    """Lines that come a moment later belong to it too; more than a terminal holds at once; a byte that is not UTF-8."""
    lines = [f"canary of a log's line {number}" for number in range(200)]
    code, seen = terminal.run(PASTE, answers={"Paste it (": pasted("\n".join([*lines, "\n", KEY])) + b"\xff!\r"})
    assert code == 0, seen
    assert terminal.answers == {"it": "\n".join([*lines, "\n", KEY]) + "\ufffd!"}
