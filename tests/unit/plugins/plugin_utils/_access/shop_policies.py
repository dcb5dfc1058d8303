# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The policies of a shop's two environments, for the tests of what they allow."""

from __future__ import annotations

from functools import cache
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import policies as access_policies
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.aws_scope import AwsScope

ACCOUNT, REGION = "123456789012", "eu-west-3"
KEYS = {
    "production": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-1111-1111-1111-111111111111",
    "staging": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/22222222-2222-2222-2222-222222222222",
}


def storage(environment: str) -> dict[str, Any]:
    appears_in = [{"setting": "AWS_ACCESS_KEY_ID"}, {"setting": "AWS_SECRET_ACCESS_KEY"}]
    return {"kind": "aws_access_key", "options": {"user": f"shop-{environment}"}, "appears_in": appears_in}


def cached(environment: str) -> dict[str, Any]:
    options = {"replication_group": f"shop-{environment}"}
    return {"kind": "elasticache_auth_token", "options": options, "appears_in": [{"setting": "REDIS_URL"}]}


DOCUMENT: dict[str, Any] = {
    "application": "shop",
    "contacts": {"security": "security@example.com"},
    "audit_log": {"log_group": "/shop/audit"},
    "journal": {"s3": "shop-secrets/journal"},
    "github": {"repository": "example/shop"},
    "aws": {"replicas": ["eu-west-1"]},
    "secrets": {"all-in-one": {"environment": "production"}},
    "settings": {
        "SECRET_KEY": {"group": "core", "copies": [{"parameter": "App/SECRET_KEY"}]},
        "DATABASE_URL": {"group": "core", "schemes": ["postgresql"]},
        "CLIENT_SECRET": {"group": "integrations"},
        "HOSTS": {"parameter": "App/HOSTS", "sensitivity": "low"},
        "AWS_ACCESS_KEY_ID": {"group": "storage"},
        "AWS_SECRET_ACCESS_KEY": {"group": "storage"},
        "REDIS_URL": {"group": "cache", "schemes": ["rediss"]},
    },
    "purge": {"cdn": {"distribution": "E2QWRUHAPOMQZL"}},
    "credentials": {
        "database": {
            "kind": "postgresql_role",
            "admin": "admin",
            "appears_in": [{"setting": "DATABASE_URL"}, {"secret": "all-in-one", "key": "password"}],
        },
        "admin": {
            "kind": "external",
            "server": {"address": "db"},
            "appears_in": [{"secret": "shop/{environment}/admin", "key": "password"}],
        },
        "key": {"kind": "django_secret_key", "appears_in": [{"setting": "SECRET_KEY"}]},
        "storage": storage("production"),
        "cache": cached("production"),
    },
    "environments": {
        "production": {"region": REGION, "aws": {"bucket": "shop-media"}},
        "staging": {
            "region": REGION,
            "aws": {"bucket": "shop-staging-media"},
            "purge": {"cdn": None},
            "credentials": {"storage": storage("staging"), "cache": cached("staging")},
        },
    },
}


@cache
def documents(environment: str) -> dict[str, tuple[dict[str, Any], ...]]:
    ground = AwsScope(ACCOUNT, REGION, KEYS[environment])
    return access_policies.documents(catalog_parser.parse(DOCUMENT, environment), ground)


def secret(name: str, suffix: str = "AbCdEf") -> str:
    return f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-{suffix}"


def parameter(name: str) -> str:
    return f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{name}"


def key_for(
    arn: str, *, service: str = "secretsmanager", environment: str = "production"
) -> tuple[str, dict[str, str]]:
    context = {"secretsmanager": "SecretARN", "ssm": "PARAMETER_ARN"}[service]
    return KEYS[environment], {
        "kms:ViaService": f"{service}.{REGION}.amazonaws.com",
        f"kms:EncryptionContext:{context}": arn,
    }


SM, CORE = "secretsmanager", secret("shop/production/core")
ADMIN, OTHERS = secret("shop/production/admin"), secret("shop/production/integrations")
STAGING = secret("shop/staging/core")
OVERLAY = secret("shop-rotation/production/r-20261125T100000-ab12")
LOGINS = secret("shop-rotation-logins/production/r-20261125T100000-ab12")
ISSUED = secret("shop-rotation-logins/production/r-20261125T100000-ab12/storage")
THEIRS = secret("shop-rotation-logins/staging/r-20261125T100000-ab12")
HOSTS, KEPT = parameter("/shop/production/App/HOSTS"), parameter("/shop/production/App/SECRET_KEY")
ENTRY = "arn:aws:s3:::shop-secrets/journal/shop/production/journal.jsonl"
SERVERS = "arn:aws:s3:::shop-secrets/journal/shop/production/baseline.json"
STREAM = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/shop/audit:log-stream:shop/production"
USER = f"arn:aws:iam::{ACCOUNT}:user/shop-production"
GROUP = f"arn:aws:elasticache:{REGION}:{ACCOUNT}:replicationgroup:shop-production"
CDN = f"arn:aws:cloudfront::{ACCOUNT}:distribution/E2QWRUHAPOMQZL"
MEDIA = "arn:aws:s3:::shop-media"
EVERY = ("deploy", "host", "rotate", "respond")
"""Whose runs act on an application; what ``verify`` may is compared with its run in test_least_privilege."""
WRITERS = ("rotate", "respond")
NOBODY: tuple[str, ...] = ()
