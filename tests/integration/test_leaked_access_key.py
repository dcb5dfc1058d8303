# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""leak_response.yml where the leaked access key was deleted to make room, and AWS then made no new one."""

from __future__ import annotations

import pytest

from sandbox.faults import Fault
from tests.integration.access_key_lab import (
    OPERATOR,
    authorization,
    client_of,
    in_use,
    keys,
    new_key,
    new_user,
    prepare,
)
from tests.integration.harness import Lab
from tests.integration.leak_lab import respond

pytestmark = pytest.mark.slow


def test_the_same_command_ends_it_without_a_user_in_the_catalog(lab: Lab) -> None:
    """IAM no longer knows whose key it was."""
    old, other = prepare(lab), new_key(lab.moto)
    new_user(lab.moto, OPERATOR)
    with authorization(lab.moto.url):
        client_of(lab.moto, "sts", other).get_caller_identity()
    lab.moto.set_faults(Fault("deny", "CreateAccessKey"))
    run = respond(lab, "-e", "leak_credentials=storage")
    assert run.code != 0, run.output
    assert {*keys(lab.moto.client("iam"))} == {other.username}, run.output
    lab.moto.set_faults()
    run = respond(lab, "-e", "leak_credentials=storage")
    assert f"delete-access-key --user-name shop-storage --access-key-id {other.username}" in run.text
    assert {*keys(lab.moto.client("iam"))} == {other.username, in_use(lab).username}, run.output
    assert in_use(lab).username != old.username
