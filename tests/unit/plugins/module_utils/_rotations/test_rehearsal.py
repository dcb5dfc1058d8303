# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the journal would not take is known before a rotation is opened: no entry of an open one is ever too long."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.action import rotation
from ansible_collections.watchparty.secrets.plugins.module_utils import _catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._audit_log import _audit_record
from ansible_collections.watchparty.secrets.plugins.module_utils._errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._leaks._incident import Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._rotations._kinds import Kind
from ansible_collections.watchparty.secrets.plugins.module_utils._rotations._rehearsal import Rehearsal, noise
from ansible_collections.watchparty.secrets.plugins.module_utils._rotations._rotator_names import version_id
from ansible_collections.watchparty.secrets.plugins.module_utils._rotations._rotator_steps import LONGEST_REASON
from ansible_collections.watchparty.secrets.plugins.plugin_utils import _rotation as shared
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import Setting
from tests.unit.plugins.module_utils._rotations.rotator_world import World, opened


def world_of(count: int, *, apart: bool, more: int = 0, **credential: Any) -> World:
    """So many credentials, each in a secret of its own or all in one, and secrets that hold none."""
    names = [f"key_{at:03}_{noise(8, str(at))}" for at in range(count)]
    groups = {name: name if apart else "all" for name in names}
    others = [f"other_{at}" for at in range(more)]
    made = World(
        catalog=_catalog.parse(
            {
                "application": "app",
                "settings": {
                    **{name.upper(): {"group": group, "sensitivity": "high"} for name, group in groups.items()},
                    **{name.upper(): {"group": name} for name in others},
                },
                "credentials": {
                    name: {"kind": "login", "appears_in": [{"setting": name.upper()}], **credential} for name in names
                },
            },
            "test",
        )
    )
    for group in sorted({*groups.values(), *others}):
        held = {name.upper(): f"old-{name}" for name in [*groups, *others] if groups.get(name, name) == group}
        made.secrets.seed(f"app/test/{group}", json.dumps(held), version=version_id("first", group))
    return made


class Run:
    """One that plans, opens and ends a rotation by the action itself."""

    def __init__(self, world: World, alternates: str = "never") -> None:
        self.world = world
        kind = Kind("login", alternates=alternates, stages=("set", "retire"))
        self.setting = Setting(world.catalog, {"login": kind}, world.rotator(), SimpleNamespace())  # type: ignore[arg-type]
        self.action = rotation.ActionModule.__new__(rotation.ActionModule)
        self.action._task = SimpleNamespace(check_mode=False)
        self.names = list(world.catalog.credentials)

    def answer(self, state: str, **more: Any) -> dict[str, Any]:
        defaults = {name: one.get("default") for name, one in rotation.ActionModule.extra_options.items()}
        found: dict[str, Any] = self.action.answer(self.setting, {**defaults, "state": state, **more}, {})
        return found

    @property
    def taken(self) -> list[str]:
        found = self.world.rotator().look().rotation
        return list(found.plan["credentials"]) if found else []

    def ends(self, **notes: Any) -> None:
        """Every step, over what others wrote into every secret, and what is not known when it is opened."""
        rotator = self.setting.rotator
        secrets = list(opened(rotator.look()).plan["secrets"])
        for step, phase in [("set", 0), ("test", 0), ("deploy", 1), ("promote", 0)]:
            rotator.advance(step, phase=phase, notes=notes)
        for _write in range(30):
            versions = {}
            for name in secrets:
                versions[name] = self.world.secrets.seed(name, self.world.secrets.read([name]).readings[name].value)
            rotator._rebased(versions)
        for step in ("retire", "record"):
            rotator.advance(step, notes=notes)
        self.answer("closed", audit={"number": 99, "digest": noise(64, "head")})
        assert self.world.rotator().look().rotation is None


