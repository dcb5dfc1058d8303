# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Brokers that answer anything where they are asked for a baseline."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._host import compared_inventory
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq import inventory
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq.management import Management

REQUEST = {"key": "k" * 64, "own": server_baseline.own_names(["shop_a"])}
POLICY = {"name": "p", "vhost": "/", "pattern": ".*", "definition": {}}
ANSWERS: dict[str, Any] = {
    "users": [{"name": "report", "tags": ["monitoring"], "password_hash": "canary"}],
    "permissions": [{"user": "report", "vhost": "/", "configure": "", "write": ".*", "read": ".*"}],
    "topic-permissions": [],
    "vhosts": [{"name": "/"}],
    "policies": [POLICY],
    "operator-policies": [POLICY],
    "parameters": [{"component": "shovel", "name": "s", "vhost": "/", "value": {"src-uri": "amqp://a:canary@b"}}],
    "global-parameters": [{"name": "g", "value": "canary"}],
}


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    answers = dict(ANSWERS)
    monkeypatch.setattr(
        Management, "_answered", lambda _api, _method, path, _body=None: (200, json.dumps(answers[path[0]]).encode())
    )
    return answers


def read() -> dict[str, Any]:
    admin = Management({"host": "mq.internal", "port": 15671}, {"username": "boss", "password": "canary"})
    return compared_inventory.read(lambda: inventory.read(admin, REQUEST))


@pytest.mark.usefixtures("answers")
def test_passwords_are_digests() -> None:
    result = read()
    assert (result["kinds"], result["problems"]) == (sorted(inventory.KINDS), [])
    assert len(result["entries"]) == 7
    assert "canary" not in str(result)


EVIL = "\x1b[2Jev\u202eil\x07'; rm -rf /"


def test_names_reach_neither_the_terminal_nor_a_shell(answers: dict[str, Any]) -> None:
    def evil(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: evil(value) for key, value in node.items()}
        return [evil(item) for item in node] if isinstance(node, list) else EVIL

    answers.update(evil(ANSWERS))
    result = read()
    assert len(result["entries"]) == 7
    assert all(text.isprintable() for entry in result["entries"] for text in entry.values())
    assert {entry["undo"] for entry in result["entries"]} == {""}
    answers.update(ANSWERS, users=[{"name": "x'; rm -rf /"}])
    (undo,) = (entry["undo"] for entry in read()["entries"] if entry["kind"] == "user")
    assert shlex.split(undo) == ["rabbitmqctl", "delete_user", "x'; rm -rf /"]


@pytest.mark.parametrize(
    ("path", "answer"),
    [(path, answer) for path in ANSWERS for answer in (7, [7], [{}], [{"name": 7}], {"name": "x"})]
    + [("users", [{"name": f"u{number}"} for number in range(inventory.MOST)])],
)
def test_an_answer_of_another_form_or_length_stops_nothing(path: str, answer: Any, answers: dict[str, Any]) -> None:
    answers[path] = answer
    result = read()
    assert (result["entries"], len(result["problems"])) == ([], 1)


@pytest.mark.parametrize("path", ["users", "vhosts", "policies", "parameters", "global-parameters"])
@pytest.mark.parametrize("value", [None, 7, "x", [[]], {"a": {"b": [1]}}])
def test_values_of_other_forms(path: str, value: Any, answers: dict[str, Any]) -> None:
    texts = ("name", "vhost", "pattern", "component")
    answers[path] = [
        {**entry, **{key: value for key in (*entry, "tags", "tracing", "priority") if key not in texts}}
        for entry in ANSWERS[path]
    ]
    result = read()
    assert (len(result["entries"]), result["problems"]) == (7, [])
