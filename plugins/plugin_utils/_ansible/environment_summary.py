# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The public summary of an environment: names, origins and version ids, but no values."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import hosts_with_old_key
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Place
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import STORES
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.environment_reader import Environment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.environment_file import FILE


def report(environment: Environment) -> dict[str, Any]:
    resolution, catalog = environment.resolution, environment.catalog
    rotation = environment.journal.rotation
    invalid = {problem.partition(":")[0] for problem in resolution.problems}
    return {
        "application": catalog.application,
        "environment": catalog.environment,
        "snapshot_id": resolution.snapshot_id,
        "journal": environment.journal.head,
        "rotation": rotation.id if rotation else None,
        "opened": hosts_with_old_key.by_credential(environment.journal),
        "footholds": environment.journal.incident.foothold_hosts if environment.journal.incident else {},
        "names": sorted(resolution.values),
        "origins": [asdict(origin) for origin in resolution.origins],
        "problems": [*resolution.problems, *resolution.undeliverable],
        "unknown": list(resolution.unknown),
        "notes": list(environment.warnings),
        "absent": sorted(
            name
            for name, setting in catalog.settings.items()
            if setting.rendered and not setting.is_pattern and name not in resolution.values and name not in invalid
        ),
        "services": services(catalog),
        "summary": _summary(environment),
    }


def services(catalog: Catalog) -> dict[str, Any]:
    return {name: service.data for name, service in catalog.services.items()}


def _summary(environment: Environment) -> list[str]:
    """A line for each source: its settings and their version."""
    if environment.resolution.snapshot_id == FILE:
        return []
    counts: dict[str, list[str]] = {}
    for origin in environment.resolution.origins:
        if origin.source in ("catalog", "composed"):
            counts.setdefault({"catalog": "the catalog itself", "composed": "composed"}[origin.source], []).append(
                origin.setting
            )
        elif STORES[origin.source].is_listed:
            source = f"{STORES[origin.source].noun}s below {environment.catalog.ssm_path}"
            counts.setdefault(source, []).append(f"{origin.setting} (version {origin.version})")
        else:
            source = f"{Place(origin.source, origin.name)} (version {origin.version})"
            counts.setdefault(source, []).append(origin.setting)
    return [f"{source}: {', '.join(names)}" for source, names in counts.items()]
