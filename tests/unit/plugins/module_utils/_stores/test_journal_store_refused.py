# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is not a journal, and what one does not take."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from moto import mock_aws

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied, JournalError, NoAccess
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.journal_store import (
    LIMIT,
    JournalStore,
    S3Journal,
)
from tests.unit.plugins.module_utils._stores.journal_places import BUCKET, CATALOG, KEY, OURS, Moto, numbers


class TestNotAJournal:
    HEADER = b'{"application":"app","environment":"test","journal":1}\n'

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\n",
            b"canary\n",
            b"[]\n",
            b"null\n",
            b"{}\n",
            HEADER[:-1],  # cut off
            b"\xff\xfe canary\n",
            b"[" * 100_000 + b"\n",
            b'{"application":"app","environment":"test"}\n',
        ],
    )
    def test_what_is_stored_there(self, place_of: Any, journal: JournalStore, content: bytes) -> None:
        place_of.put(content)
        with pytest.raises(JournalError, match=r"is not a journal; restore its newest version \(docs") as raised:
            journal.read()
        assert "canary" not in str(raised.value)

    @pytest.mark.parametrize(
        ("extra", "message"),
        [
            ({"environment": "staging"}, "application 'app', environment 'staging', journal 1"),
            ({"application": "other"}, "application 'other', environment 'test', journal 1"),
            ({"journal": 2}, "application 'app', environment 'test', journal 2"),
        ],
    )
    def test_the_journal_of_another(
        self, place_of: Any, journal: JournalStore, extra: dict[str, Any], message: str
    ) -> None:
        place_of.put(json.dumps({**json.loads(self.HEADER), **extra}).encode() + b"\n")
        with pytest.raises(JournalError, match=rf"is the journal of another application or environment \({message}\)"):
            journal.read()

    @pytest.mark.parametrize("line", [b"canary\n", b"\n", b"{}\n", b"[" * 100_000 + b"\n"])
    def test_a_line_that_is_not_an_entry(self, place_of: Any, journal: JournalStore, line: bytes) -> None:
        place_of.put(self.HEADER + line)
        with pytest.raises(JournalError, match="line 1 of the journal's entries is not a journal entry") as raised:
            journal.read()
        assert "canary" not in str(raised.value)

    def test_what_is_too_long_is_not_read_to_its_end(self) -> None:
        with mock_aws():
            moto = Moto()
            moto.put(self.HEADER + b"x" * (LIMIT + 1000))
            read: list[int] = []
            store = moto.store()
            load = store._load
            store._load = lambda: (result := load(), read.append(len(result[0])))[0]  # type: ignore[method-assign, func-returns-value]
            with pytest.raises(JournalError, match="holds more than 4,194,304 bytes, so it is not a journal"):
                store.read()
            assert read == [LIMIT + 1]


class TestRefused:
    def test_an_entry_that_is_too_long(self, journal: JournalStore) -> None:
        plan = "canary" * (LIMIT // 6 + 1)
        with pytest.raises(JournalError, match=r"would hold [\d,]+ bytes, .* 4,194,304 fit; rotate fewer") as raised:
            journal.append(journal.read(), {**OURS, "plan": {"x": plan}})
        assert "canary" not in str(raised.value)
        assert numbers(journal) == []

    def test_a_run_of_a_thousand_credentials_fits(self, journal: JournalStore) -> None:
        plan = {f"watchparty/production/group-{number}": "1" * 36 for number in range(1000)}
        assert journal.append(journal.read(), {**OURS, "plan": {"secrets": plan}}).head == 1
        rotation = journal.read().rotation
        assert rotation is not None
        assert rotation.plan["secrets"] == plan

    @pytest.mark.parametrize(
        ("operation", "act"),
        [("get_object", lambda store: store.read()), ("put_object", lambda store: store.append(Journal(), OURS))],
    )
    def test_denied(self, stubbed: Any, operation: str, act: Callable[[JournalStore], Any]) -> None:
        client, stubber = stubbed("s3")
        stubber.add_client_error(operation, "AccessDenied", "no policy", http_status_code=403)
        with pytest.raises(Denied, match=rf"s3://{BUCKET}/{KEY}.*\(no policy\)"):
            act(S3Journal(client, CATALOG))

    def test_a_missing_object_may_look_denied(self, stubbed: Any) -> None:
        client, stubber = stubbed("s3")
        stubber.add_client_error("get_object", "AccessDenied", http_status_code=403)
        message = (
            "allow s3:GetObject on it. If it does not exist, create it by ansible-playbook watchparty.secrets.provision"
        )
        with pytest.raises(Denied, match=message):
            S3Journal(client, CATALOG).read()

    def test_aws_fails(self, stubbed: Any) -> None:
        client, stubber = stubbed("s3")
        stubber.add_client_error("put_object", "InternalError", http_status_code=500)
        with pytest.raises(NoAccess, match="AWS failed at s3:PutObject"):
            S3Journal(client, CATALOG).append(Journal(version='"e"'), OURS)
