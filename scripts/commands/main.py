# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a command, and turns each error into a message and an exit code."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NoAccess, SecretsError
from ansible_collections.watchparty.secrets.scripts.commands import completion, definition, output
from ansible_collections.watchparty.secrets.scripts.commands.usage_error import UsageError


def main(argv: list[str], *, load_ansible: Callable[[], None] = lambda: None) -> int:
    """Runs the command. Loads Ansible only if needed, because that takes most of the time."""
    args = definition.parsed(argv)
    try:
        if completion.needs_inventory(args):
            load_ansible()
        module, _, name = args.function.partition(":")
        result: int = getattr(importlib.import_module(f"{__package__}.{module}"), name)(args)
        sys.stdout.flush()
        return result
    except BrokenPipeError:  # as in "secrets list production | head"
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 a traceback may show what an exception holds
        return _failed(args, error)


def _failed(args: argparse.Namespace, error: Exception) -> int:
    kind, message = type(error).__name__, _message(args, error)
    if getattr(args, "json", False):
        print(json.dumps({"error": {"type": kind, "message": message}}, indent=2))
    print(f"secrets: {output.printable(message)}", file=sys.stderr)
    return _exit_code(error)


def _message(args: argparse.Namespace, error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError):
        return (
            f"the Python package {error.name} was not found; install the packages ansible and boto3, or run make setup"
        )
    from ansible.errors import AnsibleError

    if isinstance(error, (SecretsError, AnsibleError)):
        return output.completed(args, str(error))
    # Another exception's text may be a value.
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"unexpected error: {type(error).__name__} at {Path(frame.filename).name}:{frame.lineno} (please report it)"


def _exit_code(error: Exception) -> int:
    if isinstance(error, NoAccess):
        return 3
    return 2 if isinstance(error, (UsageError, ModuleNotFoundError)) else 1
