# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The journal and its bucket as provisioning makes them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from ansible_collections.watchparty.secrets.plugins.action.environment_provision import ActionModule
from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core import journal as _journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import (
    RecordedServer,
    ServerBaseline,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.baseline_store import baseline_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import baseline_hint
from tests.unit.plugins.action.values_account import CATALOG, JOURNAL, account, run

Clients = Callable[[str], Any]
BUCKET = f"bucket {JOURNAL.bucket}"
MADE = f"create journal s3://{JOURNAL.target}"
STEPS = [
    f"create {BUCKET}",
    f"block public access of {BUCKET}",
    f"deny unencrypted connections to {BUCKET}",
    f"enable versioning of {BUCKET}",
    MADE,
    f"create empty baseline s3://{JOURNAL.bucket}/app/test/baseline.json",
]


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
    return [line for line in result["plan"] if {"bucket", "journal", "baseline"} & {*line.split()}]


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
    assert steps(provision()) == [*STEPS[1:-2], STEPS[-1]]
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
    assert steps(provision()) == STEPS[-3:]


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


def test_a_baseline_that_nobody_recorded_is_named_with_the_command(clients: Clients) -> None:
    """Nothing records it here, since an attacker's login would be in it."""
    assert provision(check=True)["baseline"] == ""
    assert "baseline" not in provision(state="planned")
    command = "ansible-playbook watchparty.secrets.baseline -e app_environment=test"
    assert provision()["baseline"] == f"no baseline was recorded. After the first deploy, record it: {command}"
    store = baseline_of(catalog_parser.parse(CATALOG, "test"), clients)
    assert store is not None
    empty, version = store.read()
    assert (empty, bool(version)) == (None, True), "roles that may not list the bucket are not denied"
    source = RecordedServer("2026-11-29T00:00:00Z", "me", frozenset({"user"}), {})
    store.replace(ServerBaseline("app", "test", "key", {"127.0.0.1:5432": source}), version)
    assert provision()["baseline"] == ""


def test_of_a_baseline_that_cannot_be_read_nothing_is_said() -> None:
    catalog = catalog_parser.parse(CATALOG, "test")
    client = boto3.client("s3", region_name="eu-west-3")
    with Stubber(client) as stubber:
        stubber.add_client_error("get_object", "AccessDenied", http_status_code=403)
        assert baseline_hint.hint(catalog, lambda _service: client, ()) == ""
        stubber.add_client_error("get_object", "NoSuchKey", http_status_code=404)
        line = baseline_hint.hint(catalog, lambda _service: client, ["my hosts"])
    assert line.endswith(": ansible-playbook -i 'my hosts' watchparty.secrets.baseline -e app_environment=test")
    assert baseline_hint.hint(replace(catalog, journal=None), lambda _service: client, ()) == ""
