# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""leak_response.yml with a leaked access key: the key itself, and temporary credentials that it got."""

from __future__ import annotations

import json

import pytest

from sandbox.faults import Fault
from tests.integration.access_key_lab import (
    OPERATOR,
    USER,
    authorization,
    client_of,
    in_use,
    keys,
    new_key,
    new_user,
    prepare,
)
from tests.integration.harness import Lab
from tests.integration.leak_lab import newest_post_mortem, respond

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


ROLE, POLICY = "shop-production-host", "AWSRevokeOlderSessions"


def test_temporary_credentials_are_denied(lab: Lab) -> None:
    """moto keeps the policy and does not enforce it: that AWS does, its documentation says."""
    prepare(lab, options={"user": USER, "user_path": "/applications/"})
    iam = lab.moto.client("iam")
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}))
    leaked = ("-e", "leak_credentials=storage,host:web1")
    planned = respond(lab, *leaked, "--check")
    assert f"by hand: role {ROLE}: temporary credentials that an intruder got from AWS work" in planned.text
    asked = ("-e", "leak_deny_sessions=true")
    planned = respond(lab, *leaked, *asked, "--check")
    assert f"denied first (leak_deny_sessions): all temporary credentials of role {ROLE}, user {USER}" in planned.text
    assert iam.list_role_policies(RoleName=ROLE)["PolicyNames"] == []
    lab.moto.set_faults(Fault("deny", "PutRolePolicy"))
    run = respond(lab, *leaked, *asked)
    assert run.code != 0, run.output
    assert f"temporary credentials of role {ROLE} were not denied: AWS denies iam:PutRolePolicy" in run.text
    command = f"aws iam put-role-policy --role-name {ROLE} --policy-name {POLICY} --policy-document"
    assert f"NOT contained: role {ROLE}: " in run.text, run.output
    assert command in run.text
    lab.moto.set_faults()
    run = respond(lab, *leaked, *asked)
    assert run.code == 0, run.output
    for found in (
        iam.get_role_policy(RoleName=ROLE, PolicyName=POLICY),
        iam.get_user_policy(UserName=USER, PolicyName=POLICY),
    ):
        (statement,) = found["PolicyDocument"]["Statement"]
        assert (statement["Effect"], *statement["Condition"]) == ("Deny", "DateLessThan")
    page = newest_post_mortem(lab)
    assert f"temporary credentials were denied (role {ROLE}, issued before " in page
    assert page.count(f"temporary credentials were denied (user {USER}, issued before ") == 2, (
        "also once it was revoked"
    )
    assert "Deny those" not in page
