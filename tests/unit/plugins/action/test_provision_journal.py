# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The journal and its bucket as provisioning makes them, and a former journal that is taken over."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ansible_collections.watchparty.secrets.plugins.action.environment_provision import ActionModule
from ansible_collections.watchparty.secrets.plugins.module_utils._core import journal as _journal
from tests.unit.plugins.action.values_account import CATALOG, JOURNAL, account, run

Clients = Callable[[str], Any]
FORMER = "/app-journal/test"
BUCKET = f"bucket {JOURNAL.bucket}"
MADE = f"create journal s3://{JOURNAL.target}"
STEPS = [
    f"create {BUCKET}",
    f"block public access of {BUCKET}",
    f"deny unencrypted connections to {BUCKET}",
    f"enable versioning of {BUCKET}",
    MADE,
]
BY = {"at": "2026-01-01T00:00:00Z", "who": "ann", "rotation": "r1"}


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clients]:
    with account(monkeypatch, journal=False) as made:
        yield made


def provision(**args: Any) -> dict[str, Any]:
    given = {"asked": {"answers": {"TOKEN": "canary-token"}}}
    return run(
        ActionModule, variables=given, **{"catalog": CATALOG, "environment": "test", "values_from": "asked", **args}
    )


def steps(result: dict[str, Any]) -> list[str]:
    return [line for line in result["plan"] if {"bucket", "journal"} & {*line.split()}]


def exists(clients: Clients) -> bool:
    return bool(clients("s3").list_buckets()["Buckets"])


def fold(clients: Clients) -> _journal.Journal:
    return _journal.fold(JOURNAL.lines(clients))


def test_it_is_planned_then_made_then_left_alone(clients: Clients) -> None:
    assert steps(provision(state="planned")) == STEPS
    assert steps(provision(check=True)) == STEPS
    assert not exists(clients)
    written = provision()
    assert steps(written) == STEPS
    assert written["changed"]
    again = provision()
    assert (again["changed"], again["plan"]) == (False, [])
    s3, names = clients("s3"), {"Bucket": JOURNAL.bucket}
    assert s3.get_bucket_versioning(**names)["Status"] == "Enabled"
    assert all(s3.get_public_access_block(**names)["PublicAccessBlockConfiguration"].values())
    (statement,) = json.loads(s3.get_bucket_policy(**names)["Policy"])["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    tags = {item["Key"]: item["Value"] for item in s3.get_bucket_tagging(**names)["TagSet"]}
    assert tags["Application"] == "app"
    assert set(fold(clients).rotated) == {"token", "key"}, "the first dates come with the values"


def test_what_is_refused_is_refused_before_anything_is_made(clients: Clients) -> None:
    failed = provision(env_file="/nowhere")
    assert failed["failed"]
    assert not exists(clients)


def test_a_missing_key_is_refused_before_anything_is_made(clients: Clients) -> None:
    assert "alias/elsewhere" in provision(kms_key="alias/elsewhere")["msg"]
    assert not exists(clients)


def test_what_the_bucket_lacks_is_completed_and_the_rest_stays(clients: Clients) -> None:
    JOURNAL.make(clients)
    s3 = clients("s3")
    s3.put_bucket_versioning(Bucket=JOURNAL.bucket, VersioningConfiguration={"Status": "Suspended"})
    theirs = {
        "Sid": "Theirs",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:DeleteObject",
        "Resource": f"arn:aws:s3:::{JOURNAL.bucket}/*",
    }
    s3.put_bucket_policy(Bucket=JOURNAL.bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [theirs]}))
    assert steps(provision()) == STEPS[1:-1]
    statements = json.loads(s3.get_bucket_policy(Bucket=JOURNAL.bucket)["Policy"])["Statement"]
    assert statements[0] == theirs
    assert [statement["Sid"] for statement in statements] == ["Theirs", "RefuseUnencryptedConnections"]
    assert provision()["plan"] == []


