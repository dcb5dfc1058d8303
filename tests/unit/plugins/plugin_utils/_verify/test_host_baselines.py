# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which hosts are asked for what their baseline has, and what comes of their answers."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import (
    RecordedServer,
    ServerBaseline,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import inventory_request
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import (
    baseline_rows,
    host_baselines,
    record_baseline,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.collect_baselines import BaselineRun

BASELINE = ServerBaseline(
    "shop", "test", "k" * 64, {"host web1": RecordedServer("2026-11-29T00:00:00Z", "op", frozenset(["account"]), {})}
)


def inventory(*names: str, **over: Any) -> dict[str, Any]:
    entries = [server_baseline.entry_of("account", name, "uid 1", f"userdel -- {name}") for name in names]
    return {"inventory": {"kinds": ["account"], "entries": entries, "problems": [], "unread": {}, **over}}


def row(answer: dict[str, Any], host: str = "web1", problem: str = "") -> tuple[str, str]:
    (found,) = host_baselines.rows(host, answer, None if problem else BASELINE, problem)
    assert found["place"] == host
    return found["state"], found["message"]


def test_rows() -> None:
    assert row(inventory()) == ("pass", "0 accounts, keys, start files and listeners as on 2026-11-29")
    state, message = row(inventory("thief"))
    assert state == "fail"
    assert message == "account thief is not in the baseline (uid 1) (baseline of 2026-11-29, id 95fa6db0a14cec70)"
    assert row(inventory(problems=["incomplete after 20 s"])) == ("not checked", "incomplete after 20 s")
    unread = inventory(kinds=[], unread={"account": "use become"})
    states = [found["state"] for found in host_baselines.rows("web1", unread["inventory"] and unread, BASELINE, "")]
    assert states == ["not checked", "pass"]
    assert row({}) == ("not checked", "no answer")
    assert row(inventory(), host="web2")[0] == "not applicable"
    assert row(inventory(), problem="AWS denies it") == ("not checked", "AWS denies it")


RUN = "ansible {place} --become -m ansible.builtin.shell -a "


@pytest.mark.parametrize(
    ("name", "undo", "command"),
    [
        ("thief", "userdel -- thief", RUN + "'userdel -- thief'"),
        (
            "/a",
            "rm -- '/a $(id)'",
            RUN + "'rm -- '\"'\"'/a $(id)'\"'\"''",
        ),
        *((name, undo, baseline_rows.LIST) for name, undo in (("a", "sudoedit /a"), ("b", "reinstall its package; x"))),
        *((name, f"rm -- '{name}'", baseline_rows.LIST) for name in ("{{ lookup('pipe', 'id') }}", "{% x %}", "a\\")),
    ],
)
def test_commands(name: str, undo: str, command: str) -> None:
    answer = inventory(entries=[server_baseline.entry_of("account", name, "", undo)])
    (found,) = host_baselines.rows("web1", answer, BASELINE, "")
    assert found["command"] == command


def test_who_is_asked() -> None:
    def keys() -> list[dict[str, str]]:
        return [{"fingerprint": "SHA256:x", "account": "ci", "file": ""}]

    asked = BaselineRun(BASELINE).asked_hosts(keys)
    assert inventory_request.options(asked, "web1", None)["inventory_known"] == keys()
    assert inventory_request.options(asked, "web2", None)["inventory_key"] == ""
    recording = BaselineRun(BASELINE, is_recording=True).asked_hosts(keys)
    assert inventory_request.options(recording, "web2", None)["inventory_key"] == "k" * 64
    for nobody in (BaselineRun(None), BaselineRun(ServerBaseline("shop", "test", "k"))):
        assert nobody.asked_hosts(lambda: pytest.fail("the stores need not be read")) == {}


def test_readings() -> None:
    unread = {"listener": "use become"}
    answers = {
        "web1": inventory("root", unread=unread),
        "web2": inventory("root", unread=unread),
        "web3": {"unreachable": True, "msg": "timed out\x1b[2J"},
        "web4": {"failed": True, "msg": "no Python"},
    }
    readings, lines, problems = host_baselines.readings_of(answers)
    assert list(readings) == ["host web1", "host web2"]
    assert lines == ["host web1, host web2: listener: not recorded: use become"]
    assert problems == ["host web3: cannot be reached: timed out[2J", "host web4: no Python"]


def test_what_an_operator_reads_of_many_hosts() -> None:
    answers = {f"web{at}": inventory("root", *(["thief"] if at == 7 else [])) for at in range(1, 9)}
    readings, _lines, _problems = host_baselines.readings_of(answers)
    operator = record_baseline.Operator("op", "2026-11-29T00:00:00Z")
    baseline = ServerBaseline("shop", "test", "k")
    result = record_baseline.recorded(baseline, readings, {place: {} for place in readings}, operator)
    assert sorted(result.baseline.sources) == sorted(readings)
    assert result.messages == [
        "8 hosts: 9 accounts, keys, start files and listeners are recorded. Check that each of these is yours:",
        "  account root (uid 1): on all 8 hosts",
        "  account thief (uid 1): on web7",
    ]


def recorded(*, entries: dict[str, list[tuple[str, str, str]]], before: ServerBaseline | None = None) -> list[str]:
    """What an operator reads of hosts with these entries: kind, name and facts."""
    answers = {}
    for host, shown in entries.items():
        kinds = sorted({"account", *(kind for kind, _name, _facts in shown)})
        made = [server_baseline.entry_of(*entry, "") for entry in shown]
        answers[host] = {"inventory": {"kinds": kinds, "entries": made, "problems": [], "unread": {}}}
    readings, _lines, _problems = host_baselines.readings_of(answers)
    operator = record_baseline.Operator("op", "2026-11-29T00:00:00Z")
    baseline = before or ServerBaseline("shop", "test", "k")
    return record_baseline.recorded(baseline, readings, {place: {} for place in readings}, operator).messages


def test_what_tells_an_attacker_from_a_colleague() -> None:
    toor = [("account", "toor", "uid 0, gid 0"), ("listener", "tcp 0.0.0.0:22", "python3")]
    usual = [("account", "toor", "uid 1001, gid 1001"), ("listener", "tcp 0.0.0.0:22", "sshd")]
    assert recorded(entries={"web1": usual, "web2": toor})[1:] == [
        "  account toor (uid 0, gid 0): on web2",
        "  account toor (uid 1001, gid 1001): on web1",
        "  listener tcp 0.0.0.0:22 (python3): on web2",
        "  listener tcp 0.0.0.0:22 (sshd): on web1",
    ]


def test_other_kinds_are_named_if_all_hosts_are_equal_and_counted_otherwise() -> None:
    app, other = ("unit", "/etc/app.service", "content 1"), ("unit", "/etc/x.service", "content 1")
    setuid = ("setuid file", "/usr/bin/sudo", "mode 4755")
    hosts = {f"web{at:03}": [app, setuid] for at in range(500)}
    assert recorded(entries=hosts)[1:] == [
        "  setuid file /usr/bin/sudo: on all 500 hosts",
        "  unit /etc/app.service: on all 500 hosts",
    ]
    hosts["web007"] = [app, other, setuid]
    assert recorded(entries=hosts)[1:] == [
        "  setuid file /usr/bin/sudo: on all 500 hosts",
        "  unit, 1 in number: on web000, web001, web002, web003, web004 and 494 more",
        "  unit, 2 in number: on web007",
    ]
    many = [("unit", f"/etc/{at}.service", "") for at in range(record_baseline.MOST_NAMES + 1)]
    assert recorded(entries={"web1": many})[1:] == ["  unit, 51 in number: on web1"]


def test_a_kind_that_is_read_for_the_first_time_is_listed() -> None:
    before = RecordedServer("2026-11-29T00:00:00Z", "op", frozenset(["account"]), {})
    baseline = ServerBaseline("shop", "test", "k", {f"host web{at}": before for at in (1, 2, 3)})
    shown = {f"web{at}": [("unit", "/etc/x.service", ""), ("listener", "tcp 0.0.0.0:22", "sshd")] for at in (1, 2)}
    assert recorded(entries={**shown, "web3": []}, before=baseline) == [
        "2 hosts: listener, unit: read and recorded for the first time. Check that each of these is yours:",
        "  listener tcp 0.0.0.0:22 (sshd): on all 2 hosts",
        "  unit /etc/x.service: on all 2 hosts",
    ]
