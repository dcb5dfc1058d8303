# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A run of the mirror: reads the journal, the secrets and the parameters once, then writes.

``client`` makes a boto3 client by service and region. None stands for the environment's own region. The playbook, the
Lambda function and ``verify`` all call this code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Collection, Dict, List, Mapping, Optional

from ansible_collections.watchparty.secrets.plugins.module_utils._core import mirror_plan
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import AlreadyExists, Conflict
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.mirror_plan import (
    MirrorPlan,
    MirrorPut,
    MirrorSources,
    PresentCopy,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.journal_store import journal_of
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.parameter_store import PAGE, ParameterStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.secrets_manager import SecretsManager

RegionalClient = Callable[[str, Optional[str]], Any]
DESCRIBED_AT_ONCE = 50
AWS_KEY = "alias/aws/ssm"
"""The key of Parameter Store in each region."""


class MirrorParameters(ParameterStore):
    """Parameter Store with the mirror's marks."""

    def present(self, path: str, names: Collection[str]) -> Dict[str, PresentCopy]:
        """The copies below the path. Reads the values of these names only."""
        described = self._described(path)
        wanted = [name for name in names if name in described]
        batches = [wanted[start : start + PAGE] for start in range(0, len(wanted), PAGE)]
        parameters: Dict[str, Mapping[str, Any]] = {}
        for batch in batches:
            with aws_errors.translated("ssm:GetParameters", ", ".join(batch)):
                answer = self._client.get_parameters(Names=batch, WithDecryption=True)
            parameters.update({parameter["Name"]: parameter for parameter in answer.get("Parameters", [])})
        return {
            name: PresentCopy(
                parameter=name,
                value=parameters[name]["Value"] if name in parameters else "",
                number=int(parameters.get(name, entry)["Version"]),
                secure=entry["Type"] == "SecureString",
                mark=mirror_plan.MirrorMark.of(entry.get("Description", "")),
                tier=entry.get("Tier", "Standard"),
            )
            for name, entry in described.items()
            if name in parameters or name not in wanted  # another writer deleted the others meanwhile
        }

    def _described(self, path: str) -> Dict[str, Mapping[str, Any]]:
        filters = [{"Key": "Path", "Option": "Recursive", "Values": [path]}]
        with aws_errors.translated("ssm:DescribeParameters", path):
            pages = self._client.get_paginator("describe_parameters").paginate(
                ParameterFilters=filters, MaxResults=DESCRIBED_AT_ONCE
            )
            return {parameter["Name"]: parameter for parameter in pages.search("Parameters[]") if parameter}

    def put(self, write: MirrorPut, key: Optional[str]) -> None:
        """Writes value and mark in one call. Raises :class:`Conflict` if another writer wrote since the plan."""
        copy, before = write.copy, write.before
        number = before.number if before else 0
        options = {"Type": "SecureString" if copy.secure else "String", "Description": str(copy.mark(number + 1))}
        options["Tier"] = before.tier if before else "Standard"
        options.update({"KeyId": key} if key and copy.secure else {})
        if before:
            self._replace(copy.parameter, copy.value, number, options)
            return
        try:
            with aws_errors.translated("ssm:PutParameter", f"parameter {copy.parameter}", carries=copy.value):
                self._client.put_parameter(Name=copy.parameter, Value=copy.value, Overwrite=False, **options)
        except AlreadyExists:
            if not self._holds(copy.parameter, 1, copy.value):  # else the answer to the first try was lost
                raise Conflict(
                    f"another writer created parameter {copy.parameter} meanwhile; run the same command again"
                ) from None


@dataclass(frozen=True)
class MirrorState:
    """The state that a run read, and the plan of each region. An empty name stands for the environment's own region."""

    catalog: Catalog
    journal: Journal
    sources: MirrorSources
    plans: Mapping[str, MirrorPlan]

    @property
    def changed(self) -> bool:
        return any(plan.puts or plan.deletes for plan in self.plans.values())

    def guarded(self, allowed: Optional[int]) -> List[str]:
        """Reasons not to delete."""
        reasons = [mirror_plan.too_many_deletes(self.catalog, plan, allowed) for plan in self.plans.values()]
        return [line for line in reasons if line]

    @property
    def report(self) -> Dict[str, Any]:
        each = [mirror_plan.as_data(plan, region) for region, plan in self.plans.items()]
        lists = {
            key: [line for entry in each for line in entry[key]] for key in ("plan", "differences", "conflicts", "held")
        }
        return {
            **lists,
            "unchanged": sum(entry["unchanged"] for entry in each),
            "problems": list(self.sources.problems),
        }


def read(catalog: Catalog, client: RegionalClient, *, conflict: str = mirror_plan.REPORT) -> MirrorState:
    """The state and the plans. Raises SecretsError."""
    journal = _journal(catalog, client)
    names = sorted({place.name for _setting, place in mirror_plan.pairs(catalog).values()})
    contents = SecretsManager(client("secretsmanager", None)).read(names) if names else Contents()
    wanted = mirror_plan.sources(catalog, contents)
    plans = {}
    for region in mirror_plan.regions(catalog):
        present = MirrorParameters(client("ssm", region or None)).present(catalog.ssm_path, wanted.copies)
        rotating_names = journal.rotation.names if journal.rotation and not region else ()
        plans[region] = mirror_plan.plan(wanted, present, rotating=rotating_names, conflict=conflict)
    return MirrorState(catalog, journal, wanted, plans)


def apply(state: MirrorState, client: RegionalClient, *, deletes: bool = True) -> List[str]:
    """Carries out the plans. Returns a line for each change. Raises :class:`Conflict` if the journal changed."""
    lines: List[str] = []
    if state.changed and _journal(state.catalog, client).head != state.journal.head:
        raise Conflict(
            "the journal has a new entry since the mirror read it, so a rotation may be writing too; run "
            "the same command again"
        )
    for region, plan in state.plans.items():
        store, key = MirrorParameters(client("ssm", region or None)), _key(state.catalog, region)
        where = f" in {region}" if region else ""
        for write in plan.puts:
            store.put(write, key)
            lines.append(f"{write}{where}")
        deleted_names = plan.deletes if deletes else ()
        store.delete([entry.copy.parameter for entry in deleted_names])
        lines += [f"{entry}{where}" for entry in deleted_names]
    return lines


def _key(catalog: Catalog, region: str) -> Optional[str]:
    if region:
        return (catalog.mirror.replica_key if catalog.mirror else None) or AWS_KEY
    return catalog.aws.kms_key if catalog.aws else None


def _journal(catalog: Catalog, client: RegionalClient) -> Journal:
    store = journal_of(catalog, lambda service: client(service, None))
    return store.read() if store else Journal()
