# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Events about a leak for the catalog's contacts, and the audit records of containments and drills."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_alerts import LEAK_DECLARED, LEAK_OPEN
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError, one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import process_identity
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import record as audit_record
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.announcer import LEAK_SECONDS
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.response_report import ResponseReport
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context as rotation_context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import segment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

CONTAINED = "contained"
MOST_FINDINGS = 20


def declared(setting: RotationSetup, incident: Incident, reached: Sequence[str]) -> list[str]:
    """Announces that a leak was declared or joined. Returns contacts that could not be notified."""
    about: dict[str, Any] = {"started": incident.at, "credentials": list(reached)}
    about["reason"] = f"containment: {incident.containment}"
    return segment.announce(setting, LEAK_DECLARED, incident.id, "declared", seconds=LEAK_SECONDS, **about)


def still_open(setting: RotationSetup, incident: Incident, report: ResponseReport, reached: Sequence[str]) -> list[str]:
    """Announces that this run did not contain the leak. Returns contacts that could not be notified."""
    about: dict[str, Any] = {
        "started": incident.at,
        "credentials": list(reached),
        "open": list(report.open)[:MOST_FINDINGS],
    }
    return segment.announce(setting, LEAK_OPEN, incident.id, "open", reason=report.verdict, **about)


def broken_off(setting: RotationSetup, error: SecretsError) -> list[str]:
    """Announces that an error ended the run. Without a journal the leak is unknown, and the run sends nothing."""
    try:
        incident = setting.rotator.look().incident
        if incident is None:
            return []
        about = {"started": incident.at, "credentials": list(incident.declared), "reason": one_line(error)}
        return segment.announce(setting, LEAK_OPEN, incident.id, "open", seconds=LEAK_SECONDS, **about)
    except SecretsError:
        return []


def contained(
    setting: RotationSetup,
    incident: Incident,
    report: ResponseReport,
    reached: Sequence[str],
    audit: segment.Audit,
    head: Mapping[str, Any],
) -> Mapping[str, Any]:
    """Records the containment. ``head`` is the audit log's head before this record."""
    me = setting.rotator.me
    return audit.recorded(
        {
            "rotation": incident.id,
            "outcome": CONTAINED,
            "who": me.who,
            "run": me.run,
            "at": timestamps.stamp(rotation_context.now()),
            "started": incident.at,
            "reason": f"a leak was contained, {incident.containment}",
            "credentials": list(reached),
            "seconds": {CONTAINED: round(report.contained_seconds or 0, 1)},
            "notes": [audit_record.plain(line) for line in _findings(incident, report)],
        },
        head,
    )


def drilled(
    setting: RotationSetup,
    declared_names: Sequence[str],
    reached: Sequence[str],
    stops: Sequence[str],
    audit: segment.Audit,
    head: Mapping[str, Any],
) -> list[str]:
    """Records a drill, with its time and the stops of a real response. Returns contacts that could not be notified."""
    me, now, took = setting.rotator.me, rotation_context.now(), process_identity.running_seconds()
    notes = [f"declared: {', '.join(declared_names)}", *(f"a real run would stop here: {line}" for line in stops)]
    recorded = audit.recorded(
        {
            "rotation": f"drill-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(2)}",
            "outcome": "drill",
            "who": me.who,
            "run": me.run,
            "at": timestamps.stamp(now),
            "reason": "a leak response was rehearsed",
            "credentials": list(reached),
            **({} if took is None else {"seconds": {"planned": round(took, 1)}}),
            "notes": [audit_record.plain(line) for line in notes[:MOST_FINDINGS]],
        },
        head,
    )
    return list(recorded["unannounced"])


def _findings(incident: Incident, report: ResponseReport) -> list[str]:
    """Leaked credentials, and the tasks that the report leaves to people."""
    lines = [f"declared: {', '.join(incident.declared)}", *(f"open: {line}" for line in report.open)]
    return lines[:MOST_FINDINGS]
