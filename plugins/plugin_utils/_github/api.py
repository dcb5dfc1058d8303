# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The secrets and variables of GitHub Actions, at a repository, one of its environments or its organisation."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import GitHub
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import AlreadyExists, NotFound, StoreError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.http import Api, Need
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.sync_plan import (
    ENVIRONMENT,
    ORGANIZATION,
    REPOSITORY,
    SECRET,
    VARIABLE,
    PresentEntry,
)

VALUE_BYTES = 48 * 1024
WORKFLOWS = ".github/workflows"
SELECTED = "selected"
_PERMISSIONS = {
    (SECRET, REPOSITORY): ("Secrets: write", "repo"),
    (VARIABLE, REPOSITORY): ("Variables: write", "repo"),
    (SECRET, ENVIRONMENT): ("Environments: write", "repo"),
    (VARIABLE, ENVIRONMENT): ("Environments: write", "repo"),
    (SECRET, ORGANIZATION): ("the organisation's Secrets: write", "admin:org"),
    (VARIABLE, ORGANIZATION): ("the organisation's Variables: write", "admin:org"),
}
_PAGE = {SECRET: 100, VARIABLE: 30}


@dataclass(frozen=True)
class SealingKey:
    """The public key with which the secrets of a scope are sealed."""

    id: str
    key: str


Seal = Callable[[str, str], str]
"""Encrypts a value with a public key in base64. Returns the sealed box in base64."""