@pytest.mark.parametrize(
    ("apart", "more", "credential", "alternates"),
    [
        (True, 0, {}, "never"),
        (False, 0, {"retire_after": 7200}, "never"),
        (True, 2, {"retire_after": 7200}, "never"),
        (False, 0, {}, "if_suffixed"),
    ],
    ids=["secrets of their own", "one secret, retired later", "among other secrets", "with notes"],
)
def test_what_is_opened_can_be_closed(apart: bool, more: int, credential: dict[str, Any], alternates: str) -> None:
    """What is due is taken in turns: nothing is refused, the rest is named, and the next run takes it."""
    world = world_of(75 if apart else 400, apart=apart, more=more, **credential)
    run = Run(world, alternates)
    answer = run.answer("begun")
    taken = run.taken
    assert taken == run.names[: len(taken)]
    assert 40 < len(taken) < len(run.names)
    assert answer["refused"] == {}
    left = f"{run.names[-1]} is left alone: the journal takes no more at once; it is left for the next run"
    assert answer["said"][-2] == left
    noted = taken if alternates == "if_suffixed" else []
    run.ends(**{name: {"127.0.0.1:6379": f"{noise(40)}/{at}"} for at, name in enumerate(noted)})
    run.answer("begun")
    assert run.taken == run.names[len(taken) : len(taken) + len(run.taken)]


@pytest.mark.parametrize("state", ["begun", "planned"])
@pytest.mark.parametrize("chosen", [True, False])
def test_what_is_asked_for_is_refused_with_what_fits(state: str, chosen: bool) -> None:
    run = Run(world_of(75, apart=True))
    wish: dict[str, Any] = {"credentials": run.names} if chosen else {"force": True}
    with pytest.raises(RotationError, match=r" takes no more than \d+ of these at once; .* then the others$") as caught:
        run.answer(state, **wish)
    assert run.world.rotator().look().head == 0
    named, _colon, words = str(caught.value).partition(": ")
    fit = words.partition("-e credential=")[2].partition(")")[0].split(",")
    assert [*fit, *named.split(", ")] == run.names
    assert run.answer("begun", credentials=fit)["refused"] == {}
    run.ends()


def test_a_leak_takes_the_first_and_says_how_the_rest_follows() -> None:
    run = Run(world_of(75, apart=True))
    answer = run.answer("begun", credentials=run.names, incident="l1")
    taken = run.taken
    assert 40 < len(taken) < 75
    words = "the journal takes no more at once; start the same command again once these are replaced"
    assert answer["refused"] == dict.fromkeys(run.names[len(taken) :], words)
    run.ends()


