# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Command line of the program with which a host fetches its own settings.

It uses its interpreter's boto3 and the instance's credentials. Started with ``-S``, it imports only files that no other
account may change: it runs as root at every boot.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from importlib.machinery import PathFinder
from typing import Any, Optional, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import trusted_imports
from ansible_collections.watchparty.secrets.plugins.module_utils._host.pull import fetch
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.environment_reader import Client

CLIENT_CONFIG = {
    "retries": {"mode": "standard", "total_max_attempts": 3},
    "connect_timeout": 3,
    "read_timeout": 10,
}
"""Few attempts: an application waits at boot, and :func:`fetch.fetch` tries again."""
PRIORITY = {fetch.GOOD: "<6>", fetch.KEPT: "<4>"}
"""Priority in the systemd journal: information or warning. Other codes are errors."""


def connect(region: Optional[str]) -> Client:
    """Raises SecretsError if boto3 is missing, may be changed by another account, or cannot make a client."""
    try:
        if sys.flags.no_site and PathFinder in sys.meta_path:  # the first call, as the unit starts it
            trusted_imports.enable(checked=True)
        import boto3
        from botocore import exceptions
        from botocore.config import Config
    except ImportError:
        raise fetch.NotConfigured(
            "boto3 is not installed for %s; run ansible-playbook watchparty.secrets.host again" % sys.executable
        ) from None
    except trusted_imports.Untrusted as error:
        raise fetch.NotConfigured(
            "%s, which another account may change; nothing was fetched. Run again: ansible-playbook "
            "watchparty.secrets.host" % error
        ) from None

    aws_errors.exceptions = exceptions  # its own import came before the packages
    with aws_errors.translated("a session", "AWS"):
        session = boto3.Session(region_name=region)
        # At boot, the instance's metadata service may be late.
        session._session.set_config_variable("metadata_service_num_attempts", 3)

    def client(service: str) -> Any:
        with aws_errors.translated("a client", service):
            return session.client(service, config=Config(**CLIENT_CONFIG))

    return client


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="fetch", description="Writes this host's settings from the stores.")
    parser.add_argument("--config", required=True, help="a JSON file: environment, path, owner and so on")
    parser.add_argument("--catalog", required=True, help="the catalog as JSON")
    parser.add_argument("--check", action="store_true", help="tell what would change, and write nothing")
    options = parser.parse_args(argv)
    os.umask(0o077)
    try:
        wanted = fetch.wanted_of(_loaded(options.config))
    except SecretsError as error:
        return _say(fetch.FetchResult(fetch.USAGE, (str(error),)))
    return _say(fetch.fetch(wanted, lambda: _loaded(options.catalog), connect, check=options.check))


def _loaded(path: str) -> Any:
    try:
        with open(path, encoding="utf-8") as handle:
            return json.load(handle)
    except OSError as error:
        raise fetch.NotConfigured("%s cannot be read: %s" % (path, error.strerror)) from None
    except ValueError:
        raise fetch.NotConfigured("%s is not valid JSON" % path) from None


def _say(outcome: fetch.FetchResult) -> int:
    """Writes to standard error; under systemd, each line has its priority."""
    start = PRIORITY.get(outcome.code, "<3>") if "JOURNAL_STREAM" in os.environ else ""
    for line in "\n".join(outcome.messages).splitlines():
        sys.stderr.write("%s%s\n" % (start, line))
    return outcome.code
