# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The baseline beside the journal, which one run alone replaces."""

from __future__ import annotations

from dataclasses import replace

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied, StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import (
    RecordedServer,
    ServerBaseline,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import baseline_store
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.baseline_store import (
    BaselineStore,
    baseline_of,
)
from tests.unit.plugins.module_utils._stores.journal_places import BUCKET, CATALOG, REGION, Moto

SOURCE = RecordedServer("2026-11-29T00:00:00Z", "op", frozenset(["user"]), {})
BASELINE = ServerBaseline("app", "test", "key", {"127.0.0.1:5432": SOURCE})
KEY = "records/app/test/baseline.json"


def test_a_baseline_replaces_only_what_was_read() -> None:
    with mock_aws():
        client = Moto().client
        store = BaselineStore(client, CATALOG)
        assert store.read() == (None, "")
        store.replace(BASELINE, "")
        for version in ("", '"0badcafe0badcafe0badcafe0badcafe"'):
            with pytest.raises(StoreError, match=f"another run wrote the baseline s3://{BUCKET}/{KEY} meanwhile"):
                store.replace(replace(BASELINE, key="other"), version)
        read, version = store.read()
        assert read == BASELINE
        store.replace(BASELINE, version)


def test_an_empty_baseline_is_made_once_and_holds_nothing() -> None:
    with mock_aws():
        store = BaselineStore(Moto().client, CATALOG)
        assert store.is_missing()
        store.make()
        assert not store.is_missing()
        empty, version = store.read()
        assert empty is None
        store.replace(BASELINE, version)
        store.make()
        assert store.read()[0] == BASELINE


def test_a_request_that_was_repeated_counts_once() -> None:
    with mock_aws():
        place = Moto()
        place.twice()
        store = BaselineStore(place.client, CATALOG)
        store.replace(BASELINE, "")
        assert store.read()[0] == BASELINE


def test_a_baseline_that_may_not_be_read_is_not_taken_for_none() -> None:
    client = boto3.client("s3", region_name=REGION)
    with Stubber(client) as stubber:
        stubber.add_client_error("get_object", "AccessDenied", http_status_code=403)
        with pytest.raises(Denied, match="create it by ansible-playbook"):
            BaselineStore(client, CATALOG).read()


def test_a_large_baseline_is_compressed() -> None:
    """500 hosts with 200 entries each."""
    entries = {("unit", f"/etc/systemd/system/{at}.service"): f"content {at:016x}" for at in range(200)}
    source = RecordedServer("2026-11-29T00:00:00Z", "op", frozenset(["unit"]), entries)
    large = replace(BASELINE, sources={f"host web{at}": source for at in range(500)})
    with mock_aws():
        client = Moto().client
        store = BaselineStore(client, CATALOG)
        store.replace(large, "")
        assert client.get_object(Bucket=BUCKET, Key=KEY)["ContentLength"] < 1 << 20
        read, version = store.read()
        assert read == large
        store.replace(large, version)
        client.put_object(Bucket=BUCKET, Key=KEY, Body=b"\x1f\x8bno gzip")
        with pytest.raises(StoreError, match="is not the baseline of app in test"):
            store.read()


def test_a_baseline_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baseline_store, "LIMIT", 10)
    with pytest.raises(StoreError, match="at most 10 fit"):
        BaselineStore(boto3.client("s3", region_name=REGION), CATALOG).replace(BASELINE, "")


def test_without_a_journal_there_is_no_baseline() -> None:
    catalog = catalog_parser.parse({"application": "app", "settings": {"A": {"value": 1}}}, "test")
    assert catalog.baseline_place == ("", "")
    assert baseline_of(catalog, pytest.fail) is None
