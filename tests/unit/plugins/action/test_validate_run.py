# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which hosts stop a run before it reads anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from ansible_collections.watchparty.secrets.plugins.action.validate_run import ActionModule
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import extra_variables
from tests.unit.plugins.action.github_lab import hostvars

OURS, THEIRS, NONE = {"app_environment": "test"}, {"app_environment": "production"}, dict[str, str]()


def answer(
    hosts: Mapping[str, Mapping[str, str]],
    *,
    tags: Sequence[str] = (),
    chosen: Sequence[str] = ("all",),
    left_out: Sequence[str] = (),
    without: Sequence[str] = (),
    **args: Any,
) -> dict[str, Any]:
    """What a task on these hosts returns; -e says test."""
    args = {"environment": "test", "hosts": args.pop("asked", None) or list(hosts), **args}
    args = {name: value for name, value in args.items() if name not in without}
    report = {"hostvars": hostvars(hosts), "ansible_run_tags": chosen, "ansible_skip_tags": left_out}
    report |= {"groups": {"all": list(hosts), "web": list(hosts)}, "secrets_catalog": args.pop("catalog", None)}
    task: Any = SimpleNamespace(
        args=args, async_val=0, check_mode=False, diff=False, action="x", delegate_to=None, tags=tags
    )
    connection = connection_loader.get("local", PlayContext(), "/dev/null")
    templar: Any = SimpleNamespace(template=lambda text: text)
    made = ActionModule(task, connection, PlayContext(), None, templar, None)
    return made.run(task_vars=report)


def compared(
    hosts: Mapping[str, Mapping[str, str]], *, asked: list[str] | None = None, allow_undeclared: bool = False
) -> list[str]:
    """The hosts that were compared, where nothing blocks them."""
    results: list[str] = answer(hosts, asked=asked, allow_undeclared=allow_undeclared)["hosts"]
    return results


@pytest.mark.parametrize("undeclared", [False, True])
def test_hosts_of_the_environment_pass(undeclared: bool) -> None:
    assert compared({"web1": OURS, "web2": OURS}, allow_undeclared=undeclared) == ["web1", "web2"]
    assert compared({}, allow_undeclared=undeclared) == []


@pytest.mark.parametrize("undeclared", [False, True])
def test_a_host_of_another_environment_is_named(undeclared: bool) -> None:
    with pytest.raises(AnsibleActionFail, match="app_environment is test, but web2 declares production") as caught:
        compared({"web1": OURS, "web2": THEIRS, "web3": OURS}, allow_undeclared=undeclared)
    assert "web1" not in str(caught.value)
    assert ("-e app_hosts=localhost" in str(caught.value)) is undeclared


def test_one_that_declares_none_stops_what_writes_to_hosts_only() -> None:
    with pytest.raises(AnsibleActionFail, match="web2 declares none"):
        compared({"web1": OURS, "web2": NONE})
    assert compared({"web1": OURS, "web2": NONE}, allow_undeclared=True) == ["web1", "web2"]


def test_a_controller_is_compared_where_the_inventory_names_it() -> None:
    assert compared({"web1": OURS}, asked=["web1", "localhost"], allow_undeclared=True) == ["web1"]
    assert compared({}, asked=["localhost"], allow_undeclared=True) == []
    with pytest.raises(AnsibleActionFail, match="localhost declares production"):
        compared({"localhost": THEIRS}, allow_undeclared=True)


def test_a_file_for_a_host_or_group_that_does_not_exist_stops_it() -> None:
    file = {"path": "worker.env", "settings": ["A"], "hosts": ["web", "web1"]}
    document = {"application": "app", "settings": {"A": {"group": "core"}}, "files": {"worker": file}}
    assert answer({"web1": OURS}, catalog=document)["hosts"] == ["web1"]
    file["hosts"] = ["workers"]
    with pytest.raises(AnsibleActionFail, match=r"files.worker.hosts: workers is neither a host nor a group"):
        answer({"web1": OURS}, catalog=document)
    other = {**document, "environments": {"test": {"files": {"worker": None}}}}
    assert answer({"web1": OURS}, catalog=other)["hosts"] == ["web1"], "not in this environment"
    assert answer({"web1": OURS}, catalog={"settings": 1})["hosts"] == ["web1"], "the read has the better message"


def test_one_that_the_inventory_does_not_name_stops_it() -> None:
    """A rotation host may be any word that somebody typed."""
    with pytest.raises(AnsibleActionFail, match="web9 is not in the inventory"):
        compared({"web1": OURS}, asked=["web1", "web9"])


def test_hosts_outside_the_run_are_distinguished() -> None:
    """They stop nothing: whoever wants to reach one looks here first."""
    hosts = {"web1": OURS, "web2": THEIRS, "web3": NONE, "web4": OURS}
    report = answer(hosts, asked=["web1"], inventory_hosts=[*hosts])
    assert (report["hosts"], report["matching_hosts"], report["other_hosts"]) == (["web1"], ["web1", "web4"], ["web2"])


def test_words_that_are_not_understood_stop_it() -> None:
    with pytest.raises(AnsibleActionFail, match=r"^Nothing was read: a: 'ture' is neither; b: 'x' is not a number$"):
        answer({"web1": OURS}, errors=["a: 'ture' is neither", "b: 'x' is not a number"])
    assert answer({"web1": OURS}, errors=[])["hosts"] == ["web1"]


