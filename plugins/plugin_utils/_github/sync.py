# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copies at GitHub: the values that they must hold, the values that were sent, and the port for a rotation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ansible.errors import AnsibleError

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph, resolver
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    RotationError,
    SecretsError,
    StoreError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import registry
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import VersionedStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.numbered_versions import NumberedStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import (
    port,
    sync_plan,
    token,
    workflow_references,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.api import GitHubStore
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.sent_records import SentStore
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.sync_plan import (
    FromInventory,
    GithubTarget,
    GithubValue,
    PresentEntry,
    Sent,
    SyncStep,
)

LISTS = ("list", "host_list")


class GithubCopies(port.CopyPort):
    """The copies at GitHub, for a rotation. Without values to send, ``send`` calls no API."""

    def __init__(self, catalog: Catalog, secrets: VersionedStore, parameters: NumberedStore) -> None:
        self._catalog, self._secrets, self._parameters = catalog, secrets, parameters

    def send(self, values: Mapping[str, str], look: Callable[[], WritePermission]) -> None:
        if self._catalog.github is None:
            raise RotationError(
                f"{', '.join(values)}: the catalog names no repository; add github: {{repository: OWNER/NAME}}"
            )
        if not values:
            return
        github = token.store(self._catalog.github)
        sent = SentStore(self._parameters, self._catalog.sent_path)
        records = {
            wanted_value.target.name: wanted_value
            for wanted_value in current(self._catalog, self._secrets, self._parameters)
        }
        for name, value in values.items():
            wanted_value = records[name.upper()]
            # Somebody may have overwritten the value meanwhile. Then no version id stands for the value that is sent.
            same = wanted_value.value == value and wanted_value.identity
            look().spend()
            at = github.put(wanted_value.target.kind, wanted_value.target.scope, wanted_value.target.name, value)
            # Without a record, the next sync sends the value again. A rotation is not rolled back for that.
            with suppress(SecretsError):
                sent.write(wanted_value.target, Sent((wanted_value.identity or "") if same else "", at))

    def blocker(self, names: Sequence[str]) -> str | None:
        """The reason why GitHub would refuse these names, as far as reads show. None without one. Writes nothing."""
        if self._catalog.github is None:
            return (
                f"GitHub holds it too ({', '.join(names)}), and the catalog names no repository; add "
                "github: {repository: OWNER/NAME}"
            )
        wanted = {name.upper() for name in names}
        try:
            github = token.store(self._catalog.github)
            pairs = {
                (github_target.kind, github_target.scope)
                for github_target in sync_plan.targets(self._catalog)
                if github_target.name in wanted
            }
            for kind, scope in sorted(pairs):
                github.require_usable(kind, scope)
            SentStore(self._parameters, self._catalog.sent_path).read()
        except SecretsError as error:
            return f"GitHub holds it too ({', '.join(names)}): {error}"
        return None


def mirror(catalog: Catalog, secrets: VersionedStore, parameters: NumberedStore) -> GithubCopies | None:
    """The port for a rotation. None without a repository or a token."""
    return GithubCopies(catalog, secrets, parameters) if catalog.github and token.has_token() else None


def put(github: GitHubStore, sent: SentStore, target: GithubTarget, value: str, identity: str | None) -> None:
    """Sends a value, then records it. After a kill in between, the next run sees an unrecorded date and sends again."""
    at = github.put(target.kind, target.scope, target.name, value)
    sent.write(target, Sent(identity or "", at))


def current(catalog: Catalog, secrets: VersionedStore, parameters: NumberedStore) -> list[GithubValue]:
    """The present value of each target, read from the stores."""
    stores = registry.by_traits(secrets, parameters)
    contents = registry.current(catalog, credential_graph.every_place(catalog), stores)
    return sync_plan.wanted_values(catalog, resolver.resolve(catalog, contents), contents, {}, {})


def with_credentials(catalog: Catalog, contents: Contents, secrets: VersionedStore) -> Contents:
    """The contents, with the secrets of credentials that GitHub holds under their own names added."""
    wanted = {
        name
        for credential in catalog.credentials.values()
        if credential.github
        for name in credential_graph.secrets_of(catalog, credential)
    }
    credentials = sorted(wanted - set(contents.readings) - set(contents.failures))
    return contents | secrets.read(credentials) if credentials else contents


def unchanged(
    copies: Sequence[GithubValue], sent: Mapping[GithubTarget, Sent], contents: Contents, secrets: VersionedStore
) -> list[GithubTarget]:
    """Targets whose secret has a new version, but whose own key in it is as it was sent."""
    github_targets = []
    read: dict[tuple[str, str], Contents] = {}
    for wanted_value in copies:
        version = wanted_value.former_version(sent.get(wanted_value.target))
        if wanted_value.place is None or version is None:
            continue
        name = wanted_value.place.name
        if (name, version) not in read:
            read[name, version] = secrets.read([name], pins={name: version})
        former = (
            credential_graph.text_at(read[name, version], wanted_value.place)
            if name in read[name, version].readings
            else None
        )
        if former is not None and former == credential_graph.text_at(contents, wanted_value.place):
            github_targets.append(wanted_value.target)
    return github_targets


def there(github: GitHubStore, github_targets: Iterable[GithubTarget]) -> dict[GithubTarget, PresentEntry]:
    """Secrets and variables that GitHub lists. Each scope is listed once."""
    github_values: dict[GithubTarget, PresentEntry] = {}
    for kind, scope in sorted({(github_target.kind, github_target.scope) for github_target in github_targets}):
        listed = github.listed(kind, scope)
        github_values |= {GithubTarget(kind, scope, name): item for name, item in listed.items()}
    return github_values


def refreshed(catalog: Catalog, names: Sequence[str], stores: tuple[VersionedStore, NumberedStore]) -> dict[str, str]:
    """Names whose copy at GitHub is the stores' present value, with the time at which GitHub got it."""
    if catalog.github is None or not token.has_token():
        return {}
    wanted = {name.upper() for name in names}
    records = [
        wanted_value
        for wanted_value in current(catalog, *stores)
        if wanted_value.target.name in wanted and wanted_value.value is not None
    ]
    sent = SentStore(stores[1], catalog.sent_path).read()
    listed = there(token.store(catalog.github), [wanted_value.target for wanted_value in records])
    steps = sync_plan.plan(
        records,
        listed,
        {wanted_value.target: sent[wanted_value.target] for wanted_value in records if wanted_value.target in sent},
        prune=False,
        readers={},
    )
    return {
        sync_step.target.name: listed[sync_step.target].updated_at
        for sync_step in steps
        if sync_step.act == sync_plan.KEEP and sync_step.target in sent and sync_step.target in listed
    }


def from_inventory(
    catalog: Catalog, hosts: Sequence[str], hostvars: Mapping[str, Any]
) -> tuple[dict[str, FromInventory], list[str]]:
    """The inventory's value of each setting that comes from there, and messages for the operator."""
    inventory_values: dict[str, FromInventory] = {}
    messages: list[str] = []
    for setting in catalog.settings.values():
        if not (setting.github and setting.inventory):
            continue
        by_host = {host: _variable(hostvars, host, setting.inventory) for host in hosts}
        values = {host: value for host, value in by_host.items() if value}
        if not values:
            of = ", ".join(hosts) or "no host"
            inventory_values[setting.name] = FromInventory(
                None, f"variable {setting.inventory} is not set for any of {of}"
            )
            continue
        distinct = list(dict.fromkeys(values.values()))
        where = f"variable {setting.inventory} of the inventory"
        if len(distinct) > 1 and setting.type in LISTS:
            inventory_values[setting.name] = FromInventory(",".join(distinct), where)
            continue
        first = next(iter(values))
        if len(distinct) > 1:
            messages.append(
                f"{setting.name}: {setting.inventory} differs among the hosts; the value of the first host, "
                f"{first}, is used. To send the values of all of them, give the setting the type list"
            )
        inventory_values[setting.name] = FromInventory(values[first], f"{where}, as of {first}")
    return inventory_values, messages


def _variable(hostvars: Mapping[str, Any], host: str, name: str) -> str | None:
    """A host's variable as text. Without ``ansible_host``, Ansible uses the host's name as its address."""
    try:
        variables = hostvars[host]
        value = variables.get(name, host if name == "ansible_host" else None)
    except (AnsibleError, KeyError) as error:
        raise StoreError(f"variable {name} of host {host} cannot be evaluated: {error}") from None
    return None if value is None else str(value)


@dataclass(frozen=True)
class SyncContext:
    """Clients and checks by which a plan is carried out."""

    github: GitHubStore
    sent: SentStore
    still: Callable[[], None]
    """Raises Overtaken if a rotation went on meanwhile, because a sync must not overwrite the rotation's values."""

    def carry_out(
        self, step: SyncStep, copies: Mapping[GithubTarget, GithubValue], listed: Mapping[GithubTarget, PresentEntry]
    ) -> None:
        target = step.target
        if step.act in (sync_plan.SEND, sync_plan.REMOVE):
            self.still()
        if step.act == sync_plan.SEND:
            put(self.github, self.sent, target, str(copies[target].value), copies[target].identity)
        elif step.act == sync_plan.NOTE:
            self.sent.write(target, Sent(copies[target].identity or "", listed[target].updated_at))
        elif step.act == sync_plan.REMOVE:
            self.github.delete(target.kind, target.scope, target.name)
            self.sent.forget(target)
        elif step.act == sync_plan.FORGET:
            self.sent.forget(target)


def readers(
    targets: Sequence[GithubTarget], texts: Mapping[str, str], wanted: Sequence[GithubValue]
) -> dict[str, list[str]]:
    """Places in workflows that read a target which is about to be removed, and that would miss it.

    If the name moved to an environment, only workflows without an environment miss it. If it moved to another scope, no
    workflow misses it.
    """
    scopes = {
        (wanted_value.target.kind, wanted_value.target.name): wanted_value.target.scope
        for wanted_value in wanted
        if wanted_value.value is not None
    }
    result: dict[str, list[str]] = {}
    for target in targets:
        scope = scopes.get((target.kind, target.name))
        miss = (
            texts
            if scope is None
            else workflow_references.without_environment(texts)
            if scope == sync_plan.ENVIRONMENT
            else {}
        )
        result[sync_plan.reading(target)] = workflow_references.of(
            workflow_references.readings(miss), sync_plan.reading(target)
        )
    return result
