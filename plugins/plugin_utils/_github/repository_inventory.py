# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The people, keys, hooks, secrets and rules of a repository at GitHub, as baseline entries: names, ids and digests."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, GitHub
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied, NotFound, one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import Entry
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import sync_plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.http import Api, Need
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.sync_plan import (
    ENVIRONMENT,
    REPOSITORY,
    SECRET,
    GithubTarget,
)


def place(where: GitHub) -> str:
    return f"GitHub repository {where.repository}"


def inventory(api: Api, catalog: Catalog, where: GitHub, key: str) -> dict[str, Any]:
    """Lists the repository's entries. ``key`` is the key of the digests.

    A kind that the token may not read is in ``unread``, with the reason. Raises StoreError for any other failure.
    """
    reader = _Repository(api, catalog, where, key)
    entries: list[Entry] = []
    unread: dict[str, str] = {}
    for kind, read in reader.kinds.items():
        try:
            entries += list(read())
        except (Denied, NotFound) as error:
            unread[kind] = one_line(error)
    kinds = sorted({*reader.kinds} - {*unread})
    return {"place": place(where), "kinds": kinds, "entries": entries, "problems": [], "unread": unread}


@dataclass(frozen=True)
class _Repository:
    api: Api
    catalog: Catalog
    where: GitHub
    key: str

    @property
    def kinds(self) -> dict[str, Callable[[], Iterator[Entry]]]:
        return {
            "deploy key": self._deploy_keys,
            "webhook": self._webhooks,
            "self-hosted runner": self._runners,
            "collaborator": self._collaborators,
            "invitation": self._invitations,
            "environment": self._environments,
            "deployment branch policy": self._branch_policies,
            "Actions secret": self._secrets,
        }

    def _deploy_keys(self) -> Iterator[Entry]:
        for item in self.api.array(self._path("keys"), self._need("deploy keys", "Administration: read")):
            rights = "may read" if item.get("read_only") else "may write"
            facts = f"{item.get('title')}, {rights}, created {item.get('created_at')}, {self._digest(item.get('key'))}"
            yield self._entry("deploy key", item["id"], facts, self._path(f"keys/{item['id']}"))

    def _webhooks(self) -> Iterator[Entry]:
        """Entries have a digest of the address, because the address may hold a token."""
        for item in self.api.array(self._path("hooks"), self._need("webhooks", "Webhooks: read")):
            config = item.get("config") or {}
            host = urlsplit(str(config.get("url") or "")).hostname or ""
            state = "active" if item.get("active") else "inactive"
            address = self._digest([config.get("url"), config.get("insecure_ssl")])
            facts = f"to {host}, {state}, {', '.join(sorted(item.get('events') or ()))}, {address}"
            yield self._entry("webhook", item["id"], facts, self._path(f"hooks/{item['id']}"))

    def _runners(self) -> Iterator[Entry]:
        need = self._need("self-hosted runners", "Administration: read")
        for item in self.api.pages(self._path("actions/runners"), "runners", need):
            labels = sorted(str(label.get("name")) for label in item.get("labels") or ())
            path = self._path(f"actions/runners/{item['id']}")
            yield self._entry("self-hosted runner", f"{item['id']} {item.get('name')}", ", ".join(labels), path)

    def _collaborators(self) -> Iterator[Entry]:
        for item in self.api.array(self._path("collaborators"), self._need("collaborators", "Metadata: read")):
            path = self._path(f"collaborators/{quote(str(item['login']))}")
            yield self._entry("collaborator", item["login"], str(item.get("role_name")), path)

    def _environments(self) -> Iterator[Entry]:
        for item in self.api.pages(self._path("environments"), "environments", self._need("environments")):
            rules = sorted(map(_rule, item.get("protection_rules") or ()))
            facts = f"{', '.join(rules) or 'not protected'}, {self._digest(item.get('deployment_branch_policy'))}"
            yield self._entry("environment", item["name"], facts, "")

    def _invitations(self) -> Iterator[Entry]:
        for item in self.api.array(self._path("invitations"), self._need("invitations", "Administration: read")):
            invited = (item.get("invitee") or {}).get("login") or item.get("email") or item["id"]
            facts = f"{item.get('permissions')}, created {item.get('created_at')}"
            yield self._entry("invitation", f"of {invited}", facts, self._path(f"invitations/{item['id']}"))

    def _branch_policies(self) -> Iterator[Entry]:
        """Branches and tags that may deploy, for environments with a list of their own."""
        need = self._need("deployment branch policies")
        for item in list(self.api.pages(self._path("environments"), "environments", self._need("environments"))):
            if not (item.get("deployment_branch_policy") or {}).get("custom_branch_policies"):
                continue
            path = self._path(f"environments/{quote(str(item['name']), safe='')}/deployment-branch-policies")
            for policy in self.api.pages(path, "branch_policies", need):
                name = f"{policy.get('name')} of environment {item['name']}"
                kind = str(policy.get("type") or "branch")
                yield self._entry("deployment branch policy", name, kind, f"{path}/{policy['id']}")

    def _secrets(self) -> Iterator[Entry]:
        """Secrets that a sync does not write, each with the time of its last write."""
        environment = f"environments/{quote(self.where.environment, safe='')}/secrets"
        for scope, path in ((REPOSITORY, "actions/secrets"), (ENVIRONMENT, environment)):
            need = self._need("Actions secrets", "Secrets: read")
            try:
                written = {item["name"]: item for item in self.api.pages(self._path(path), "secrets", need)}
            except NotFound:
                if scope == REPOSITORY:
                    raise
                continue  # the environment does not exist
            sent = sync_plan.targets(self.catalog, sorted(written))
            for name, item in written.items():
                if GithubTarget(SECRET, scope, name) not in sent:
                    facts = f"written {item.get('updated_at')}"
                    yield self._entry("Actions secret", f"{name} of the {scope}", facts, self._path(f"{path}/{name}"))

    def _entry(self, kind: str, name: object, facts: str, path: str) -> Entry:
        undo = shlex.join(["gh", "api", "-X", "DELETE", path.lstrip("/")]) if path else ""
        return server_baseline.entry_of(kind, str(name), facts, undo)

    def _path(self, rest: str) -> str:
        return f"/repos/{self.where.repository}/{rest}"

    def _need(self, subject: str, permissions: str = "Actions: read") -> Need:
        return Need(f"{subject} of repository {self.where.repository}", permissions)

    def _digest(self, value: Any) -> str:
        return server_baseline.keyed(self.key, json.dumps(value, sort_keys=True))


def _rule(rule: Mapping[str, Any]) -> str:
    """A protection rule, with the names of its reviewers."""
    reviewers = [item.get("reviewer") or {} for item in rule.get("reviewers") or ()]
    names = sorted(str(reviewer.get("login") or reviewer.get("slug")) for reviewer in reviewers)
    extras = [f"{name} {rule[name]}" for name in ("wait_timer", "prevent_self_review") if rule.get(name)]
    return " ".join([str(rule.get("type")), *names, *extras])
