# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The trust policies, judged by the evaluator: which jobs, machines and people are authorized."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import GitHub
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import PolicyError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import trust_policies
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_evaluator import IamRequest, decide
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.trust_policies import Workflow

ISSUER = "token.actions.githubusercontent.com"
PROVIDER = f"arn:aws:iam::123456789012:oidc-provider/{ISSUER}"
OLD = GitHub("example/shop", "production")
NEW = GitHub("example/shop", "production", owner_id=1234, repository_id=5678)
ENTERPRISE = GitHub("example/shop", "production", api_url="https://github.example.com/api/v3")


def trust(github: GitHub, workflow: Workflow, *, wildcards: bool = False) -> dict[str, Any]:
    subjects = trust_policies.subjects(github, workflow, wildcards=wildcards)
    return trust_policies.of_github(PROVIDER, ISSUER, subjects, wildcards=wildcards)


def lets_in(
    document: dict[str, Any], subject: str, *, audience: str = "sts.amazonaws.com", provider: str = PROVIDER
) -> bool:
    context = {f"{ISSUER}:aud": audience, f"{ISSUER}:sub": subject}
    return decide(
        [document], IamRequest("sts:AssumeRoleWithWebIdentity", context=context, principal={"Federated": provider})
    ).allowed


ENVIRONMENT, BRANCH, TAG = Workflow(environment="production"), Workflow(branch="main"), Workflow(tag="v1")
PULLS = Workflow(pull_request=True)
NAMED, WITH_IDS = "repo:example/shop", "repo:example@1234/shop@5678"


@pytest.mark.parametrize(
    ("github", "workflow", "subject", "expected"),
    [
        (OLD, ENVIRONMENT, f"{NAMED}:environment:production", True),
        (NEW, ENVIRONMENT, f"{NAMED}:environment:production", True),
        (NEW, ENVIRONMENT, f"{WITH_IDS}:environment:production", True),
        (OLD, ENVIRONMENT, f"{WITH_IDS}:environment:production", False),
        (NEW, ENVIRONMENT, "repo:example@1234/shop@9999:environment:production", False),
        (NEW, ENVIRONMENT, "repo:example@9999/shop@5678:environment:production", False),
        (NEW, ENVIRONMENT, "repo:example@1234/shop:environment:production", False),
        (NEW, ENVIRONMENT, "repo:example/shop@5678:environment:production", False),
        (NEW, ENVIRONMENT, "repo:other@1234/shop@5678:environment:production", False),
        (OLD, ENVIRONMENT, f"{NAMED}:environment:staging", False),
        (OLD, ENVIRONMENT, f"{NAMED}:environment:production2", False),
        (OLD, ENVIRONMENT, f"{NAMED}:environment:Production", False),
        (OLD, ENVIRONMENT, f"{NAMED}:ref:refs/heads/main", False),
        (OLD, ENVIRONMENT, f"{NAMED}:pull_request", False),
        (OLD, ENVIRONMENT, "repo:example/shop2:environment:production", False),
        (OLD, ENVIRONMENT, "repo:evil/shop:environment:production", False),
        (OLD, ENVIRONMENT, "repo:example/shop:*", False),
        (OLD, ENVIRONMENT, "", False),
        (OLD, BRANCH, f"{NAMED}:ref:refs/heads/main", True),
        (NEW, BRANCH, f"{WITH_IDS}:ref:refs/heads/main", True),
        (OLD, BRANCH, f"{NAMED}:ref:refs/heads/main2", False),
        (OLD, BRANCH, f"{NAMED}:ref:refs/tags/main", False),
        (OLD, BRANCH, f"{NAMED}:environment:production", False),
        (OLD, TAG, f"{NAMED}:ref:refs/tags/v1", True),
        (NEW, TAG, f"{WITH_IDS}:ref:refs/tags/v1", True),
        (OLD, TAG, f"{NAMED}:ref:refs/tags/v10", False),
        (OLD, TAG, f"{NAMED}:ref:refs/heads/v1", False),
        (OLD, PULLS, f"{NAMED}:pull_request", True),
        (NEW, PULLS, f"{WITH_IDS}:pull_request", True),
        (OLD, PULLS, f"{NAMED}:ref:refs/heads/main", False),
        (OLD, Workflow(environment="eu:blue"), f"{NAMED}:environment:eu%3Ablue", True),
        (OLD, Workflow(environment="eu:blue"), f"{NAMED}:environment:eu:blue", False),
    ],
)
def test_subjects(github: GitHub, workflow: Workflow, subject: str, expected: bool) -> None:
    assert lets_in(trust(github, workflow), subject) is expected


