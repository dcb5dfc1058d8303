# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values are asked for at the terminal; optional ones may stay without an answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import pytest
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.action.ask_secret import TRIES, ActionModule
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.seal import opened
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
    result = act(names=["a", "b"], pages={"a": "https://provider.example"})
    assert asked == ["New value of a (from https://provider.example): ", "New value of b: "]
    assert opened(result)["answers"] == {"a": "one", "b": "two"}
    assert (result["answered"], result["_ansible_no_log"]) == (["a", "b"], True)
    asked = types(b"three")
    act(names=["what leaked"], question="Paste")
    assert asked == ["Paste what leaked: "]


def test_without_a_terminal(types: Types) -> None:
    types(None)
    with pytest.raises(AnsibleActionFail, match=r"^a: cannot be asked for .*; give the values in a file instead$"):
        act(names=["a"])


def test_optional_ones_are_left_out(types: Types) -> None:
    types(None, b"\n", b"three")
    result = act(names=["a", "b", "c"], optional=True)
    assert (opened(result)["answers"], result["answered"]) == ({"c": "three"}, ["c"])


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"\n", "the answer was empty"),
        (b"one\rcanary", "the answer had several lines, and all of them were discarded"),
        (b"canary\xff", "the answer is not UTF-8 text"),
    ],
)
def test_asks_again(types: Types, answer: bytes, message: str) -> None:
    """What was answered before is kept; nothing of the wrong answer is shown."""
    asked = types(b"one", answer, b"two", b"three")
    assert opened(act(names=["a", "b", "c"]))["answers"] == {"a": "one", "b": "two", "c": "three"}
    assert asked[2] == f"b: {message}. Answer again; Ctrl-C ends the run.\nNew value of b: "
    assert "canary" not in "".join(asked)


def test_gives_up(types: Types) -> None:
    asked = types(*[b"\xff"] * TRIES)
    with pytest.raises(AnsibleActionFail, match=r"^a: the answer is not UTF-8 text; give the values in a file"):
        act(names=["a"])
    assert len(asked) == TRIES
    asked = types(*[b"\xff"] * TRIES, b"two")
    assert opened(act(names=["a", "b"], optional=True))["answers"] == {"b": "two"}
    assert "Answer again; Enter leaves it out." in asked[1]
    types(b"\xff", b"", b"two")
    assert opened(act(names=["a", "b"], optional=True))["answers"] == {"b": "two"}


def test_several_lines(types: Types) -> None:
    """They are one answer where it may have several."""
    asked = types(b"one\rtwo\r\nthree\xff\r")
    assert opened(act(names=["it"], question="Paste", lines=True))["answers"] == {"it": "one\ntwo\nthree\ufffd"}
    assert asked == ["Paste it (you can paste several lines; Enter ends the answer): "]


class TestWithACatalog:
    """The prompt says what the value is for and where it goes, and the catalog judges the answer."""

    CATALOG: ClassVar[dict[str, Any]] = {
        "application": "app",
        "settings": {
            "TOKEN": {"group": "core", "description": "Token of the partner."},
            "KEY": {"group": "core", "type": "pem", "copies": [{"parameter": "KEY"}]},
            "PORT": {"parameter": "PORT", "type": "integer"},
            "URL": {"group": "core", "type": "url"},
            "SENT": {"github": "secret"},
        },
        "credentials": {
            "admin": {
                "kind": "external",
                "appears_in": [{"secret": "{environment}-admin", "keys": ["username", "password"]}],
            },
            "partner": {"kind": "external", "appears_in": [{"setting": "KEY"}]},
        },
    }
    PEM = b"-----BEGIN KEY-----\rY2FuYXJ5\r-----END KEY-----\r"

    def ask(self, *names: str, **args: Any) -> dict[str, Any]:
        given = {"catalog": {**self.CATALOG, "readers": ["shell"]}, "environment": "test", **args}
        return act(names=list(names), **given)

    @pytest.mark.parametrize(
        ("name", "lines"),
        [
            (
                "TOKEN",
                [
                    "TOKEN: Token of the partner. It is stored in secret app/test/core key TOKEN.",
                    "New value of TOKEN: ",
                ],
            ),
            ("PORT", ["PORT (integer): It is stored in parameter /app/test/PORT.", "New value of PORT: "]),
            (
                "admin.password",
                [
                    "admin.password: the password of admin. It is stored in secret test-admin key password.",
                    "New value of admin.password: ",
                ],
            ),
            (
                "admin",
                [
                    (
                        "admin: a credential of kind external. It is stored in "
                        "secret test-admin key username, secret test-admin key password."
                    ),
                    "New value of admin: ",
                ],
            ),
            ("SENT", ["SENT: It is stored in GitHub.", "New value of SENT: "]),
            ("UNKNOWN", ["New value of UNKNOWN: "]),
        ],
    )
    def test_the_prompt(self, types: Types, name: str, lines: list[str]) -> None:
        asked = types(b"1")
        assert opened(self.ask(name))["answers"] == {name: "1"}
        assert asked[0].split("\n") == lines

    @pytest.mark.parametrize("name", ["KEY", "partner"])
    def test_several_lines_where_the_type_has_them(self, types: Types, name: str) -> None:
        asked = types(b"nonsense", self.PEM)
        assert opened(self.ask(name))["answers"] == {name: "-----BEGIN KEY-----\nY2FuYXJ5\n-----END KEY-----"}
        assert asked[0].endswith(f"New value of {name} (you can paste several lines; Enter ends the answer): ")
        assert f"{name}: is not PEM" in asked[1]

    def test_what_cannot_be_the_value(self, types: Types) -> None:
        asked = types(b"canary", b"80", self.PEM, b"one")
        assert opened(self.ask("PORT", "TOKEN"))["answers"] == {"PORT": "80", "TOKEN": "one"}
        assert asked[1].startswith("PORT: is not a whole number, such as 10. Answer again")
        assert "a value of several lines, set its type to json or pem in the catalog, or use a file" in asked[3]
        assert "canary" not in "".join(asked)

    def test_what_no_deploy_could_write(self, types: Types) -> None:
        asked = types(self.PEM, b"")
        assert opened(self.ask("KEY", optional=True, catalog=self.CATALOG))["answers"] == {}
        assert "set readers: [python_dotenv, shell, systemd, docker_compose] in the catalog" in asked[1]

    def test_a_template(self, types: Types) -> None:
        types(b"postgres://app:{password}@db/app")
        assert self.ask("URL")["answered"] == ["URL"]

    def test_a_catalog_that_is_not_valid(self, types: Types) -> None:
        asked = types()
        assert "application: is required" in self.ask("KEY", catalog={"settings": {"A": {"value": "1"}}})["msg"]
        assert asked == []


@pytest.mark.parametrize("args", [{"names": []}, {"names": ["a"], "check": True}])
def test_nothing_is_asked(types: Types, args: dict[str, Any]) -> None:
    asked = types()
    assert act(**args)["answered"] == []
    assert asked == []
