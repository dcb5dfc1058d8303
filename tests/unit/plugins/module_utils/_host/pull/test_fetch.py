# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host that fetches for itself, against moto in this process: what is written, what stays, and the message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file, file_set
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import delivery as env_file_delivery
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import mark as env_file_mark
from ansible_collections.watchparty.secrets.plugins.module_utils._host.pull import fetch as pull_fetch
from ansible_collections.watchparty.secrets.plugins.module_utils._host.pull.fetch import (
    GOOD,
    INVALID,
    KEPT,
    NO_ACCESS,
    USAGE,
    FetchRequest,
    NotConfigured,
    wanted_of,
)
from tests import state
from tests.unit.plugins.module_utils._host.pull.fetching_host import (
    CANARY,
    CATALOG,
    CLIENTS,
    OTHER,
    Host,
    journal,
    store,
)


def test_it_writes_what_the_stores_hold_and_a_second_time_nothing(host: Host) -> None:
    first = host.fetch()
    assert (first.code, first.changed) == (GOOD, True)
    assert f"{host.path} is written, mode 0600 (snapshot s-" in first.messages[-1]
    assert first.messages[-1].endswith("; added: KEY, PORT")
    assert host.values() == {"KEY": CANARY, "PORT": "1"}
    assert host.path.stat().st_mode & 0o777 == 0o600
    assert host.path.read_text().startswith(f"# {atomic_file.HEADER}\n"), "the bytes of a deploy"
    written = host.path.stat().st_mtime_ns
    second = host.fetch()
    assert (second.code, second.changed) == (GOOD, False)
    assert "is unchanged" in second.messages[-1]
    assert host.path.stat().st_mtime_ns == written


def test_changes_are_reported_by_name(host: Host) -> None:
    host.path.write_text("KEY=canary\nOLD=canary\n")
    assert host.fetch().messages[-1].endswith("; added: PORT; changed: KEY; removed: OLD")


def test_a_file_that_cannot_be_parsed_is_replaced(host: Host) -> None:
    host.path.write_bytes(b"\xff'")
    assert host.fetch().code == GOOD
    assert host.values()["KEY"] == CANARY


def test_a_mode_is_mended(host: Host) -> None:
    host.fetch()
    assert host.fetch(mode="0640").messages[-1].endswith("owner, mode or spelling corrected")
    assert host.path.stat().st_mode & 0o777 == 0o640


def test_check_writes_nothing(host: Host) -> None:
    looked = host.fetch(check=True)
    assert (looked.code, looked.changed) == (GOOD, True)
    assert "would be written" in looked.messages[-1]
    assert list(host.directory.iterdir()) == []


def test_services_may_run_on_something_else_until_a_deploy_proves_it(host: Host) -> None:
    host.fetch()
    assert host.mark["accepted"]["restart"] is True
    with atomic_file.open_file(str(host.path)) as env:
        env_file_mark.Mark(env).record_healthy(host.mark["accepted"]["snapshot"], atomic_file.required(env.file))
    host.fetch()
    with state.held_mark(host.path) as mark:
        assert mark.is_settled(atomic_file.digest(host.path.read_bytes())), "the same bytes"
    store(OTHER)
    host.fetch()
    assert host.mark["accepted"]["restart"] is True
    assert state.backup(host.path).read_text() != host.path.read_text(), "the backup is the verified file"


def test_with_aws_gone_the_last_file_stays(host: Host) -> None:
    host.fetch()
    before = host.path.read_bytes()
    store(OTHER)
    host.gone = 1
    outcome = host.fetch()
    assert outcome.code == KEPT
    assert outcome.messages[0] == "AWS could not be reached"
    assert f"{host.path} stays as written at 20" in outcome.messages[1]
    assert f"(snapshot {host.mark['accepted']['snapshot']})" in outcome.messages[1]
    assert host.path.read_bytes() == before


def test_a_file_that_somebody_edited_stays_too_and_that_is_said(host: Host) -> None:
    host.fetch()
    host.path.write_text("KEY=canary-by-hand\n")
    host.gone = 1
    outcome = host.fetch()
    assert outcome.code == KEPT
    assert "its deploy marker names another file" in outcome.messages[1]


def with_files(**over: Any) -> dict[str, Any]:
    key = {"path": "key", "format": "value", "settings": ["KEY"], "mode": "0640", **over}
    return {**CATALOG, "files": {"key": key, "job": {"path": "job", "settings": ["PORT"], "hosts": ["jobs"]}}}