def test_audience_and_provider_are_exact_too() -> None:
    document = trust(OLD, ENVIRONMENT)
    subject = f"{NAMED}:environment:production"
    assert lets_in(document, subject)
    assert not lets_in(document, subject, audience="https://github.com/example")
    assert not lets_in(document, subject, provider=PROVIDER.replace("123456789012", "210987654321"))
    assert list(document["Statement"][0]["Condition"]) == ["StringEquals"]


def test_wildcards_only_where_they_were_asked_for() -> None:
    releases = Workflow(tag="v*")
    with pytest.raises(PolicyError, match=r"'ref:refs/tags/v\*' holds a wildcard"):
        trust_policies.subjects(OLD, releases)
    with pytest.raises(PolicyError, match="holds a wildcard, which would trust more than one"):
        trust_policies.of_github(PROVIDER, ISSUER, [f"{NAMED}:*"])
    document = trust(NEW, releases, wildcards=True)
    assert lets_in(document, f"{NAMED}:ref:refs/tags/v2.1")
    assert lets_in(document, f"{WITH_IDS}:ref:refs/tags/v2.1")
    assert not lets_in(document, f"{NAMED}:ref:refs/heads/v2")
    assert not lets_in(document, f"{NAMED}:ref:refs/tags/v2", audience="other")
    assert "aud" in str(document["Statement"][0]["Condition"]["StringEquals"])


@pytest.mark.parametrize("wildcards", [False, True])
@pytest.mark.parametrize("repository", ["example/*", "*/shop", "example/sho?"])
def test_a_repository_is_one(repository: str, wildcards: bool) -> None:
    with pytest.raises(PolicyError, match="name one repository"):
        trust_policies.subjects(GitHub(repository, "production"), ENVIRONMENT, wildcards=wildcards)


