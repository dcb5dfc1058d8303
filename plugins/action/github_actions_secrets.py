# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, GitHub
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    JournalError,
    NotFound,
    Overtaken,
    StoreError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.journal_store import JournalStore, journal_of
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.parameter_store import ParameterStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.secret_stores import secret_stores
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import environment as ansible_environment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.controller_action import ControllerAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.inventory_environment import environment_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import sync, sync_plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import token as github_token
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.api import WORKFLOWS, GitHubStore, require_fits
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.sent_records import SentStore
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.sync_plan import (
    ENVIRONMENT,
    GithubTarget,
    GithubValue,
    Sent,
    SyncStep,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import operator_values
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import targets as provision_targets
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import supplied_values

WORKFLOW_BYTES = 1024 * 1024
_WITHOUT_GITHUB = ("local", "ci")
"""Environments that are never synced."""
NAME = "watchparty.secrets.github_actions_secrets"
OPTIONS: dict[str, Any] = {
    "catalog": {"type": "dict", "required": True},
    "environment": {"type": "str", "required": True},
    "names": {"type": "list", "elements": "str", "default": []},
    "hosts": {"type": "list", "elements": "str", "default": []},
    "prune": {"type": "bool", "default": False},
    "checkout": {"type": "path"},
    "create_environment": {"type": "bool", "default": False},
    "reviewers": {"type": "list", "elements": "str", "default": []},
    "token_file": {"type": "path"},
    "incomplete": {"type": "bool", "default": False},
    "shared_values_file": {"type": "path"},
    **supplied_values.OPTIONS,
}


@dataclass(frozen=True)
class GithubInputs:
    held: list[GithubValue]
    records: Mapping[GithubTarget, Sent]
    same: list[GithubTarget]
    """Targets whose secret has a new version that differs in other keys only."""
    messages: list[str]


class ActionModule(ControllerAction):
    """Runs on the controller, in process. Returns names, version ids and messages, but no values."""

    options = {**aws_argument_spec(), **OPTIONS}

    def result(self, args: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        connection = AwsConnection(NAME, args)
        connection.require_aws_sdk()
        unmade = args["incomplete"] and self._task.check_mode  # before provisioning has made anything
        request = ansible_environment.ReadRequest(
            args["catalog"], args["environment"], journal="optional" if unmade else "required"
        )
        read = ansible_environment.read(request, connection)
        catalog = read.catalog
        where = _repository(catalog)
        _require_apart(args["catalog"], catalog)
        hosts, left_out = self._own(args["hosts"], catalog.environment, task_vars)
        inventory, messages = sync.from_inventory(catalog, hosts, task_vars.get("hostvars", {}))
        secrets = secret_stores(connection.store_client)
        contents = sync.with_credentials(catalog, read.contents, secrets)
        if not unmade:
            read.resolution.require()
        values, first = _given(args, task_vars), self._first(args)
        copies = _chosen(
            sync_plan.wanted_values(catalog, read.resolution, contents, inventory, values, first), args["names"]
        )
        _require_at_rest(read, copies)
        github = github_token.store(where, token_file=args["token_file"])
        parameters = ParameterStore(connection.store_client("ssm"))
        sent = SentStore(parameters, catalog.sent_path)
        log = journal_of(catalog, connection.store_client)
        hands = sync.SyncContext(github, sent, lambda: _still(log, read.journal.head))
        records = sent.read()
        same = sync.unchanged(copies, records, contents, secrets)
        github_inputs = GithubInputs(copies, records, same, [*left_out, *messages])
        return self._carried_out(args, where, hands, github_inputs)

    def _first(self, args: Mapping[str, Any]) -> dict[str, str]:
        """Values in a file that is not only for GitHub."""
        if not args["shared_values_file"]:
            return {}
        return provision_targets.flattened(
            operator_values.of_yaml(Path(args["shared_values_file"]).expanduser(), self._loader)
        )

    def _own(self, hosts: Sequence[str], environment: str, task_vars: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        """Leaves out hosts of other environments: with their addresses, a workflow would deploy this one to them."""
        declared_by = {host: environment_of(host, task_vars["hostvars"], self._templar) for host in hosts}
        foreign = [
            f"{host} ({declared})" for host, declared in declared_by.items() if declared not in (None, environment)
        ]
        messages = [f"hosts of other environments are left out: {', '.join(foreign)}"] if foreign else []
        return [host for host, declared in declared_by.items() if declared in (None, environment)], messages

    def _carried_out(
        self, args: Mapping[str, Any], where: GitHub, hands: sync.SyncContext, github_inputs: GithubInputs
    ) -> dict[str, Any]:
        github, copies, records, messages = (
            hands.github,
            github_inputs.held,
            github_inputs.records,
            github_inputs.messages,
        )
        github.repository_id()
        unrequested = [] if args["names"] else sync_plan.obsolete_targets(copies, records)
        own_records = {
            target: sent
            for target, sent in records.items()
            if target in unrequested or target in {h.target for h in copies}
        }
        environment = _environment(
            args, where, github, [*(wanted_value.target for wanted_value in copies), *unrequested]
        )
        settings = [
            github_target
            for github_target in (*(h.target for h in copies), *unrequested)
            if environment != "made" or github_target.scope != ENVIRONMENT
        ]
        listed = sync.there(github, settings)
        texts = _workflows(args, github) if args["prune"] and unrequested else {}
        readers = sync.readers(unrequested, texts, copies)
        steps = sync_plan.plan(
            copies, listed, own_records, prune=args["prune"], readers=readers, same=github_inputs.same
        )
        values = {wanted_value.target: wanted_value for wanted_value in copies}
        for step in steps:
            if step.act == sync_plan.SEND:
                require_fits(step.target.kind, step.target.name, str(values[step.target].value))
        writes = [step for step in steps if step.act in sync_plan.WRITES]
        if environment == "made" and not self._task.check_mode:
            github.make_environment(args["reviewers"])
        for step in [] if self._task.check_mode else writes:
            hands.carry_out(step, values, listed)
        if environment == "made":
            messages = [
                f"environment {where.environment} of {where.repository} does not exist yet, and is created",
                *messages,
            ]
        return {
            "changed": bool(writes) or environment == "made",
            "repository": where.repository,
            "made_environment": environment == "made",
            **_as_data(steps),
            "asks": [
                step.target.name
                for step in steps
                if step.act == sync_plan.MISSING and values[step.target].source == sync_plan.UNHELD
            ],
            "problems": [
                f"{step.target.name} is not removed: {step.reason}" for step in steps if step.act == sync_plan.REFUSED
            ],
            "summary": [*_summary(where, steps, check=self._task.check_mode), *messages],
            "diff": _diff(steps),
        }


def _repository(catalog: Catalog) -> GitHub:
    if catalog.github is None:
        raise StoreError("the catalog names no repository for the sync; add github: {repository: OWNER/NAME}")
    return catalog.github


def _require_apart(document: Mapping[str, Any], catalog: Catalog) -> None:
    """Raises StoreError if another environment's values would replace this one's."""
    names = [
        environment
        for environment in document.get("environments", {})
        if environment not in (catalog.environment, *_WITHOUT_GITHUB)
    ]
    results = sync_plan.shared_names(catalog, [catalog_parser.parse(document, name) for name in names])
    if results:
        raise StoreError("; ".join(results))


def _given(args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, str]:
    logins = supplied_values.supplied(args, task_vars)
    wrong = sorted(name for name, login in logins.items() if login.username is not None or login.password is None)
    if wrong:
        raise StoreError(f"{', '.join(wrong)}: give one text for each name, because GitHub holds one text")
    return {name: str(login.password) for name, login in logins.items()}


def _chosen(copies: list[GithubValue], names: Sequence[str]) -> list[GithubValue]:
    chosen_names = {name.upper() for name in names}
    unknown = sorted(chosen_names - {wanted_value.target.name for wanted_value in copies})
    if unknown:
        raise StoreError(
            f"{', '.join(unknown)}: the catalog syncs no such name to GitHub; correct the name, or write "
            "github: secret at the setting"
        )
    return [wanted_value for wanted_value in copies if not chosen_names or wanted_value.target.name in chosen_names]


def _require_at_rest(read: ansible_environment.Environment, copies: Sequence[GithubValue]) -> None:
    """Raises JournalError if an open rotation sends a copy itself, when it promotes its values."""
    rotation, catalog = read.journal.rotation, read.catalog
    if rotation is None:
        return
    named = {wanted_value.target.name for wanted_value in copies}
    for name in rotation.plan.get("credentials", {}):
        credential = catalog.credentials.get(name)
        if (
            credential
            and {mirrored_name.upper() for mirrored_name in credential_graph.mirrored_names(catalog, credential)}
            & named
        ):
            raise JournalError(
                f"{rotation} is open and sends {name} to GitHub itself; finish it with "
                "ansible-playbook watchparty.secrets.rotate first"
            )


def _still(journal: JournalStore | None, head: int) -> None:
    if journal and journal.read().head > head:
        raise Overtaken(
            "a rotation continued meanwhile, and the sync must not overwrite its values; sync again after that rotation"
        )


def _environment(
    args: Mapping[str, Any], where: GitHub, github: GitHubStore, github_targets: Sequence[GithubTarget]
) -> str:
    """ "there", "made" if it is to be made, or "" if none is needed."""
    if not args["create_environment"] and not any(
        github_target.scope == ENVIRONMENT for github_target in github_targets
    ):
        return ""
    if github.has_environment():
        return "there"
    if not args["create_environment"]:
        raise NotFound(
            f"repository {where.repository} has no environment {where.environment}; create it there, or run the same "
            "command with -e github_create_environment=true"
        )
    return "made"


def _workflows(args: Mapping[str, Any], github: GitHubStore) -> dict[str, str]:
    """Workflows of the default branch and of a checkout."""
    texts = github.workflows()
    if not args["checkout"]:
        return texts
    folder = Path(args["checkout"]) / WORKFLOWS
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix in (".yml", ".yaml")) if folder.is_dir() else []
        return {**texts, **{str(path): _text(path) for path in files}}
    except OSError as error:
        raise StoreError(f"{folder}: cannot be read: {error.strerror}") from None


def _text(file: Path) -> str:
    """A regular file's text. Empty for a pipe or a device, which would block the run."""
    with open(file, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            return ""
        text = stream.read(WORKFLOW_BYTES + 1)
    if len(text) > WORKFLOW_BYTES:
        raise StoreError(f"{file}: is too large for a workflow; shorten or delete this file in the checkout")
    return text.decode("utf-8", "replace")


def _as_data(steps: Sequence[SyncStep]) -> dict[str, Any]:
    by_act = {
        "sent": sync_plan.SEND,
        "removed": sync_plan.REMOVE,
        "missing": sync_plan.MISSING,
        "obsolete": sync_plan.OBSOLETE,
        "unchanged": sync_plan.KEEP,
    }
    plan = [
        {
            "kind": sync_step.target.kind,
            "scope": sync_step.target.scope,
            "name": sync_step.target.name,
            "act": sync_step.act,
            "why": sync_step.reason,
        }
        for sync_step in steps
    ]
    return {
        "plan": plan,
        **{key: [sync_step.target.name for sync_step in steps if sync_step.act == act] for key, act in by_act.items()},
    }


def _summary(where: GitHub, steps: Sequence[SyncStep], *, check: bool) -> list[str]:
    answer = _as_data(steps)
    would = "would be " if check else ""
    lists = {
        f"{would}sent": answer["sent"],
        f"{would}removed": answer["removed"],
        "was sent before, and is no longer in the catalog (-e github_prune=true removes it)": answer["obsolete"],
    }
    messages = [f"{where.repository}: {len(answer['unchanged'])} unchanged"]
    messages += [f"{label}: {', '.join(names)}" for label, names in lists.items() if names]
    return messages + [f"{sync_step.target}: {sync_step.reason}" for sync_step in steps if sync_step.is_foreign]


_DIFF = {
    sync_plan.SEND: "+{target}: {reason}",
    sync_plan.NOTE: "+record of {target}: {reason}",
    sync_plan.REMOVE: "-{target}: {reason}",
    sync_plan.FORGET: "-record of {target}: {reason}",
}


def _diff(steps: Sequence[SyncStep]) -> dict[str, str]:
    lines = [
        _DIFF[sync_step.act].format(target=sync_step.target, reason=sync_step.reason)
        for sync_step in steps
        if sync_step.act in _DIFF
    ]
    return {"prepared": "".join(f"{line}\n" for line in lines)}
