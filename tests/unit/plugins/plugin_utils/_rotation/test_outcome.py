# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the operator reads at the end of a run."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.outcome import lines, verdict

NOW: dict[str, Any] = {
    "id": "r1",
    "step": "record",
    "closed": True,
    "credentials": [{"name": "cache"}, {"name": "database"}],
    "behind": [],
    "todo": [],
    "seconds": [("create", 1.25), ("deploy_1", 10.0)],
}


def test_a_rotation_that_is_complete() -> None:
    result = {
        **NOW,
        "to_refusal": ["from promotion to revocation: 4 s"],
        "lines": ["web1: tried"],
        "recorded": "log group /a",
    }
    assert lines(result, ["web1", "web2"], []) == [
        "rotation r1 is complete",
        "credentials: cache, database",
        "hosts: web1, web2",
        "from promotion to revocation: 4 s",
        "web1: tried",
        "audit record: log group /a",
        "seconds: create 1.2, deploy_1 10.0",
    ]
    assert verdict(result, abort=False) == ""


def test_hosts_that_were_skipped() -> None:
    message = "skipped or unreachable hosts: web2. When they answer, run ansible-playbook watchparty.secrets.deploy"
    assert message in lines({**NOW, "behind": ["web2"]}, ["web1", "web2"], [])
    before = {**NOW, "step": "deploy", "closed": False}
    assert message in lines(before, ["web1", "web2"], ["web2"])
    assert "hosts: web1" in lines(before, ["web1", "web2"], ["web2"])


def test_what_providers_have_yet_to_revoke_is_said_without_a_rotation() -> None:
    assert lines({"revocations": [{"message": "token: its old value"}]}, [], []) == ["token: its old value"]


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (
            {"step": "deploy", "closed": False, "stopped": "web2 is lost"},
            (
                "Rotation r1 stopped at step deploy: web2 is lost. Run the same command again to continue, or "
                "with -e rotation_abort=true to abort it."
            ),
        ),
        (
            {"step": "revoke", "closed": False, "stopped": "web2 is not verified"},
            "Rotation r1 stopped at step revoke: web2 is not verified. Run the same command again to continue.",
        ),
        (
            {"step": "create", "closed": False, "todo": ["create", "set"]},
            (
                "Rotation r1 stopped at step create: this run skipped the next step, create. Run the same "
                "command again to continue."
            ),
        ),
        (
            {"step": "discard", "reason": "no host is healthy."},
            (
                "The rotation was rolled back: no host is healthy. To rotate, fix the cause, then run the same command "
                "again."
            ),
        ),
        ({"refused": {"mail": "no", "sms": "not"}}, "Refused, old values unchanged: mail: no. sms: not"),
    ],
)
def test_why_a_run_fails(result: dict[str, Any], message: str) -> None:
    assert verdict({**NOW, **result}, abort=False) == message


def test_an_abort_that_was_asked_for_is_no_failure() -> None:
    assert verdict({**NOW, "step": "discard", "reason": "the operator asked for it"}, abort=True) == ""
