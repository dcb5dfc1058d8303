# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""As evidence, AWS and GitHub are compared with their baseline before the first act, within a time that is set."""

from __future__ import annotations

import json
from dataclasses import replace
from threading import Event
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import account_reader
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import repository_inventory
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import account_footholds, task_summaries
from tests.unit.plugins.plugin_utils._leak.test_account_footholds import (
    CATALOG,
    IMPACT,
    INCIDENT,
    PLACE,
    RECORDED,
    SOURCE,
    World,
    world,
)

__all__ = ["world"]
BEFORE = f"{PLACE}: before the containment"


def beforehand(world: World, incident: Incident = INCIDENT, seconds: float = 20) -> list[str]:
    reach = account_footholds.reaching(IMPACT, incident)
    calls = account_footholds.beforehand(world.setting, world.journal, reach, 20)
    compared = [{"name": place, **call.answer(seconds)} for place, call in calls.items()]
    return task_summaries.messages({"compared": compared})["evidence"]


def test_the_account(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.record()
    assert beforehand(world) == [f"{BEFORE}: as in the baseline of 2026-11-20"]
    world.iam.create_user(UserName="thief")
    (line,) = beforehand(world)
    assert line.startswith(f"{BEFORE}: possible foothold: user thief is not in the baseline (created ")
    assert line.endswith("): aws iam delete-user --user-name thief")
    assert world.trail.asked == [], "CloudTrail is asked apart"
    for number in range(60):
        world.iam.create_user(UserName=f"u{number}")
    assert beforehand(world)[-1].endswith(f"{PLACE}: {server_baseline.MORE % 11}")

    def hangs(*_args: Any) -> Any:
        over.wait()
        raise Denied("late")

    over = Event()
    monkeypatch.setattr(account_reader, "inventory", hangs)
    assert beforehand(world, seconds=0.1) == [f"{BEFORE}: not compared with the baseline: no answer in time"]
    over.set()


def test_keys_that_the_plan_has_read_are_known(world: World) -> None:
    world.record()
    key = world.iam.create_access_key(UserName="shop")["AccessKey"]["AccessKeyId"]
    held = json.dumps({"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": "canary-secret-key"})
    world.client("secretsmanager").put_secret_value(SecretId="shop/test/core", SecretString=held)
    world.known.contents = world.setting.rotator.current([])
    assert beforehand(world) == [f"{BEFORE}: as in the baseline of 2026-11-20"]


def test_another_account_than_the_recorded_one(world: World) -> None:
    world.known.baseline[:] = [replace(RECORDED, sources={account_reader.place("1"): SOURCE})]
    (line,) = beforehand(world)
    assert line.endswith("not compared with the baseline: it has no entry of this AWS account")


def test_what_has_no_baseline_or_is_not_reached_is_not_asked(world: World) -> None:
    leaked = replace(INCIDENT, declared=("github",))
    assert beforehand(world, leaked) == []
    world.record()
    assert [line.partition(":")[0] for line in beforehand(world, leaked)] == [PLACE]
    calls = account_footholds.beforehand(world.setting, world.journal, {}, 20)
    assert calls == {}


def test_github(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    place = repository_inventory.place(CATALOG.github)  # type: ignore[arg-type]
    world.known.baseline[:] = [replace(RECORDED, sources={place: SOURCE})]
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    (line,) = beforehand(world, replace(INCIDENT, declared=("github",)))
    before = f"{place}: before the containment: possible foothold: {place}: not compared with its baseline"
    assert line.startswith(f"{before}: there is no token for GitHub")
