# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Facts about the coming leak response, from the catalog, the journal and the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import BLOCK, IMMEDIATE
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import false_alarm
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.confirmation_text import Ahead
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.temporary_credentials import DenialPlan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import open_rotation
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


def ahead(setting: RotationSetup, journal: Journal, impact: Mapping[str, Any], results: Mapping[str, Any]) -> Ahead:
    """``results`` are the plan, the declaration in check mode, and the operator's answers."""
    catalog, plan, would = setting.catalog, results["plan"], results["would"]
    waves = impact.get("waves", [])
    reached = [name for wave in waves for name in wave if name in catalog.credentials]
    kinds = {name: setting.kinds.get(catalog.credentials[name].kind, Kind("")) for name in reached}
    confirmed = [name for name in reached if f"confirmed/{name}" in would["incident"]["events"]]
    opened, ends = plan.get("rotation") or {}, plan.get("ends") or {}
    finished = false_alarm.done_for_good(journal.incident, journal.rotation) if journal.incident else ""
    if ends.get("past") and opened.get("incident") and not finished:
        finished = f"{journal.rotation} {false_alarm.PAST}"
    leaked = bool((would.get("open_rotation") or {}).get("may_have_leaked"))
    return Ahead(
        environment=catalog.environment,
        waves=waves,
        replaced=list((plan.get("plan") or {}).get("passed_over", ())),
        immediate=would["incident"]["containment"] in (IMMEDIATE, BLOCK),
        blocks=[name for wave in waves for name in _blocked(catalog, wave) if "block" in kinds[name].stages],
        takes_down=plan.get("takes_down", ()),
        signing=[name for name in reached if kinds[name].phases == 2],
        elsewhere=[name for name in reached if kinds[name].is_revoked_elsewhere],
        revoked=[*confirmed, *results.get("revoked", ())],
        done=finished,
        refused=plan.get("refused", {}),
        needs=plan.get("needs", ()),
        pages={name: catalog.credentials[name].provider_url or "" for name in reached},
        denial=results.get("denial") or DenialPlan(),
        evicts=results.get("evicts", False),
        first_off=impact.get("first_off", ()),
        cycles=impact.get("cycles", ()),
        logs_out=bool(results["logs_out"]),
        sessions=results.get("sessions") or {},
        purge=results.get("purge", {}),
        rollouts=int((plan.get("plan") or {}).get("rollouts", 0)) + bool(ends.get("restarts")),
        open_rotation=open_rotation.ahead(journal.rotation, may_have_leaked=leaked),
        ends=ends,
        compromised=results.get("compromised", ()),
        contact=results.get("contact", ""),
        inventories=results.get("inventories", ()),
    )


def _blocked(catalog: Catalog, wave: Sequence[str]) -> list[str]:
    """Credentials that are disabled first. An administrator that others of the wave need keeps its login until they
    have new values."""
    names = [name for name in wave if name in catalog.credentials]
    needed = credential_graph.administrators(catalog, names)
    return [name for name in names if name not in needed]
