# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads an account for its baseline over boto3 clients, and the catalog's explanation of it. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph, honeytokens
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Place, names_in
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound, SecretsError, one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import IAM_KEYS
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import (
    account_inventory,
    resources,
    session_denial,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.account_inventory import (
    ACCESS_KEY,
    FUNCTION,
    GRANT,
    KEY_POLICY,
    PASSWORD,
    POLICIES,
    AccountFacts,
    Declared,
    KnownKeys,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.aws_scope import AwsScope
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import AccessKeys, translated
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policies import CatalogReach
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policies_reader import Policies
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.secret_metadata import SecretFacts, used_keys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.session_denial import IamIdentity

MOST_USERS = 500
"""Users whose keys and passwords are read, one by one."""
SERVICES = ("sts", "iam", "secretsmanager", "kms")
"""Services whose clients are used."""
Client = Callable[[str], Any]


def place(account: str) -> str:
    return f"AWS account {account}"


def inventory(
    catalog: Catalog, client: Client, region: str, keys: KnownKeys, secrets: SecretFacts | None = None
) -> dict[str, Any]:
    """The entries of the account. Raises SecretsError if IAM denies the read."""
    account, partition = aws_errors.identity(client("sts"))
    facts = _read(catalog, client, secrets or SecretFacts(client("secretsmanager")))
    alias = catalog.aws.kms_key if catalog.aws else ""
    arn = resources.key_arn(account, region, partition, facts.kms.get(alias, {}).get("arn"))
    declared = _declared(catalog, AwsScope(account, region, arn, partition), keys)
    return {"place": place(account), **account_inventory.inventory(facts, declared)}


def key_places(catalog: Catalog) -> list[Place]:
    """The places of the access keys that rotations replace."""
    return [
        spot.place
        for credential in catalog.credentials.values()
        if credential.kind in IAM_KEYS
        for spot in credential_graph.spots(catalog, credential)
    ]


def held_keys(catalog: Catalog, contents: Contents) -> frozenset[str]:
    """Ids of the access keys that the stores hold."""
    credentials = [item for item in catalog.credentials.values() if item.kind in IAM_KEYS]
    stored = [credential_graph.find(catalog, item, contents).login.username for item in credentials]
    return frozenset(key for key in stored if key)


def _read(catalog: Catalog, client: Client, secret_facts: SecretFacts) -> AccountFacts:
    iam, unread = client("iam"), dict[str, str]()
    details = Policies(iam).everybody()
    users = [str(user["UserName"]) for user in details["users"]]
    names = names_in(SECRETS_MANAGER, credential_graph.every_place(catalog))
    secrets = secret_facts.described(names)
    policies = secret_facts.policies([name for name in names if "arn" in secrets[name]])
    kms = used_keys(client("kms"), secrets, catalog.aws.kms_key if catalog.aws else "")
    unread |= _problems(secrets.values(), FUNCTION, POLICIES) | _problems(policies.values(), POLICIES)
    unread |= _problems(kms.values(), KEY_POLICY, GRANT)
    keys = _of_users(users, AccessKeys(iam, acting=None, sts=lambda _login: None).of, ACCESS_KEY, unread)
    passwords = _of_users(users, lambda user: _password(iam, user), PASSWORD, unread)
    times = {user: at for user, at in passwords.items() if at}
    return AccountFacts(details, keys, times, secrets, policies, kms, unread)


def _problems(answers: Iterable[Mapping[str, Any]], *kinds: str) -> dict[str, str]:
    """The first problem, for each of these kinds. Missing objects do not count."""
    present = [answer for answer in answers if not answer.get("missing")]
    problems = [answer.get("problem") or answer.get("access_problem") for answer in present]
    return dict.fromkeys(kinds, one_line(next(filter(None, problems)))) if any(problems) else {}


def _of_users(users: list[str], ask: Callable[[str], Any], kind: str, unread: dict[str, str]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    try:
        if len(users) > MOST_USERS:
            raise SecretsError(f"the account has more than {MOST_USERS} users")
        for user in users:
            result[user] = ask(user)
    except SecretsError as error:
        unread[kind] = one_line(error)
    return result


def _password(iam: Any, user: str) -> datetime | None:
    """The creation time of the password, or None."""
    try:
        with translated("GetLoginProfile", f"user {user}"):
            at: datetime = iam.get_login_profile(UserName=user)["LoginProfile"]["CreateDate"]
    except NotFound:
        return None
    return at


def _declared(catalog: Catalog, scope: AwsScope, keys: KnownKeys) -> Declared:
    plan = resources.plan(catalog, scope, resources.AccessOptions()) if catalog.aws else {"roles": (), "policies": ()}
    documents = {policy["arn"]: policy["document"] for policy in plan["policies"]}
    return Declared(
        keys=keys,
        trusts={role["name"]: role["trust"] for role in plan["roles"]},
        attached={(role["name"], arn): documents[arn] for role in plan["roles"] for arn in role["policies"]},
        key_policies={scope.key: plan["key"]["policy"]} if catalog.aws else {},
        honeytoken_users=frozenset(honeytokens.users(catalog).values()),
        deniable=frozenset(deniable(catalog)),
    )


def deniable(catalog: Catalog) -> Iterator[IamIdentity]:
    """The application's roles and users, whose temporary credentials a leak response may deny."""
    yield from map(session_denial.role, catalog.aws.roles.values() if catalog.aws else ())
    for user in CatalogReach(catalog).users:
        yield session_denial.user(user.rpartition("/")[2])
