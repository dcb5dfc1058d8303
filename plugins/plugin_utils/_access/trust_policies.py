# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who may take a role: the trust policies, for GitHub's workflows, hosts and people."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import GitHub
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import PolicyError

AUDIENCE = "sts.amazonaws.com"
"""What aws-actions/configure-aws-credentials asks GitHub's token for."""
VERSION = "2012-10-17"
EC2 = "ec2.amazonaws.com"
LAMBDA = "lambda.amazonaws.com"
TELL_ACCOUNT = ("ecs-tasks.amazonaws.com", "ssm.amazonaws.com")
"""Services that hosts are, and of which AWS documents that they say for whose resource they take a role: tasks of ECS,
and machines outside of AWS that are registered with Systems Manager. From others the condition may keep hosts out."""
_GITHUB_COM = "https://api.github.com"
_ISSUER = "token.actions.githubusercontent.com"
_SERVICE = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?")
_PRINCIPAL = re.compile(r"arn:[a-z-]+:iam::[0-9]{12}:(?:root|(?P<kind>role|user)/[\w+=,.@/-]+)", re.ASCII)
_WILD = re.compile(r"[*?]")


@dataclass(frozen=True)
class Workflow:
    """Which jobs of a repository may: those of a deployment environment, a branch, a tag, or of pull requests.

    A job that names an environment has the environment's subject only, whatever branch it runs on.
    """

    environment: str | None = None
    branch: str | None = None
    tag: str | None = None
    pull_request: bool = False

    @property
    def end(self) -> str:
        """What follows the repository in the subject. Raises PolicyError."""
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
    """Whose tokens GitHub's workflows carry, without https://."""
    if github.api_url.rstrip("/") == _GITHUB_COM:
        return _ISSUER
    host = urlsplit(github.api_url).hostname or ""
    if host.startswith("api.") and host.endswith(".ghe.com"):
        return f"token.actions.{host[len('api.') :]}"
    if not host:
        raise PolicyError(f"github.api_url: {github.api_url!r} names no host; write https://HOST/api/v3")
    return f"{host}/_services/token"


def subjects(github: GitHub, workflow: Workflow, *, wildcards: bool = False) -> tuple[str, ...]:
    """The subjects of these jobs' tokens: by names, and by names with ids where the catalog knows the ids.

    Both are accepted then. A name that somebody else takes over comes with the ids of the new repository, so the form
    without ids still means the repository that had the name before July 2026.

    Raises PolicyError for a wildcard that was not asked for, and for one in the repository's name.
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
    """Trusts the jobs of these subjects; ``provider`` is the ARN of the OIDC provider in IAM."""
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

    A service acts for every account, so the request must be for a resource of ``account`` where the service tells whose
    it is. EC2 does not, and needs not: a role goes into an instance profile of its own account only. Nor does a role or
    user, whose ARN names its account.
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
    """Whether a service is trusted without knowing for whose resource it asks."""
    return _SERVICE.fullmatch(principal) is not None and principal not in (EC2, *TELL_ACCOUNT)


def of_operators(arns: Sequence[str]) -> dict[str, Any]:
    """Trusts people. A user must have logged in with a second factor.

    A role is trusted without that: what AWS says of a second factor does not reach a role that was taken by another.
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
    """Trusts the Lambda function, which only gets a role of its own account, and operators."""
    service = {"Sid": "Function", "Effect": "Allow", "Principal": {"Service": LAMBDA}, "Action": "sts:AssumeRole"}
    people = of_operators(operators)["Statement"] if operators else []
    return _document(*([service] if function else []), *people)


def _document(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": VERSION, "Statement": [dict(statement) for statement in statements]}
