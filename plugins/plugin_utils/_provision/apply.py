# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The writes of provisioning, to stores known only by their interface. Each write can be repeated, and none is lost."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.watchparty.secrets.plugins.module_utils._core import journal as _journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Credential
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    AlreadyExists,
    Conflict,
    ProvisionError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import of_name
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import Form
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.journal_store import JournalStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.provisioning_interfaces import (
    Change,
    ExistingEntry,
    ParameterMaking,
    SecretMaking,
    change,
    tier_for,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import resources as access_resources
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import plan as _plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import targets
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.plan import ProvisionInputs, ProvisionPlan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.writes import CREATE, MERGE, Write
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind

TRIES = 4
"""Attempts to carry a plan out, with a new plan whenever somebody else wrote meanwhile."""


@dataclass(frozen=True)
class WriteOptions:
    """Options of the operator."""

    adopt: bool = False
    """Take over secrets and parameters whose tags name another application or environment."""
    restore: bool = False
    advanced: bool = False
    anyway: bool = False
    exact: bool = False
    """Refuse given values if the stores hold other values."""
    key: str | None = None
    """A key to use instead of the catalog's. None for the catalog's key, empty for AWS's own."""
    forms: bool = True
    """Bring existing secrets and parameters to the key, tags and other properties that the catalog asks for."""


@dataclass(frozen=True)
class StoreState:
    """The result of one look at the stores."""

    contents: Contents
    kept: Mapping[str, ExistingEntry]
    """Properties of existing secrets, and of parameters if :attr:`WriteOptions.forms` is true."""
    journal: _journal.Journal


@dataclass(frozen=True)
class Outlook:
    """A plan for values, and the changes to existing secrets and parameters."""

    plan: ProvisionPlan
    restores: tuple[str, ...] = ()
    reforms: Mapping[str, Change] = field(default_factory=dict)

    @property
    def messages(self) -> list[str]:
        """A line for each action, without a value."""
        messages = [f"restore secret {name}" for name in self.restores]
        messages += [write.message for write in self.plan.writes]
        return messages + [_changed(name, item) for name, item in sorted(self.reforms.items())]


class Provisioner:
    """Plans and carries out the writes of one environment."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        secrets: SecretMaking,
        parameters: ParameterMaking,
        kinds: Mapping[str, Kind],
        generate: Callable[[Kind], str],
        journal: JournalStore | None = None,
        write_options: WriteOptions | None = None,
        planner: Callable[[ProvisionInputs], ProvisionPlan] = _plan.plan,
    ) -> None:
        self.catalog = catalog
        self.secrets = secrets
        self.parameters = parameters
        self.journal = journal
        self.makes_journal = False
        """Whether the journal is still to be created, so that no rotation can be open in it."""
        self.write_options = write_options or WriteOptions()
        self.kinds = kinds
        self._generate = generate
        self.planner = planner
        self._generated: dict[str, str] = {}
        self.notes: tuple[str, ...] = ()
        """Notes of the plan that was carried out last. A restored secret may add notes to those of the first plan."""

    def look(self) -> StoreState:
        names = targets.secret_names(self.catalog)
        journal = self._opened()
        contents = self.secrets.read(names) if names else Contents()
        contents |= self.parameters.read([self.catalog.ssm_path])
        # A secret without a value is reported as missing, too.
        kept_values = {name: self.secrets.kept(name) for name in names}
        present_forms = {name: form for name, form in kept_values.items() if form}
        if self.write_options.forms:
            present = [name for name in contents.readings if not of_name(name).has_labels]
            present_forms.update(self.parameters.kept(list(targets.parameters(self.catalog, present))))
        return StoreState(contents, present_forms, journal)

    def _opened(self) -> _journal.Journal:
        return self.journal.read() if self.journal and not self.makes_journal else _journal.Journal()

    def outlook(self, values: Mapping[str, str], seen: StoreState | None = None) -> Outlook:
        """The whole plan. A plan with problems must not be carried out."""
        seen = seen or self.look()
        ground = ProvisionInputs(
            catalog=self.catalog,
            kinds=self.kinds,
            contents=seen.contents,
            generate=self._once,
            given=values,
            rotation=seen.journal.rotation,
            advanced=self.write_options.advanced,
            restoring=self.write_options.restore,
            anyway=self.write_options.anyway,
            exact=self.write_options.exact,
        )
        plan = self.planner(ground)
        plan = replace(plan, writes=tuple(self._into_empty(write, seen) for write in plan.writes))
        restores = tuple(name for name, secret in seen.kept.items() if secret.deleted and self.write_options.restore)
        touched = dict.fromkeys((*restores, *(write.name for write in plan.writes if write.act != CREATE)))
        present = [seen.kept[name] for name in touched if name in seen.kept and not self.write_options.adopt]
        plan = replace(
            plan, problems=(*plan.problems, *(message for item in present for message in self._of_another(item)))
        )
        reforms, notes = self._reforms(seen)
        return Outlook(replace(plan, notes=(*plan.notes, *notes)), restores, reforms)

    def apply(self, values: Mapping[str, str], outlook: Outlook | None = None) -> list[str]:
        """Carries the plan out. Returns a line for each action.

        Raises :class:`ProvisionError` before the first write, and :class:`Conflict` if others keep writing.
        """
        lines: list[str] = []
        still: Sequence[str] = ()
        for at in range(TRIES):
            outlook = outlook if outlook and at == 0 else self.outlook(values)
            if outlook.plan.problems and lines:
                message = f"{'; '.join(lines)}. Then the run stopped at a conflict: {'; '.join(outlook.plan.problems)}"
                raise Conflict(message)
            if outlook.plan.problems:
                raise ProvisionError(outlook.plan.problems)
            self.notes = outlook.plan.notes
            if outlook.restores:
                still = outlook.restores
                for name in outlook.restores:
                    self.secrets.restore(name)
                    lines.append(f"restore secret {name}")
                self.secrets.settling.wait()  # an outdated read would restore it again
                continue
            try:
                for write in outlook.plan.writes:
                    self._write(write)
                    lines.append(write.message)
            except (AlreadyExists, Conflict):
                if at == TRIES - 1:
                    raise
                self.secrets.settling.wait()  # an outdated read would give the same plan
                continue
            if outlook.plan.writes and any(not of_name(name).has_labels for name in outlook.reforms):
                self.parameters.settling.wait()  # a change of the key writes the value again, which must be the newest
            for name, item in sorted(outlook.reforms.items()):
                self._reform(name, item)
                lines.append(_changed(name, item))
            return lines
        raise Conflict(
            f"{', '.join(still)}: AWS still reports it as scheduled for deletion; run the same command again"
        )

    def absent(self, names: Sequence[str]) -> list[str]:
        """Schedules the deletion of secrets. Returns the secrets that were not scheduled yet."""
        self.require_ours(names)
        days = self.catalog.aws.recovery_days if self.catalog.aws else 30
        return [name for name in names if self.secrets.schedule_deletion(name, days=days)]

    def restored(self, names: Sequence[str]) -> list[str]:
        """Restores secrets that are scheduled for deletion. Returns the secrets that were scheduled."""
        self.require_ours(names)
        return [name for name in names if self.secrets.restore(name)]

    def _require_known(self, names: Sequence[str]) -> None:
        known = targets.secret_names(self.catalog)
        unknown = [name for name in names if name not in known]
        if unknown:
            raise ProvisionError(
                [
                    f"{name}: is not a secret of {self.catalog.environment}; its secrets are {', '.join(known)}"
                    for name in unknown
                ]
            )

    def require_ours(self, names: Sequence[str]) -> None:
        """Raises :class:`ProvisionError` for names outside the catalog, and for secrets with another owner's tags."""
        self._require_known(names)
        kept_values = {name: self.secrets.kept(name) for name in names}
        foreign = [message for secret in kept_values.values() if secret for message in self._of_another(secret)]
        if foreign and not self.write_options.adopt:
            raise ProvisionError(foreign)

    def _write(self, write: Write) -> None:
        if of_name(write.name).has_labels:
            version = str(uuid.uuid4())
            if write.act == CREATE:
                self.secrets.make(write.name, write.content, version=version, form=self.form(write.name))
            else:
                self.secrets.merge(write.name, write.content, version=version, instead_of=write.instead_of or None)
        elif write.act == CREATE:
            tier = tier_for(write.content, advanced=self.write_options.advanced)
            form = self.form(write.name, description=self._description(write))
            self.parameters.make(write.name, write.content, secure=write.secure, form=form, tier=tier)
        else:
            self.parameters.overwrite(write.name, write.content, instead_of=int(write.instead_of))

    def _once(self, credential: Credential, kind: Kind) -> str:
        if credential.name not in self._generated:
            self._generated[credential.name] = self._generate(kind)
        return self._generated[credential.name]

    def form(self, name: str, *, description: str = "") -> Form:
        """The wanted properties of a secret or parameter. Raises PolicyError for a tag that AWS refuses."""
        aws = self.catalog.aws
        tags = access_resources.tags(self.catalog)
        ages = [self.catalog.credentials[holder].max_age_days for holder in targets.holders(self.catalog, name)]
        days = [age for age in ages if age]
        if days:
            tags["RotationDays"] = str(min(days))
        key = self.write_options.key if self.write_options.key is not None else (aws.kms_key if aws else None)
        is_aws = of_name(name).is_aws
        return Form(
            description=description or f"{self.catalog.application}, {self.catalog.environment}: values of its .env",
            key=(key or None) if is_aws else None,
            tags=tags,
            replicas=aws.replicas if aws and is_aws and of_name(name).has_labels else (),
        )

    def _description(self, write: Write) -> str:
        setting = self.catalog.settings.get(write.fills[0].target)
        return setting.description if setting and setting.description else ""

    def _reforms(self, seen: StoreState) -> tuple[dict[str, Change], list[str]]:
        """Changes to existing secrets and parameters, and notes about properties that stay as they are."""
        changes: dict[str, Change] = {}
        notes: list[str] = []
        parameters = targets.parameters(self.catalog, (name for name in seen.kept if not of_name(name).has_labels))
        for name, secret in seen.kept.items() if self.write_options.forms else ():
            if secret.deleted:
                continue
            if self._of_another(secret) and not self.write_options.adopt:
                notes += self._of_another(secret)
                continue
            wanted = self.form(name)
            if not of_name(name).has_labels:
                plain = name in seen.contents.readings and seen.contents.readings[name].plain
                wanted = replace(wanted, description=parameters[name], key=None if plain else wanted.key)
            if secret.form.description:  # an existing description stays
                wanted = replace(wanted, description="")
            item = change(secret.form, wanted)
            if not of_name(name).has_labels and item.rewrites and self._is_rotating(seen.journal, name):
                late = ", ".join(replace(item, tags={}).messages)
                notes.append(
                    f"parameter {name} does not have {late} yet, because {seen.journal.rotation} is open and changes "
                    "the parameter; finish this rotation, then run the same command again"
                )
                item = Change(tags=item.tags)
            if item.messages:
                changes[name] = item
        return changes, notes

    def _reform(self, name: str, item: Change) -> None:
        if of_name(name).has_labels:
            self.secrets.reform(name, item)
            return
        # A parameter cannot be written on condition, and a late write must not overwrite a rotation's value.
        if item.rewrites and self._is_rotating(self._opened(), name):
            raise Conflict(
                f"parameter {name}: a rotation that changes it started meanwhile; finish it: "
                "ansible-playbook watchparty.secrets.rotate"
            )
        self.parameters.reform(name, item)

    @staticmethod
    def _is_rotating(journal: _journal.Journal, name: str) -> bool:
        return journal.rotation is not None and name in journal.rotation.names

    @staticmethod
    def _into_empty(write: Write, seen: StoreState) -> Write:
        """Turns a creation into an update for a secret that exists without a value, as Terraform creates it."""
        secret = seen.kept.get(write.name)
        return replace(write, act=MERGE) if write.act == CREATE and secret and not secret.deleted else write

    def _of_another(self, secret: ExistingEntry) -> list[str]:
        wanted = {"Application": self.catalog.application, "Environment": self.catalog.environment}
        tags = secret.form.tags
        other = {tag: tags[tag] for tag in wanted if tag in tags and tags[tag] != wanted[tag]}
        if not other:
            return []
        message = ", ".join(f"{tag}={value}" for tag, value in sorted(other.items()))
        remedy = "give it another name in the catalog, or adopt it with -e provision_adopt=true"
        whose = f"{self.catalog.application} in {self.catalog.environment}"
        return [
            f"{of_name(secret.name).noun} {secret.name} is tagged {message}, so it does not belong to {whose}; {remedy}"
        ]


def _changed(name: str, item: Change) -> str:
    return f"change {of_name(name).noun} {name}: {', '.join(item.messages)}"