def test_the_files_of_this_host_are_one_deployment_with_its_env(host: Host) -> None:
    host.catalog = with_files()
    names = ["web1", "web"]
    looked = host.fetch(check=True, names=names)
    key = host.directory / "key"
    assert looked.messages[-1].endswith(f"; other files: {key}")
    assert not key.exists()
    host.fetch(names=names)
    assert (key.read_text(), key.stat().st_mode & 0o777) == (CANARY, 0o640)
    assert (host.values(), (host.directory / "job").exists()) == ({}, False)
    assert "is unchanged" in host.fetch(names=names).messages[-1]
    store(OTHER)
    host.gone = 1
    assert host.fetch(names=names).code == KEPT
    assert host.fetch(names=names).changed
    assert key.read_text() == OTHER
    host.fetch(names=["job1", "jobs"])
    assert dotenv.from_dotenv((host.directory / "job").read_text()) == {"PORT": "1"}
    host.fetch(names=names)
    assert not (host.directory / "job").exists(), "the catalog knows it, and this host is no longer named"


def test_an_older_catalog_with_other_files_removes_none(host: Host) -> None:
    host.catalog = with_files()
    host.fetch(names=["jobs"])
    del host.catalog["files"]["key"]
    outcome = host.fetch(names=["jobs"])
    assert (outcome.code, (host.directory / "key").read_text()) == (KEPT, CANARY)
    assert outcome.messages[0].endswith("ansible-playbook watchparty.secrets.host")


def test_a_systemd_credential_is_refused_before_the_first_write(host: Host) -> None:
    host.catalog = with_files(format="systemd_credential")
    outcome = host.fetch()
    assert outcome.code == USAGE
    assert outcome.messages[0].startswith("files.key: a host that fetches cannot encrypt a systemd credential")
    assert list(host.directory.iterdir()) == []


def test_an_older_catalog_without_files_does_not_remove_the_files_of_a_deploy(host: Host) -> None:
    file, private = host.directory / "tls.key", atomic_file.Ownership(None, None, 0o600)
    with atomic_file.open_file(str(host.path)) as env:
        declared = [file_set.DeclaredFile(str(file), b"canary", private)]
        mark = env_file_mark.Mark(env)
        plan = env_file_delivery.planned(env, b"KEY=canary\n", private, None, mark, declared)
        env_file_delivery.deliver(plan, "s-1", 0)
    outcome = host.fetch()
    assert (outcome.code, file.read_text()) == (KEPT, "canary")
    assert f"an earlier deploy also wrote {file}, which is not in this run's catalog" in outcome.messages[0]


@pytest.mark.parametrize("content", [b"", b"# nothing\n", b"no assignment", b"\xff"])
def test_what_holds_no_settings_is_nothing_to_start_on(host: Host, content: bytes) -> None:
    host.path.write_bytes(content)
    host.gone = 1
    outcome = host.fetch()
    assert outcome.code == NO_ACCESS
    assert "holds no settings, so the application cannot start" in outcome.messages[1]


def test_without_a_file_it_goes_on_for_a_while_and_then_fails(host: Host) -> None:
    host.gone = 100
    outcome = host.fetch(patience=12)
    assert outcome.code == NO_ACCESS
    assert "does not exist either" in outcome.messages[1]
    assert len(host.slept) == 3


def test_without_a_file_a_network_that_comes_late_is_waited_for(host: Host) -> None:
    host.gone = 2
    assert host.fetch(patience=60).code == GOOD
    assert len(host.slept) == 2
    assert host.values()["KEY"] == CANARY


def test_with_a_file_the_application_is_not_kept_waiting(host: Host) -> None:
    host.fetch()
    host.gone = 100
    assert host.fetch(patience=60).code == KEPT
    assert host.slept == []


