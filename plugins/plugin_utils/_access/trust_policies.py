# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Trust policies of the roles, for GitHub's workflows, hosts and operators."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import GitHub
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import PolicyError

AUDIENCE = "sts.amazonaws.com"
"""The audience that aws-actions/configure-aws-credentials requests in GitHub's token."""
VERSION = "2012-10-17"
EC2 = "ec2.amazonaws.com"
LAMBDA = "lambda.amazonaws.com"
TELL_ACCOUNT = ("ecs-tasks.amazonaws.com", "ssm.amazonaws.com")
"""Services of hosts that, as AWS documents, send ``aws:SourceAccount``. For others, the condition may lock hosts out.

ECS sends it for its tasks, Systems Manager for registered machines outside of AWS.
"""
_GITHUB_COM = "https://api.github.com"
_ISSUER = "token.actions.githubusercontent.com"
_SERVICE = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?")
_PRINCIPAL = re.compile(r"arn:[a-z-]+:iam::[0-9]{12}:(?:root|(?P<kind>role|user)/[\w+=,.@/-]+)", re.ASCII)
_WILD = re.compile(r"[*?]")


@dataclass(frozen=True)
class Workflow:
    """Jobs of a repository: those of a deployment environment, a branch, a tag, or of pull requests.

    The subject of a job with an environment names only the environment, whatever branch it runs on.
    """

    environment: str | None = None
    branch: str | None = None
    tag: str | None = None
    pull_request: bool = False

    @property
    def end(self) -> str:
        """The subject's part after the repository. Raises PolicyError."""
        results = [
            # GitHub writes a colon in an environment's name as %3A.
            *([f"environment:{self.environment.replace(':', '%3A')}"] if self.environment is not None else []),
            *([f"ref:refs/heads/{self.branch}"] if self.branch is not None else []),
            *([f"ref:refs/tags/{self.tag}"] if self.tag is not None else []),
            *(["pull_request"] if self.pull_request else []),
        ]
        if len(results) != 1:
            raise PolicyError("give exactly one of environment, branch, tag and pull_request for the workflow")
        if "" in (self.environment, self.branch, self.tag):
            raise PolicyError("the name of the workflow's environment, branch or tag is empty; give the name")
        return results[0]


def issuer(github: GitHub) -> str:
    """The issuer of the tokens of GitHub's workflows, without https://."""
    if github.api_url.rstrip("/") == _GITHUB_COM:
        return _ISSUER
    host = urlsplit(github.api_url).hostname or ""
    if host.startswith("api.") and host.endswith(".ghe.com"):
        return f"token.actions.{host[len('api.') :]}"
    if not host:
        raise PolicyError(f"github.api_url: {github.api_url!r} names no host; write https://HOST/api/v3")
    return f"{host}/_services/token"


def subjects(github: GitHub, workflow: Workflow, *, wildcards: bool = False) -> tuple[str, ...]:
    """The subjects of these jobs' tokens: by names, and also by names with ids if the catalog has the ids.

    Both are then accepted. If others take over a name, their subjects have the ids of the new repository. So the form
    without ids still means the repository that had the name before July 2026.

    Raises PolicyError for a wildcard that is not allowed, and for any wildcard in the repository's name.
    """
    end = workflow.end
    owner, _slash, name = github.repository.partition("/")
    for part, text in (("repository", github.repository), ("subject", end)):
        if "${" in text:
            raise PolicyError(f"github.{part}: {text!r} holds a policy variable, which AWS would replace; remove it")
        if _WILD.search(text) and (part == "repository" or not wildcards):
            raise PolicyError(
                f"github.{part}: {text!r} holds a wildcard, which would trust more than one {part}; "
                + ("name one repository" if part == "repository" else "name one, or allow wildcards")
            )
    if not (owner and name):
        raise PolicyError(f"github.repository: {github.repository!r} is not OWNER/NAME")
    subjects = [f"repo:{owner}/{name}:{end}"]
    if github.owner_id and github.repository_id:
        subjects.append(f"repo:{owner}@{github.owner_id}/{name}@{github.repository_id}:{end}")
    elif github.owner_id or github.repository_id:
        raise PolicyError("github: give owner_id and repository_id, or neither; a subject holds both")
    return tuple(subjects)


