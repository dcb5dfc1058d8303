# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalog's JSON Schema, the one declaration of its form. ``docs/catalog.schema.json`` is written from it."""

from __future__ import annotations

from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_alerts, vault_schema
from ansible_collections.watchparty.secrets.plugins.module_utils._core.dotenv_dialects import READERS

TYPES = ("string", "list", "integer", "boolean", "url", "host_list", "origin_list", "email", "json", "base64", "pem")
SENSITIVITIES = ("high", "medium", "low")
PURGED = ("cache", "sessions")
SCOPES = ("repository", "environment", "organization")
ROLES = ("deploy", "host", "rotate", "respond", "verify")
TLS_MODES = ("verify-full", "verify-ca", "require", "disable")
SETTING_NAME = r"^[A-Za-z_][A-Za-z0-9_]*\*?$"
NAME = {"type": "string", "minLength": 1}
REGION = {"type": "string", "pattern": r"^[a-z0-9-]+$"}
ROLE = {"type": "string", "pattern": r"^[A-Za-z0-9+=,.@_{}-]+$"}
"""What IAM takes as a name, with our placeholders. Workflows are made with it, so it holds no line break."""
GITHUB_ENVIRONMENT = {"type": "string", "pattern": r"^(?!.*\$\{\{)[^\x00-\x1f\x7f]+$"}
"""Nothing that GitHub would take for an expression."""
KMS_KEY_ARN = r"^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$"
SWITCH = {"type": "boolean"}


def _object(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False, **more}


