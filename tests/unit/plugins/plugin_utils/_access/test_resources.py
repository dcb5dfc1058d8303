# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What provisioning makes of access, as data."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import PolicyError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.aws_scope import AwsScope
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.resources import (
    AccessOptions,
    ExistingResource,
    conflicts,
    is_numbered,
    key_arn,
    plan,
    policy_names,
    tags,
    unknown,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.trust_policies import Workflow

GROUND = AwsScope("123456789012", "eu-west-3", "arn:aws:kms:eu-west-3:123456789012:key/1")
OPERATOR = "arn:aws:iam::123456789012:user/ann"
OURS = {"Application": "shop", "Environment": "staging", "ManagedBy": "watchparty.secrets"}


def made(**over: Any) -> Catalog:
    base = {"application": "shop", "settings": {"TOKEN": {"group": "core"}}}
    return catalog_parser.parse({**base, **over}, "staging")


def test_tags() -> None:
    assert tags(made()) == {**OURS, "Owner": "shop"}
    assert tags(made(contacts={"security": "sec@example.com"}))["Owner"] == "sec@example.com"
    catalog = made(aws={"owner": "ops@example.com", "tags": {"CostCenter": "42"}})
    assert tags(catalog) == {**OURS, "Owner": "ops@example.com", "CostCenter": "42"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"Application": "x"}, "aws.tags.Application: provisioning sets this tag itself"),
        ({"Owner": "x"}, "for Owner use aws.owner"),
        ({"a": "b#"}, "a='b#' is not a tag that AWS accepts"),
        ({"aws:x": "b"}, "is not a tag"),
        ({"a" * 129: "b"}, "is not a tag"),
        ({"a": "b" * 257}, "is not a tag"),
    ],
)
def test_tags_that_aws_refuses(given: dict[str, str], message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        tags(made(aws={"tags": given}))


def test_what_has_other_tags_is_named_unless_adopted() -> None:
    catalog = made()
    ours = ExistingResource("role", "ours", {**OURS, "Team": "x"})
    theirs = ExistingResource("role", "theirs", {**OURS, "Environment": "production"})
    bare = ExistingResource("policy", "bare")
    results = conflicts(catalog, [ours, theirs, bare], [])
    assert len(results) == 2
    assert results[0].startswith(
        "role theirs exists and belongs to another owner (Environment=production); choose another name"
    )
    assert (
        "policy bare exists and belongs to another owner (Application=(none), Environment=(none), ManagedBy=(none))"
        in results[1]
    )
    assert "-e aws_access_adopt=bare" in results[1]
    assert conflicts(catalog, [ours, theirs, bare], ["theirs", "bare"]) == ()
    assert unknown(["theirs", "nobody"], [theirs]) == ("nobody",)


def test_names_of_policies() -> None:
    assert policy_names("r", 3) == ("r", "r-2", "r-3")
    assert all(is_numbered(name, "r") for name in ("r", "r-2", "r-10"))
    assert not any(is_numbered(name, "r") for name in ("r2", "r-x", "r-2-3", "xr"))


def test_roles_that_nobody_could_take_are_noted_and_not_made() -> None:
    result = plan(made(), GROUND, AccessOptions())
    assert [role["kind"] for role in result["roles"]] == ["host"]
    assert result["provider"] == {}
    assert [line.split(":")[0] for line in result["notes"]] == ["no role deploy", "no roles rotate, respond and verify"]
    assert result["roles"][0]["profile"]


def test_everything() -> None:
    catalog = made(
        github={"repository": "example/shop"}, aws={"operators": [OPERATOR], "host_principal": "ecs.amazonaws.com"}
    )
    result = plan(catalog, GROUND, AccessOptions(workflow=Workflow(branch="main")))
    assert [role["kind"] for role in result["roles"]] == ["deploy", "host", "rotate", "respond", "verify"]
    assert not any(role["profile"] for role in result["roles"])
    (note,) = result["notes"]
    assert note.startswith("role shop-staging-host trusts ecs.amazonaws.com for any account's resources, because")
    arns = [arn for role in result["roles"] for arn in role["policies"]]
    assert arns == [policy["arn"] for policy in result["policies"]]
    assert result["summary"][0].startswith("role shop-staging-deploy for repo:example/shop:ref:refs/heads/main: ")
    assert result["summary"][0].endswith(" characters in 1 policy")
    assert result["summary"][1].startswith("role shop-staging-host for ecs.amazonaws.com: ")
    assert OPERATOR in result["summary"][2]
    assert result["provider"]["arn"].endswith(":oidc-provider/token.actions.githubusercontent.com")


def test_the_key_before_it_is_made() -> None:
    assert key_arn("1", "r", "aws", None) == "arn:aws:kms:r:1:key/not-made-yet"
    assert key_arn("1", "r", "aws", "arn") == "arn"