@pytest.mark.parametrize(
    ("tags", "chosen", "left_out", "message"),
    [
        (["always"], ["all"], [], ""),
        (["always"], ["all"], ["notes"], ""),
        (["always", "secrets"], ["secrets"], [], ""),
        (["always", "secrets"], ["tagged"], [], ""),
        (["always"], ["untagged"], [], ""),
        (["always"], ["notes", "deploy"], [], "--tags notes,deploy"),
        (["always"], ["tagged"], [], "--tags tagged"),
        (["always"], ["always"], [], "--tags always"),
        (["always"], ["all"], ["untagged"], "--skip-tags untagged"),
        (["always"], ["all"], ["all"], "--skip-tags all"),
        (["always", "secrets"], ["all"], ["tagged"], "--skip-tags tagged"),
    ],
)
def test_a_run_that_tags_would_cut(tags: list[str], chosen: list[str], left_out: list[str], message: str) -> None:
    """A playbook that somebody imports may have a tag of its own, by which all of it is chosen."""
    run: dict[str, Any] = {"require_all_tasks": True, "tags": tags, "chosen": chosen, "left_out": left_out}
    if not message:
        assert answer({"web1": OURS}, **run)["hosts"] == ["web1"]
        return
    with pytest.raises(AnsibleActionFail, match="Nothing was read") as caught:
        answer({"web1": OURS}, **run)
    assert f"{message} skips parts of this run" in str(caught.value)
    assert answer({"web1": OURS}, **{**run, "require_all_tasks": False})["hosts"] == ["web1"]


@pytest.mark.parametrize(
    ("chosen", "left_out", "message"),
    [
        (["all"], [], ""),
        (["tagged"], [], ""),
        (["values"], [], ""),
        (["hosts"], [], ""),
        (["all"], ["github"], ""),
        (["all"], ["no_such"], ""),
        (["values", "access"], ["access"], ""),
        (["values", "vaules"], [], "--tags vaules matches no part"),
        (["untagged"], [], "--tags untagged matches no part"),
        (["always"], [], "--tags always matches no part"),
        (["never"], [], "--tags never matches no part"),
        (["all"], ["all"], "--skip-tags all skips every part"),
        (["all"], ["tagged"], "--skip-tags tagged skips every part"),
        (["all"], ["always"], "--skip-tags always skips every part"),
        (["all"], ["values", "access"], "--skip-tags access,values skips every part"),
        (["values"], ["values"], "--skip-tags values skips every part"),
        (["hosts"], ["hosts"], "--skip-tags hosts skips every part"),
    ],
)
def test_tags_that_choose_parts(chosen: list[str], left_out: list[str], message: str) -> None:
    run: dict[str, Any] = {"part_tags": ["access", "values"], "opt_in_part_tags": ["hosts"]}
    run |= {"chosen": chosen, "left_out": left_out}
    if not message:
        assert answer({"web1": OURS}, **run)["hosts"] == ["web1"]
        return
    with pytest.raises(AnsibleActionFail, match=f"^Nothing was read: {message}") as caught:
        answer({"web1": OURS}, **run)
    assert str(caught.value).endswith("Its parts are access, values, hosts")


def refused(monkeypatch: pytest.MonkeyPatch, prefixes: Sequence[str], *names: str) -> list[str]:
    """The errors for a command line that sets these extra variables."""
    monkeypatch.setattr(extra_variables, "load_extra_vars", lambda loader: dict.fromkeys(names, "canary"))
    with pytest.raises(AnsibleActionFail, match=r"^Nothing was read: ") as caught:
        answer({"web1": OURS}, extra_variable_prefixes=[*prefixes])
    assert "canary" not in str(caught.value)
    return str(caught.value).removeprefix("Nothing was read: ").split("; ")


@pytest.mark.parametrize(
    ("given", "near"),
    [
        ("credential", "rotation_credentials"),
        ("credentials", "rotation_credentials"),
        ("rotation_credental", "rotation_credentials"),
        ("rotate_credentials", "rotation_credentials"),
        ("rotation_skip_host", "rotation_skip_hosts"),
        ("compromised_hosts", "leak_compromised_hosts"),
        ("leaks_drill", "leak_drill"),
    ],
)
def test_an_extra_variable_that_the_playbook_would_ignore(
    monkeypatch: pytest.MonkeyPatch, given: str, near: str
) -> None:
    """Ignored, -e credential=database would rotate every credential that is due."""
    line = f"unknown extra variable {given}: give -e {near}=… instead"
    assert refused(monkeypatch, ["rotation_", "leak_"], given, near) == [line]


def test_one_that_resembles_none_is_reported_with_all_that_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = refused(monkeypatch, ["set_"], "set_something_else")
    assert (
        line.partition(": ")[2]
        == "this playbook reads set_deploy, set_force, set_names, set_undo, set_value_file, set_values_file"
    )


@pytest.mark.parametrize(
    "name", ["app_environment", "release", "github_sha", "leak_respond_drill", "scan_baseline", "rotation_host"]
)
def test_other_extra_variables_are_left_alone(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(extra_variables, "load_extra_vars", lambda loader: {name: "canary"})
    assert answer({"web1": OURS}, extra_variable_prefixes=["rotation_", "leak_"])["hosts"] == ["web1"]


def test_without_an_environment_no_host_is_compared() -> None:
    assert "hosts" not in answer({"web1": THEIRS}, without=("environment", "hosts"), require_all_tasks=True)
    with pytest.raises(AnsibleActionFail, match="required together"):
        answer({"web1": THEIRS}, without=("environment",))