@pytest.mark.parametrize(
    ("github", "workflow", "message"),
    [
        (OLD, Workflow(), "one of environment, branch, tag and pull_request"),
        (OLD, Workflow(branch="main", tag="v1"), "one of environment"),
        (OLD, Workflow(environment=""), "give the name"),
        (OLD, Workflow(branch=""), "give the name"),
        (OLD, Workflow(environment="${aws:x}"), "policy variable"),
        (GitHub("example", "production"), ENVIRONMENT, "not OWNER/NAME"),
        (GitHub("example/shop", "production", owner_id=1), ENVIRONMENT, "or neither"),
        (GitHub("example/shop", "production", repository_id=1), ENVIRONMENT, "or neither"),
    ],
)
def test_what_it_refuses(github: GitHub, workflow: Workflow, message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        trust_policies.subjects(github, workflow)


def test_nobody_is_no_trust() -> None:
    with pytest.raises(PolicyError, match="needs a subject"):
        trust_policies.of_github(PROVIDER, ISSUER, [])


@pytest.mark.parametrize(
    ("api_url", "expected"),
    [
        ("https://api.github.com", ISSUER),
        ("https://api.github.com/", ISSUER),
        ("https://api.shop.ghe.com", "token.actions.shop.ghe.com"),
        ("https://github.example.com/api/v3", "github.example.com/_services/token"),
    ],
)
def test_issuers(api_url: str, expected: str) -> None:
    assert trust_policies.issuer(GitHub("example/shop", "production", api_url=api_url)) == expected


def test_an_api_without_a_host_is_named() -> None:
    with pytest.raises(PolicyError, match="names no host"):
        trust_policies.issuer(GitHub("example/shop", "production", api_url="github"))


names = st.text(
    st.characters(codec="ascii", exclude_characters="*?$", categories=["L", "N", "P"]), min_size=1, max_size=12
)
workflows = st.one_of(
    st.builds(lambda name: Workflow(environment=name), names),
    st.builds(lambda name: Workflow(branch=name), names),
    st.builds(lambda name: Workflow(tag=name), names),
    st.just(PULLS),
)
githubs = st.builds(
    lambda owner, name, ids: GitHub(
        f"{owner}/{name}", "production", owner_id=ids and ids[0], repository_id=ids and ids[1]
    ),
    st.sampled_from(["example", "evil"]),
    st.sampled_from(["shop", "shop2"]),
    st.none() | st.tuples(st.integers(1, 3), st.integers(1, 3)),
)


@given(github=githubs, workflow=workflows, other=githubs, asks=workflows)
def test_a_subject_is_let_in_if_and_only_if_it_is_the_repositorys_and_the_jobs(
    github: GitHub, workflow: Workflow, other: GitHub, asks: Workflow
) -> None:
    accepted = trust_policies.subjects(github, workflow)
    document = trust(github, workflow)
    for subject in trust_policies.subjects(other, asks):
        assert lets_in(document, subject) is (subject in accepted)
        if lets_in(document, subject):
            assert (other.repository, asks.end) == (github.repository, workflow.end)


def takes(document: dict[str, Any], kind: str, who: str, **context: str) -> bool:
    result = {key.replace("__", ":"): value for key, value in context.items()}
    return decide([document], IamRequest("sts:AssumeRole", context=result, principal={kind: who})).allowed


USER, ROLE = "arn:aws:iam::123456789012:user/ann", "arn:aws:iam::123456789012:role/sso/Operators"


ACCOUNT, OTHER = "123456789012", "210987654321"
TASKS, MANAGED, LAMBDA = "ecs-tasks.amazonaws.com", "ssm.amazonaws.com", "lambda.amazonaws.com"


@pytest.mark.parametrize(
    ("principal", "kind", "who", "source", "expected"),
    [
        (trust_policies.EC2, "Service", trust_policies.EC2, None, True),
        (trust_policies.EC2, "Service", LAMBDA, None, False),
        (trust_policies.EC2, "AWS", ROLE, None, False),
        (TASKS, "Service", TASKS, ACCOUNT, True),
        (TASKS, "Service", TASKS, OTHER, False),
        (TASKS, "Service", TASKS, None, False),
        (TASKS, "Service", "ecs.amazonaws.com", ACCOUNT, False),
        (MANAGED, "Service", MANAGED, ACCOUNT, True),
        (MANAGED, "Service", MANAGED, OTHER, False),
        (LAMBDA, "Service", LAMBDA, None, True),
        (LAMBDA, "Service", TASKS, ACCOUNT, False),
        (ROLE, "AWS", ROLE, None, True),
        (ROLE, "AWS", f"{ROLE}2", None, False),
        (ROLE, "AWS", ROLE.replace(ACCOUNT, OTHER), None, False),
        (ROLE, "Service", TASKS, ACCOUNT, False),
        (USER, "AWS", USER, None, True),
    ],
)
def test_hosts(principal: str, kind: str, who: str, source: str | None, expected: bool) -> None:
    context = {"aws__SourceAccount": source} if source else {}
    assert takes(trust_policies.of_hosts(principal, ACCOUNT), kind, who, **context) is expected


def test_a_service_that_does_not_say_whose_resource_asks_is_distinguished() -> None:
    assert trust_policies.is_for_any_account(LAMBDA)
    assert not any(map(trust_policies.is_for_any_account, (trust_policies.EC2, TASKS, MANAGED, ROLE, USER)))


@pytest.mark.parametrize(
    "who", ["*", "ec2", "arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:role/*", "evil.com"]
)
def test_a_host_is_a_service_or_one_role(who: str) -> None:
    with pytest.raises(PolicyError, match=r"aws\.host_principal"):
        trust_policies.of_hosts(who, ACCOUNT)


def test_operators_users_need_a_second_factor_and_roles_cannot_show_one() -> None:
    document = trust_policies.of_operators([USER, ROLE])
    assert takes(document, "AWS", ROLE)
    assert takes(document, "AWS", USER, aws__MultiFactorAuthPresent="true")
    assert not takes(document, "AWS", USER, aws__MultiFactorAuthPresent="false")
    assert not takes(document, "AWS", USER)
    assert not takes(document, "AWS", f"{ROLE}2", aws__MultiFactorAuthPresent="true")
    assert not takes(document, "Service", "ec2.amazonaws.com")


@pytest.mark.parametrize(
    ("arns", "message"),
    [
        ([], "is empty"),
        (["*"], "is not an ARN"),
        (["arn:aws:iam::123456789012:user/*"], "is not an ARN"),
        ([ROLE, "arn:aws:iam::123456789012:root"], "whole account"),
        (["arn:aws:sts::123456789012:assumed-role/Operators/ann"], "is not an ARN"),
    ],
)
def test_operators_that_it_refuses(arns: list[str], message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        trust_policies.of_operators(arns)
