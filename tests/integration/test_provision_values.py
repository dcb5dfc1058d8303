# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From an empty account to a first deploy, and nothing changed by a second run."""

from __future__ import annotations

import pytest

from tests.integration.harness import ENVIRONMENT, Lab
from tests.integration.values_lab import READS, Account


@pytest.fixture
def empty(lab: Lab) -> Account:
    return Account(lab)


def test_from_an_empty_account_to_a_deploy(empty: Account) -> None:
    lab = empty.lab
    (host,) = lab.add_hosts()
    before = empty.state()
    looked = empty.provisioned("--check", "--diff")
    assert set(looked.operations) <= READS
    assert empty.state() == before == {}
    first = empty.provisioned("--diff")
    core = empty.assert_complete()
    again = empty.provisioned("--check", "--diff")
    assert set(again.operations) <= READS
    after = empty.state()
    second = empty.provisioned()
    assert second.result("web1")["changed"] == 0
    assert set(second.operations) <= READS
    assert empty.state() == after
    lab.deploy()
    assert host.values()["DATABASE_URL"] == core["DATABASE_URL"]
    print(first.output, looked.output, second.output)
    assert 0
