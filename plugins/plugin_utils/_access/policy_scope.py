# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds names in a catalog that would grant its roles more than their runs use, in this or another environment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import PolicyError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import IAM_KEYS
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policies import CatalogReach
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import chain as audit_chain

_NAMES: Mapping[str, str] = {
    "secret": r"[A-Za-z0-9/_+=.@-]{1,512}",
    "parameter": r"(?:/[A-Za-z0-9_.-]+)+",
    "log group": r"[A-Za-z0-9._/#-]{1,512}",
    "bucket": r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
    "IAM user": r"(?:[A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,64}",
    "replication group": r"[A-Za-z][A-Za-z0-9-]{0,39}",
    "distribution": r"[A-Z0-9]{1,32}",
    "role": r"[A-Za-z0-9_+=,.@-]{1,60}",
    "region": r"[a-z0-9-]{1,32}",
    "alias": r"alias/(?!aws/)[A-Za-z0-9/_-]{1,250}",
}
"""Patterns of valid names, as AWS's or narrower. In a policy, any of ``*?$`` would match more names.

A role's name leaves room for the number of a policy.
"""


def require_narrow(document: Any, catalog: Catalog) -> None:
    """Raises :class:`PolicyError` if the catalog would widen a role's policy. The error lists all reasons."""
    odd_names = [*_odd_names(catalog), *_within(catalog)]
    for name in sorted({*document.get("environments", {})} - {catalog.environment}):
        other = catalog_parser.parse(document, name)
        if _may_share_account(catalog, other):
            odd_names += _across(catalog, other)
    if odd_names:
        lines = "\n".join(f"  - {line}" for line in dict.fromkeys(odd_names))
        raise PolicyError(
            f"Environment {catalog.environment}: IAM roles would get access beyond this environment; nothing was "
            f"changed:\n{lines}"
        )


def _may_share_account(catalog: Catalog, other: Catalog) -> bool:
    accounts = (catalog.expected_account_id, other.expected_account_id)
    return None in accounts or accounts[0] == accounts[1]


def _names(catalog: Catalog) -> Iterator[tuple[str, str, str]]:
    """Names in policies: the place in the catalog, the kind, and the name."""
    reach = CatalogReach(catalog)
    for name in sorted({*reach.read, *reach.rotating}):
        yield "secrets", "secret", name
    for name in (catalog.ssm_path, *reach.written):
        yield "stores.ssm", "parameter", name
    for name in reach.users:
        yield "credentials", "IAM user", name
    for name in reach.groups:
        yield "credentials", "replication group", name
    for name in reach.distributions:
        yield "purge", "distribution", name
    if "log_group" in catalog.audit_log:
        yield "audit_log.log_group", "log group", catalog.audit_log["log_group"]
    if catalog.aws:
        for role, name in catalog.aws.roles.items():
            yield f"aws.roles.{role}", "role", name
        for name in catalog.aws.replicas:
            yield "aws.replicas", "region", name
        yield "aws.kms_key", "alias", catalog.aws.kms_key
        if catalog.aws.bucket:
            yield "aws.bucket", "bucket", catalog.aws.bucket


def _odd_names(catalog: Catalog) -> Iterator[str]:
    for where, kind, name in _names(catalog):
        if not re.fullmatch(_NAMES[kind], name):
            yield f"{where}: {name!r} is not a valid {kind} name, so a policy with it could allow more; correct it"


def _within(catalog: Catalog) -> Iterator[str]:
    reach = CatalogReach(catalog)
    for name in sorted({*reach.read, *reach.rotating}):
        for own in (f"{catalog.rotation_secret}/", f"{catalog.rotation_logins}/"):
            if name.startswith(own):
                yield f"secret {name}: only secrets that rotations create and delete may begin with {own}; rename it"
    if catalog.github and _overlap(reach.sent, catalog.ssm_path):
        records = f"{reach.sent}, the path of the records of GitHub syncs"
        yield f"stores.ssm.path: {catalog.ssm_path} overlaps {records}; choose another path"
    for credential in catalog.credentials.values():
        if credential.kind in IAM_KEYS and not credential.options.get("user"):
            yield (
                f"credentials.{credential.name}.options.user: is missing, so the policy would allow every IAM user; "
                "name the key's user"
            )
    if not catalog.aws:
        return
    names: dict[str, str] = {}
    for role, name in catalog.aws.roles.items():
        if name in names:
            yield (
                f"aws.roles.{role}: {name} is already the name of role {names[name]}; give each role a name of its own"
            )
        names[name] = role
    if catalog.journal and catalog.journal[0] == catalog.aws.bucket:
        yield (
            f"aws.bucket: {catalog.aws.bucket} holds the journal, so hosts could write the journal; use another bucket"
        )
    if "s3" in catalog.audit_log and audit_chain.location(catalog.audit_log["s3"])[0] == catalog.aws.bucket:
        yield f"aws.bucket: {catalog.aws.bucket} holds the audit log, so hosts could delete the log; use another bucket"


def _across(catalog: Catalog, other: Catalog) -> Iterator[str]:
    """Reasons for which a role could reach the other environment. Two accounts have none."""
    mine, theirs = CatalogReach(catalog), CatalogReach(other)
    also = f"also belongs to {other.environment}; give each environment its own"
    for name in sorted({*mine.read, *mine.rotating} & {*theirs.read, *theirs.rotating}):
        yield f"secret {name}: {also}"
    if _overlap(catalog.ssm_path, other.ssm_path):
        foreign_path = f"{other.environment}'s {other.ssm_path}"
        yield f"stores.ssm: {catalog.ssm_path} and {foreign_path} overlap; give each its own path"
    pairs: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = [
        ("replication group", mine.groups, theirs.groups),
        ("IAM user", mine.users, theirs.users),
        ("distribution", mine.distributions, theirs.distributions),
    ]
    if catalog.aws and other.aws:
        pairs += [
            ("aws.kms_key", (catalog.aws.kms_key,), (other.aws.kms_key,)),
            ("aws.roles", tuple(catalog.aws.roles.values()), tuple(other.aws.roles.values())),
            ("aws.bucket", (catalog.aws.bucket or "",), (other.aws.bucket or "",)),
        ]
        if catalog.journal and catalog.journal[0] == other.aws.bucket:
            theirs_is = f"{other.environment}'s aws.bucket, whose hosts could then write the journal"
            yield f"journal.s3: {catalog.journal[0]} is {theirs_is}; use another bucket"
    for kind, ours, foreign in pairs:
        for name in sorted({*ours} & {*foreign} - {""}):
            yield f"{kind} {name}: {also}"


def _overlap(name: str, other: str) -> bool:
    return f"{name}/".startswith(f"{other}/") or f"{other}/".startswith(f"{name}/")
