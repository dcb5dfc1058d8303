# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""It goes on with the answer alone, and without anybody to ask it fails."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import (
    confirmation_prompt,
    extra_variables,
    prompt,
)


def confirmed() -> None:
    confirmation_prompt.require("Contain it now?", variable="leak_confirm", loader=None, templar=Templar(DataLoader()))


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Somebody at the terminal, and what was asked."""
    asked: list[str] = []

    def types(answer: bytes) -> list[str]:
        def prompt_until(_display: Display, msg: str, **_more: Any) -> bytes:
            asked.append(msg)
            return answer

        monkeypatch.setattr(Display, "prompt_until", prompt_until)
        return asked

    return types


@pytest.mark.parametrize("answer", [b"yes", b" yes\r\n"])
def test_the_answer(typed: Any, answer: bytes) -> None:
    asked = typed(answer)
    confirmed()
    assert asked == ["Contain it now? Type yes to continue: "]


@pytest.mark.parametrize("answer", [b"", b"y", b"Yes", b"no", b"yes yes", b"\xff"])
def test_anything_else(typed: Any, answer: bytes) -> None:
    typed(answer)
    with pytest.raises(AnsibleActionFail, match=r"^not confirmed; nothing was changed\. To continue, .* type yes$"):
        confirmed()


def test_nobody_is_there() -> None:
    """The standard input of a test run is not a terminal."""
    with pytest.raises(AnsibleActionFail, match=r"^no confirmation can be asked for .*; confirm .*leak_confirm=yes$"):
        confirmed()


@pytest.mark.parametrize(("value", "confirms"), [("yes", True), ("no", False), (True, False), (None, False)])
def test_the_command_line_confirms(typed: Any, monkeypatch: pytest.MonkeyPatch, value: object, confirms: bool) -> None:
    variables = {} if value is None else {"leak_confirm": value}
    monkeypatch.setattr(extra_variables, "load_extra_vars", lambda loader: variables)
    asked = typed(b"yes")
    confirmed()
    assert bool(asked) is not confirms


@pytest.mark.parametrize("leads", [True, False])
def test_ansible_navigator_with_a_terminal_of_its_own_or_of_the_operator(
    typed: Any, monkeypatch: pytest.MonkeyPatch, leads: bool
) -> None:
    asked = typed(b"yes")
    monkeypatch.setenv("AWX_ISOLATED_DATA_DIR", "/tmp/artifacts")
    monkeypatch.setattr(prompt.os, "getsid", lambda process: process if leads else 1)
    with pytest.raises(AnsibleActionFail, match="a terminal that no person reads") if leads else nullcontext():
        confirmed()
    assert bool(asked) is not leads


def test_a_job_of_ansible_runner_does_not_wait_for_an_answer(typed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = typed(b"yes")
    monkeypatch.setenv("RUNNER_OMIT_EVENTS", "False")
    with pytest.raises(AnsibleActionFail, match="ansible-runner gives this run a terminal that no person reads"):
        confirmed()
    assert asked == []
