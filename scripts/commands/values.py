# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The commands that use values: exec gives them to a program, get describes one and shows it on a terminal."""

from __future__ import annotations

import argparse
import os
import secrets
import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import AuditError, NotFound
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import process_identity
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.environment import Environment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import chain
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.backends import body_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.history import REVEALED
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.log import AuditLog
from ansible_collections.watchparty.secrets.scripts.commands import environments, listing, output
from ansible_collections.watchparty.secrets.scripts.commands.usage_error import UsageError

AWS_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
)
"""The operator's own credentials, which read every secret of the application."""
AWS_FILES = ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE")


def execute(args: argparse.Namespace) -> int:
    """Replaces this process, so that signals and the exit code are the program's."""
    if not args.rest:
        raise UsageError(f"exec needs a command: secrets exec {again(args)} -- ./manage.py migrate")
    environment = environments.Reader(args).read()
    environments.require_allowed(environment.contents)
    for warning in environment.warnings:
        print(f"secrets: {output.printable(output.completed(args, warning))}", file=sys.stderr)
    values = environment.resolution.require().values
    _require_safe(values, environment.catalog)
    known = os.environ if args.keep_aws else without_credentials(os.environ)
    sys.stdout.flush()
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and the program would inherit that
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(args.rest[0], args.rest, {**undeclared(known, environment.catalog), **values})
    except OSError as error:
        raise UsageError(f"{args.rest[0]}: cannot be started: {error.strerror}") from None


def _require_safe(values: Mapping[str, str], catalog: Catalog) -> None:
    """Raises if a pattern could name a variable such as LD_PRELOAD: whoever writes parameters chooses the names that
    match."""
    wide = [item for item in catalog.settings.values() if item.is_pattern and "_" not in item.name]
    for name, value in values.items():
        if "\0" in value:
            raise UsageError(f"{name}: contains a NUL character, which no environment variable can carry")
        pattern = next((item.name for item in wide if item.matches(name) and name not in catalog.settings), None)
        if pattern:
            raise UsageError(
                f"{name}: matches {pattern}, which could name a variable that programs obey, such as PATH; declare "
                "the setting by its name, or give the pattern a beginning with an underscore, such as RATE_*"
            )


def without_credentials(known: Mapping[str, str]) -> dict[str, str]:
    variables = {name: value for name, value in known.items() if name not in AWS_CREDENTIALS}
    return variables | dict.fromkeys(AWS_FILES, os.devnull)


def undeclared(known: Mapping[str, str], catalog: Catalog) -> dict[str, str]:
    """Variables without the catalog's settings: the shell's must not replace a setting that is absent from the
    stores."""
    return {name: value for name, value in known.items() if name not in catalog.settings}


def again(args: argparse.Namespace) -> str:
    """The environment and the inventory, for a command to paste."""
    return shlex.join([args.environment, *(["-i", args.inventory] if args.inventory else [])])


def is_terminal() -> bool:
    return sys.stdout.isatty()


def get(args: argparse.Namespace) -> int:
    """Shows everything but the value. With --reveal, also the value, after the audit log has a record.

    Shows no digest: guesses could be tested with one that is the same in the next run.
    """
    if args.reveal and not is_terminal():
        raise UsageError(
            "get shows a value on a terminal only, and standard output is something else. "
            f"To give values to a program, use: secrets exec {again(args)} -- COMMAND"
        )
    reader = environments.Reader(args)
    environment = reader.read()
    environments.require_allowed(environment.contents)
    origin = next((item for item in environment.resolution.origins if item.setting == args.name), None)
    if origin is None:
        raise NotFound(f"{args.name}: has no value in {args.environment}; see: secrets list {again(args)}")
    reading = environment.contents.readings.get(origin.name)
    answer = {**asdict(origin), "created": reading.written if reading else "", "value": None}
    if args.reveal:
        record(environment, reader, [args.name])
        answer["value"] = environment.resolution.values[args.name]
    output.show(args, answer=answer, lines=_lines(answer))
    return 0


def _lines(answer: Mapping[str, Any]) -> list[str]:
    value = answer["value"]
    if value is None:
        version = f"version {output.short(answer['version'])}, created {answer['created']}"
        facts = ", ".join([listing.place(answer), *([version] if answer["version"] else [])])
        return [
            f"{answer['setting']}: {facts}",
            "To show the value on a terminal, add --reveal. The audit log records this.",
        ]
    if output.printable(value) != value:
        print("secrets: each ? may stand for a character that a terminal does not print", file=sys.stderr)
    return [value]


def record(environment: Environment, reader: environments.Reader, names: Sequence[str]) -> None:
    """Writes a record to the audit log. Raises SecretsError."""
    catalog, connection = reader.catalog()
    body = body_of(catalog, connection.store_client)
    if body is None:
        raise AuditError(
            "the catalog has no audit_log, so no value is shown; add audit_log: {log_group: /APPLICATION/audit}"
        )
    now = datetime.now(UTC)
    fields = {
        "rotation": f"get-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(2)}",
        "outcome": REVEALED,
        "who": process_identity.me(),
        "at": timestamps.stamp(now),
        "settings": list(names),
    }
    AuditLog(catalog, body, head=chain.head_of(dict(environment.journal.audit))).recorded(fields, write=True)
