# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host has beyond its baseline is a possible foothold, once, whatever the search by time says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import (
    RecordedServer,
    ServerBaseline,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.ways_in import Foothold
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import inventory_request
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import host_comparison, host_footholds, ways_in
from tests.unit.plugins.module_utils._host.forensics import test_host_inventory
from tests.unit.plugins.module_utils._host.forensics.opened_host import PASSWD, SHADOW, Host, begins
from tests.unit.plugins.module_utils._host.forensics.test_host_inventory import listening
from tests.unit.plugins.plugin_utils._leak.leak_world import Leak

__all__ = ["listening"]

KINDS = frozenset(("account", "authorized key", "group member", "unit", "listener", "at job"))
SOURCE = RecordedServer("2026-11-29T00:00:00Z", "op", KINDS, {("unit", "/etc/own.service"): "content 1"})
SOURCES = {"host web1": SOURCE}
IMPACT = {"credentials": [{"name": "deploy_ssh", "kind": "ssh_key"}]}
OWN = ("unit", "/etc/own.service", "content 1", "")
TIMER = ("unit", "/etc/x.timer", "starts /x, content 2", "rm -- /etc/x.timer")


def inventory(*entries: tuple[str, str, str, str], problem: str = "", **unread: str) -> dict[str, Any]:
    problems = [problem] if problem else []
    kinds = sorted(KINDS - set(unread))
    made = [server_baseline.entry_of(*entry) for entry in entries if entry[0] in kinds]
    return {"kinds": kinds, "entries": made, "problems": problems, "unread": unread}


def foothold(text: str, **names: str) -> dict[str, str]:
    return Foothold("deploy_ssh", text, **names)._asdict()


def texts(*entries: tuple[str, str, str, str], found: list[dict[str, str]] | None = None, **about: str) -> list[str]:
    answer = {"footholds": found or [], "unfinished": "", "inventory": inventory(OWN, *entries, **about)}
    result = host_comparison.with_differences("web1", answer, SOURCES, ["deploy_ssh"])
    assert "inventory" not in result
    return [entry["text"] for entry in result["footholds"]]


def test_what_was_added_and_changed() -> None:
    day = "the baseline of 2026-11-29"
    assert texts() == []
    assert texts(TIMER) == [f"unit /etc/x.timer is not in {day} (starts /x, content 2): rm -- /etc/x.timer"]
    answer = {"footholds": [], "inventory": inventory(("unit", "/etc/own.service", "content 2", ""))}
    result = host_comparison.with_differences("web1", answer, SOURCES, ["deploy_ssh"])
    assert result["footholds"][0]["text"].startswith(f"unit /etc/own.service is not as in {day}: content 2, was")
    answer = {"footholds": [], "inventory": inventory()}
    assert host_comparison.with_differences("web1", answer, SOURCES, ["deploy_ssh"])["footholds"] == []


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("unit", ", written 2026-11-30T00:00:00Z: rm"), ("listener", "(nginx): rm"), ("at job", "(nginx): rm")],
)
def test_a_restart_makes_no_new_foothold(kind: str, expected: str) -> None:
    """The response itself restarts what listens."""
    answer = {"footholds": [], "inventory": inventory((kind, "x", "nginx", "rm"))}
    answer["inventory"]["entries"][0]["since"] = "2026-11-30T00:00:00Z"
    result = host_comparison.with_differences("web1", answer, SOURCES, ["deploy_ssh"])
    assert result["footholds"][-1]["text"].endswith(expected)


@pytest.mark.parametrize(
    ("entry", "found", "expected"),
    [
        (
            TIMER,
            foothold(
                "/etc/x.timer changed 2026-11-30T00:00:00Z and tells systemd what to start: rm -- /etc/x.timer",
                file="/etc/x.timer",
            ),
            "and tells systemd what to start, not as in the baseline of 2026-11-29: rm -- /etc/x.timer",
        ),
        (
            ("authorized key", "SHA256:x in /root/keys", "", "sudoedit"),
            foothold("key SHA256:x is in /root/keys since 2026: remove its line", key="SHA256:x", file="/root/keys"),
            "since 2026, not as in the baseline of 2026-11-29: remove its line",
        ),
        (
            ("account", "thief", "uid 0", "userdel"),
            foothold("account thief is root under another name: userdel -- thief", account="thief"),
            "under another name, not as in the baseline of 2026-11-29: userdel -- thief",
        ),
        (
            ("group member", "thief in sudo", "", "gpasswd"),
            foothold(
                "account thief joined group sudo, whose members may become root, after 2026",
                account="thief",
                group="sudo",
            ),
            "after 2026, not as in the baseline of 2026-11-29",
        ),
    ],
)
def test_what_the_search_by_time_found_too_is_one_entry(
    entry: tuple[str, str, str, str], found: dict[str, str], expected: str
) -> None:
    (text,) = texts(entry, found=[found])
    assert text.endswith(expected)
    other = foothold("/etc/other changed 2026-11-30T00:00:00Z: rm -- /etc/other", file="/etc/other")
    assert len(texts(entry, found=[other])) == 2


