# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import PolicyError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import policy_scope

BASE: dict[str, Any] = {
    "application": "shop",
    "contacts": {"security": "security@example.com"},
    "audit_log": {"log_group": "/shop/audit"},
    "settings": {"TOKEN": {"group": "core"}, "HOSTS": {"parameter": "HOSTS"}},
    "environments": {"production": {}, "staging": {}},
}
CACHE = {
    "kind": "elasticache_auth_token",
    "options": {"replication_group": "shop"},
    "appears_in": [{"setting": "TOKEN"}],
}
USER = {"kind": "aws_access_key", "options": {"user": "shop"}, "appears_in": [{"setting": "TOKEN"}]}


def refuse(**over: Any) -> str:
    document = {**BASE, **over}
    try:
        policy_scope.require_narrow(document, catalog_parser.parse(document, "production"))
    except PolicyError as error:
        return str(error)
    return ""


def test_a_narrow_catalog_is_fine() -> None:
    assert refuse() == ""


@pytest.mark.parametrize("environment", ["production", "staging"])
def test_so_is_the_worked_example(load_catalog: Callable[[str], dict[str, Any]], environment: str) -> None:
    document = load_catalog("examples/watchparty/group_vars/all/secrets_catalog.yml")
    policy_scope.require_narrow(document, catalog_parser.parse(document, environment))


@pytest.mark.parametrize(
    ("over", "message"),
    [
        # Another environment's
        ({"stores": {"secrets_manager": {"name": "shop/{group}"}}}, "secret shop/core: also belongs to staging"),
        (
            {"stores": {"ssm": {"path": "/shop"}}},
            "stores.ssm: /shop and staging's /shop overlap",
        ),
        (
            {
                "environments": {"production": {"stores": {"ssm": {"path": "/shop"}}}, "staging": {}},
            },
            "stores.ssm: /shop and staging's /shop/staging overlap",
        ),
        ({"aws": {"kms_key": "alias/shop"}}, "aws.kms_key alias/shop: also belongs to staging"),
        ({"aws": {"roles": {"host": "MyAppRole"}}}, "aws.roles MyAppRole: also belongs to staging"),
        ({"aws": {"bucket": "media"}}, "aws.bucket media: also belongs to staging"),
        ({"credentials": {"cache": CACHE}}, "replication group shop: also belongs to staging"),
        ({"credentials": {"storage": USER}}, "IAM user shop: also belongs to staging"),
        ({"purge": {"cdn": {"distribution": "E2QWRU"}}}, "distribution E2QWRU: also belongs to staging"),
        # Its own
        (
            {"settings": {"TOKEN": {"secret": "shop-rotation/{environment}/core"}}},
            "secret shop-rotation/production/core: only secrets that rotations create and delete may begin with",
        ),
        (
            {"settings": {"TOKEN": {"secret": "shop-rotation-logins/{environment}/core"}}},
            "secret shop-rotation-logins/production/core: only secrets that rotations create and delete may begin with",
        ),
        (
            {
                "github": {"repository": "example/shop"},
                "stores": {"ssm": {"path": "/shop-github/{environment}/x"}},
            },
            "stores.ssm.path: /shop-github/production/x overlaps /shop-github/production, the path of",
        ),
        (
            {"credentials": {"storage": {**USER, "options": {}}}},
            "credentials.storage.options.user: is missing, so the policy would allow every",
        ),
        (
            {"credentials": {"storage": {**USER, "kind": "ses_smtp_password", "options": {}}}},
            "credentials.storage.options.user: is missing, so the policy would allow every",
        ),
        (
            {"aws": {"roles": {"host": "{environment}-x", "deploy": "{environment}-x"}}},
            "production-x is already the name of role",
        ),
        (
            {"audit_log": {"s3": "shop-audit/records"}, "aws": {"bucket": "shop-audit"}},
            "aws.bucket: shop-audit holds the audit log, so hosts could delete the log",
        ),
        (
            {"journal": {"s3": "shop-media"}, "aws": {"bucket": "shop-media"}},
            "aws.bucket: shop-media holds the journal, so hosts could write the journal; use another bucket",
        ),
        (
            {
                "journal": {"s3": "shop-media"},
                "environments": {"production": {}, "staging": {"aws": {"bucket": "shop-media"}}},
            },
            "journal.s3: shop-media is staging's aws.bucket, whose hosts could then write the journal; use another",
        ),
        # Names that mean more than themselves
        ({"settings": {"TOKEN": {"secret": "shop/{environment}/*"}}}, "'shop/production/*' is not a valid secret name"),
        ({"settings": {"TOKEN": {"secret": "{environment}/${{x}}"}}}, "is not a valid secret name"),
        ({"stores": {"ssm": {"path": "/shop/{environment}/*"}}}, "'/shop/production/*' is not a valid parameter name"),
        ({"audit_log": {"log_group": "/shop/*"}}, "audit_log.log_group: '/shop/*' is not a valid log group name"),
        ({"aws": {"kms_key": "alias/aws/ssm"}}, "aws.kms_key: 'alias/aws/ssm' is not a valid alias name"),
        ({"aws": {"replicas": ["*"]}}, "aws.replicas: '*' is not a valid region name"),
        ({"aws": {"bucket": "*"}}, "aws.bucket: '*' is not a valid bucket name"),
        (
            {"credentials": {"storage": {**USER, "options": {"user": "*"}}}},
            "credentials: '*' is not a valid IAM user name",
        ),
        (
            {"credentials": {"cache": {**CACHE, "options": {"replication_group": "shop-*"}}}},
            "credentials: 'shop-*' is not a valid replication group name",
        ),
        (
            {
                "settings": {"TOKEN": {"group": "core"}, "LIMIT_*": {"parameter": "LIMIT_*"}},
                "credentials": {"odd": {"kind": "external", "appears_in": [{"setting": "LIMIT_*"}]}},
            },
            "'/shop/production/LIMIT_*' is not a valid parameter name",
        ),
    ],
)
def test_what_would_be_granted_beyond_what_is_read(over: dict[str, Any], message: str) -> None:
    text = refuse(**over)
    assert text.startswith("Environment production: IAM roles would get access beyond this environment")
    assert message in text


def test_two_accounts_share_nothing() -> None:
    both = {"production": {"expected_account_id": "123456789012"}, "staging": {"expected_account_id": "210987654321"}}
    shared = {"aws": {"roles": {"host": "MyAppRole"}, "kms_key": "alias/shop"}}
    assert refuse(**shared, environments=both) == ""
    both["staging"]["expected_account_id"] = "123456789012"
    assert "MyAppRole" in refuse(**shared, environments=both)


def test_every_problem_is_named_at_once() -> None:
    result = refuse(aws={"kms_key": "alias/shop", "bucket": "media", "roles": {"host": "MyAppRole"}})
    assert all(name in result for name in ("alias/shop", "media", "MyAppRole"))
