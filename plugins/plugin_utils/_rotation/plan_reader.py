# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the inputs of a rotation's plan, and blockers from providers and hosts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_ages, credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core import journal as _journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import (
    Credential,
    labelled_names,
    names_in,
    numbered_names,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import REVOKE, Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import (
    CURRENT,
    PENDING,
    Contents,
    Description,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.provisioning_interfaces import is_key
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.access_propagation import access_wait
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import sync
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import (
    access_key_preconditions,
    context,
    github_copies,
    plan_inputs,
    rollback,
    ssh_key,
    stored_since,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as _plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.staging import Rotator


@dataclass(frozen=True)
class Read:
    journal: Journal
    contents: Contents = field(repr=False)
    descriptions: Mapping[str, Description]
    """Descriptions of secrets that may change."""
    late: list[str]
    """Leftover secrets of ended rotations."""
    stored: Mapping[str, str] = field(default_factory=dict)
    """Earliest date of a stored value, by credential without a rotation in the journal."""


def read(setting: RotationSetup, journal: Journal, request: _plan.RotationRequest | None) -> Read:
    """Reads every place of settings and credentials, and the labels of secrets that the request may change, or of
    all."""
    catalog, rotator = setting.catalog, setting.rotator
    all_secrets = _secrets_of(setting, catalog.credentials.values())
    concerned = all_secrets if request is None else _secrets_of(setting, _considered(setting, journal, request))
    remembered = rollback.remembered(rotator, journal)
    recent = _ended_just_now(rotator, journal)
    rotator.wait_for_writes(journal)

    def describe(names: Collection[str]) -> dict[str, Description]:
        order = sorted(names)
        acts = [partial(rotator.secrets.describe, name) for name in order]
        return dict(zip(order, rotator.secrets.side_by_side(acts), strict=True))

    def look() -> tuple[Contents, dict[str, Description]]:
        contents = rotator.secrets.read([*sorted({*catalog.secret_names, *all_secrets}), *remembered])
        present = all_secrets & contents.readings.keys()
        descriptions = describe(concerned & present)
        own_key = catalog.aws.kms_key if catalog.aws else ""
        if own_key and not any(is_key(description.key, own_key) for description in descriptions.values()):
            # Only a secret that hosts read may show that the environment's key is in use.
            others = {*names_in(SECRETS_MANAGER, catalog.places)} & present - descriptions.keys()
            descriptions |= describe(sorted(others)[:1])
        return contents, descriptions

    def agree(reads: tuple[Contents, dict[str, Description]]) -> bool:
        """Whether both reads agree. If not, one was stale, or another writer wrote in between."""
        contents, descriptions = reads
        return all(
            description.stages.get(CURRENT) == contents.readings[name].version
            and not (recent and description.stages.get(PENDING) not in (None, description.stages.get(CURRENT)))
            for name, description in descriptions.items()
        )

    def secrets() -> tuple[Contents, dict[str, Description]]:
        return access_wait().until_granted(
            lambda: rotator.secrets.settling.until(look, agree), lambda reads: reads[0].without(remembered).denials
        )

    def parameters() -> tuple[Contents, dict[str, Description]]:
        path = [catalog.ssm_path] if credential_graph.anything_in_ssm(catalog) else []
        if not path:
            return Contents(), {}
        return access_wait().until_granted(lambda: rotator.parameters.read(path), lambda contents: contents.denials), {}

    (readings, descriptions), (below, _none) = rotator.secrets.side_by_side([secrets, parameters])
    contents = readings.without(remembered) | below

    def stored() -> dict[str, str]:
        created = {name: description.created for name, description in descriptions.items()}
        chosen = catalog.credentials.values() if request is None else _considered(setting, journal, request)
        stores = rotator.secrets, rotator.parameters
        return stored_since.dates(catalog, journal, chosen, *stores, created=created, contents=contents)

    rotator.described = dict(descriptions)
    setting.known.journal, setting.known.contents = journal, contents
    return Read(
        journal,
        contents,
        descriptions,
        rollback.left_late(readings, remembered),
        {} if request and request.leak else stored(),
    )


def _secrets_of(setting: RotationSetup, credentials: Iterable[Credential]) -> set[str]:
    catalog = setting.catalog
    places = (place for credential in credentials for place in credential_graph.changed_places(catalog, credential))
    return set(labelled_names(places))


def _considered(setting: RotationSetup, journal: Journal, request: _plan.RotationRequest) -> list[Credential]:
    now = context.now()
    pending = {pending_task.credential for pending_task in journal.pending_tasks.values()}
    return [
        credential
        for credential in setting.catalog.credentials.values()
        if (not request.names or credential.name in request.names)
        and (
            request.force
            or request.leak
            or credential.name in pending
            or credential_ages.age_of(setting.catalog, credential, journal, now).due
        )
    ]


def _ended_just_now(rotator: Rotator, journal: Journal) -> bool:
    """Whether a rotation ended so recently that AWS may still show its labels."""
    at = _journal.entries(journal)[-1].get("at") if journal.lines else None
    if not at:  # an entry that somebody appended by hand
        return False
    return (context.now() - credential_ages.moment(str(at))).total_seconds() < rotator.secrets.settling.seconds


def parameters_key(setting: RotationSetup, contents: Contents, descriptions: Mapping[str, Any]) -> str | None:
    """KMS key id of the credentials' parameters, if no secret shows the environment's key."""
    if descriptions:
        return None
    credentials = setting.catalog.credentials.values()
    names = numbered_names(
        spot.place for credential in credentials for spot in credential_graph.spots(setting.catalog, credential)
    )
    encrypted_names = [name for name in names if name in contents.readings and not contents.readings[name].plain]
    return setting.rotator.parameters.key(encrypted_names[0]) if encrypted_names else None


def former(setting: RotationSetup, journal: Journal, leaked: Collection[str] | None) -> dict[str, Contents]:
    """Contents of versions that pending tasks name, by task: due tasks, or in a leak each revocation of ``leaked``
    credentials."""
    pending_tasks = credential_ages.due_pending_tasks(journal, context.now())
    if leaked is not None:
        pending_tasks = [
            pending_task
            for pending_task in journal.pending_tasks.values()
            if pending_task.act == REVOKE and pending_task.credential in leaked
        ]
    return {
        pending_task.id: setting.rotator.secrets.read_known(list(pending_task.secrets), pins=pending_task.secrets)
        for pending_task in pending_tasks
        if pending_task.credential in setting.catalog.credentials
    }


def planned(
    setting: RotationSetup,
    inputs: plan_inputs.PlanInputs,
    request: _plan.RotationRequest,
    seen: Sequence[Mapping[str, Any]] | None,
) -> _plan.RotationPlan:
    """The plan, without credentials that providers, hosts or GitHub block."""
    plan = _plan.plan(inputs, request)
    users = access_key_preconditions.users(setting, plan, inputs.contents, inputs.journal)
    against = {
        **access_key_preconditions.blockers(setting, plan, inputs.contents, users),
        **ssh_key.blockers(setting, plan, inputs.contents, seen),
        **_against_mirror(setting, plan, inputs),
    }
    if against:
        plan = _plan.plan(replace(inputs, against={**inputs.against, **against}), request)
    return replace(plan, items=tuple(replace(item, user=users.get(item.credential, "")) for item in plan.items))


def _against_mirror(setting: RotationSetup, plan: _plan.RotationPlan, inputs: plan_inputs.PlanInputs) -> dict[str, str]:
    """Reasons why new values cannot be synced to GitHub, by credential. A missing value stops no leak response."""
    mirror = setting.rotator.mirror
    if mirror is None:
        return {}
    against_mirror = {}
    entry = plan.entry()
    missing = () if inputs.leak else github_copies.copies_of(setting.catalog, entry, inputs.contents, {}).missing
    for item in plan.items:
        names = credential_graph.mirrored_names(setting.catalog, setting.catalog.credentials[item.credential])
        if not names or item.act not in _plan.CHANGES:
            continue
        lacking = [name for name in names if name in missing]
        message = github_copies.needs_value(lacking) if lacking else None
        if message is None and isinstance(mirror, sync.GithubCopies):
            message = mirror.blocker(names)
        if message:
            against_mirror[item.credential] = message
    return against_mirror
