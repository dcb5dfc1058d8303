# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Possible footholds in the AWS account and at GitHub. The baseline is compared before the first act, as evidence, and
again after the last revocation, with CloudTrail's events. A place that cannot be compared in the end is a possible
foothold. Nothing here stops a response."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_ages, server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.blast_radius import ALL, GITHUB, HOST
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError, one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._core.fingerprints import of_text
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import READS_HOSTS, READS_STORES
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import (
    RecordedServer,
    ServerDifference,
    ServerReading,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import account_reader
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import AccessKeys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policies import CatalogReach
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import repository_inventory
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import token as github_token
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import made_with_keys, temporary_credentials
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.cloudtrail import CloudTrail
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.evidence import BackgroundCall
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.made_with_keys import KeyTrail, MadeWithKey
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.compared_servers import (
    baseline_of_run,
    named,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.known_keys import known_keys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

SECONDS = 30.0
"""Time for CloudTrail after the last revocation, when nothing waits for it."""
MOST = 10
"""Findings of an account that the journal keeps; the run's output has the rest."""


@dataclass
class AccountLook:
    """The findings of one place, for a credential that reaches it."""

    credential: str
    place: str
    compared: str = ""
    """The baseline's name; empty without a baseline."""
    findings: list[str] = field(default_factory=list)

    @property
    def events(self) -> dict[str, str]:
        """Events of the incident. A finding counts once; a later change is another finding."""
        findings = list(self.findings)
        if len(findings) > MOST:
            rest = findings[MOST - 1 :]
            findings[MOST - 1 :] = [
                f"{self.place}: {len(rest)} more findings ({of_text(str(rest))}); the output of the run lists them"
            ]
        return {f"foothold/{self.credential}/{of_text(text)}": text for text in findings}

    @property
    def line(self) -> str:
        """A line of the post-mortem: the comparison that was made, or its absence."""
        if self.compared:
            return f"checked: {self.place} was compared with its {self.compared}"
        return (
            f"not checked: {self.place} has no baseline; CloudTrail events of the leaked keys are listed. Once the "
            "leak is contained, record a baseline: ansible-playbook watchparty.secrets.baseline"
        )


@dataclass(frozen=True)
class AccountResult:
    """Events of the incident, lines of the post-mortem, and findings for the operator."""

    events: Mapping[str, str]
    lines: Sequence[str]
    messages: Sequence[str]


def compare_accounts(
    setting: RotationSetup,
    journal: Journal,
    reach: Mapping[str, str],
    keys: Sequence[str],
    *,
    evicts: bool,
    denies_sessions: bool = False,
) -> AccountResult:
    """Compares AWS and GitHub after the last revocation. ``keys`` are ids of leaked access keys. Keys are removed only
    if the start of the exposure is known."""
    since = journal.incident.since if journal.incident else ""
    trail = key_trail(setting, keys, since, SECONDS) if "aws" in reach else KeyTrail()
    made_by_keys, problems = _not_in_use(setting, trail.made)
    sessions = temporary_credentials.separate_denied(setting, journal.incident, made_by_keys, asked=denies_sessions)
    made_by_keys = sessions.made
    looks = [account(setting, journal, reach["aws"], made_by_keys)] if "aws" in reach else []
    evicted_items = (
        evict(setting, looks[0], made_by_keys) if looks and evicts and since and made_by_keys and not problems else {}
    )
    looks += [look for look in [repository(setting)] if look] if GITHUB in reach else []
    return AccountResult(
        events={
            **{event: text for look in looks for event, text in look.events.items()},
            **evicted_items,
            **sessions.denial.events,
        },
        lines=[
            *(look.line for look in looks),
            *(
                [f"checked: CloudTrail events of {', '.join(keys)} (events appear up to 15 minutes late)"]
                if keys
                else []
            ),
            *(f"seen: {line}" for line in trail.sign_ins),
            *(f"removed: session {line}" for line in sessions.lines),
            *(f"not checked: {problem}" for problem in (*trail.problems, *problems, *sessions.denial.problems)),
        ],
        messages=[f"possible foothold: {look.credential}: {text}" for look in looks for text in look.findings],
    )


def beforehand(
    setting: RotationSetup, journal: Journal, reach: Mapping[str, str], seconds: float
) -> dict[str, BackgroundCall]:
    """Starts the comparisons before the first act, by place. Leaves out a place without a baseline."""
    reads: dict[str, Callable[[], AccountLook | None]] = {}
    baseline, where = baseline_of_run(setting) if reach else None, setting.catalog.github
    accounts = [place for place in baseline.sources if place.startswith(account_reader.place(""))] if baseline else []
    if "aws" in reach and accounts:
        clients = {name: setting.connection.bounded_client(name, seconds) for name in account_reader.SERVICES}
        about = (setting, journal, reach["aws"], (), clients.__getitem__, setting.known.contents)
        reads[accounts[0]] = partial(account, *about)  # a thread makes no client
    if GITHUB in reach and where and baseline and repository_inventory.place(where) in baseline.sources:
        reads[repository_inventory.place(where)] = partial(repository, setting)
    return {place: BackgroundCall(partial(_evidence, read)) for place, read in reads.items()}


def _evidence(read: Callable[[], AccountLook | None]) -> dict[str, Any]:
    """The findings in the form of a server's result."""
    look = read()
    if look is None or not (look.compared or look.findings):
        return {"failed": True, "msg": "it has no entry of this AWS account"}
    return {"baseline": look.compared, "footholds": named(look.place, look.findings)}


def _not_in_use(setting: RotationSetup, made_by_keys: Sequence[MadeWithKey]) -> tuple[list[MadeWithKey], list[str]]:
    """The acts without keys that the stores hold now, which the application uses. Second: why this is unknown."""
    try:
        contents = setting.rotator.current(account_reader.key_places(setting.catalog)) if made_by_keys else Contents()
    except SecretsError as error:
        return list(made_by_keys), [f"whether the stores hold keys that a leaked key created: {one_line(error)}"]
    keys = account_reader.held_keys(setting.catalog, contents)
    return [item for item in made_by_keys if item.made.key not in keys], []


def reaching(impact: Mapping[str, Any], incident: Incident) -> dict[str, str]:
    """The name of a leaked credential that acts in AWS (``aws``) or at GitHub (``github``)."""
    kinds = READS_STORES | READS_HOSTS
    is_host = any(name.startswith(HOST) for name in incident.declared)  # which may have a role
    names = [item["name"] for item in impact.get("credentials", ()) if is_host or item["kind"] in kinds]
    result = {"aws": names[0]} if names else {}
    return {**result, GITHUB: GITHUB} if {GITHUB, ALL} & {*incident.declared} else result


def account(
    setting: RotationSetup,
    journal: Journal,
    credential: str,
    made_by_keys: Sequence[MadeWithKey],
    client: Callable[[str], Any] | None = None,
    contents: Contents | None = None,
) -> AccountLook:
    """``made_by_keys`` are CloudTrail's events of the leaked keys; ``contents`` are the stores', if known."""
    client = client or (lambda service: setting.connection.store_client(service))
    place, problem = _account_place(setting, client)
    if problem:
        return AccountLook(credential, place, findings=[f"{place}: not compared with its baseline: {problem}"])

    def read() -> dict[str, Any]:
        stored = contents or setting.rotator.current(account_reader.key_places(setting.catalog))
        keys = known_keys(setting.catalog, setting.rotator.secrets, stored, journal)
        region = str(setting.connection.region or "")
        return account_reader.inventory(setting.catalog, client, region, keys)

    look, reading = _compare(setting, credential, place, read)
    by_name = {(item.made.kind, item.made.name): item for item in reversed(made_by_keys)}
    source = _source(setting, place)
    kinds = source.kinds & reading.kinds if source and reading else frozenset()
    # What was added and is not gone by now, the comparison names itself.
    remaining = [item for item in by_name.values() if item.made.kind not in kinds]
    look.findings += [_with(f"{item.made.kind} {item.made.name}", item, item.made.undo) for item in reversed(remaining)]
    for difference in _differences(setting, place, reading):
        act = by_name.get((difference.kind, difference.name))
        look.findings.append(_with(difference.message, act, difference.undo))
    return look


def _account_place(setting: RotationSetup, client: Callable[[str], Any]) -> tuple[str, str]:
    """The account's name, and why it is unknown. Without a baseline, the run does not ask AWS."""
    if baseline_of_run(setting) is None:
        return "the AWS account", ""
    try:
        return account_reader.place(aws_errors.account_id(client("sts"))), ""
    except SecretsError as error:
        return "the AWS account", one_line(error)


def repository(setting: RotationSetup) -> AccountLook | None:
    """None if neither the catalog nor the baseline has a repository."""
    where, baseline = setting.catalog.github, baseline_of_run(setting)
    if where is None or baseline is None or _source(setting, repository_inventory.place(where)) is None:
        return None
    place = repository_inventory.place(where)

    def read() -> dict[str, Any]:
        return repository_inventory.inventory(github_token.api(where), setting.catalog, where, baseline.key)

    look, reading = _compare(setting, GITHUB, place, read)
    look.findings += [item.finding for item in _differences(setting, place, reading)]
    return look


def _compare(
    setting: RotationSetup, credential: str, place: str, read: Callable[[], Mapping[str, Any]]
) -> tuple[AccountLook, ServerReading | None]:
    source = _source(setting, place)
    if source is None:
        return AccountLook(credential, place), None
    look = AccountLook(credential, place, f"baseline of {source.day}")
    try:
        inventory = read()
    except SecretsError as error:
        look.findings.append(f"{place}: not compared with its baseline: {one_line(error)}")
        return look, None
    reading = server_baseline.reading_of(inventory)
    reasons = inventory["unread"]
    for kind in server_baseline.unread(source, reading):
        look.findings.append(f"{place}: {kind}: not compared: {reasons.get(kind, 'cannot be read')}")
    return look, reading


def _differences(setting: RotationSetup, place: str, reading: ServerReading | None) -> list[ServerDifference]:
    """Differences that were added or changed."""
    source = _source(setting, place)
    differences = server_baseline.compare(place, source, reading) if source and reading else []
    return [item for item in differences if item.state != server_baseline.REMOVED]


def _with(message: str, act: MadeWithKey | None, undo: str) -> str:
    """The message with the caller, the time and the command that removes the item."""
    return message + (f", {act.when}" if act else "") + (f": {undo}" if undo else "")


def evict(setting: RotationSetup, look: AccountLook, made_by_keys: Sequence[MadeWithKey]) -> dict[str, str]:
    """Deactivates keys that a leaked key made for the catalog's users. Returns events. Keys of other users are only
    named."""
    users = {user.rpartition("/")[2] for user in CatalogReach(setting.catalog).users}
    keys = AccessKeys(setting.connection.store_client("iam"), acting=None, sts=lambda _login: None)
    result: dict[str, str] = {}
    for item in made_by_keys:
        # By how it begins, since an attacker may give a user or a role a name that contains the key's id.
        key, begin = item.made.key, f"{item.made.kind} {item.made.key} of user "
        findings = [text for text in look.findings if text.startswith(begin)]
        if item.act != "CreateAccessKey" or item.made.user not in users or not findings:
            continue
        try:
            keys.deactivate(item.made.user, key, fresh=WritePermission.uncontested())
        except SecretsError as error:
            look.findings.append(f"access key {key} was not deactivated: {one_line(error)}")
            continue
        result.update({f"evicted/{look.credential}/{of_text(text)}": f"{key} is inactive" for text in findings})
    return result


def _source(setting: RotationSetup, place: str) -> RecordedServer | None:
    baseline = baseline_of_run(setting)
    return baseline.sources.get(place) if baseline else None


def key_trail(setting: RotationSetup, keys: Sequence[str], since: str, seconds: float) -> KeyTrail:
    """CloudTrail's events of the leaked keys, from the run's region and the region of IAM's events."""
    if not keys:
        return KeyTrail()
    try:
        partition = aws_errors.identity(setting.connection.store_client("sts"))[1]
        regions = dict.fromkeys([str(setting.connection.region or ""), made_with_keys.GLOBAL.get(partition, "")])
        connections = [setting.connection.in_region(region) for region in regions if region]
        trails = [CloudTrail(connection.bounded_client("cloudtrail", seconds)) for connection in connections]
    except (SecretsError, AnsibleActionFail) as error:
        return KeyTrail(problems=[f"CloudTrail was not searched: {one_line(error)}"])
    start = credential_ages.moment(since) if since else None
    return made_with_keys.followed(trails, keys, since=start, seconds=seconds, now=datetime.now(UTC))
