# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compares the names at GitHub with those of the catalogs, and reports the result of the last deploy. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import FAIL, NOT_CHECKED, PASS, Row, row
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import sync_plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.deploy_workflow import KEY, KNOWN_HOSTS, ROLE
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.sync_plan import (
    ENVIRONMENT,
    ORGANIZATION,
    REPOSITORY,
    SECRET,
    VARIABLE,
    GithubTarget,
    PresentEntry,
)

OF_THE_WORKFLOW = ((SECRET, KEY), (VARIABLE, KNOWN_HOSTS), (VARIABLE, ROLE))
"""Names that the generated workflow reads, even if the catalog does not have them."""


def missing_or_unnamed(
    catalogs: Sequence[Catalog], present: Mapping[GithubTarget, PresentEntry], valued: Mapping[str, str] | None
) -> list[Row]:
    """Rows for names that are missing at GitHub, or that no catalog has. The first catalog is the environment's own.

    ``valued`` are the settings that the stores hold. None if the stores could not be read.
    """
    own = catalogs[0]
    listed = sorted({github_target.name for github_target in present})
    wanted = sync_plan.targets(own, [*listed, *(valued or {})])
    named = {target for catalog in catalogs for target in sync_plan.targets(catalog, listed)}
    rows: list[Row] = []
    for target, (setting, _credential) in wanted.items():
        result = present.get(target)
        if result is not None and result.seen:
            continue
        if result is not None:
            message = "the organisation does not share it with the repository"
            rows.append({**row(FAIL, str(target), message), "command": _sharing(own, target)})
        elif setting is None or setting.required is True or setting.inventory:
            rows.append(row(FAIL, str(target), "is missing; ansible-playbook watchparty.secrets.github_sync sends it"))
        elif valued is None:
            rows.append(row(NOT_CHECKED, str(target), "is missing, and it is unknown whether the stores hold it"))
        elif target.name in {name.upper() for name in valued}:
            rows.append(
                row(
                    FAIL,
                    str(target),
                    "is missing, and the stores hold it; ansible-playbook watchparty.secrets.github_sync sends it",
                )
            )
    for target in sorted(present):
        # The organisation decides which names it shares.
        known = target in named or target.scope == ORGANIZATION or (target.kind, target.name) in OF_THE_WORKFLOW
        if not known:
            message = f"not in the catalog; written at {present[target].updated_at}"
            rows.append({**row(FAIL, str(target), message), "command": _deletion(own, target)})
    return rows


def _sharing(catalog: Catalog, target: GithubTarget) -> str:
    where = catalog.github
    if where is None:
        return ""
    path = f"orgs/{where.repository.partition('/')[0]}/actions/{target.kind}s/{target.name}/repositories"
    return f"gh api --method PUT {shlex.quote(path)}/$(gh api repos/{shlex.quote(where.repository)} --jq .id)"


def _deletion(catalog: Catalog, target: GithubTarget) -> str:
    where = catalog.github
    if where is None or target.scope not in (REPOSITORY, ENVIRONMENT):
        return ""
    environment = ["--env", where.environment] if target.scope == ENVIRONMENT else []
    command = shlex.join(["gh", target.kind, "delete", target.name, "--repo", where.repository, *environment])
    return command.replace("{", "{{").replace("}", "}}")


def deploy(run: Mapping[str, Any], findings: Sequence[Mapping[str, Any]], file: str) -> list[Row]:
    """Rows for the result of the last completed run, and for static keys in the workflow of that run."""
    target = str(run["id"])
    place = f"run {target} of {file}"
    rows = [
        {**row(FAIL, f"{place}:{finding['line']}", str(finding["message"])), "target": target}
        for finding in findings
        if finding["kind"] == "static-key"
    ]
    at = f"at {run['created_at']}"
    if run["conclusion"] == "success":
        return [*rows, row(PASS, place, f"succeeded {at}")]
    return [*rows, {**row(FAIL, place, f"ended {at}: {run['conclusion'] or 'no result'}"), "target": target}]
