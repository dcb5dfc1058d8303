# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The blast radius of a leak, from names or from a leaked string."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    blast_radius,
    blast_radius_diagram,
    credential_graph,
    fingerprints,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import READS_HOSTS
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import records as forensics_records
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import candidate_values, match_leaked_string
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


@dataclass(frozen=True)
class BlastRadius:
    """Leaked credentials, and the credentials that they reveal. Names only."""

    declared: Sequence[str]
    """Names that the operator gave, names that matched the string, and names of the open incident."""
    matches: Sequence[Mapping[str, Any]] = ()
    messages: Sequence[str] = ()
    not_sought: Sequence[str] = ()
    """Values that the string was not compared with, and why."""
    text: Sequence[str] = ()
    impact: blast_radius.Impact | None = None
    """None if the string matches no credential."""

    @property
    def data(self) -> dict[str, Any] | None:
        return blast_radius_diagram.data(self.impact) if self.impact else None

    @property
    def credentials(self) -> list[dict[str, str]]:
        """Every credential that the leak reaches."""
        credentials = (self.data or {}).get("credentials", ())
        return [{"name": credential["name"], "kind": credential["kind"]} for credential in credentials]

    @property
    def mermaid(self) -> str:
        return blast_radius_diagram.mermaid(self.impact) if self.impact else ""

    @property
    def graphviz(self) -> str:
        return blast_radius_diagram.graphviz(self.impact) if self.impact else ""


@dataclass(frozen=True)
class LeakClaim:
    """The operator's information about a leak."""

    leaked: Sequence[str]
    text: str | None = field(default=None, repr=False)
    """A string that somebody found."""
    incident: Incident | None = None
    """The open incident, whose declared credentials leaked too."""


def followed(setting: RotationSetup, claim: LeakClaim, hosts: Sequence[str]) -> BlastRadius:
    """Follows the claim to all that it reveals. Raises RotationError if nothing was given or a name is unknown."""
    if claim.text is None and not claim.leaked:
        raise RotationError(
            "no leaked credential was named. Name it by -e leak_credentials=NAME, or give the leaked string by "
            "-e leak_value_file=FILE"
        )
    matches, not_sought = candidate_values.identified(setting, claim.text) if claim.text is not None else ([], [])
    declared = list(dict.fromkeys([*claim.leaked, *(match.credential for match in matches)]))
    incident = claim.incident if declared else None
    before = [name for name in incident.declared if name not in declared] if incident else []
    declared = [*before, *declared]
    messages = [f"{match.credential}: its {match.stage} value, {match.form}" for match in matches]
    if claim.text is not None and not matches:
        messages.append("no credential in this catalog has the leaked string as its current, pending or previous value")
    results = [vars(match) for match in matches]
    if not declared:
        return BlastRadius(declared, results, messages, not_sought)
    # A host that was declared before may have left the inventory since.
    declared_hosts = [name.partition(":")[2] for name in before if name.startswith(blast_radius.HOST)]
    impact = blast_radius.impact(setting.catalog, declared, [*hosts, *declared_hosts])
    goes_on = [f"this run continues {incident.id}, in which {', '.join(before)} leaked"] if incident and before else []
    return BlastRadius(declared, results, messages, not_sought, [*goes_on, *blast_radius_diagram.text(impact)], impact)


def text_of(path: str | None) -> str | None:
    """Reads the leaked string from a file. Raises RotationError."""
    if not path:
        return None
    file = Path(path).expanduser()
    try:
        text = match_leaked_string.text_of(file.read_bytes())
    except OSError as error:
        raise RotationError(
            f"{file}: cannot be read: {error.strerror}; give another file by -e leak_value_file=FILE"
        ) from None
    if not text.strip():
        raise RotationError(f"{file}: is empty; write the leaked string into it")
    return text


def known_keys(setting: RotationSetup, reached: Collection[str], rotation: OpenRotation | None) -> list[dict[str, Any]]:
    """The keys in the stores, with their place on hosts. Any other key is unexplained. An open rotation may have
    authorized its new keys already."""
    keys = []
    for credential in setting.catalog.credentials.values():
        if credential.kind in READS_HOSTS and credential_graph.secrets_of(setting.catalog, credential):
            new = setting.new_value(rotation, credential.name) if rotation else None
            about = {
                "credential": credential.name,
                "account": credential.options.get("user") or "",
                "file": credential.options.get("authorized_keys") or "",
            }
            values = {new.password: False} if new else {}
            values[setting.held(credential).login.password] = credential.name in reached
            for value, leaked in values.items():
                blob = forensics_records.public_part(value or "")
                keys += [{**about, "fingerprint": fingerprints.of_ssh_key(blob), "leaked": leaked}] if blob else []
    return keys


def purged(catalog: Catalog) -> dict[str, Any]:
    """Caches and CloudFront copies that a leak response empties in this environment."""
    invalidations = [
        {"name": invalidation.name, "distribution": invalidation.distribution, "paths": list(invalidation.paths)}
        for invalidation in catalog.invalidations.values()
    ]
    return {"valkey": list(catalog.purge), "invalidations": invalidations}


def refused_host(
    catalog: Catalog,
    impact: blast_radius.Impact,
    hosts: Sequence[str],
    host: str,
    trusted: Collection[str],
    variable: str,
) -> str:
    """The reason why the rotation host may not receive administrators' passwords. Empty if it may."""
    admins = blast_radius.administrators(catalog, impact)
    if not admins or host not in blast_radius.reached_hosts(catalog, impact, hosts) or host in trusted:
        return ""
    return (
        f"{host} would receive the passwords of {', '.join(admins)}, but an intruder may be on {host}. Nothing "
        "was changed. Name a clean host, best outside the application's group: -e rotation_host=HOST. "
        f"Or, if you trust {host}, confirm it on the command line: -e {variable}={host}"
    )
