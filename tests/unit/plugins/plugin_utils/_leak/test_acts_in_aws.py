# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Of a call that leaves a way in, names alone are read, and a command is about the exact name."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import acts_in_aws
from tests.unit.plugins.plugin_utils._leak.trail_events import source_of


@pytest.mark.parametrize("act", [*acts_in_aws.ACTS, *sorted(acts_in_aws.SESSIONS)])
def test_each_act_reads_names_alone(act: str) -> None:
    """Whatever a caller sends, and however deep."""
    deep: Any = "canary"
    for _ in range(5000):
        deep = {"a": deep}
    asked = {
        "userName": ["canary"],
        "policyDocument": "canary",
        "environment": {"variables": {"X": "canary"}},
        "d": deep,
    }
    made = acts_in_aws.made(
        act, asked, {"credentials": {"secretAccessKey": "canary", "accessKeyId": {"x": 1}}}, source_of(act)
    )
    assert made
    assert "canary" not in repr(made)
    assert made.undo == ""


@pytest.mark.parametrize(
    ("act", "asked", "answer", "name", "undo"),
    [
        (
            "UploadSSHPublicKey",
            {"userName": "mailer"},
            {"sSHPublicKey": {"sSHPublicKeyId": "APKA1"}},
            "APKA1 of user mailer",
            "aws iam delete-ssh-public-key --user-name mailer --ssh-public-key-id APKA1",
        ),
        (
            "UploadSigningCertificate",
            {"userName": "mailer"},
            {"certificate": {"certificateId": "C1"}},
            "C1 of user mailer",
            "aws iam delete-signing-certificate --user-name mailer --certificate-id C1",
        ),
        (
            "CreateServiceSpecificCredential",
            {"userName": "mailer"},
            {"serviceSpecificCredential": {"serviceSpecificCredentialId": "ACCA1"}},
            "ACCA1 of user mailer",
            "aws iam delete-service-specific-credential --user-name mailer --service-specific-credential-id ACCA1",
        ),
        (
            "CreateAssociation",
            {"name": "AWS-RunShellScript"},
            {"associationDescription": {"associationId": "a-1"}},
            "a-1",
            "aws ssm delete-association --association-id a-1",
        ),
        (
            "PutBucketPolicy",
            {"bucketName": "backups"},
            None,
            "backups",
            "aws s3api delete-bucket-policy --bucket backups",
        ),
    ],
)
def test_a_way_in_has_its_command(act: str, asked: Any, answer: Any, name: str, undo: str) -> None:
    made = acts_in_aws.made(act, asked, answer, source_of(act))
    assert made
    assert (made.name, made.undo) == (name, undo)


def test_no_terminal_acts_on_a_name() -> None:
    made = acts_in_aws.made("CreateUser", {"userName": "\x1b[2J" + "x" * 900}, None, source_of("CreateUser"))
    assert made
    assert "\x1b" not in made.name
    assert len(made.name) <= 200


@pytest.mark.parametrize("name", ["x" * 201, "a\u202eb", "a\x1b[2Jb"])
def test_a_command_is_about_the_exact_name(name: str) -> None:
    made = acts_in_aws.made("CreateUser", {"userName": name}, None, source_of("CreateUser"))
    assert made
    assert made.undo == ""


@pytest.mark.parametrize(("status", "is_left"), [("Active", True), ("Inactive", False), (["Inactive"], True)])
def test_a_key_that_was_deactivated_lets_nobody_in(status: Any, is_left: bool) -> None:
    """Rotations deactivate keys, and so may who locks an operator out: their own acts are no acts of the leaked key."""
    asked = {"userName": "operator", "accessKeyId": "AKIAOPERATOR", "status": status}
    made = acts_in_aws.made("UpdateAccessKey", asked, None, source_of("UpdateAccessKey"))
    assert (made is not None and made.key == "AKIAOPERATOR") == is_left
