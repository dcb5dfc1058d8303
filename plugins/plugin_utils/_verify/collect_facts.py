# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Gathers facts for checks from AWS and a checkout, each source once. Plain data, without values."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    credential_graph,
    env_placeholders,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core import journal as _journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import (
    Catalog,
    labelled_names,
    names_in,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError, one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors, mirror_run
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.parameter_store import ParameterStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.secret_stores import secret_stores
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import account_reader
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policies_reader import Policies
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.resources import AccessOptions
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.secret_metadata import SecretFacts, used_keys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.trust_policies import Workflow
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import environment as _environment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import chain as audit_chain
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.backends import AuditBody, body_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.known_keys import known_keys, known_ssh_keys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.baseline import Baseline
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.bounded_program import Bounds
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import (
    collect_access,
    collect_baselines,
    collect_buckets,
    collect_github,
    collect_honeytokens,
    collect_isolation,
    collect_journal,
    collect_previous,
    collect_repository,
    collect_scan,
    collect_servers,
    collect_stores,
    env_drift,
    previous_values,
    server_logins,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.budget import Budget
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.cached_failure_property import cached_outcome
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.cached_stores import (
    CachedStores,
    ParametersOnce,
    ReadOnce,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import NotApplicable
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.iam_targets import Resources

NO_REPOSITORY = "no repository was given; add -e verify_repository=PATH of a checkout"


@dataclass
class Gatherer:
    """A method for each part, with its name. Shared reads are cached."""

    document: Mapping[str, Any]
    catalog: Catalog
    connection: AwsConnection
    now: datetime
    repository_path: str | None = None
    baseline: Baseline | None = None
    """Accepted findings of the repository."""
    asked: AccessOptions = field(default_factory=AccessOptions)
    """Jobs that may deploy, if provisioning was given others than the catalog's."""
    workflow: str = "deploy.yml"
    for_baseline: bool = False
    budget: Budget = field(default_factory=lambda: Budget(600))
    key: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    """Key of this run's fingerprints."""

    def gather(self, wanted: Collection[str]) -> dict[str, Any]:
        """Parts, and reasons for those that are missing or not asked for."""
        parts: dict[str, Any] = {}
        absent: dict[str, str] = {}
        left_out: dict[str, str] = {}
        for name in sorted(set(wanted) & set(PARTS)):
            try:
                parts[name] = self.budget.spend(partial(getattr, self, name))
            except NotApplicable as error:
                left_out[name] = str(error)
            except SecretsError as error:
                absent[name] = one_line(error)
        return {"parts": parts, "absent": absent, "left_out": left_out}

    def expected(self) -> dict[str, Any]:
        """Fingerprints that hosts must hold; never shown."""
        try:
            resolution = self.budget.spend(lambda: self.environment).resolution
        except SecretsError as error:
            problem = f"the stores cannot be read: {' '.join(str(error).split())}"
            return {**env_drift.nothing_expected(self.catalog), "problem": problem}
        return env_drift.expected(self.catalog, resolution, self.key)

    @cached_outcome
    def environment(self) -> _environment.Environment:
        read = self._read(self.catalog.environment, self.connection)
        if not (read.journal.rotation and read.journal.rotation.prescribes):  # else these are the rotation's versions
            self._stores.secrets.keep(read.catalog.secret_names, read.contents)
            self._stores.parameters.keep([read.catalog.ssm_path] if read.catalog.reads_ssm else [], read.contents)
        return read

    def _read(self, environment: str, connection: AwsConnection) -> _environment.Environment:
        request = _environment.ReadRequest(
            self.document, environment, journal="optional" if environment == self.catalog.environment else "ignored"
        )
        return _environment.read(request, connection)

    @cached_outcome
    def stores(self) -> dict[str, Any]:
        return collect_stores.judged(self.environment)

    @cached_outcome
    def journal_read(self) -> _journal.Journal:
        read = self.environment
        if not read.is_journal_read:
            if not self.catalog.journal:
                raise NotApplicable("the catalog names no journal")
            raise SecretsError("the journal cannot be read")
        return read.journal

    @cached_outcome
    def journal(self) -> dict[str, Any]:
        journal = self.journal_read
        try:
            records = [audit_chain.record_of(line) for line in self.chain.lines]
        except SecretsError:
            records = []
        return collect_journal.as_data(self.catalog, journal, records, self._stored, self.now)

    @property
    def _audit_body(self) -> AuditBody:
        body = body_of(self.catalog, self.connection.store_client)
        if body is None:
            raise NotApplicable("the catalog names no audit_log")
        return body

    @cached_outcome
    def chain(self) -> audit_chain.Chain:
        return self._audit_body.chain(self._head)

    @property
    def _head(self) -> audit_chain.Head | None:
        try:
            return audit_chain.head_of(dict(self.journal_read.audit) or None)
        except SecretsError:
            return None

    @cached_outcome
    def audit(self) -> dict[str, Any]:
        where = ", ".join(f"{kind} {name}" for kind, name in self.catalog.audit_log.items())
        try:
            chain = self.chain
        except SecretsError as error:
            return {"where": where, "problem": one_line(error)}
        body = self._audit_body
        problems = [(text, body.restoring(number)) for number, text in audit_chain.broken(chain.lines, self._head)]
        problems += [(text, "") for text in audit_chain.strays(chain)]
        result = {"where": where, "records": len(chain.lines), "problems": problems, "head_known": bool(self._head)}
        try:
            return {**result, "retention": body.retention()}
        except SecretsError as error:
            return {**result, "retention_problem": one_line(error)}

    @cached_outcome
    def secrets(self) -> dict[str, dict[str, Any]]:
        """Secrets in Secrets Manager."""
        return self._manager.described(names_in(SECRETS_MANAGER, credential_graph.every_place(self.catalog)))

    @cached_outcome
    def _manager(self) -> SecretFacts:
        return SecretFacts(self.connection.store_client("secretsmanager"))

    @cached_outcome
    def leftovers(self) -> list[str]:
        """Secrets of ended rotations, and their staged versions outside AWS, unless an open rotation stages there."""
        rotation = self.journal_read.rotation
        starts = (f"{self.catalog.rotation_secret}/", f"{self.catalog.rotation_logins}/")
        result = self._manager.beginning(f"{self.catalog.application}-rotation")
        staged = [] if rotation else collect_previous.staged_outside_aws(self.catalog, self.connection)
        return [name for name in result if name.startswith(starts) and not (rotation and rotation.id in name)] + staged

    @cached_outcome
    def policies(self) -> dict[str, Any]:
        denied = {name: dict(item) for name, item in self.secrets.items() if item.get("problem")}
        return {**denied, **self._manager.policies([name for name in self.secrets if name not in denied])}

    @cached_outcome
    def keys(self) -> dict[str, Any]:
        declared = self.catalog.aws.kms_key if self.catalog.aws else ""
        return used_keys(self.connection.store_client("kms"), self.secrets, declared)

    @cached_outcome
    def buckets(self) -> dict[str, Any]:
        return collect_buckets.described(self.catalog, self.connection.store_client)

    @cached_outcome
    def account(self) -> str:
        if self.catalog.expected_account_id:  # compared before anything was read
            return self.catalog.expected_account_id
        return aws_errors.account_id(self.connection.store_client("sts"))

    @cached_outcome
    def _iam(self) -> Policies:
        return Policies(self.connection.store_client("iam"))

    @cached_outcome
    def roles(self) -> dict[str, Any]:
        workflow = self.asked.workflow
        return collect_access.roles(self.catalog, self._iam, workflow.environment if workflow != Workflow() else None)

    @cached_outcome
    def users(self) -> dict[str, Any]:
        return self._iam.keys(self.now)

    @cached_outcome
    def isolation(self) -> dict[str, Any]:
        own = collect_isolation.fingerprints(self.environment, self._stores.secrets, self.key)
        return collect_isolation.compare_environments(
            self.document, self.catalog, self.connection, own, self._read, self.key
        )

    @cached_outcome
    def former(self) -> dict[str, Any]:
        """States of previous values, by credential."""
        values = self.environment.resolution.values
        return collect_previous.states(self.catalog, self._versions, values, self.former_tries, self.connection)

    @cached_outcome
    def former_tries(self) -> list[previous_values.Try]:
        return previous_values.tries(self.catalog, self._versions)

    @cached_outcome
    def servers(self) -> dict[str, Any]:
        """Expectations for the servers' answers, which arrive later."""
        return self.asked_servers.expected

    @cached_outcome
    def asked_servers(self) -> server_logins.Servers:
        try:
            read = self._versions
        except NotApplicable:  # no journal, so no rotation
            read = previous_values.Versions(self.environment.contents, Contents())
        return collect_servers.plan_inspections(self.catalog, self._stores, read, self._recorded)

    @cached_outcome
    def _recorded(self) -> collect_baselines.BaselineRun:
        return collect_baselines.BaselineRun.of(self.catalog, self.connection.store_client, records=self.for_baseline)

    @cached_outcome
    def account_baseline(self) -> dict[str, Any]:
        return self._recorded.judged(account_reader.place(self.account), self._account, "users, keys and policies")

    def _account(self) -> dict[str, Any]:
        places, region = account_reader.key_places(self.catalog), str(self.connection.region or "")
        names = set(labelled_names(places)) - set(self.environment.contents.readings)
        contents = self.environment.contents | self._stores.secrets.read(sorted(names))
        keys = known_keys(self.catalog, self._stores.secrets, contents, self.environment.journal)
        return account_reader.inventory(self.catalog, self.connection.store_client, region, keys, self._manager)

    @cached_outcome
    def honeytokens(self) -> dict[str, Any]:
        rows, client = collect_honeytokens.rows, self.connection.store_client("iam")
        return {"rows": rows(self.catalog, client, lambda: self._look.everybody, lambda: self.environment.journal)}

    @cached_outcome
    def github_baseline(self) -> dict[str, Any]:
        return collect_github.compare_repository(self.catalog, self._recorded)

    @cached_outcome
    def host_baseline(self) -> dict[str, Any]:
        """Request to hosts, whose answers arrive later."""
        return {"request": self._recorded.asked_hosts(self._ssh_keys)}

    def _ssh_keys(self) -> list[dict[str, str]]:
        read = self.environment
        return known_ssh_keys(self.catalog, self._stores.secrets, read.contents, read.journal)

    @cached_outcome
    def _versions(self) -> previous_values.Versions:
        return collect_previous.versions(self.catalog, self._stored, self.journal_read)

    @property
    def _stored(self) -> collect_previous.Stored:
        return collect_previous.Stored(self.connection, self._stores, self.environment.contents, self.secrets)

    @cached_outcome
    def _stores(self) -> CachedStores:
        client = self.connection.store_client
        return CachedStores(ReadOnce(secret_stores(client)), ParametersOnce(ParameterStore(client("ssm"))))

    @cached_outcome
    def history(self) -> dict[str, Any]:
        with suppress(SecretsError):
            self.environment  # noqa: B018 - fills the stores' caches
        return collect_scan.live(self._checkout, self.catalog, self._stores, self.baseline, self._bounds)

    @cached_outcome
    def unknown_secrets(self) -> dict[str, Any]:
        """Excludes places of live values in ``history``."""
        places: Set[Any] = set()
        with suppress(SecretsError):
            places = {(finding["path"], finding["line"]) for finding in self.history["findings"]}
            places |= {*self.history["accepted_places"]}
        return collect_scan.unknown(self._checkout, self.baseline, places, self._bounds)

    @property
    def _bounds(self) -> Bounds:
        return Bounds(idle=self.budget.share, seconds=self.budget.share)

    @cached_outcome
    def _look(self) -> collect_access.EnvironmentAccess:
        account, partition = aws_errors.identity(self.connection.store_client("sts"))
        return collect_access.EnvironmentAccess(self.document, self.catalog, self.connection, account, partition)

    @cached_outcome
    def access(self) -> dict[str, Any]:
        return {"rows": self._look.drift(self.roles, self.asked)}

    @cached_outcome
    def readers(self) -> dict[str, Any]:
        return self._look.readers(self.secrets, self.policies, self.environment.contents)

    @cached_outcome
    def rights(self) -> dict[str, Any]:
        return self._look.rights(Resources(self.secrets, self.policies, self.keys, self.buckets))

    @cached_outcome
    def granted(self) -> dict[str, Any]:
        return self._look.granted(self.roles, Resources(self.secrets, self.policies, self.keys, self.buckets))

    @cached_outcome
    def mirror(self) -> dict[str, Any]:
        return mirror_run.read(self.catalog, self.connection.client_in).report if self.catalog.mirror else {}

    @cached_outcome
    def github(self) -> dict[str, Any]:
        values: Mapping[str, str] | None = None
        with suppress(SecretsError):
            values = self.environment.resolution.values
        return collect_github.held(self.document, self.catalog, values)

    @cached_outcome
    def deploys(self) -> list[dict[str, str]]:
        return collect_github.deployed(self.catalog, self.workflow)

    @cached_outcome
    def repository(self) -> dict[str, Any]:
        return collect_repository.gather(self._checkout, self.catalog, self._live())

    @cached_outcome
    def workflows(self) -> dict[str, Any]:
        return collect_repository.workflows(self._checkout)

    @cached_outcome
    def zizmor(self) -> dict[str, Any]:
        return collect_repository.zizmor(self._checkout)

    @property
    def _checkout(self) -> str:
        if not self.repository_path:
            raise NotApplicable(NO_REPOSITORY)
        return self.repository_path

    def _live(self) -> Set[str]:
        with suppress(SecretsError):
            resolution = self.environment.resolution
            return env_placeholders.live_values(resolution.values, resolution.sensitivity)
        return frozenset()


PARTS = (
    *("access", "account", "account_baseline", "audit", "buckets", "deploys", "former", "github", "github_baseline"),
    *("granted", "history", "honeytokens", "host_baseline", "isolation", "journal", "keys", "leftovers", "mirror"),
    *("policies", "readers", "repository", "rights", "roles", "secrets", "servers", "stores", "unknown_secrets"),
    *("users", "workflows", "zizmor"),
)
"""Parts gathered on the controller; answers of hosts and from outside arrive later."""
