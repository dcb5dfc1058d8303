# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan of a leak response before its confirmation: blast radius, rotations and blockers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible import context

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import confirmation_data, confirmation_text
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.assessment import BlastRadius
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.declaration import Declaration
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.response import Wave
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.temporary_credentials import DenialPlan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import preconditions
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

UNOPENED = "assessed"
"""Id of an undeclared incident."""


def evicts(setting: RotationSetup, args: Mapping[str, Any]) -> bool:
    """Whether to remove unexplained keys and logins: the operator's choice, else the catalog's."""
    return bool(setting.catalog.leak_evicts if args["evict"] is None else args["evict"])


def rotation_options(args: Mapping[str, Any], radius: BlastRadius, declaration: Declaration) -> dict[str, Any]:
    """Options of a plan of all rotations together."""
    names = [name for wave in (radius.data or {})["waves"] for name in wave]
    return {
        "credentials": names,
        "reached": names,
        "force": False,
        "ask": False,
        "incident": UNOPENED,
        "immediate": declaration.incident.immediate,
        "spoiled": list(declaration.incident.spoiled),
        "abort": declaration.aborts,
        "resume": "any",
        "hosts": args["hosts"],
        "targeted_hosts": None,
        "skipped": [],
        "seen": args["seen"],
        "values_file": args["values_file"],
        "values_from": None,
        "audit_path": None,
        "gone_nodes": [],
    }


def waves(declaration: Declaration, groups: Sequence[Sequence[str]]) -> list[Wave]:
    """Waves of the response. An open rotation is first, to end or abort."""
    opened = (declaration.open_rotation or {}).get("credentials") or []
    first = [Wave(list(opened), abort=declaration.aborts)] if opened else []
    return [*first, *(Wave(list(group)) for group in groups if group)]


@dataclass(frozen=True)
class LeakPlan:
    radius: BlastRadius
    declaration: Declaration
    plan: Mapping[str, Any]
    """The plan of all rotations together."""
    purge: Mapping[str, Any]
    sessions: Mapping[str, Any]
    refused_host: str
    """Reason against sending administrators' passwords to the rotation host. Empty without one."""
    denial: DenialPlan = field(default_factory=DenialPlan)

    def lines(self, setting: RotationSetup, journal: Journal, args: Mapping[str, Any]) -> list[str]:
        candidates, host = args["candidates"], args["host"]
        instead = (
            [f"{candidates[0]} does not answer, so {host} is the rotation host"]
            if host in candidates[1:] and not args["rotation_host"]
            else []
        )
        about = {
            "plan": self.plan,
            "would": {
                "incident": self.declaration.incident.entry(),
                "open_rotation": self.declaration.open_rotation,
            },
            "purge": self.purge,
            "logs_out": args["sessions"],
            "sessions": self.sessions,
            "compromised": args["compromised_hosts"],
            "revoked": args["revoked"],
            "denial": self.denial,
            "evicts": evicts(setting, args) or self.declaration.incident.evicts,
            "contact": setting.catalog.contacts.get("security", ""),
            "inventories": context.CLIARGS.get("inventory") or (),
        }
        return [
            *(f"found: {message}" for message in self.radius.messages),
            *(f"not looked for: {message}" for message in self.radius.not_sought),
            "credentials to replace, in this order:",
            *self.radius.text,
            *self.plan["messages"],
            self.declaration.message,
            *instead,
            *confirmation_text.lines(confirmation_data.ahead(setting, journal, self.radius.data or {}, about)),
        ]

    def stops(self, *, go_on: bool) -> list[str]:
        """Reasons to stop, now that the plan is known."""
        blocking = [] if go_on else self._blocking()
        return [*filter(None, [self.refused_host]), *([self._cannot(blocking)] if blocking else [])]

    def _blocking(self) -> list[str]:
        """Irreplaceable credentials that reveal others. Ignores problems that only a drill checks at servers."""
        exposers = [edge["from"] for edge in (self.radius.data or {})["edges"]]
        against = self.plan.get("against") or {}
        return [name for name in self.plan.get("refused") or {} if name in exposers and name not in against]

    def _cannot(self, names: Sequence[str]) -> str:
        unanswered = [name for name in names if name in (self.plan.get("needs") or ())]
        give = f"Give {preconditions.value_lines(*unanswered)}. Or: " if unanswered else ""
        return (
            f"{', '.join(names)} reveals other credentials and cannot be replaced here, so an intruder would "
            f"read every new value. Nothing was changed. {give}Replace it by hand first, then run again with -e "
            "leak_ignore_blockers=true"
        )


def require_names(args: Mapping[str, Any]) -> None:
    """Raises RotationError for unknown hosts, for hosts outside the run, and for a compromised rotation host."""
    hosts, compromised, group = args["hosts"], args["compromised_hosts"], args["group"]
    unknown = [host for host in compromised if host not in hosts]
    if unknown:
        raise RotationError(
            f"leak_compromised_hosts: group {group} has no host {', '.join(unknown)}; its hosts are "
            f"{', '.join(hosts)}. Nothing was changed"
        )
    missing = [host for host in hosts if host not in (*args["targeted_hosts"], *compromised)]
    if missing:
        # A rotation waits for such hosts. A leak response would revoke the values that they use.
        name_list = ",".join([*compromised, *missing])
        raise RotationError(
            f"{', '.join(missing)}: in group {group}, but not in this run (--limit). The applications there would "
            "fail on revoked values, or accept signatures of a leaked key. Nothing was changed. Run again without "
            f"--limit. Or give these hosts up with -e leak_compromised_hosts={name_list} and rebuild them. If they "
            "belong to another environment, name a group without them: -e app_hosts=GROUP"
        )
    if args["rotation_host"] in compromised:
        raise RotationError(
            f"rotation_host: {args['rotation_host']} is in leak_compromised_hosts; give a clean host by "
            "-e rotation_host=HOST"
        )