def test_a_link_is_no_file_to_start_on(host: Host, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("KEY=canary\n")
    host.path.symlink_to(tmp_path / "elsewhere")
    outcome = host.fetch()
    assert outcome.code == INVALID
    assert "is a symbolic link" in outcome.messages[0]
    assert "the last good file cannot be used" in outcome.messages[1]


@pytest.mark.parametrize("kept", [False, True])
def test_an_environment_that_is_not_complete(host: Host, kept: bool) -> None:
    if kept:
        host.fetch()
    CLIENTS["secretsmanager"].put_secret_value(SecretId="app/test/core", SecretString="{}")
    outcome = host.fetch()
    assert outcome.code == (KEPT if kept else INVALID)
    assert "KEY: is missing" in outcome.messages[0]


def test_a_value_that_its_readers_cannot_read(host: Host) -> None:
    store("canary\nline\n")
    outcome = host.fetch()
    assert outcome.code == INVALID
    assert "KEY: its value cannot be read back exactly by django_environ" in outcome.messages[0]
    host.catalog = {**host.catalog, "readers": ["shell"]}
    assert host.fetch().code == GOOD
    assert host.values() == {"KEY": "canary\nline\n", "PORT": "1"}


@pytest.mark.parametrize("kept", [False, True])
def test_a_catalog_that_is_not_valid(host: Host, kept: bool) -> None:
    if kept:
        host.fetch()
    host.catalog = {"application": "app", "settings": {"KEY": {"nonsense": 1}}}
    outcome = host.fetch()
    assert outcome.code == (KEPT if kept else USAGE)
    assert "settings.KEY" in outcome.messages[0]


def test_an_owner_who_does_not_exist(host: Host) -> None:
    assert "owner nobody-of-that-name does not exist" in host.fetch(owner="nobody-of-that-name").messages[0]
    assert "is not octal" in host.fetch(mode="rw").messages[0]


def test_another_account_is_not_read(host: Host) -> None:
    host.catalog = {**CATALOG, "environments": {"test": {"expected_account_id": "999999999999"}}}
    outcome = host.fetch()
    assert outcome.code == NO_ACCESS
    assert "the catalog expects 999999999999" in outcome.messages[0]
    host.catalog = {**CATALOG, "environments": {"test": {"expected_account_id": "123456789012"}}}
    assert host.fetch().code == GOOD


@pytest.mark.parametrize(("given", "expected"), [(None, "eu-west-3"), ("eu-north-1", "eu-north-1")])
def test_the_region_of_the_catalog_is_the_last_resort(host: Host, given: str | None, expected: str) -> None:
    host.catalog = {**CATALOG, "environments": {"test": {"region": "eu-west-3"}}}
    host.fetch(region=given)
    assert host.regions == [expected]


def test_an_open_rotation_prescribes_what_is_read(host: Host) -> None:
    old = CLIENTS["secretsmanager"].describe_secret(SecretId="app/test/core")["VersionIdsToStages"]
    store(OTHER)
    journal(1, prescribes={"secrets": {"app/test/core": next(iter(old))}})
    outcome = host.fetch()
    assert outcome.code == GOOD
    assert "rotation r1 of ann@laptop" in outcome.messages[0]
    assert host.values()["KEY"] == CANARY
    assert host.mark["accepted"]["journal"] == 1


def test_an_open_rotation_that_prescribes_nothing_yet_is_waited_for(host: Host) -> None:
    journal(1, step="plan")
    outcome = host.fetch(patience=5)
    assert outcome.code == INVALID
    assert "has no snapshot for hosts yet" in outcome.messages[0]
    assert len(host.slept) == 1


def test_what_was_read_under_a_lower_journal_number_is_refused(host: Host) -> None:
    host.fetch()
    with state.held_mark(host.path) as mark:
        mark.accept("s-newer", 7, atomic_file.digest(host.path.read_bytes()))
    store(OTHER)
    outcome = host.fetch()
    assert outcome.code == KEPT
    assert "already has the .env of a newer journal (number 7" in outcome.messages[0]
    assert host.values()["KEY"] == CANARY


def test_an_error_that_nobody_thought_of_keeps_the_file_and_is_not_quoted(host: Host) -> None:
    host.fetch()

    def broken(_region: str | None) -> Any:
        raise RuntimeError("canary")

    host.connect = broken  # type: ignore[method-assign]
    outcome = host.fetch()
    assert outcome.code == KEPT
    assert outcome.messages[0] == "unexpected error: RuntimeError"


def test_the_words_of_a_connection_that_fails(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")

    monkeypatch.setattr(CLIENTS["ssm"], "get_paginator", fails, raising=False)
    monkeypatch.setattr(CLIENTS["ssm"], "get_parameters_by_path", fails, raising=False)
    outcome = host.fetch()
    assert outcome.code == NO_ACCESS
    assert outcome.messages[0].startswith("AWS could not be reached for ssm:GetParametersByPath")


def test_a_configuration() -> None:
    fetch_request = wanted_of({"environment": "test", "path": "/x/.env", "mode": "0640", "owner": None, "patience": 5})
    assert fetch_request == FetchRequest("test", "/x/.env", mode="0640", patience=5)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "must be a JSON object"),
        ({"environment": "test"}, "must be a JSON object with environment, path"),
        ({"environment": "test", "path": "/x", "colour": "red"}, "no keys other than"),
        ({"environment": "test", "path": "x"}, "path must be absolute"),
        ({"environment": "test", "path": "/x", "mode": 600}, "mode must be of type str"),
        ({"environment": "test", "path": "/x", "patience": True}, "patience must be of type int"),
        ({"environment": "test", "path": "/x", "owner": ["shell"]}, "owner must be of type str"),
    ],
)
def test_a_configuration_that_is_not_right(document: Any, message: str) -> None:
    with pytest.raises(NotConfigured, match=message):
        wanted_of(document)


def test_nothing_shows_a_value(host: Host) -> None:
    content = dotenv.to_dotenv({"KEY": CANARY}).encode()
    with atomic_file.open_file(str(host.path), write=False) as env:
        plan = env_file_delivery.planned(env, content, atomic_file.Ownership(None, None, 0o600), None, None)
    assert "canary" not in repr(plan)
    assert plan.rewrite
    assert not plan.is_settled
    assert pull_fetch.PAUSE > 0
