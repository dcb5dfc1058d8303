# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Output of commands with --json. scripts/write_schema.py publishes it as docs/command.schema.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import STORES

Schema = Mapping[str, Any]


def _text(description: str) -> Schema:
    return {"type": "string", "description": description}


def _texts(description: str) -> Schema:
    return {"type": "array", "items": {"type": "string"}, "description": description}


def _choice(description: str, *values: str) -> Schema:
    return {"enum": list(values), "description": description}


def _list(description: str, of: str) -> Schema:
    return {"type": "array", "items": {"$ref": f"#/$defs/{of}"}, "description": description}


def _map(description: str, of: Schema) -> Schema:
    return {"type": "object", "additionalProperties": of, "description": description}


def _results(**parts: tuple[str, str]) -> Schema:
    """Parts by name: the description, and the module that returns it."""
    described = {
        name: {"type": "object", "description": f"{text} The keys are return values of {module}."}
        for name, (text, module) in parts.items()
    }
    return {"type": "object", "properties": described, "additionalProperties": False}


def _object(**properties: Schema) -> Schema:
    required = list(properties)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


SETTING = _text("Name of the setting.")
VERSION = "Version id of a secret, or number of a parameter's version; empty without one."
CREATED = _text("Time of the version; empty if the store has none.")
LISTED: Mapping[str, Schema] = {
    "setting": SETTING,
    "source": _choice("Store of the value.", *STORES, "catalog", "composed"),
    "name": _text("Name of the secret or parameter; empty for a value of the catalog."),
    "key": {"type": ["string", "null"], "description": "Key in the secret's JSON object."},
    "version": _text(VERSION),
    "via_copy": {
        "type": "boolean",
        "description": "Whether the value comes from a copy, because the primary location has none.",
    },
}
DEFINITIONS: Mapping[str, Schema] = {
    "listing": _object(
        application=_text("Name of the application in the catalog."),
        environment=_text("Name of the environment."),
        settings=_list("Every setting that has a value.", "listed_setting"),
        absent=_texts("Optional settings without a value."),
        unknown=_texts("Names in the file that the catalog does not have."),
        problems=_texts("Reasons why the environment is invalid."),
        notes=_texts("Warnings."),
    ),
    "comparison": _object(
        left=_text("First side of the comparison, such as an environment, or an environment at a time."),
        right=_text("Second side of the comparison."),
        settings=_list("Every setting of either side.", "compared_setting"),
    ),
    "history": _object(
        setting=SETTING,
        versions=_list("Versions by location, the newest first.", "version"),
        notes=_texts("Sources that were not read, each with the reason."),
    ),
    "readers": _object(
        setting=SETTING,
        asked={"type": "boolean", "description": "Whether CloudTrail answered."},
        messages=_texts("One line for each reader, and for each source that was not read."),
    ),
    "description": _object(
        **LISTED,
        created=CREATED,
        value={
            "type": ["string", "null"],
            "description": "The value with --reveal, which needs a terminal; else null.",
        },
    ),
    "diagnosis": _object(
        environment=_text("Name of the environment."),
        findings=_list("One finding for each check.", "finding"),
    ),
    "run": _object(
        command=_texts("The ansible-playbook command. Its own output is on standard error."),
        exit_code={"type": "integer", "description": "Exit code of ansible-playbook."},
        ok={"type": "boolean", "description": "Whether the exit code is 0."},
        hosts=_map(
            "State of each host. With --check, changed means that the host would change.",
            {"enum": ["ok", "changed", "failed", "unreachable"]},
        ),
        errors=_list("Each error that no later task handled.", "run_error"),
        messages=_texts("The messages of the run, as its output shows them."),
        results={"$ref": "#/$defs/results"},
    ),
    "results": _results(
        deploy=("What deploy did on each host.", "env_file"),
        rotation=("Outcome of a rotation; plan with --check.", "rotation_start"),
        leak=("Outcome of a leak response.", "leak_start and leak_continue"),
        ages=("Ages of credentials, and open work.", "rotation_info"),
        verification=(
            "Counts, paths of the reports, and report: verify.json, as verification.schema.json describes it.",
            "verify_report",
        ),
        scan=("Findings of a scan.", "leak_scan"),
        settings=("Written settings.", "setting_value"),
    ),
    "run_error": _object(host=_text("Name of the host."), message=_text("The problem and its remedy.")),
    "failure": _object(
        error=_object(type=_text("Kind of the error, such as NoAccess."), message=_text("The problem and its remedy.")),
    ),
    "listed_setting": _object(**LISTED),
    "compared_setting": _object(
        setting=SETTING,
        state=_choice("Whether the values are equal.", "equal", "different", "only_left", "only_right"),
        left_version=_text(VERSION),
        right_version=_text(VERSION),
    ),
    "version": _object(
        place=_text("Location of the value, as text."),
        name=_text("Name of the secret or parameter."),
        version=_text(VERSION),
        created=CREATED,
        labels=_texts("Labels of the version, such as AWSCURRENT."),
        value=_choice("The value, compared with the version before.", "first", "changed", "same", "unreadable"),
        who=_text(
            "Who wrote the version, from the audit log, the parameter's history or CloudTrail; empty if unknown."
        ),
        address=_text("Address of the writer, from CloudTrail; empty if unknown."),
        rotation=_text("Id of the rotation that wrote the version; empty without one."),
    ),
    "finding": _object(
        subject=_text("What was checked."),
        state=_choice("The result.", "good", "problem", "no access", "not checked"),
        message=_text("Details."),
        remedy=_text("A command or a change; empty if the message has it."),
    ),
}
ANSWERS = {
    "list": "listing",
    "validate": "listing",
    "diff": "comparison",
    "history": "history",
    "who": "readers",
    "get": "description",
    "doctor": "diagnosis",
}
"""Schemas by command. Other commands with --json print a run. Any command may print a failure instead."""
SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Answers of scripts/secrets",
    "description": "What a command prints with --json. No answer holds a value, except that of get with --reveal.",
    "anyOf": [{"$ref": f"#/$defs/{name}"} for name in (*dict.fromkeys(ANSWERS.values()), "run", "failure")],
    "$defs": DEFINITIONS,
}
