# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rotation of an IAM user's access key from end to end, killed and aborted, on moto."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from sandbox.faults import Fault
from sandbox.process import wait_until
from tests.integration.access_key_lab import (
    OPERATOR,
    ROTATE,
    USER,
    authorization,
    client_of,
    in_use,
    keys,
    new_key,
    new_user,
    own_secrets,
    prepare,
    rotate,
)
from tests.integration.harness import JOURNAL, Lab

WRITES = ("CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey")
pytestmark = pytest.mark.slow


def parameter(lab: Lab) -> str:
    name = "/shop/production/Storage/ACCESS_KEY_ID"
    return lab.moto.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]


def kill(process: subprocess.Popen[str]) -> None:
    """The run with its workers, which have sessions of their own and would outlive it."""
    workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for pid in (process.pid, *map(int, workers)):
        os.kill(pid, signal.SIGKILL)
    process.communicate()


def comes_due(lab: Lab) -> None:
    """Everything that the journal's newest entry leaves for later is due."""
    *before, newest = JOURNAL.lines(lab.moto.client)
    entry = json.loads(newest)
    for pending_task in entry["pending_tasks"].values():
        pending_task["due"] = "2020-01-01T00:00:00Z"
    JOURNAL.put(lab.moto.client, *before, json.dumps(entry, separators=(",", ":"), sort_keys=True))


def test_a_key_rotates_from_end_to_end(lab: Lab) -> None:
    """With moto's authorization on: the new key really logs in, and the old one really does not any more."""
    old = prepare(lab)
    iam = lab.moto.client("iam")
    shown = rotate(lab, "--check", "--diff")
    assert shown.code == 0, shown.output
    assert "changes parameter /shop/production/Storage/ACCESS_KEY_ID" in shown.text
    assert keys(iam) == {old.username: "Active"}

    operator = new_user(lab.moto, OPERATOR)
    ours = {"AWS_ACCESS_KEY_ID": str(operator.username), "AWS_SECRET_ACCESS_KEY": str(operator.password)}
    with authorization(lab.moto.url):
        run = rotate(lab, environment=ours)
        assert run.code == 0, run.output
        new = in_use(lab)
        assert client_of(lab.moto, "sts", new).get_caller_identity()["Arn"].endswith(f"/{USER}")
        with pytest.raises(ClientError, match="InvalidClientTokenId"):
            client_of(lab.moto, "sts", old).get_caller_identity()
    assert new.username != old.username
    assert new.password != old.password
    assert keys(iam) == {new.username: "Active"}
    assert parameter(lab) == new.username
    assert own_secrets(lab.moto) == []
    for login in (old, new, operator):
        assert str(login.password) not in run.output
    assert [operation for operation in run.operations if operation in WRITES] == list(WRITES)
    made = run.operations.index("CreateAccessKey")
    assert run.operations[made - 1 : made + 3] == [
        "GetObject",  # the journal, right before the write, and again before what was made is kept
        "CreateAccessKey",
        "GetObject",
        "CreateSecret",
    ]


def test_killed_after_aws_made_a_key_and_before_it_was_kept(lab: Lab) -> None:
    old = prepare(lab)
    iam = lab.moto.client("iam")
    lab.moto.set_faults(Fault("error", "CreateSecret"))
    since = lab.moto.count()
    process = lab.start("-e", "rotation_credentials=storage", "-e", "rotation_force=true", playbook=ROTATE)
    assert wait_until(lambda: "CreateSecret" in lab.moto.operations(since=since), seconds=60)
    kill(process)
    lab.moto.set_faults()
    (lost,) = set(keys(iam)) - {old.username}
    assert own_secrets(lab.moto) == []

    run = rotate(lab)
    assert run.code == 0, run.output
    new = in_use(lab)
    assert new.username not in (old.username, lost)
    assert keys(iam) == {new.username: "Active"}
    assert own_secrets(lab.moto) == []


def test_a_rollout_that_fails_takes_the_new_key_back(lab: Lab) -> None:
    old = prepare(lab)
    lab.hosts[0].behaves(g1="500")
    assert rotate(lab).code != 0
    lab.hosts[0].behaves()
    back = rotate(lab, "-e", "rotation_abort=true")
    assert in_use(lab) == old, back.output
    assert keys(lab.moto.client("iam")) == {old.username: "Active"}
    assert parameter(lab) == old.username
    assert own_secrets(lab.moto) == []


def test_rolled_back_when_a_key_was_made_that_nobody_kept(lab: Lab) -> None:
    """AWS lets us make a key and not keep it: the rotation is rolled back, and the key goes."""
    old = prepare(lab)
    lab.moto.set_faults(Fault("deny", "CreateSecret"))
    run = rotate(lab)
    assert run.code != 0
    assert "secretsmanager:CreateSecret" in run.text
    assert in_use(lab) == old
    assert keys(lab.moto.client("iam")) == {old.username: "Active"}
    lab.moto.set_faults()
    assert rotate(lab).code == 0


def test_a_second_key_of_somebody_else_is_refused_before_anything_is_changed(lab: Lab) -> None:
    old = prepare(lab)
    other = new_key(lab.moto)
    run = rotate(lab)
    assert run.code != 0
    assert f"user {USER} has a second access key {other.username}" in run.text
    assert f"aws iam delete-access-key --user-name {USER} --access-key-id {other.username}" in run.text
    assert set(keys(lab.moto.client("iam"))) == {old.username, other.username}
    assert [operation for operation in run.operations if operation in (*WRITES, "PutParameter", "CreateSecret")] == []


def test_an_old_key_that_is_revoked_later(lab: Lab) -> None:
    """Both stay valid until the pending task comes due, in another run."""
    old = prepare(lab, revoke_after=3601)
    assert rotate(lab).code == 0
    new = in_use(lab)
    assert set(keys(lab.moto.client("iam"))) == {old.username, new.username}
    early = rotate(lab)
    assert f"second access key {old.username}" in early.text
    assert set(keys(lab.moto.client("iam"))) == {old.username, new.username}
    comes_due(lab)
    late = rotate(lab)
    assert keys(lab.moto.client("iam")) == {new.username: "Active"}, late.output
    assert in_use(lab) == new
