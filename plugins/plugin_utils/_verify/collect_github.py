# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Gathers GitHub's entries and the last deploy's result: names and times. GitHub does not return secrets' values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, GitHub
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound, SecretsError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import (
    repository_inventory,
    sync_plan,
    workflow_lint,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import state as github_state
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import token as github_token
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.api import WORKFLOWS, GitHubStore
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.sync_plan import GithubTarget, PresentEntry
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import collect_repository
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import NotApplicable
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.collect_baselines import BaselineRun

NO_GITHUB = "the catalog names no repository of GitHub (github.repository)"


def _where(catalog: Catalog) -> GitHub:
    if catalog.github is None:
        raise NotApplicable(NO_GITHUB)
    return catalog.github


def held(document: Mapping[str, Any], catalog: Catalog, values: Mapping[str, str] | None) -> dict[str, Any]:
    """Missing and undeclared entries at GitHub. Raises SecretsError if GitHub cannot be read."""
    where = _where(catalog)
    catalogs = [catalog, *_sharing(document, catalog, where)]
    store = github_token.store(where)
    present: dict[GithubTarget, PresentEntry] = {}
    wanted = {
        (github_target.kind, github_target.scope) for github_target in sync_plan.targets(catalog, list(values or ()))
    }
    additions = {(kind, sync_plan.REPOSITORY) for kind in (sync_plan.SECRET, sync_plan.VARIABLE)}
    if store.has_environment():
        additions |= {(kind, sync_plan.ENVIRONMENT) for kind in (sync_plan.SECRET, sync_plan.VARIABLE)}
    for kind, scope in sorted(wanted | additions):
        try:
            present |= {GithubTarget(kind, scope, name): present for name, present in store.listed(kind, scope).items()}
        except NotFound:
            if scope != sync_plan.ENVIRONMENT:  # a missing environment holds nothing
                raise
    return {
        "rows": github_state.missing_or_unnamed(catalogs, present, values),
        "listed": len(present),
        "repository": where.repository,
    }


def _sharing(document: Mapping[str, Any], catalog: Catalog, where: GitHub) -> list[Catalog]:
    """Other environments that are synced to the same repository."""
    others = [name for name in document.get("environments") or {} if name != catalog.environment]
    catalogs = [catalog_parser.parse(document, name) for name in sorted(others)]
    return [catalog for catalog in catalogs if catalog.github and catalog.github.repository == where.repository]


def deployed(catalog: Catalog, file: str) -> list[dict[str, str]]:
    """The result of the workflow's last run, and whether it had static keys. Raises SecretsError."""
    store: GitHubStore = github_token.store(_where(catalog))
    run = store.last_run(file)
    if run is None:
        raise NotApplicable(f"no run of {file} has ended yet")
    try:
        findings = workflow_lint.findings(
            file, collect_repository.parsed(store.workflow_at(file, str(run["head_sha"])))
        )
    except yaml.YAMLError:
        raise SecretsError(f"{WORKFLOWS}/{file} is not valid YAML in the commit that ran") from None
    return github_state.deploy(run, findings, file)


def compare_repository(catalog: Catalog, baseline: BaselineRun) -> dict[str, Any]:
    """The repository's keys, webhooks, runners and people against the baseline. Raises SecretsError."""
    where, key = _where(catalog), baseline.recorded.key if baseline.recorded else ""

    def read() -> dict[str, Any]:
        return repository_inventory.inventory(github_token.api(where), catalog, where, key)

    return baseline.judged(repository_inventory.place(where), read, "keys, webhooks, runners, people and secrets")