def test_a_run_that_was_cut_short_is_completed(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.journal_bucket import JournalBucket

    with monkeypatch.context() as patched:
        patched.setattr(JournalBucket, "_keep_versions", lambda _self: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            provision()
    assert steps(provision()) == STEPS[-2:]


def test_a_bucket_of_somebody_else(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.client import BaseClient

    call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def deny(self: Any, operation: str, params: Any) -> Any:
        if operation == "GetBucketVersioning":
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not yours"}}, operation)
        return call(self, operation, params)

    monkeypatch.setattr(BaseClient, "_make_api_call", deny)
    assert f"{BUCKET} cannot be read (not yours)" in provision()["msg"]


def test_a_catalog_without_a_journal_makes_none(clients: Clients) -> None:
    without = {name: item for name, item in CATALOG.items() if name != "journal"}
    assert steps(provision(catalog=without)) == []
    assert not exists(clients)


class TestFormer:
    """Entries as earlier versions wrote them: a parameter each, long ones compressed."""

    def write(self, clients: Clients, *bodies: dict[str, Any], start: int = 1, path: str = FORMER) -> None:
        text = ""
        for number, body in enumerate(bodies, start):
            entry = {"rotation": "r1", "who": "ann", "at": "t", **body}
            if text:
                entry["prev"] = _journal.digest_of(text)
            text = _journal.written(entry)
            if len(text) > 4096:
                text = "zlib:" + base64.b64encode(zlib.compress(text.encode(), 9)).decode()
            clients("ssm").put_parameter(Name=f"{path}/{number}", Type="String", Value=text, Overwrite=True)

    def test_its_state_is_taken_over(self, clients: Clients) -> None:
        many = {f"c{number}": BY for number in range(100)}
        pending = {"r1/c1": {"credential": "c1", "act": "revoke", "due": "2026-12-01T00:00:00Z", "rotation": "r1"}}
        self.write(clients, {"step": "plan"}, {"step": "closed", "rotated": many, "pending_tasks": pending}, start=40)
        message = f"create journal s3://{JOURNAL.target} from the state of the journal in Parameter Store"
        assert steps(provision(state="planned"))[-1] == message
        assert steps(provision())[-1] == message
        journal = fold(clients)
        assert set(journal.rotated) == {*many, "token", "key"}
        assert set(journal.pending_tasks) == set(pending)
        assert _journal.entries(journal)[0]["number"] == 42, "hosts refuse what is lower than their mark"
        assert provision()["plan"] == []

    def test_what_lies_below_its_newest_base_does_not_count(self, clients: Clients) -> None:
        self.write(clients, {"step": "plan", "rotation": "r0"}, start=3)
        self.write(clients, {"step": "closed", "base": True, "prepared": ["a"]}, {"step": "closed"}, start=7)
        provision()
        assert fold(clients).prepared == {"a"}

    def test_at_a_path_of_its_own(self, clients: Clients) -> None:
        self.write(clients, {"step": "closed", "prepared": ["b"]}, path="/elsewhere/test")
        provision(former_journal="/elsewhere/test")
        assert fold(clients).prepared == {"b"}

    def test_an_open_rotation_has_to_end_first(self, clients: Clients) -> None:
        self.write(clients, {"step": "plan"})
        for item in ({"state": "planned"}, {"check": True}, {}):
            failed = provision(**item)
            assert "rotation r1 of ann" in failed["msg"]
            assert "finish it with the version of watchparty.secrets that started it" in failed["msg"]
        assert not exists(clients)

    @pytest.mark.parametrize("text", ["canary", "[]", "zlib:canary", "zlib:" + base64.b64encode(b"canary").decode()])
    def test_what_is_no_entry(self, clients: Clients, text: str) -> None:
        clients("ssm").put_parameter(Name=f"{FORMER}/1", Type="String", Value=text)
        failed = provision()
        assert f"parameter {FORMER}/1 is not a journal entry" in failed["msg"]
        assert "canary" not in failed["msg"]

    def test_what_lies_there_and_has_no_number(self, clients: Clients) -> None:
        clients("ssm").put_parameter(Name=f"{FORMER}/notes", Type="String", Value="{}")
        assert f"parameter {FORMER}/notes lies in the former journal's path but is not an entry" in provision()["msg"]

    def test_an_altered_entry(self, clients: Clients) -> None:
        self.write(clients, {"step": "plan"}, {"step": "closed"})
        text = json.dumps({"rotation": "r1", "step": "plan", "who": "eve"})
        clients("ssm").put_parameter(Name=f"{FORMER}/1", Type="String", Value=text, Overwrite=True)
        assert f"{FORMER}/1 was altered after {FORMER}/2 was written" in provision()["msg"]
