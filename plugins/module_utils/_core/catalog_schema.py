# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalog's JSON Schema, the one declaration of its form. ``docs/catalog.schema.json`` is written from it."""

from __future__ import annotations

from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    catalog_alerts,
    catalog_encrypted_env,
    catalog_mirror,
    catalog_notify,
    catalog_requests,
    catalog_services,
    catalog_sessions,
    catalog_vault,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_schema_parts import (
    NAME,
    NUMBER,
    SWITCH,
    described,
    schema_map,
    schema_object,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.dotenv_dialects import READERS

TYPES = ("string", "list", "integer", "boolean", "url", "host_list", "origin_list", "email", "json", "base64", "pem")
SENSITIVITIES = ("high", "medium", "low")
PURGED = ("cache", "sessions")
SCOPES = ("repository", "environment", "organization")
ROLES = ("deploy", "host", "rotate", "respond", "verify")
TLS_MODES = ("verify-full", "verify-ca", "require", "disable")
SETTING_NAME = r"^[A-Za-z_][A-Za-z0-9_]*\*?$"
REGION = {"type": "string", "pattern": r"^[a-z0-9-]+$"}
ROLE = {"type": "string", "pattern": r"^[A-Za-z0-9+=,.@_{}-]+$"}
"""What IAM takes as a name, with our placeholders. Workflows are made with it, so it holds no line break."""
GITHUB_ENVIRONMENT = {"type": "string", "pattern": r"^(?!.*\$\{\{)[^\x00-\x1f\x7f]+$"}
"""Nothing that GitHub would take for an expression."""


_SECRET_PLACE = schema_object({"secret": NAME, "key": NAME}, required=["secret"])
_PARAMETER_PLACE = schema_object({"parameter": NAME}, required=["parameter"])
_VAULT_PLACE = schema_object({"vault": catalog_vault.PATH, "key": NAME}, required=["vault", "key"])
_SETTING_PLACE = schema_object({"setting": NAME}, required=["setting"])
_STORED = (_SECRET_PLACE, _PARAMETER_PLACE, _VAULT_PLACE)
_PART_FORMS = {"anyOf": [{"type": ["string", "integer"]}, *_STORED, _SETTING_PLACE]}
_PART = {"$ref": "#/$defs/part"}
_COMPOSE = schema_object(
    {
        "scheme": described("Scheme of the URL, such as rediss.", NAME),
        "username": _PART,
        "password": _PART,
        "host": _PART,
        "port": _PART,
        "path": described("Path without the leading slash: a database name or number.", _PART),
        "query": schema_map(_PART),
    },
    required=["scheme", "host"],
)
_APPEARS_IN = {
    "anyOf": [
        schema_object({"setting": NAME}, required=["setting"]),
        schema_object({"secret": NAME, "key": NAME, "keys": {"type": "array", "items": NAME}}, required=["secret"]),
        schema_object({"parameter": NAME}, required=["parameter"]),
        schema_object(
            {"vault": catalog_vault.PATH, "key": NAME, "keys": {"type": "array", "items": NAME}}, required=["vault"]
        ),
        schema_object({"github": NAME}, required=["github"]),
    ]
}
_SETTING = schema_object(
    {
        "category": described("Heading under which the setting is listed.", NAME),
        "description": described("What the setting is, for lists and prompts.", NAME),
        "group": described("The value is in the secret that stores.secrets_manager.name gives for this group.", NAME),
        "secret": described("The value is in the secret with exactly this name.", NAME),
        "key": described("Key inside the secret's JSON; the setting's own name by default.", NAME),
        "parameter": described("The value is in this parameter below stores.ssm.path.", NAME),
        "vault": described("The value is at this path of Vault, below stores.vault.mount.", catalog_vault.PATH),
        "value": described("A literal value. Not for secrets.", {"type": ["string", "integer", "boolean"]}),
        "compose": described("A URL composed of other places, each part escaped.", {"$ref": "#/$defs/compose"}),
        "inventory": described("A variable of the inventory; synced to GitHub, never written into .env.", NAME),
        "copies": described(
            "Other locations that hold the same value; a difference is an error.",
            {"type": "array", "items": {"anyOf": list(_STORED)}},
        ),
        "github": described("Whether GitHub Actions gets a secret or a variable.", {"enum": ["secret", "variable"]}),
        "github_scope": described("Where GitHub stores the value; github.scope by default.", {"enum": list(SCOPES)}),
        "initial": described(
            "The first value that provisioning writes; {password} stands for a generated password.", NAME
        ),
        "type": described("Type of the value; string by default.", {"enum": list(TYPES)}),
        "schemes": described("Schemes that a url may have.", {"type": "array", "items": NAME, "minItems": 1}),
        "min_length": described("Minimum number of characters of a value.", {"type": "integer", "minimum": 1}),
        "required": described(
            "Whether a value must exist, or the setting that makes it required; false by default.",
            {"anyOf": [SWITCH, schema_object({"when": NAME}, required=["when"])]},
        ),
        "sensitivity": described(
            "high for secrets, medium for parameters, low for literals by default; low values are not masked.",
            {"enum": list(SENSITIVITIES)},
        ),
        "example": described("Placeholder for .env.example; refused as a value in production.", {"type": "string"}),
        "broker": described(
            "Whether a message broker uses this database. By default, the setting's name decides.", SWITCH
        ),
    }
)
_PURGE = schema_object(
    {
        "kind": described("Type of the keys; the entry's own name by default.", {"enum": list(PURGED)}),
        "setting": described("The setting whose URL names the server and the number of the database.", NAME),
        "keys": described("Patterns of keys, as in Valkey's SCAN.", {"type": "array", "items": NAME, "minItems": 1}),
        "distribution": described("Id of a CloudFront distribution.", {"type": "string", "pattern": r"^[A-Z0-9]+$"}),
        "paths": described(
            "Paths whose copies CloudFront removes, each starting with a slash; /* by default.",
            {"type": "array", "items": {"type": "string", "pattern": r"^/\S*$"}, "minItems": 1},
        ),
    }
)
_SERVER = schema_object(
    {
        "address": described(
            "Where to log in: host, host:port, [IPv6]:port or the directory of a socket, with {environment}.", NAME
        ),
        "aliases": described(
            "Other addresses of the same server that applications may name, such as a pooler's.",
            {"type": "array", "items": NAME},
        ),
        "nodes": described("Addresses of the other nodes of a Valkey deployment.", {"type": "array", "items": NAME}),
        "database": described("The PostgreSQL database that the administrator logs in to; postgres by default.", NAME),
        "tls": schema_object(
            {
                "mode": described(
                    "verify-full by default; on loopback and sockets no TLS is needed.", {"enum": list(TLS_MODES)}
                ),
                "reason": described("The reason for another mode than verify-full.", NAME),
                "ca": described("File of trusted certificates on the host that connects.", NAME),
                "cert": described("File of a client certificate on the host that connects.", NAME),
                "key": described("File of the client certificate's key on the host that connects.", NAME),
            }
        ),
    },
    required=["address"],
)
_PARTS = schema_object({name: described("The setting that holds it.", NAME) for name in ("host", "port", "database")})
_CREDENTIAL = schema_object(
    {
        "kind": described("How a run replaces it, such as postgresql_role; or the name of your own kind.", NAME),
        "description": described("What the credential is, for lists and prompts.", NAME),
        "appears_in": described(
            "Every location that holds the credential, whole or inside a URL.",
            {"type": "array", "items": {"$ref": "#/$defs/appears_in"}, "minItems": 1},
        ),
        "max_age_days": described(
            "Age at which the credential is due. The default is 90 for high sensitivity, and no limit for the rest.",
            {"type": "integer", "minimum": 1},
        ),
        "admin": described("The credential that may change this one.", NAME),
        "used_for": described("What a signing key signs: sessions, signing.", {"type": "array", "items": NAME}),
        "fallbacks": described("The setting that lists previous keys.", NAME),
        "exposes": described(
            "Further credentials that an attacker with this credential can read.", {"type": "array", "items": NAME}
        ),
        "revocation_ttl": described(
            "Seconds until the server must reject the old value.", {"type": "integer", "minimum": 0}
        ),
        "provider_url": described("The provider's page where you revoke the credential.", NAME),
        "revoke_after": described(
            "Seconds that the old value stays valid after a rotation; 0 by default.", {"type": "integer", "minimum": 0}
        ),
        "fallback_seconds": described(
            "Seconds for which a previous signing key stays a fallback: SESSION_COOKIE_AGE, 1209600 by default.",
            {"type": "integer", "minimum": 0},
        ),
        "options": described("Options of the kind; the kind's page lists them.", {"type": "object"}),
        "test": described("A request that tests an externally issued value.", {"$ref": "#/$defs/test"}),
        "api": described("Requests by which its provider makes, lists and revokes keys.", {"$ref": "#/$defs/api"}),
        "server": described(
            "The server. Only this server gets an administrator's password.", {"$ref": "#/$defs/server"}
        ),
        "parts": described("The settings that hold the server's address if no URL does.", {"$ref": "#/$defs/parts"}),
    },
    required=["kind", "appears_in"],
)
_STORES = schema_object(
    {
        "secrets_manager": schema_object(
            {"name": described("Pattern with {application}, {environment} and {group}.", NAME)}
        ),
        "ssm": schema_object(
            {
                "path": described("Path of the parameters, with {application} and {environment}.", NAME),
            }
        ),
        "vault": described("A HashiCorp Vault or OpenBao server, with a KV engine.", {"$ref": "#/$defs/vault"}),
    }
)
_GITHUB = schema_object(
    {
        "repository": described(
            "owner/name at GitHub.", {"type": "string", "pattern": r"^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$"}
        ),
        "environment": described(
            "The deployment environment at GitHub; the environment's own name by default.", GITHUB_ENVIRONMENT
        ),
        "scope": described("Where secrets and variables are kept; repository by default.", {"enum": list(SCOPES)}),
        "api_url": described("Address of GitHub Enterprise's API, such as https://github.example.com/api/v3.", NAME),
        "owner_id": described(
            "Numeric id of the owner, for the subjects of repositories made since July 2026.", NUMBER
        ),
        "repository_id": described("Numeric id of the repository, as for owner_id.", NUMBER),
    }
)
_AWS = schema_object(
    {
        "kms_key": described("Alias of the encryption key; alias/{application}-{environment} by default.", NAME),
        "owner": described("The owner's name: the value of the tag Owner.", NAME),
        "tags": described("Further tags of everything that provisioning creates.", schema_map(NAME)),
        "recovery_days": described(
            "Days in which a deleted secret can be restored; 30 by default.",
            {"type": "integer", "minimum": 7, "maximum": 30},
        ),
        "replicas": described("Regions that hold replicas of the secrets.", {"type": "array", "items": NAME}),
        "roles": described(
            "Names of the roles, with {application} and {environment}.",
            schema_object(dict.fromkeys((*ROLES, "mirror"), ROLE)),
        ),
        "host_principal": described("The principal that may assume the host role; ec2.amazonaws.com by default.", NAME),
        "operators": described(
            "ARNs that may assume the roles rotate, respond, mirror and verify.", {"type": "array", "items": NAME}
        ),
        "readers": described(
            "ARNs of other principals that may read the secrets. Verify reports a reader that is not declared.",
            {"type": "array", "items": NAME},
        ),
        "bucket": described("The application's S3 bucket, if its hosts use one.", NAME),
    }
)
_SHARED: dict[str, Any] = {
    "contacts": described(
        "Addresses by role; security is notified of a leak, and required for production.", schema_map(NAME)
    ),
    "audit_log": described(
        "Where rotations are recorded: one of the two; required for production.",
        schema_object(
            {"log_group": described("Log group in CloudWatch Logs.", NAME), "s3": described("bucket/prefix.", NAME)}
        ),
    ),
    "alerts": described(
        "Metrics and events in AWS, with a topic and alarms that provisioning creates.",
        {"$ref": "#/$defs/alerts"},
    ),
    "notify": catalog_notify.NOTIFY,
    "journal": described(
        "The journal of rotations. Rotations and leak responses need it, and provisioning creates it.",
        schema_object({"s3": described("bucket/prefix.", NAME)}, required=["s3"]),
    ),
    "github": described(
        "The repository at GitHub that gets settings and credentials, and whose workflows may deploy.",
        {"$ref": "#/$defs/github"},
    ),
    "encrypted_env": described(
        "The encrypted .env of each environment, which you may commit to git.",
        {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/encrypted_env"}]},
    ),
    "aws": described("What provisioning creates in AWS beside secrets and parameters.", {"$ref": "#/$defs/aws"}),
    "mirror": described(
        "Parameters that hold copies of settings in Secrets Manager: single settings with copies, and whole groups.",
        {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/mirror"}]},
    ),
    "stores": described("Names and paths in AWS, and a Vault server.", {"$ref": "#/$defs/stores"}),
    "readers": described(
        "The programs that read the .env; for each value there must be a spelling that all of them read exactly.",
        {"type": "array", "items": {"enum": list(READERS)}, "minItems": 1},
    ),
    "services": described("Services that a deploy restarts and checks.", schema_map({"$ref": "#/$defs/service"})),
    "purge": described(
        "What a leak response may purge: caches and sessions in Valkey (never a broker's keys), CloudFront's copies.",
        schema_map({"anyOf": [{"type": "null"}, {"$ref": "#/$defs/purge"}]}),
    ),
    "sessions": described("How a leak response ends sessions.", {"$ref": "#/$defs/sessions"}),
    "alternatives": described(
        "For each name, lists of settings; all settings of at least one list must have values.",
        schema_map({"type": "array", "minItems": 2, "items": {"type": "array", "minItems": 1, "items": NAME}}),
    ),
}
_ENVIRONMENT = schema_object(
    {
        **_SHARED,
        "github": described(
            "The keys of github that differ in this environment; null if this environment is not synced.",
            {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/github"}]},
        ),
        "alerts": described(
            "The keys of alerts that differ in this environment; null if runs of this environment send nothing.",
            {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/alerts"}]},
        ),
        "production": described("Whether the rules for production apply; true for 'production'.", SWITCH),
        "region": described("AWS region, used if neither option nor environment gives a region.", REGION),
        "expected_account_id": described("12 digits in quotes.", {"type": "string", "pattern": r"^[0-9]{12}$"}),
        "settings": {
            "type": "object",
            "patternProperties": {SETTING_NAME: {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/setting"}]}},
            "additionalProperties": False,
        },
        "credentials": schema_map({"anyOf": [{"type": "null"}, {"$ref": "#/$defs/credential"}]}),
        "exceptions": described(
            "Production rules that a setting may break, each with its reason.",
            {
                "type": "array",
                "items": schema_object(
                    {"rule": NAME, "setting": NAME, "reason": NAME}, required=["rule", "setting", "reason"]
                ),
            },
        ),
    }
)
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "secrets_catalog",
    "description": "An application's settings and credentials: names, places, and how they rotate.",
    "type": "object",
    "properties": {
        "application": described(
            "Name of the application; it replaces {application} in names and paths.",
            {"type": "string", "pattern": r"^[A-Za-z0-9_.-]+$"},
        ),
        **_SHARED,
        "environments": described("Keys that differ in one environment.", schema_map({"$ref": "#/$defs/environment"})),
        "secrets": described(
            "Secrets without {environment} in their names. Each entry names the one environment of a secret.",
            schema_map(schema_object({"environment": NAME}, required=["environment"])),
        ),
        "settings": described(
            "Environment variables of the application. A name that ends in * stands for all parameters that match.",
            {
                "type": "object",
                "minProperties": 1,
                "patternProperties": {SETTING_NAME: {"$ref": "#/$defs/setting"}},
                "additionalProperties": False,
            },
        ),
        "credentials": described(
            "Values that can be revoked, by name, with every location that holds them.",
            schema_map({"$ref": "#/$defs/credential"}),
        ),
    },
    "required": ["application", "settings"],
    "additionalProperties": False,
    "$defs": {
        "alerts": catalog_alerts.ALERTS,
        "api": catalog_requests.API,
        "appears_in": _APPEARS_IN,
        "aws": _AWS,
        "compose": _COMPOSE,
        "credential": _CREDENTIAL,
        "encrypted_env": catalog_encrypted_env.ENCRYPTED_ENV,
        "environment": _ENVIRONMENT,
        "github": _GITHUB,
        "mirror": catalog_mirror.MIRROR,
        "notifier": catalog_notify.NOTIFIER,
        "part": _PART_FORMS,
        "parts": _PARTS,
        "purge": _PURGE,
        "server": _SERVER,
        "service": catalog_services.SERVICE,
        "sessions": catalog_sessions.SESSIONS,
        "setting": _SETTING,
        "stores": _STORES,
        "test": catalog_requests.TEST,
        "vault": catalog_vault.schema(),
    },
}
