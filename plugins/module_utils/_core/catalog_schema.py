# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalog's JSON Schema. ``docs/catalog.schema.json`` is generated from it."""

from __future__ import annotations

from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    catalog_alerts,
    catalog_aws,
    catalog_encrypted_env,
    catalog_files,
    catalog_mirror,
    catalog_notify,
    catalog_requests,
    catalog_services,
    catalog_sessions,
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
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import OUTSIDE_AWS

TYPES = ("string", "list", "integer", "boolean", "url", "host_list", "origin_list", "email", "json", "base64", "pem")
SENSITIVITIES = ("high", "medium", "low")
PURGED = ("cache", "sessions")
SCOPES = ("repository", "environment", "organization")
TLS_MODES = ("verify-full", "verify-ca", "require", "disable")
SETTING_NAME = r"^[A-Za-z_][A-Za-z0-9_]*\*?$"
REGION = {"type": "string", "pattern": r"^[a-z0-9-]+$"}
GITHUB_ENVIRONMENT = {"type": "string", "pattern": r"^(?!.*\$\{\{)[^\x00-\x1f\x7f]+$"}
"""Contains no ``${{``, so that GitHub sees no expression."""


_SECONDS = {"type": "integer", "minimum": 0}
_NAMES = {"type": "array", "items": NAME}
_SECRET_PLACE = schema_object({"secret": NAME, "key": NAME}, required=["secret"])
_PARAMETER_PLACE = schema_object({"parameter": NAME}, required=["parameter"])
_OUTSIDE_PLACES = tuple(
    schema_object({name: section.place_form, "key": NAME}, required=[name, "key"])
    for name, section in OUTSIDE_AWS.items()
)
_SETTING_PLACE = schema_object({"setting": NAME}, required=["setting"])
_STORED = (_SECRET_PLACE, _PARAMETER_PLACE, *_OUTSIDE_PLACES)
_PART_FORMS = {"anyOf": [{"type": ["string", "integer"]}, *_STORED, _SETTING_PLACE]}
_PART = {"$ref": "#/$defs/part"}
_COMPOSE = schema_object(
    {
        "scheme": described("Scheme of the URL, such as rediss.", NAME),
        "username": described("User name in the URL.", _PART),
        "password": described("Password in the URL.", _PART),
        "host": described("Host in the URL.", _PART),
        "port": described("Port in the URL.", _PART),
        "path": described("Path without the leading slash: a database name or number.", _PART),
        "query": described("Parameters of the query, by name.", schema_map(_PART)),
    },
    required=["scheme", "host"],
)
_APPEARS_IN = {
    "anyOf": [
        schema_object({"setting": NAME}, required=["setting"]),
        schema_object({"secret": NAME, "key": NAME, "keys": _NAMES}, required=["secret"]),
        schema_object({"parameter": NAME}, required=["parameter"]),
        *(
            schema_object({name: section.place_form, "key": NAME, "keys": _NAMES}, required=[name])
            for name, section in OUTSIDE_AWS.items()
        ),
        schema_object({"github": NAME}, required=["github"]),
    ]
}
_SETTING = schema_object(
    {
        "category": described("Heading under which .env.example lists the setting.", NAME),
        "description": described("What the setting is, for lists and prompts.", NAME),
        "group": described("The value is in the secret that stores.secrets_manager.name gives for this group.", NAME),
        "secret": described("The value is in the secret with exactly this name.", NAME),
        "key": described("Key in the secret's JSON object. By default, the name of the setting.", NAME),
        "parameter": described("The value is in this parameter below stores.ssm.path.", NAME),
        **{name: described(section.place_description, section.place_form) for name, section in OUTSIDE_AWS.items()},
        "value": described("Literal value, never a secret.", {"type": ["string", "integer", "boolean"]}),
        "compose": described(
            "URL of several parts, which are literals or come from stores.", {"$ref": "#/$defs/compose"}
        ),
        "inventory": described("Inventory variable whose value is synced to GitHub and never written to .env.", NAME),
        "copies": described(
            "Other locations that hold the same value. If a location has another value, the run fails.",
            {"type": "array", "items": {"anyOf": list(_STORED)}},
        ),
        "github": described("Whether GitHub Actions gets a secret or a variable.", {"enum": ["secret", "variable"]}),
        "github_scope": described("Where GitHub stores the value. By default github.scope.", {"enum": list(SCOPES)}),
        "initial": described(
            "The first value that provisioning writes; {password} stands for a generated password.", NAME
        ),
        "type": described("Type of the value, string by default.", {"enum": list(TYPES)}),
        "schemes": described(
            "Schemes that a value of the type url may have.", {"type": "array", "items": NAME, "minItems": 1}
        ),
        "min_length": described("Minimum number of characters of a value.", {"type": "integer", "minimum": 1}),
        "required": described(
            "Whether the setting must have a value, false by default. With when: only if that setting has a value.",
            {"anyOf": [SWITCH, schema_object({"when": NAME}, required=["when"])]},
        ),
        "sensitivity": described(
            "How secret the value is, by default high in a secret, medium in a parameter, low as a literal.",
            {"enum": list(SENSITIVITIES)},
        ),
        "example": described("Placeholder for .env.example. Production refuses it as a value.", {"type": "string"}),
        "broker": described(
            "Whether a message broker uses the database of this URL. By default, the setting's name decides.", SWITCH
        ),
    }
)
_PURGE = schema_object(
    {
        "kind": described("What the keys are. By default, the name of the entry.", {"enum": list(PURGED)}),
        "setting": described("The setting whose URL names the server and the number of the database.", NAME),
        "keys": described("Patterns of keys, as in Valkey's SCAN.", {"type": "array", "items": NAME, "minItems": 1}),
        "distribution": described("Id of a CloudFront distribution.", {"type": "string", "pattern": r"^[A-Z0-9]+$"}),
        "paths": described(
            "Paths whose copies CloudFront removes. Each starts with a slash. By default /*.",
            {"type": "array", "items": {"type": "string", "pattern": r"^/\S*$"}, "minItems": 1},
        ),
    }
)
_SERVER = schema_object(
    {
        "address": described(
            "Host, host:port, [IPv6]:port or the directory of a socket. May contain {environment}.", NAME
        ),
        "aliases": described(
            "Other addresses of the same server in the URLs of applications, such as a connection pooler's.", _NAMES
        ),
        "nodes": described("Addresses of the other nodes of a Valkey deployment.", _NAMES),
        "database": described("The PostgreSQL database that the administrator logs in to; postgres by default.", NAME),
        "tls": described(
            "How connections to the server are encrypted.",
            schema_object(
                {
                    "mode": described(
                        "verify-full by default. Loopback and sockets need no TLS.", {"enum": list(TLS_MODES)}
                    ),
                    "reason": described(
                        "Reason for another mode than verify-full. Required with such a mode, unless every address is "
                        "loopback or a socket.",
                        NAME,
                    ),
                    "ca": described("Path of a file with trusted certificates, on the host that connects.", NAME),
                    "cert": described("Path of a file with a client certificate, on the host that connects.", NAME),
                    "key": described("Path of a file with the client's key, on the host that connects.", NAME),
                }
            ),
        ),
    },
    required=["address"],
)
_PARTS = schema_object(
    {name: described(f"Name of the setting with the server's {name}.", NAME) for name in ("host", "port", "database")}
)
_CREDENTIAL = schema_object(
    {
        "kind": described("How a run replaces the credential, such as postgresql_role, or a kind of your own.", NAME),
        "description": described("What the credential is, for lists and prompts.", NAME),
        "appears_in": described(
            "Every location that holds the credential, whole or inside a URL.",
            {"type": "array", "items": {"$ref": "#/$defs/appears_in"}, "minItems": 1},
        ),
        "max_age_days": described(
            "Age in days at which the credential is due. By default 90 for high sensitivity, otherwise no limit.",
            {"type": "integer", "minimum": 1},
        ),
        "admin": described("Name of the administrator's credential that may change this credential.", NAME),
        "used_for": described("What a signing key signs: sessions, signing or both.", _NAMES),
        "fallbacks": described("For a signing key: name of the setting that lists its previous keys.", NAME),
        "exposes": described("Other credentials that an attacker with this credential can read.", _NAMES),
        "revocation_ttl": described("Seconds from the promotion until the server must reject the old value.", _SECONDS),
        "provider_url": described("URL of the page on which you revoke the credential at its provider.", NAME),
        "revoke_after": described("Seconds that the old value stays valid after a rotation, 0 by default.", _SECONDS),
        "fallback_seconds": described(
            "Seconds that a previous signing key stays valid, 1209600 by default. Use Django's SESSION_COOKIE_AGE.",
            _SECONDS,
        ),
        "options": described("Options of the kind. The page of the kind lists them.", {"type": "object"}),
        "test": described("HTTP request that tests an externally issued value.", {"$ref": "#/$defs/test"}),
        "api": described("HTTP requests that create, list and revoke keys at the provider.", {"$ref": "#/$defs/api"}),
        "server": described("The only server that gets the administrator's password.", {"$ref": "#/$defs/server"}),
        "parts": described("Settings with the server's address, if no URL has it.", {"$ref": "#/$defs/parts"}),
    },
    required=["kind", "appears_in"],
)
_STORES = schema_object(
    {
        "secrets_manager": described(
            "Secrets in AWS Secrets Manager.",
            schema_object(
                {"name": described("Pattern of the names, with {application}, {environment} and {group}.", NAME)}
            ),
        ),
        "ssm": described(
            "Parameters in AWS SSM Parameter Store.",
            schema_object({"path": described("Path of the parameters, with {application} and {environment}.", NAME)}),
        ),
        **{name: described(section.description, {"$ref": f"#/$defs/{name}"}) for name, section in OUTSIDE_AWS.items()},
    }
)
_GITHUB = schema_object(
    {
        "repository": described(
            "The repository at GitHub, as owner/name.",
            {"type": "string", "pattern": r"^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$"},
        ),
        "environment": described(
            "The deployment environment at GitHub. By default, the name of the environment.", GITHUB_ENVIRONMENT
        ),
        "scope": described("Where GitHub stores secrets and variables, repository by default.", {"enum": list(SCOPES)}),
        "api_url": described("Address of GitHub Enterprise's API, such as https://github.example.com/api/v3.", NAME),
        "owner_id": described(
            "Numeric id of the owner. Tokens of repositories created since July 2026 contain it.", NUMBER
        ),
        "repository_id": described("Numeric id of the repository, for the same tokens.", NUMBER),
    }
)
_BUCKET_AND_PREFIX = described("S3 bucket and prefix, as bucket/prefix.", NAME)
_SHARED: dict[str, Any] = {
    "contacts": described(
        "Contact addresses by role. Leak responses show the address of security. Production requires it.",
        schema_map(NAME),
    ),
    "audit_log": described(
        "Where the audit log is: log_group or s3. Production requires an audit log.",
        schema_object({"log_group": described("Log group in CloudWatch Logs.", NAME), "s3": _BUCKET_AND_PREFIX}),
    ),
    "alerts": described(
        "Metrics and events that runs send to AWS. Provisioning creates a topic and alarms.", {"$ref": "#/$defs/alerts"}
    ),
    "notify": catalog_notify.NOTIFY,
    "journal": described(
        "The journal of rotations. Rotations and leak responses need it, and provisioning creates it.",
        schema_object({"s3": _BUCKET_AND_PREFIX}, required=["s3"]),
    ),
    "github": described(
        "The repository at GitHub that gets settings and credentials, and whose workflows may deploy.",
        {"$ref": "#/$defs/github"},
    ),
    "encrypted_env": described(
        "The encrypted .env. You may commit it to git.",
        {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/encrypted_env"}]},
    ),
    "aws": described("Names, tags and roles of what provisioning creates in AWS.", {"$ref": "#/$defs/aws"}),
    "mirror": described(
        "How settings of Secrets Manager are copied to Parameter Store: whole groups, other regions, automatic runs.",
        {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/mirror"}]},
    ),
    "stores": described("Where AWS and Vault keep the values.", {"$ref": "#/$defs/stores"}),
    "readers": described(
        "Programs that read the .env. A value that they cannot all read exactly is an error.",
        {"type": "array", "items": {"enum": list(READERS)}, "minItems": 1},
    ),
    "files": described(
        "Files that a deploy writes beside .env, by name: their paths, formats and settings.",
        schema_map({"anyOf": [{"type": "null"}, {"$ref": "#/$defs/file"}]}),
    ),
    "services": described("Services that a deploy restarts and checks.", schema_map({"$ref": "#/$defs/service"})),
    "purge": described(
        "Caches and sessions in Valkey, and copies at CloudFront, that a leak response deletes.",
        schema_map({"anyOf": [{"type": "null"}, {"$ref": "#/$defs/purge"}]}),
    ),
    "sessions": described("How a leak response ends sessions.", {"$ref": "#/$defs/sessions"}),
    "leak": described(
        "Defaults of leak responses. The variable leak_evict overrides evict.",
        schema_object({"evict": described("Whether unknown keys and logins are removed. By default false.", SWITCH)}),
    ),
    "alternatives": described(
        "Lists of settings, under a name of your choice. In at least one list, all settings must have values.",
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
        "production": described("Whether the rules for production apply, by default for the name production.", SWITCH),
        "region": described("AWS region. Used if neither an option nor an environment variable sets a region.", REGION),
        "expected_account_id": described(
            "AWS account of the environment, 12 digits in quotes.", {"type": "string", "pattern": r"^[0-9]{12}$"}
        ),
        "settings": {
            "description": "Keys of settings that differ in this environment; null removes a setting.",
            "type": "object",
            "patternProperties": {SETTING_NAME: {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/setting"}]}},
            "additionalProperties": False,
        },
        "credentials": described(
            "Keys of credentials that differ in this environment; null removes a credential.",
            schema_map({"anyOf": [{"type": "null"}, {"$ref": "#/$defs/credential"}]}),
        ),
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
            "Name of the application. Names and paths may contain it as {application}.",
            {"type": "string", "pattern": r"^[A-Za-z0-9_.-]+$"},
        ),
        **_SHARED,
        "environments": described("Keys that differ in one environment.", schema_map({"$ref": "#/$defs/environment"})),
        "secrets": described(
            "Secrets without {environment} in their names. Each entry names the one environment of a secret.",
            schema_map(schema_object({"environment": NAME}, required=["environment"])),
        ),
        "settings": described(
            "Environment variables of the application, by name. A name that ends in * means all matching parameters.",
            {
                "type": "object",
                "minProperties": 1,
                "patternProperties": {SETTING_NAME: {"$ref": "#/$defs/setting"}},
                "additionalProperties": False,
            },
        ),
        "credentials": described(
            "Values that can be revoked, by name, each with every location that holds it.",
            schema_map({"$ref": "#/$defs/credential"}),
        ),
    },
    "required": ["application", "settings"],
    "additionalProperties": False,
    "$defs": {
        "alerts": catalog_alerts.ALERTS,
        "api": catalog_requests.API,
        "appears_in": _APPEARS_IN,
        "aws": catalog_aws.AWS,
        "compose": _COMPOSE,
        "credential": _CREDENTIAL,
        "encrypted_env": catalog_encrypted_env.ENCRYPTED_ENV,
        "environment": _ENVIRONMENT,
        "file": catalog_files.FILE,
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
        **{name: section.form for name, section in OUTSIDE_AWS.items()},
    },
}