class GitHubStore:
    """The secrets, variables and workflows of one repository. Reads do not call ``seal``."""

    def __init__(self, api: Api, where: GitHub, *, seal: Seal) -> None:
        self._api, self._where, self._seal = api, where, seal
        self._keys: dict[str, SealingKey] = {}
        self._id: int | None = where.repository_id

    # Reads

    def repository_id(self) -> int:
        """Raises NotFound if the repository does not exist, or if the token cannot see it."""
        if self._id is None:
            need = Need(f"repository {self._where.repository}")
            self._id = int(self._api.get(f"/repos/{self._where.repository}", need)["id"])
        return self._id

    def listed(self, kind: str, scope: str) -> dict[str, PresentEntry]:
        """Secrets without values, or variables, by name. Raises NotFound if the scope does not exist."""
        values = {
            str(page["name"]): PresentEntry(
                updated_at=str(page["updated_at"]),
                value=None if kind == SECRET else str(page["value"]),
            )
            for page in self._api.pages(self._path(kind, scope), f"{kind}s", self._need(kind, scope), size=_PAGE[kind])
        }
        if scope != ORGANIZATION or not values:
            return values
        # The list also has names that the organisation shares only with other repositories.
        path = f"/repos/{self._where.repository}/actions/organization-{kind}s"
        need = Need(f"the organisation's {kind}s that repository {self._where.repository} sees", "Secrets: read")
        seen = {str(page["name"]) for page in self._api.pages(path, f"{kind}s", need, size=_PAGE[kind])}
        return {name: present if name in seen else present.unseen() for name, present in values.items()}

    def updated_at(self, kind: str, scope: str, name: str) -> str:
        return str(self._api.get(f"{self._path(kind, scope)}/{name}", self._need(kind, scope, name))["updated_at"])

    def require_usable(self, kind: str, scope: str) -> None:
        """Raises the error that the first write would raise, as far as reads show it."""
        if kind == SECRET:
            self._seal(self._key(scope).key, "")
        self._api.get(f"{self._path(kind, scope)}?per_page=1", self._need(kind, scope))

    # Writes

    def put(self, kind: str, scope: str, name: str, value: str) -> str:
        """Creates or overwrites a secret or variable. Returns GitHub's time of the write. A repeat does no harm."""
        require_fits(kind, name, value)
        if kind == SECRET:
            key = self._key(scope)
            document = {
                "encrypted_value": self._seal(key.key, value),
                "key_id": key.id,
                **self._sharing(kind, name, scope),
            }
            self._api.send("PUT", f"{self._path(kind, scope)}/{name}", self._need(kind, scope, name), document)
        else:
            self._put_variable(scope, name, {"name": name, "value": value, **self._sharing(kind, name, scope)})
        return self.updated_at(kind, scope, name)

    def _put_variable(self, scope: str, name: str, document: Mapping[str, Any]) -> None:
        need, path = self._need(VARIABLE, scope, name), self._path(VARIABLE, scope)
        try:
            self._api.send("PATCH", f"{path}/{name}", need, document)
            return
        except NotFound:
            pass
        try:
            self._api.send("POST", path, need, document)
        except AlreadyExists:  # the answer to the first try was lost, or somebody created it meanwhile
            self._api.send("PATCH", f"{path}/{name}", need, document)

    def delete(self, kind: str, scope: str, name: str) -> None:
        """Deletes a secret or variable, if it exists.

        If the organisation shares it with other listed repositories too, only the share of this repository ends. Raises
        StoreError if the organisation shares it without such a list, with all or all private repositories.
        """
        path, need = f"{self._path(kind, scope)}/{name}", self._need(kind, scope, name)
        try:
            if scope == ORGANIZATION:
                result = self._api.get(path, need)
                if result["visibility"] != SELECTED:
                    raise StoreError(
                        f"the organisation shares {kind} {name} with {result['visibility']} repositories; delete it "
                        "there by hand if no other needs it"
                    )
                others = [number for number in self._shared_with(kind, name) if number != self.repository_id()]
                if others:
                    self._api.send("PUT", f"{path}/repositories", need, {"selected_repository_ids": others})
                    return
            self._api.send("DELETE", path, need)
        except NotFound:
            return

    def _sharing(self, kind: str, name: str, scope: str) -> dict[str, Any]:
        """The organisation's present sharing of a name, with this repository added."""
        if scope != ORGANIZATION:
            return {}
        try:
            sharing = self._api.get(f"{self._path(kind, scope)}/{name}", self._need(kind, scope, name))
        except NotFound:
            return {"visibility": SELECTED, "selected_repository_ids": [self.repository_id()]}
        if sharing["visibility"] != SELECTED:
            return {"visibility": sharing["visibility"]}
        ids = sorted({*self._shared_with(kind, name), self.repository_id()})
        return {"visibility": SELECTED, "selected_repository_ids": ids}

    def _shared_with(self, kind: str, name: str) -> list[int]:
        path = f"{self._path(kind, ORGANIZATION)}/{name}/repositories"
        pages = self._api.pages(path, "repositories", self._need(kind, ORGANIZATION, name))
        return [int(page["id"]) for page in pages]

    def _key(self, scope: str) -> SealingKey:
        if scope not in self._keys:
            key = self._api.get(f"{self._path(SECRET, scope)}/public-key", self._need(SECRET, scope))
            self._keys[scope] = SealingKey(str(key["key_id"]), str(key["key"]))
        return self._keys[scope]

    # Environments

    def has_environment(self) -> bool:
        try:
            self._api.get(self._environment(), self._environment_need("Actions: read"))
        except NotFound:
            self._api.get(f"/repos/{self._where.repository}", Need(f"repository {self._where.repository}"))
            return False
        return True

    def make_environment(self, reviewers: Sequence[str]) -> None:
        """Creates the environment. ``reviewers`` are users, or teams as ORGANISATION/TEAM."""
        document: dict[str, Any] = {}
        if reviewers:
            document["reviewers"] = [self._reviewer(name) for name in reviewers]
        self._api.send("PUT", self._environment(), self._environment_need("Administration: write"), document)

    def _reviewer(self, name: str) -> dict[str, Any]:
        owner, _slash, team = name.partition("/")
        path = f"/orgs/{quote(owner)}/teams/{quote(team)}" if team else f"/users/{quote(owner)}"
        reviewer = self._api.get(path, Need(f"reviewer {name}", "the organisation's Members: read", "read:org"))
        return {"type": "Team" if team else "User", "id": int(reviewer["id"])}

    # Workflows

    def workflows(self) -> dict[str, str]:
        """The text of each workflow of the default branch, by path."""
        base = f"/repos/{self._where.repository}/contents/"
        need = Need(f"the workflows of repository {self._where.repository}", "Contents: read")
        try:
            folder = self._api.get(base + WORKFLOWS, need)
        except NotFound:
            self._api.get(f"/repos/{self._where.repository}", Need(f"repository {self._where.repository}"))
            return {}
        # GitHub runs only files. A folder or a symbolic link may have such a name too.
        files = [item for item in folder if item["type"] == "file"]
        paths = [str(file["path"]) for file in files if str(file["name"]).endswith((".yml", ".yaml"))]
        return {path: _text(self._api.get(base + quote(path), need)) for path in paths}

    def last_run(self, file: str) -> dict[str, Any] | None:
        """The newest completed run of a workflow, or None. Raises NotFound if the workflow does not exist."""
        path = f"/repos/{self._where.repository}/actions/workflows/{quote(file, safe='')}/runs"
        need = Need(f"the runs of workflow {file} of repository {self._where.repository}", "Actions: read")
        workflow_runs = self._api.get(f"{path}?status=completed&per_page=1", need)["workflow_runs"]
        return dict(workflow_runs[0]) if workflow_runs else None

    def workflow_at(self, file: str, commit: str) -> str:
        need = Need(f"workflow {file} of repository {self._where.repository}", "Contents: read")
        path = f"/repos/{self._where.repository}/contents/{WORKFLOWS}/{quote(file)}?ref={quote(commit)}"
        return _text(self._api.get(path, need))

    def _environment(self) -> str:
        return f"/repos/{self._where.repository}/environments/{quote(self._where.environment, safe='')}"

    def _environment_need(self, permissions: str) -> Need:
        return Need(f"environment {self._where.environment} of repository {self._where.repository}", permissions)

    def _path(self, kind: str, scope: str) -> str:
        if scope == ORGANIZATION:
            return f"/orgs/{self._where.organization}/actions/{kind}s"
        if scope == ENVIRONMENT:
            return f"{self._environment()}/{kind}s"
        return f"/repos/{self._where.repository}/actions/{kind}s"

    def _need(self, kind: str, scope: str, name: str = "") -> Need:
        holder = {
            REPOSITORY: f"repository {self._where.repository}",
            ENVIRONMENT: f"environment {self._where.environment} of repository {self._where.repository}",
            ORGANIZATION: f"organisation {self._where.organization}",
        }[scope]
        subject = f"{kind} {name} of {holder}" if name else f"{kind}s of {holder}"
        return Need(subject, *_PERMISSIONS[kind, scope])


