# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Access keys in a rotation: the keys concerned, and AWS's blockers before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    blast_radius,
    credential_ages,
    credential_graph,
    honeytokens,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Credential
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError, StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal, entries
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import IAM_KEYS, SES_SMTP_PASSWORD
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import AccessKeys, UnusedKeys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import (
    access_key_states,
    second_keys,
    state_machine,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as _plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.access_key_states import (
    AccessKeyContext,
    AccessKeyPair,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.new_values import former_login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ses_smtp import SmtpKeys, smtp_server
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

OPTION = "user"
NO_ID = (
    "no place in the catalog holds the id of its access key; add a setting to appears_in, such as one ending in "
    "ACCESS_KEY_ID"
)


def store(connection: AwsConnection, credential: Credential) -> AccessKeys:
    """The keys of a credential's IAM user. A honeytoken's key is never used; for SES, its mail server tests logins."""

    def sts(login: Login | None) -> Any:
        if login is None:
            return connection.store_client("sts")
        own = {"access_key": login.username, "secret_key": login.password, "session_token": None, "profile": None}
        return AwsConnection(connection.ansible_name, {**connection.get_options(), **own}).store_client("sts")

    clients: dict[str, Any] = {"acting": connection.acting_client("iam"), "sts": sts}
    if credential.kind == SES_SMTP_PASSWORD:
        return SmtpKeys(connection.store_client("iam"), **clients, smtp=smtp_server(credential))
    if honeytokens.is_honeytoken(credential):
        return UnusedKeys(connection.store_client("iam"), user=str(credential.options[OPTION]), **clients)
    return AccessKeys(connection.store_client("iam"), **clients)


def blockers(
    setting: RotationSetup, plan: _plan.RotationPlan, contents: Contents, users: Mapping[str, str]
) -> dict[str, str]:
    """Blockers that AWS shows, by credential."""
    result = {}
    for credential, key in _rotated_keys(setting, plan, contents):
        keys, leaked = store(setting.connection, credential), bool(plan.incident)
        messages = access_key_states.blockers(keys, key, users.get(credential.name), leaked=leaked)
        if messages:
            result[credential.name] = "; ".join(messages)
    return result


def users(setting: RotationSetup, plan: _plan.RotationPlan, contents: Contents, journal: Journal) -> dict[str, str]:
    """IAM users of the access keys in a plan, by credential: from the catalog, AWS or an earlier plan. AWS forgets the
    user of a deleted key, and a leak response may have deleted the key to make room."""
    result = {}
    for credential, key in _rotated_keys(setting, plan, contents):
        user = str(credential.options.get(OPTION) or "")
        if not user and access_key_states.is_id(key):
            with suppress(StoreError):
                user = store(setting.connection, credential).owner(key)
        result[credential.name] = user or (_noted_user(journal, credential.name) if plan.incident else "")
    return {name: user for name, user in result.items() if user}


def _rotated_keys(
    setting: RotationSetup, plan: _plan.RotationPlan, contents: Contents
) -> Iterator[tuple[Credential, str]]:
    for item in plan.items:
        if item.kind in IAM_KEYS and item.act == _plan.ROTATE:
            credential = setting.catalog.credentials[item.credential]
            yield credential, str(credential_graph.find(setting.catalog, credential, contents).login.username)


def _noted_user(journal: Journal, name: str) -> str:
    plans = [entry.get("plan", {}).get("credentials", {}) for entry in entries(journal)]
    return next((plan[name]["user"] for plan in reversed(plans) if plan.get(name, {}).get("user")), "")


def concerned(setting: RotationSetup, name: str) -> tuple[AccessKeyContext, AccessKeyPair]:
    """The clients and the keys of a credential, in the rotation that this run holds. Raises SecretsError."""
    journal, rotation, item = setting.mine(name)
    credential = setting.catalog.credentials[name]
    issued = setting.rotator.issued(rotation)
    if item.act == _plan.REVOKE:
        old = former_login(setting.catalog, setting.rotator.secrets, journal, item)
        new: Login | None = _in_force(setting, name)
    else:
        old = setting.old(rotation, name).login
        # During a rollback a key that is not seen yet would stay.
        new = setting.new_value(rotation, name, made=False) or issued.find(name, made=rotation.aborting)
    if old.username is None:
        raise RotationError(
            f"{name}: the id of its old access key can no longer be read; find it by 'aws iam "
            "list-access-keys --user-name USER', then delete it"
        )
    aborting = rotation.step in state_machine.BACKWARD
    keys = store(setting.connection, credential)
    kept_key = old if aborting or new is None else new
    pair = AccessKeyPair(
        credential=name,
        user=credential.options.get(OPTION) or item.user or keys.owner(str(kept_key.username)),
        old=old,
        new=new,
        aborting=aborting,
        since=credential_ages.moment(rotation.since),
        first_off=bool(rotation.plan.get("incident"))
        and blast_radius.reads_new(setting.catalog, name, rotation.plan.get("credentials", {})),
        stays_off=bool(rotation.plan.get("immediate")),
        evicted={
            note.removeprefix(second_keys.EVICTED): line
            for note, line in rotation.notes.get(name, {}).items()
            if note.startswith(second_keys.EVICTED)
        },
    )

    noted = {*rotation.notes.get(name, {})}

    def note(about: str, text: str) -> None:
        if about == state_machine.OLD_DELETED:
            setting.rotator.note_disabling([name])
        if about not in noted:  # IAM may list a deleted key for a while
            setting.rotator.note(name, {about: text})
        noted.add(about)

    def ended() -> WritePermission | None:
        return WritePermission() if setting.rotator.is_over(rotation.id) else None

    evicting = second_keys.of_leak(setting, name, keys, note)
    context = AccessKeyContext(keys, issued, setting.rotator.fresh, ended, note, evicting)
    return context, pair


def _in_force(setting: RotationSetup, name: str) -> Login:
    stored = setting.held(setting.catalog.credentials[name])
    if stored.problems or stored.login.username is None:
        raise RotationError(f"{name}: {'; '.join(stored.problems) or NO_ID}")
    return stored.login