def of_github(provider: str, issued_by: str, accepted: Sequence[str], *, wildcards: bool = False) -> dict[str, Any]:
    """Trusts jobs with these subjects. ``provider`` is the ARN of the OIDC provider in IAM."""
    if not accepted:
        raise PolicyError("a trust policy needs a subject: without a subject no job could assume the role")
    wild = [name for name in accepted if _WILD.search(name)]
    if wild and not wildcards:
        raise PolicyError(f"{wild[0]!r} holds a wildcard, which would trust more than one subject; allow wildcards")
    audience, subject = {f"{issued_by}:aud": AUDIENCE}, {f"{issued_by}:sub": list(accepted)}
    # In StringEquals a wildcard is an ordinary character: no subject would match it.
    conditions = (
        {"StringEquals": audience, "StringLike": subject} if wild else {"StringEquals": {**audience, **subject}}
    )
    return _document(
        {
            "Sid": "GitHub",
            "Effect": "Allow",
            "Principal": {"Federated": provider},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": conditions,
        }
    )


def of_hosts(principal: str, account: str) -> dict[str, Any]:
    """Trusts a service such as EC2, or one role or user.

    A service acts for every account. So the request must be for a resource of ``account``, if the service sends its
    account. EC2 sends none and needs none: an instance profile takes only roles of its own account. The ARN of a role
    or user names its account.
    """
    if _SERVICE.fullmatch(principal):
        who: Mapping[str, str] = {"Service": principal}
    elif _PRINCIPAL.fullmatch(principal) and not principal.endswith(":root"):
        who = {"AWS": principal}
    else:
        raise PolicyError(
            f"aws.host_principal: {principal!r} is neither a service such as ec2.amazonaws.com nor the ARN of one role "
            "or user"
        )
    extra = {"Condition": {"StringEquals": {"aws:SourceAccount": account}}} if principal in TELL_ACCOUNT else {}
    return _document({"Sid": "Hosts", "Effect": "Allow", "Principal": who, "Action": "sts:AssumeRole", **extra})


def is_for_any_account(principal: str) -> bool:
    """Whether the service is trusted for resources of any account."""
    return _SERVICE.fullmatch(principal) is not None and principal not in (EC2, *TELL_ACCOUNT)


def of_operators(arns: Sequence[str]) -> dict[str, Any]:
    """Trusts operators. A user must have logged in with a second factor.

    A role is trusted without one, because the condition about a second factor does not work for chained roles.
    """
    users: list[str] = []
    roles: list[str] = []
    for arn in arns:
        match = _PRINCIPAL.fullmatch(arn)
        if not match:
            raise PolicyError(
                f"aws.operators: {arn!r} is not an ARN of one user or role (a principal cannot be a wildcard)"
            )
        if arn.endswith(":root"):
            raise PolicyError(f"aws.operators: {arn} is a whole account; name the users or roles")
        (users if match["kind"] == "user" else roles).append(arn)
    if not arns:
        raise PolicyError("aws.operators: is empty, so no principal could assume the role")
    second = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
    entry = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    return _document(
        *([{"Sid": "Users", **entry, "Principal": {"AWS": users}, **second}] if users else []),
        *([{"Sid": "Roles", **entry, "Principal": {"AWS": roles}}] if roles else []),
    )


def of_mirror(operators: Sequence[str], *, function: bool) -> dict[str, Any]:
    """Trusts operators and the Lambda function. Lambda assumes only roles of the function's own account."""
    service = {"Sid": "Function", "Effect": "Allow", "Principal": {"Service": LAMBDA}, "Action": "sts:AssumeRole"}
    people = of_operators(operators)["Statement"] if operators else []
    return _document(*([service] if function else []), *people)


def _document(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": VERSION, "Statement": [dict(statement) for statement in statements]}
