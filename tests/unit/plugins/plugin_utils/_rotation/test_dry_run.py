# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the journal would not take is known before a rotation is opened: no entry of an open one is ever too long."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import JournalError, RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import record as audit_record
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context as rotation_context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.dry_run import Written
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ids import version_id
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.journal_writer import LONGEST_REASON
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from tests.unit.plugins.action import steps as rotation
from tests.unit.plugins.plugin_utils._rotation.rotator_world import World, opened


def noise(length: int, *seed: str) -> str:
    """Characters that depend on the seed."""
    return "".join(hashlib.sha256(repr((at, seed)).encode()).hexdigest() for at in range(length // 64 + 1))[:length]


def world_of(count: int, *, apart: bool, number: int = 0, **credential: Any) -> World:
    """So many credentials, each in a secret of its own or all in one, and secrets that hold none."""
    names = [f"key_{at:03}_{noise(8, str(at))}" for at in range(count)]
    groups = {name: name if apart else "all" for name in names}
    others = [f"other_{at}" for at in range(number)]
    made = World(
        catalog=catalog_parser.parse(
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
        kind = Kind("login", alternates=alternates, stages=("set", "revoke"))
        self.setting = RotationSetup(world.catalog, {"login": kind}, world.rotator(), SimpleNamespace())  # type: ignore[arg-type]
        self.action = rotation.ActionModule.__new__(rotation.ActionModule)
        self.action._task = SimpleNamespace(check_mode=False)
        self.names = list(world.catalog.credentials)

    def answer(self, state: str, **extra: Any) -> dict[str, Any]:
        defaults = {name: item.get("default") for name, item in rotation.ActionModule.extra_options.items()}
        result: dict[str, Any] = self.action.answer(self.setting, {**defaults, "state": state, **extra}, {})
        return result

    @property
    def taken(self) -> list[str]:
        open_rotation = self.world.rotator().look().rotation
        return list(open_rotation.plan["credentials"]) if open_rotation else []

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
        for step in ("revoke", "record"):
            rotator.advance(step, notes=notes)
        self.answer("closed", audit={"number": 99, "digest": noise(64, "head")})
        assert self.world.rotator().look().rotation is None


@pytest.mark.parametrize(
    ("apart", "count", "credential", "alternates"),
    [
        (True, 0, {}, "never"),
        (False, 0, {"revoke_after": 7200}, "never"),
        (True, 2, {"revoke_after": 7200}, "never"),
        (False, 0, {}, "if_suffixed"),
    ],
    ids=["secrets of their own", "one secret, revoked later", "among other secrets", "with notes"],
)
def test_what_is_opened_can_be_closed(apart: bool, count: int, credential: dict[str, Any], alternates: str) -> None:
    run = Run(world_of(100, apart=apart, number=count, **credential), alternates)
    answer = run.answer("begun")
    assert run.taken == run.names
    assert (answer["refused"], answer["plan"]["passed_over"]) == ({}, {})
    noted = run.names if alternates == "if_suffixed" else []
    run.ends(**{name: {"127.0.0.1:6379": f"{noise(40)}/{at}"} for at, name in enumerate(noted)})


@pytest.mark.parametrize("state", ["begun", "planned"])
@pytest.mark.parametrize("wish", [{"force": True}, {"incident": "l1"}])
def test_more_than_the_journal_takes_is_refused_before_the_first_entry(
    state: str, wish: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Written, "limit", 20_000)
    run = Run(world_of(30, apart=True))
    message = r"^the journal memory would hold [\d,]+ bytes, but at most 20,000 fit; rotate fewer credentials"
    with pytest.raises(JournalError, match=message):
        run.answer(state, credentials=run.names, **wish)
    assert run.world.rotator().look().head == 0
    run.answer("begun", credentials=run.names[:5])
    assert run.taken == run.names[:5]


def test_sessions_that_may_outlive_a_token_have_their_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their messages come with an entry of a rotation that is open already."""
    entries: list[dict[str, Any]] = []
    append = Written.append
    monkeypatch.setattr(
        Written, "append", lambda self, journal, entry: entries.append(entry) or append(self, journal, entry)
    )
    world = world_of(2, apart=True, kind="elasticache_auth_token")
    run = Run(world)
    token = Kind("elasticache_auth_token", stages=("set", "revoke"))
    run.setting = replace(run.setting, kinds={token.name: token})
    leak = Incident("l1", "2026-11-25T15:00:00Z", "ops")
    rotator = world.rotator()
    rotator.append(rotator.look(), leak.id, "closed", incident=leak.entry())
    run.answer("begun", credentials=run.names, incident="l1")
    (last,) = [entry for entry in entries if entry["step"] == "record"]
    for name in run.names:
        assert f"outlived/{name}" in last["events"]
        assert len(last["evidence"][f"outlived/{name}"]) >= 100


def test_a_reason_of_many_words_is_cut() -> None:
    run = Run(world_of(3, apart=True))
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
    message = (
        "no rotation was started, because the audit log would refuse the rotation's final record "
        "(docs/how-to/audit-log.md): The audit record is not valid; nothing was recorded:\n"
        "  - hosts[1]: looks like a digest or a key; name the version id instead"
    )
    with pytest.raises(RotationError) as caught:
        run.answer(state, hosts=["web1", "0f" * 16])
    assert str(caught.value) == message
    assert run.world.rotator().look().head == 0


def test_a_record_of_too_many_hosts() -> None:
    run = audited()
    with pytest.raises(RotationError, match=r"The audit record has \d+ bytes, but at most 200000 fit"):
        run.answer("begun", hosts=[f"web{at:05}.example.com" for at in range(10_000)])
    assert run.world.rotator().look().head == 0


def test_without_an_audit_log_no_record_is_made_and_none_rehearsed() -> None:
    """But with a copy of one, and after a leak containment comes first."""
    hosts = ["0f" * 16]
    run = Run(world_of(1, apart=True))
    with pytest.raises(RotationError, match="would refuse the rotation's final record"):
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
    world.catalog = catalog_parser.parse(document, "test")
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
    record = rotation_context.record_of(run.setting, journal, opened(journal))
    assert "write scheme://…@host/…" in (record["reason"] if back else record["skipped"]["cache"])
    audit_record.require({**record, "application": "app", "environment": "test"})
