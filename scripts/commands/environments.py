# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The read of an environment's stores, and the connection to AWS."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NoAccess
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import DENIED, Contents
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection, suit
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.environment import (
    Environment,
    ReadRequest,
    read,
)
from ansible_collections.watchparty.secrets.scripts.commands import inventories, output

NAME = "watchparty.secrets.command"


def connected() -> AwsConnection:
    """Connects with the options of amazon.aws, from the variables that its plugins read."""
    connection = AwsConnection(NAME, ArgumentSpecValidator(aws_argument_spec()).validate({}).validated_parameters)
    connection.require_aws_sdk()
    return connection


def require_allowed(contents: Contents) -> None:
    """Raises NoAccess if a value may not be read: it would look absent."""
    denied = [str(failure) for failure in contents.failures.values() if failure.reason == DENIED]
    if denied:
        raise NoAccess("; ".join(denied))


class Reader:
    """A command's inventory, parsed once, and its environments."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args

    @cached_property
    def inventory(self) -> inventories.Inventory:
        return inventories.opened(self._args.inventory)

    def document(self, environment: str = "") -> Any:
        return self.inventory.document(environment or self._args.environment)

    def read(self, environment: str = "", **instead: Any) -> Environment:
        """Reads an environment, which may be in its own region. Raises SecretsError."""
        environment = environment or self._args.environment
        document = self.document(environment)
        request = ReadRequest(document=document, environment=environment, journal="optional", **instead)
        answer = read(request, connected())
        self._warn_of_undeclared(environment, document)
        return answer

    def _warn_of_undeclared(self, environment: str, document: Mapping[str, Any]) -> None:
        """Warns, because a mistyped environment looks like one without values."""
        known = self.inventory.environments() | set(document.get("environments") or ())
        if known and environment not in known and not any(self.inventory.hosts_of(environment)):
            names = output.printable(", ".join(sorted(known)))
            print(f"neither a host nor the catalog declares {environment}; declared: {names}", file=sys.stderr)

    def catalog(self) -> tuple[Catalog, AwsConnection]:
        """The catalog and a connection that suits it, without a read. Raises SecretsError."""
        catalog = catalog_parser.parse(self.document(), self._args.environment)
        connection = connected()
        suit(connection, catalog)
        return catalog, connection