def _map(of: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": of, **more}


def _described(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, **schema}


_SECRET_PLACE = _object({"secret": NAME, "key": NAME}, required=["secret"])
_PARAMETER_PLACE = _object({"parameter": NAME}, required=["parameter"])
_VAULT_PLACE = _object({"vault": vault_schema.PATH, "key": NAME}, required=["vault", "key"])
_SETTING_PLACE = _object({"setting": NAME}, required=["setting"])
_STORED = (_SECRET_PLACE, _PARAMETER_PLACE, _VAULT_PLACE)
_PART_FORMS = {"anyOf": [{"type": ["string", "integer"]}, *_STORED, _SETTING_PLACE]}
_PART = {"$ref": "#/$defs/part"}
_COMPOSE = _object(
    {
        "scheme": _described("Scheme of the URL, such as rediss.", NAME),
        "username": _PART,
        "password": _PART,
        "host": _PART,
        "port": _PART,
        "path": _described("Path without the leading slash: a database name or number.", _PART),
        "query": _map(_PART),
    },
    required=["scheme", "host"],
)
_APPEARS_IN = {
    "anyOf": [
        _object({"setting": NAME}, required=["setting"]),
        _object({"secret": NAME, "key": NAME, "keys": {"type": "array", "items": NAME}}, required=["secret"]),
        _object({"parameter": NAME}, required=["parameter"]),
        _object(
            {"vault": vault_schema.PATH, "key": NAME, "keys": {"type": "array", "items": NAME}}, required=["vault"]
        ),
        _object({"github": NAME}, required=["github"]),
    ]
}
_SETTING = _object(
    {
        "category": _described("Heading under which the setting is listed.", NAME),
        "description": _described("What the setting is, for lists and prompts.", NAME),
        "group": _described("Held in the secret that stores.secrets_manager.name gives for this group.", NAME),
        "secret": _described("Held in the secret of exactly this name.", NAME),
        "key": _described("Key inside the secret's JSON; the setting's own name by default.", NAME),
        "parameter": _described("Held in this parameter below stores.ssm.path.", NAME),
        "vault": _described("Held in this path of Vault, below stores.vault.mount.", vault_schema.PATH),
        "value": _described("A literal, for what is no secret.", {"type": ["string", "integer", "boolean"]}),
        "compose": _described("A URL composed of other places, each part escaped.", {"$ref": "#/$defs/compose"}),
        "inventory": _described("A variable of the inventory; synced to GitHub, never written into .env.", NAME),
        "copies": _described(
            "Other places that hold the same value; a difference is an error.",
            {"type": "array", "items": {"anyOf": list(_STORED)}},
        ),
        "github": _described("Synced to GitHub Actions as this.", {"enum": ["secret", "variable"]}),
        "github_scope": _described("Where GitHub keeps it; github.scope by default.", {"enum": list(SCOPES)}),
        "initial": _described(
            "Its first value, for provisioning: what is no secret, with {password} where one is generated.", NAME
        ),
        "type": _described("What a value must look like; string by default.", {"enum": list(TYPES)}),
        "schemes": _described("Schemes that a url may have.", {"type": "array", "items": NAME, "minItems": 1}),
        "min_length": _described("Fewest characters of a value.", {"type": "integer", "minimum": 1}),
        "required": _described(
            "Whether a value must exist, or the setting that makes it required; false by default.",
            {"anyOf": [SWITCH, _object({"when": NAME}, required=["when"])]},
        ),
        "sensitivity": _described(
            "high for secrets, medium for parameters, low for literals by default; low values are not masked.",
            {"enum": list(SENSITIVITIES)},
        ),
        "example": _described("Placeholder for .env.example; refused as a value in production.", {"type": "string"}),
        "broker": _described(
            "Whether queues, results or channels live behind this URL; by default what its name says.", SWITCH
        ),
    }
)
_SERVICE = _object(
    {
        "units": _described("systemd units to restart.", {"type": "array", "items": NAME, "minItems": 1}),
        "health": _described(
            "URL that answers 200 when the service is healthy, asked from the host itself.",
            {"type": "string", "pattern": r"^https?://\S+$"},
        ),
    },
    required=["units"],
)
_PURGE = _object(
    {
        "kind": _described("What the keys are; the entry's own name by default.", {"enum": list(PURGED)}),
        "setting": _described("The setting whose URL names the server and the number of the database.", NAME),
        "keys": _described("Patterns of keys, as SCAN takes them.", {"type": "array", "items": NAME, "minItems": 1}),
        "distribution": _described("Id of a CloudFront distribution.", {"type": "string", "pattern": r"^[A-Z0-9]+$"}),
        "paths": _described(
            "Paths whose copies it must forget, each with a slash first; /* by default.",
            {"type": "array", "items": {"type": "string", "pattern": r"^/\S*$"}, "minItems": 1},
        ),
    }
)
_STATUS = {"type": "array", "items": {"type": "integer", "minimum": 100}, "minItems": 1}
_TEST = _object(
    {
        "url": _described(
            "Address of the request, without the value.", {"type": "string", "pattern": r"^https?://\S*$"}
        ),
        "headers": _described(
            "Headers; {value}, {username} and {basic} stand for the login's parts.", _map({"type": "string"})
        ),
        "form": _described("What is posted, with the same; without it the request is a GET.", _map({"type": "string"})),
        "status": _described("What is answered to a valid value; 200 by default.", _STATUS),
        "refused": _described("What is answered to one that is not; 400, 401 and 403 by default.", _STATUS),
    },
    required=["url"],
)
_SERVER = _object(
    {
        "address": _described(
            "Where it logs in: host, host:port, [IPv6]:port or the directory of a socket, with {environment}.", NAME
        ),
        "aliases": _described(
            "Other addresses of the same server that applications may name, such as a pooler's.",
            {"type": "array", "items": NAME},
        ),
        "nodes": _described("Addresses of the other nodes of a Valkey deployment.", {"type": "array", "items": NAME}),
        "database": _described("The PostgreSQL database that it logs in to; postgres by default.", NAME),
        "tls": _object(
            {
                "mode": _described(
                    "verify-full by default; on loopback and sockets no TLS is needed.", {"enum": list(TLS_MODES)}
                ),
                "reason": _described("Why less than verify-full is enough.", NAME),
                "ca": _described("File of trusted certificates on the host that connects.", NAME),
                "cert": _described("File of a client certificate there.", NAME),
                "key": _described("File of its key there.", NAME),
            }
        ),
    },
    required=["address"],
)
_PARTS = _object({name: _described("The setting that holds it.", NAME) for name in ("host", "port", "database")})
_CREDENTIAL = _object(
    {
        "kind": _described("How it is replaced, such as postgresql_role; or the folder of a kind of your own.", NAME),
        "description": _described("What the credential is, for lists and prompts.", NAME),
        "appears_in": _described(
            "Every place that holds it, whole or inside a URL.",
            {"type": "array", "items": {"$ref": "#/$defs/appears_in"}, "minItems": 1},
        ),
        "max_age_days": _described(
            "Age at which it is due; 90 for high sensitivity by default, none for the rest.",
            {"type": "integer", "minimum": 1},
        ),
        "admin": _described("The credential that may change this one.", NAME),
        "used_for": _described("What a signing key signs: sessions, signing.", {"type": "array", "items": NAME}),
        "fallbacks": _described("The setting that lists former keys.", NAME),
        "exposes": _described(
            "Credentials that this one reveals, beside those derived.", {"type": "array", "items": NAME}
        ),
        "revocation_ttl": _described(
            "Seconds after which the old value must be refused.", {"type": "integer", "minimum": 0}
        ),
        "provider_url": _described("Page of the third party where it is revoked.", NAME),
        "revoke_after": _described(
            "Seconds that the old value stays valid after a rotation; 0 by default.", {"type": "integer", "minimum": 0}
        ),
        "fallback_seconds": _described(
            "Seconds that a former signing key still verifies: SESSION_COOKIE_AGE, 1209600 by default.",
            {"type": "integer", "minimum": 0},
        ),
        "options": _described("What the kind needs beside that; its page says what.", {"type": "object"}),
        "test": _described("A request that proves a value which a third party issued.", {"$ref": "#/$defs/test"}),
        "server": _described("Its server. An administrator's password goes nowhere else.", {"$ref": "#/$defs/server"}),
        "parts": _described(
            "The settings that hold its server's address, where no URL does.", {"$ref": "#/$defs/parts"}
        ),
    },
    required=["kind", "appears_in"],
)
_STORES = _object(
    {
        "secrets_manager": _object(
            {"name": _described("Pattern with {application}, {environment} and {group}.", NAME)}
        ),
        "ssm": _object(
            {
                "path": _described("Path of the parameters, with {application} and {environment}.", NAME),
            }
        ),
        "vault": _described("A HashiCorp Vault or OpenBao server, with a KV engine.", {"$ref": "#/$defs/vault"}),
    }
)
_NUMBER = {"type": "integer", "minimum": 1}
_MIRROR = _object(
    {
        "groups": _described(
            "Groups whose settings all get a parameter KEY below this path, which is below stores.ssm.path.", _map(NAME)
        ),
        "deletes": _described(
            "The most parameters that one run deletes without being told how many; 5 by default.",
            {"type": "integer", "minimum": 0},
        ),
        "replicas": _described("Whether the parameters are written in the regions of aws.replicas too.", SWITCH),
        "replica_key": _described("Encryption key there; AWS's own, alias/aws/ssm, by default.", NAME),
        "function": _described(
            "A Lambda function that mirrors by itself, which provisioning makes.",
            _object(
                {
                    "schedule_minutes": _described("How often it runs without an event; 60 by default.", _NUMBER),
                    "alarm_hours": _described(
                        "Hours without a success until its alarm, 24 at most; 6 by default.", _NUMBER
                    ),
                    "alarm_topic": _described("ARN of the SNS topic that the alarm tells.", NAME),
                    "xray": _described("Whether X-Ray traces it; false by default.", SWITCH),
                }
            ),
        ),
    }
)
_GITHUB = _object(
    {
        "repository": _described(
            "owner/name at GitHub.", {"type": "string", "pattern": r"^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$"}
        ),
        "environment": _described(
            "The deployment environment at GitHub; the environment's own name by default.", GITHUB_ENVIRONMENT
        ),
        "scope": _described("Where secrets and variables are kept; repository by default.", {"enum": list(SCOPES)}),
        "api_url": _described("Of GitHub Enterprise, such as https://github.example.com/api/v3.", NAME),
        "owner_id": _described(
            "Numeric id of the owner, for the subjects of repositories made since July 2026.", _NUMBER
        ),
        "repository_id": _described("Numeric id of the repository, for the same.", _NUMBER),
    }
)
_AWS = _object(
    {
        "kms_key": _described("Alias of the encryption key; alias/{application}-{environment} by default.", NAME),
        "owner": _described("Who answers for it: the value of the tag Owner.", NAME),
        "tags": _described("Further tags of everything that is made.", _map(NAME)),
        "recovery_days": _described(
            "Days in which a deleted secret can be restored; 30 by default.",
            {"type": "integer", "minimum": 7, "maximum": 30},
        ),
        "replicas": _described("Regions that hold replicas of the secrets.", {"type": "array", "items": NAME}),
        "roles": _described(
            "Names of the roles, with {application} and {environment}.",
            _object(dict.fromkeys(ROLES, ROLE)),
        ),
        "host_principal": _described("Who may be the host role; ec2.amazonaws.com by default.", NAME),
        "operators": _described(
            "ARNs of those who may be the roles rotate, respond and verify.", {"type": "array", "items": NAME}
        ),
        "readers": _described(
            "ARNs of users and roles that may read the secrets beside those, such as administrators; "
            "watchparty.secrets.verify asks.",
            {"type": "array", "items": NAME},
        ),
        "bucket": _described("The application's S3 bucket, if its hosts use one.", NAME),
    }
)
_ENCRYPTED_ENV = _object(
    {
        "file": _described(
            "Path of the file, with {application} and {environment}, such as deploy/{environment}.env.enc.", NAME
        ),
        "keys": _described(
            "ARNs of further KMS keys, each of which opens the file alone: of a second region, or a break-glass key.",
            {"type": "array", "items": {"type": "string", "pattern": KMS_KEY_ARN}},
        ),
    },
    required=["file"],
)
_SHARED: dict[str, Any] = {
    "contacts": _described(
        "Addresses by role; security is told about a leak, and required for production.", _map(NAME)
    ),
    "audit_log": _described(
        "Where rotations are recorded, one of the two; required for production.",
        _object(
            {
                "log_group": _described("Log group in CloudWatch Logs.", NAME),
                "s3": _described("bucket/prefix.", NAME),
            }
        ),
    ),
    "alerts": _described(
        "Metrics and events in AWS, with a topic and alarms, which provisioning makes; without it, none.",
        {"$ref": "#/$defs/alerts"},
    ),
    "journal": _described(
        "The journal of rotations. Rotations and leak responses need it, and provisioning makes it.",
        _object({"s3": _described("bucket/prefix.", NAME)}, required=["s3"]),
    ),
    "github": _described(
        "Where settings and credentials are synced to, and whose workflows may deploy; without it, none.",
        {"$ref": "#/$defs/github"},
    ),
    "encrypted_env": _described(
        "The encrypted .env of each environment, which may be kept in git; without it, none.",
        {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/encrypted_env"}]},
    ),
    "aws": _described("What provisioning makes in AWS beside secrets and parameters.", {"$ref": "#/$defs/aws"}),
    "mirror": _described(
        "Parameters that repeat settings of Secrets Manager: their copies, and whole groups; without it, none.",
        {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/mirror"}]},
    ),
    "stores": _described("Names and paths in AWS, and a Vault server.", {"$ref": "#/$defs/stores"}),
    "readers": _described(
        "The programs that read the .env; each value must have a spelling that all of them read back exactly.",
        {"type": "array", "items": {"enum": list(READERS)}, "minItems": 1},
    ),
    "services": _described("What a deploy restarts and asks for its health.", _map({"$ref": "#/$defs/service"})),
    "purge": _described(
        "What a leak response may empty: caches and sessions in Valkey, never a broker's keys; CloudFront's copies.",
        _map({"anyOf": [{"type": "null"}, {"$ref": "#/$defs/purge"}]}),
    ),
    "alternatives": _described(
        "For each name, lists of settings of which at least one list must be complete.",
        _map({"type": "array", "minItems": 2, "items": {"type": "array", "minItems": 1, "items": NAME}}),
    ),
}
_ENVIRONMENT = _object(
    {
        **_SHARED,
        "github": _described(
            "What differs at GitHub; null where nothing of this environment is synced.",
            {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/github"}]},
        ),
        "alerts": _described(
            "What differs in AWS; null where it is told nothing.",
            {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/alerts"}]},
        ),
        "production": _described("Whether the rules for production apply; true for 'production'.", SWITCH),
        "region": _described("AWS region, where neither option nor environment names one.", REGION),
        "expected_account_id": _described("12 digits in quotes.", {"type": "string", "pattern": r"^[0-9]{12}$"}),
        "settings": {
            "type": "object",
            "patternProperties": {SETTING_NAME: {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/setting"}]}},
            "additionalProperties": False,
        },
        "credentials": _map({"anyOf": [{"type": "null"}, {"$ref": "#/$defs/credential"}]}),
        "exceptions": _described(
            "Rules for production that a setting may break, each with its reason.",
            {
                "type": "array",
                "items": _object(
                    {"rule": NAME, "setting": NAME, "reason": NAME}, required=["rule", "setting", "reason"]
                ),
            },
        ),
    }
)
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "secrets_catalog",
    "description": "What an application's settings and credentials are, where they live, and how they rotate.",
    "type": "object",
    "properties": {
        "application": _described(
            "Name of the application; it replaces {application} in names and paths.",
            {"type": "string", "pattern": r"^[A-Za-z0-9_.-]+$"},
        ),
        **_SHARED,
        "environments": _described("What differs in one environment.", _map({"$ref": "#/$defs/environment"})),
        "secrets": _described(
            "Secrets named without {environment}, each with the one environment that it belongs to.",
            _map(_object({"environment": NAME}, required=["environment"])),
        ),
        "settings": _described(
            "Environment variables of the application; a name with * at its end stands for every such parameter.",
            {
                "type": "object",
                "minProperties": 1,
                "patternProperties": {SETTING_NAME: {"$ref": "#/$defs/setting"}},
                "additionalProperties": False,
            },
        ),
        "credentials": _described(
            "What can be revoked, by name, and every place that holds it.", _map({"$ref": "#/$defs/credential"})
        ),
    },
    "required": ["application", "settings"],
    "additionalProperties": False,
    "$defs": {
        "alerts": catalog_alerts.ALERTS,
        "appears_in": _APPEARS_IN,
        "aws": _AWS,
        "compose": _COMPOSE,
        "credential": _CREDENTIAL,
        "encrypted_env": _ENCRYPTED_ENV,
        "environment": _ENVIRONMENT,
        "github": _GITHUB,
        "mirror": _MIRROR,
        "part": _PART_FORMS,
        "parts": _PARTS,
        "purge": _PURGE,
        "server": _SERVER,
        "service": _SERVICE,
        "setting": _SETTING,
        "stores": _STORES,
        "test": _TEST,
        "vault": vault_schema.schema(),
    },
}
