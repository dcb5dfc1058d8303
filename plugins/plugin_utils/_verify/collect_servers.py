# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Requests to servers, whose answers are compared with the stores' logins and the baseline."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import server_logins, two_user_servers
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.cached_stores import CachedStores
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.collect_baselines import BaselineRun
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.previous_values import Versions


def plan_inspections(
    catalog: Catalog, stores: CachedStores, read: Versions, baseline: BaselineRun
) -> server_logins.Servers:
    """A run that records a baseline asks each server for all entries."""
    further = set(credential_graph.every_secret(catalog)) - set(read.now.readings)
    read = replace(read, now=read.now | stores.secrets.read(sorted(further)))
    compared, records = (baseline.recorded, baseline.problem), baseline.is_recording
    servers = server_logins.plan_inspections(catalog, read, *compared, records=records)
    others = two_user_servers.plan_inspections(catalog, read, *compared, records=records)
    return servers._replace(
        expected={**servers.expected, **others.expected}, inspections=[*servers.inspections, *others.inspections]
    )
