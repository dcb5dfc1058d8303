# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Policies of a role, as IAM tells them."""

from __future__ import annotations

from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policies_reader import Policies

EVERYTHING = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


class Iam:
    """A role with an attached and an inline policy of one name."""

    def __getattr__(self, operation: str) -> Any:
        answers: dict[str, Any] = {
            "get_role": {"Role": {"Arn": "arn:role", "AssumeRolePolicyDocument": {}}},
            "get_policy": {"Policy": {"DefaultVersionId": "v1"}},
            "get_policy_version": {"PolicyVersion": {"Document": {"Statement": []}}},
            "get_role_policy": {"PolicyDocument": EVERYTHING},
        }
        return lambda **_options: answers[operation]

    def get_paginator(self, operation: str) -> Any:
        names = {"PolicyNames": ["app"], "AttachedPolicies": [{"PolicyName": "app", "PolicyArn": "arn:app"}]}
        wanted = "PolicyNames" if operation == "list_role_policies" else "AttachedPolicies"
        return type("Pages", (), {"paginate": lambda _self, **_options: [{wanted: names[wanted]}]})()


def test_an_inline_policy_does_not_hide_behind_an_attached_one_of_its_name() -> None:
    role = Policies(Iam()).role("host")
    assert role["policies"] == {"app": {"Statement": []}, "app (inline)": EVERYTHING}
    assert (role["inline"], role["attached"]) == (["app"], {"app": "arn:app"})
