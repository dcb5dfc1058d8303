# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A change by name as a task runs it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.action import environment_provision, setting_value
from tests.unit.plugins.action.values_account import CATALOG, CORE, account, run

Clients = Callable[[str], Any]


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clients]:
    with account(monkeypatch) as made:
        run(
            environment_provision.ActionModule,
            catalog=CATALOG,
            environment="test",
            values_from="asked",
            variables={"asked": {"answers": {"TOKEN": "canary-token"}}},
        )
        yield made


@pytest.fixture
def value(tmp_path: Path) -> str:
    path = tmp_path / "value"
    path.touch(mode=0o600)
    path.write_text("canary-new\n", encoding="utf-8")
    return str(path)


def change(names: list[str], **args: Any) -> dict[str, Any]:
    return run(setting_value.ActionModule, **{"catalog": CATALOG, "environment": "test", "names": names, **args})


def test_known_then_present_then_nothing(clients: Clients, value: str) -> None:
    known = change(["TOKEN"], state="known")
    assert known == {**known, "changed": False, "asks": ["TOKEN"], "pages": {"TOKEN": "https://example.com/keys"}}
    looked = change(["TOKEN"], value_file=value, check=True)
    written = change(["TOKEN"], value_file=value)
    assert looked["plan"] == written["plan"] == [f"update secret {CORE}: TOKEN (set)"]
    assert written.keys() == {"changed", "plan", "remaining", "asks", "pages", "notes", "diff"}
    assert written["diff"]["before"] != written["diff"]["after"]
    held = clients("secretsmanager").get_secret_value(SecretId=CORE, VersionStage="AWSCURRENT")["SecretString"]
    assert json.loads(held)["TOKEN"] == "canary-new"
    assert change(["TOKEN"], value_file=value)["changed"] is False
    assert "canary" not in json.dumps([known, looked, written])


def test_undone(clients: Clients, value: str) -> None:
    change(["TOKEN"], value_file=value)
    looked = change(["TOKEN"], state="undone", check=True)
    written = change(["TOKEN"], state="undone")
    assert looked["plan"] == written["plan"]
    assert looked["diff"]["before"] != looked["diff"]["after"]
    assert [line.partition(":")[0] for line in written["plan"]] == ["undo TOKEN", f"update secret {CORE}"]
    held = clients("secretsmanager").get_secret_value(SecretId=CORE, VersionStage="AWSCURRENT")["SecretString"]
    assert json.loads(held)["TOKEN"] == "canary-token"
    assert "canary" not in json.dumps([looked, written])
    assert "an undo takes no value" in change(["TOKEN"], state="undone", value_file=value)["msg"]


def test_what_stands_beside_the_values_is_left_to_provisioning(clients: Clients, value: str) -> None:
    manager = clients("secretsmanager")
    manager.untag_resource(SecretId=CORE, TagKeys=["ManagedBy"])
    manager.create_secret(Name="app/test/other", SecretString="{}")
    asked = {**CATALOG, "settings": {**CATALOG["settings"], "MORE": {"group": "other"}}}
    for _at in range(2):
        answer = change(["TOKEN"], value_file=value, catalog=asked)
    assert (answer["changed"], answer["plan"]) == (False, [])
    assert "ManagedBy" not in {tag["Key"] for tag in manager.describe_secret(SecretId=CORE)["Tags"]}
    assert not manager.describe_secret(SecretId="app/test/other").get("Tags")


@pytest.mark.parametrize(
    ("names", "args", "message"),
    [
        ([], {}, "no setting was named"),
        (["TOKEN"], {}, "TOKEN: has no value; answer when asked"),
        (["TOKEN", "LEVEL"], {"value_file": True}, "set_value_file: holds one value, but several names are given"),
        (["LEVEL"], {"values_from": "asked"}, "TOKEN: is not among the given names"),
        (
            ["KEY"],
            {"state": "known"},
            "watchparty.secrets.rotate -e rotation_credentials=key -e rotation_force=true, or",
        ),
        (["NONE"], {"state": "known"}, "NONE: is neither a setting nor a credential"),
    ],
)
def test_what_is_refused(clients: Clients, value: str, names: list[str], args: dict[str, Any], message: str) -> None:
    if args.get("value_file"):
        args = {**args, "value_file": value}
    failed = change(names, variables={"asked": {"answers": {"TOKEN": "canary", "LEVEL": "x"}}}, **args)
    assert failed["failed"]
    assert message in failed["msg"]
    assert "canary" not in failed["msg"]


def test_in_check_mode_nobody_has_answered_yet(clients: Clients) -> None:
    assert change(["TOKEN"], check=True)["plan"] == []