NAMED: dict[str, dict[str, str]] = {
    "account thief": {"etc/passwd": PASSWD + "thief:x:0:0::/:/bin/sh\n"},
    "password postgres": {"etc/shadow": SHADOW.replace("postgres:!", "postgres:")},
    "group member thief in sudo": {"etc/group": "root:x:0:\nsudo:x:27:deploy,thief\n"},
    "unit /etc/systemd/system/x.timer": {"etc/systemd/system/x.timer": "x"},
    "a start file's odd name": {"etc/profile.d/x\x1b\n.sh": "x"},
    "a setuid file": {"tmp/.x": "x"},
}


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize("name", NAMED)
def test_the_search_and_the_inventory_give_the_same_names(tmp_path: Path, name: str) -> None:
    host = Host(tmp_path)
    os.utime(host.write("etc/group-", "root:x:0:\nsudo:x:27:deploy\n"), (1, 1))
    source, since = test_host_inventory.recorded(host), begins()
    for path, text in NAMED[name].items():
        host.write(path, text).chmod(0o4755 if path == "tmp/.x" else 0o644)
    footholds = [foothold._asdict() for foothold in host.search(since).footholds]
    answer = {"footholds": footholds, "inventory": test_host_inventory.inventory(host)}
    result = host_comparison.with_differences("web1", answer, {"host web1": source}, ["deploy_ssh"])
    assert [", not as in the baseline of " in entry["text"] for entry in result["footholds"]] == [True]


def test_an_account_and_its_group_are_two_entries() -> None:
    """The text of the group, too, begins with the account. The account's own command must not be lost."""
    member = foothold("account thief joined group sudo, after 2026: gpasswd", account="thief", group="sudo")
    account = ("account", "thief", "uid 2001", "userdel -- thief")
    assert [text.rpartition(": ")[2] for text in texts(account, found=[member])] == ["gpasswd", "userdel -- thief"]


def test_a_key_that_may_be_removed_stays_so() -> None:
    found = foothold("key SHA256:x is in /k since 2026: remove its line", key="SHA256:x", file="/k")
    answer = {"footholds": [found], "inventory": inventory(OWN, ("authorized key", "SHA256:x in /k", "", ""))}
    result = host_comparison.with_differences("web1", answer, SOURCES, ["deploy_ssh"])
    assert host_footholds.evictable({"web1": result}) == {"web1": ["SHA256:x"]}


def test_what_was_not_compared() -> None:
    assert texts(unit="/etc/x may not be read") == [
        "unit: not compared with the baseline of 2026-11-29: /etc/x may not be read"
    ]
    answer = {"footholds": [], "unfinished": "", "inventory": inventory(problem="incomplete after 5 s")}
    result = host_comparison.with_differences("web1", answer, SOURCES, ["deploy_ssh"])
    problem = "not compared with its baseline: incomplete after 5 s"
    assert result["unfinished"] == problem
    assert problem in host_footholds.unlooked({"web1": result}, [])["web1"]


def test_a_host_answers_only_for_itself() -> None:
    answer = {"footholds": [], "unfinished": "", "inventory": inventory(OWN, TIMER)}
    result = host_comparison.with_differences("web2", answer, SOURCES, ["deploy_ssh"])
    assert result == {"footholds": [], "unfinished": ""}


@pytest.fixture
def leak(monkeypatch: pytest.MonkeyPatch) -> Leak:
    baseline = ServerBaseline("shop", "production", "k" * 64, {**SOURCES, "db:5432": SOURCE})
    monkeypatch.setattr(host_comparison, "baseline_of_run", lambda _setting: baseline)
    return Leak()


def test_only_recorded_hosts_are_asked(leak: Leak, monkeypatch: pytest.MonkeyPatch) -> None:
    key = {"fingerprint": "SHA256:x", "account": "", "file": ""}
    monkeypatch.setattr(host_comparison, "known_ssh_keys", lambda *_about: [key])
    setting = leak.setting
    assert host_comparison.request(setting, setting.rotator.look(), {"credentials": []}) == {}, "no SSH key leaked"
    request = host_comparison.request(setting, setting.rotator.look(), IMPACT)
    assert list(request) == ["sealed"]
    own = {**key, "account": "deploy"}
    assert inventory_request.options(request, "web1", "deploy") == {"inventory_key": "k" * 64, "inventory_known": [own]}
    nothing = {"inventory_key": "", "inventory_known": []}
    assert inventory_request.options(request, "web2", "deploy") == nothing
    assert inventory_request.options({}, "web1", "deploy") == nothing


def test_stores_that_cannot_be_read_stop_no_response(leak: Leak, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_about: object) -> None:
        raise StoreError("AWS denies it")

    monkeypatch.setattr(host_comparison, "known_ssh_keys", denied)
    setting = leak.setting
    request = host_comparison.request(setting, setting.rotator.look(), IMPACT)
    assert inventory_request.options(request, "web1", "deploy")["inventory_known"] == []


def test_the_post_mortem_names_the_comparison(leak: Leak) -> None:
    leak.declare()
    answer = {"footholds": [], "unfinished": "", "short": []}
    answers = host_comparison.add_differences(
        leak.setting, {"web1": {**answer, "inventory": inventory(OWN)}, "web2": answer}, IMPACT
    )
    lines = ways_in.lines(IMPACT, leak.incident, answers)
    assert "checked: web1 compared with the baseline of 2026-11-29" in lines
    assert any(line.startswith("not checked: web2 has no baseline") for line in lines)