def test_sessions_that_may_outlive_a_token_have_their_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said of them comes with an entry of a rotation that is open already."""
    entries: list[dict[str, Any]] = []
    kept = Rehearsal._kept
    monkeypatch.setattr(
        Rehearsal, "_kept", lambda self, number, entry: entries.append(entry) or kept(self, number, entry)
    )
    world = world_of(2, apart=True, kind="elasticache_auth_token")
    run = Run(world)
    token = Kind("elasticache_auth_token", stages=("set", "retire"))
    run.setting = replace(run.setting, kinds={token.name: token})
    leak = Incident("l1", "2026-11-25T15:00:00Z", "ops")
    rotator = world.rotator()
    rotator.append(rotator.look(), leak.id, "closed", incident=leak.entry())
    run.answer("begun", credentials=run.names, incident="l1")
    (last,) = [one for one in entries if one["step"] == "record"]
    for name in run.names:
        assert f"outlived/{name}" in last["events"]
        assert len(last["evidence"][f"outlived/{name}"]) >= 100


def test_not_even_one_fits() -> None:
    run = Run(world_of(2, apart=True, more=120))
    with pytest.raises(RotationError, match=r"with one of them alone; let environment test have fewer secrets$"):
        run.answer("begun")
    assert run.world.rotator().look().head == 0


def test_a_few_are_all_taken() -> None:
    run = Run(world_of(60, apart=True))
    assert run.answer("begun", force=True)["refused"] == {}
    assert run.taken == run.names
    run.ends()


def test_a_reason_of_many_words_is_cut() -> None:
    run = Run(world_of(60, apart=True))
    run.answer("begun", force=True)
    run.setting.rotator.advance("abort", phase=1, reason="web1: " + noise(9000))
    reason = opened(run.world.rotator().look()).reason
    assert (len(reason), reason[-3:]) == (LONGEST_REASON, "...")


def audited() -> Run:
    """One whose catalog has an audit log."""
    run = Run(world_of(1, apart=True))
    catalog = replace(run.setting.catalog, audit_log={"log_group": "/app/audit"})
    run.setting = replace(run.setting, catalog=catalog)
    return run


@pytest.mark.parametrize("state", ["begun", "planned"])
def test_what_the_audit_log_would_refuse_shows_before_the_first_entry(state: str) -> None:
    run = audited()
    words = (
        "nothing was begun: how it ends could not be recorded. The audit record is not valid; nothing was recorded:\n"
        "  - hosts[1]: looks like a digest or a key; name the version id instead\n"
        "rename what these fields hold (docs/audit.md lists them), then start again"
    )
    with pytest.raises(RotationError) as caught:
        run.answer(state, hosts=["web1", "0f" * 16])
    assert str(caught.value) == words
    assert run.world.rotator().look().head == 0


def test_more_hosts_left_behind_than_an_entry_takes() -> None:
    run = Run(world_of(1, apart=True))
    hosts = [noise(40, str(at)) for at in range(200)]
    run.answer("begun", hosts=hosts, skipped=["gone", *hosts[:50]])
    run.answer("advanced", outcome="failed", words="why")
    run = Run(world_of(1, apart=True))
    with pytest.raises(RotationError, match="the journal's entries would hold more than a parameter takes"):
        run.answer("begun", hosts=hosts, skipped=hosts)
    assert run.world.rotator().look().head == 0


def test_a_record_of_too_many_hosts() -> None:
    run = audited()
    with pytest.raises(RotationError, match=r"The audit record has \d+ bytes, and at most 200000 fit"):
        run.answer("begun", hosts=[f"web{at:05}.example.com" for at in range(10_000)])
    assert run.world.rotator().look().head == 0


def test_without_an_audit_log_no_record_is_made_and_none_rehearsed() -> None:
    """But with a copy of one, and after a leak containment comes first."""
    hosts = ["0f" * 16]
    run = Run(world_of(1, apart=True))
    with pytest.raises(RotationError, match="could not be recorded"):
        run.answer("begun", hosts=hosts, recorded=True)
    run.answer("begun", hosts=hosts)
    assert run.taken == run.names
    run = audited()
    run.answer("begun", hosts=hosts, credentials=run.names, incident="l1")
    assert run.taken == run.names


@pytest.mark.parametrize("back", [False, True])
def test_what_is_refused_does_not_stand_in_the_way_of_a_record(back: bool) -> None:
    """Its words are those of a URL without a login; the others are rotated, and the record takes the words."""
    world = world_of(1, apart=True)
    document = {
        "application": "app",
        "settings": {"CACHE": {"group": "cache", "type": "url"}, "KEY": {"group": "key", "sensitivity": "high"}},
        "credentials": {
            "cache": {"kind": "server", "appears_in": [{"setting": "CACHE"}]},
            "key": {"kind": "login", "appears_in": [{"setting": "KEY"}]},
        },
        "audit_log": {"log_group": "/app/audit"},
    }
    world.catalog = _catalog.parse(document, "test")
    world.secrets.seed("app/test/cache", json.dumps({"CACHE": "redis://h:6379/0"}))
    world.secrets.seed("app/test/key", json.dumps({"KEY": "old"}))
    run = Run(world)
    run.setting = replace(run.setting, kinds={**run.setting.kinds, "server": Kind("server", needs_url=True)})
    answer = run.answer("begun", force=True, hosts=["web1"])
    assert "write scheme://user:password@host/…" in answer["refused"]["cache"]
    assert run.taken == ["key"]
    if back:
        run.setting.rotator.advance("abort", reason=answer["refused"]["cache"])
    journal = run.world.rotator().look()
    record = shared.record_of(run.setting, journal, opened(journal))
    assert "write scheme://…@host/…" in (record["reason"] if back else record["skipped"]["cache"])
    _audit_record.require({**record, "application": "app", "environment": "test"})