def require_fits(kind: str, name: str, value: str) -> None:
    size = len(value.encode("utf-8"))
    if size > VALUE_BYTES:
        raise StoreError(
            f"{kind} {name} has {size:,} bytes and GitHub takes {VALUE_BYTES:,}; let the workflow read it from "
            "AWS instead"
        )


def _text(answer: Mapping[str, Any]) -> str:
    """The text of a file. Raises StoreError if GitHub's answer lacks it: the names in it would seem unread."""
    if answer["encoding"] != "base64":
        raise StoreError(
            f"{answer['path']}: is too large for a workflow; shorten or delete this file in the repository"
        )
    return base64.b64decode(str(answer.get("content", ""))).decode("utf-8", "replace")


def sealed(key: str, value: str) -> str:
    """Encrypts a value in a sealed box. Imports PyNaCl late, because most runs do not need it."""
    try:
        from nacl import public
        from nacl.encoding import Base64Encoder
    except ImportError:
        raise StoreError(
            "PyNaCl is not installed, and GitHub takes secrets in its sealed boxes only; install it beside Ansible: "
            "python -m pip install pynacl"
        ) from None
    box = public.SealedBox(public.PublicKey(key.encode("ascii"), encoder=Base64Encoder))
    data: bytes = box.encrypt(value.encode("utf-8"), encoder=Base64Encoder)
    return data.decode("ascii")
