# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Honeytokens in IAM: uses in all services and regions, and whether a policy denies everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import honeytokens
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import FAIL, NOT_CHECKED, PASS, Row, row
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import AccessKeys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_findings import statements
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import finding_command, honeytoken_rows
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import PROVISION
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.iam_readers import Principal

LATER = "run ansible-playbook watchparty.secrets.provision"


def rows(
    catalog: Catalog, client: Any, principals: Callable[[], Sequence[Principal]], read_journal: Callable[[], Journal]
) -> list[Row]:
    """Raises SecretsError if IAM cannot be read."""
    honeytoken_users, keys = honeytokens.users(catalog), AccessKeys(client, acting=None, sts=lambda _login: None)
    users = {item.name: item for item in principals() if item.kind == "user"} if honeytoken_users else {}
    results: list[Row] = []
    journal, unread = Journal(), ""
    try:
        journal = read_journal() if honeytoken_users else journal
    except SecretsError as error:  # it only knows uses of previous keys
        unread = f"the journal, which keeps the uses of previous keys, cannot be read: {error}"
    for name, user in honeytoken_users.items():
        item = honeytoken_rows.expected(catalog, catalog.credentials[name], journal)
        before = [*honeytoken_rows.used_before(item), *([row(NOT_CHECKED, name, unread)] if unread else [])]
        after = [*_of(name, user, users.get(user), keys, item["leaked"])]
        results += [*before, *(result for result in after if not (before and result["state"] == PASS))]
    return results


def _of(name: str, user: str, principal: Principal | None, keys: AccessKeys, leaked: str) -> Iterator[Row]:
    if principal is None:
        yield {**row(FAIL, name, f"IAM user {user} does not exist; {LATER}"), "command": PROVISION}
        return
    if not any(map(_denies_everything, principal.policies)):
        yield {**row(FAIL, name, f"no policy denies IAM user {user} everything; {LATER}"), "command": PROVISION}
    existing = keys.of(user)
    is_active = any(key.active for key in existing)
    if not is_active:
        message = (
            f"IAM user {user} has no active key. Create one, and store it: ansible-playbook watchparty.secrets.set"
        )
        command = finding_command.literal(["aws", "iam", "create-access-key", "--user-name", user])
        yield {**row(FAIL, name, message), "command": command}
    used = {key.id: keys.last_use(key.id) for key in existing}
    for key, last in used.items():
        if last:
            message = f"key {key} of IAM user {user} was used, last on {last}: {honeytoken_rows.READ}"
            yield {**row(FAIL, name, message), "target": leaked}
    if is_active and not any(used.values()):
        yield row(PASS, name, f"{len(used)} key of IAM user {user}, never used")


def _denies_everything(document: Any) -> bool:
    wanted = honeytokens.DENIED["Statement"][0]
    return any({**entry, "Sid": ""} == {**wanted, "Sid": ""} for entry in statements(document))
