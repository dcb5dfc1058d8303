# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Check,
    Facts,
    Outcome,
    bad,
    good,
    not_applicable,
    unknown,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import by_host, renewed
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import ROTATE


def look(facts: Facts) -> Iterator[Outcome]:
    yield from by_host(functools.partial(_host, facts.catalog), "stores")(facts)


def _host(catalog: Catalog, host: str, result: Mapping[str, Any]) -> Iterator[Outcome]:
    for process in result["shown"]:
        finding = bad(f"process {process['process']} {process['why']}", host)
        yield renewed(finding, catalog, process["setting"])
    for message in result["shown_unread"]:
        yield unknown(message, host)
    for message in result["shown_closed"]:
        yield not_applicable(message, host)
    if not result.get("drift"):
        yield unknown(result.get("drift_problem") or "no values are known to search for", host)
    elif not result["shown"] and not result["shown_unread"]:
        yield good(f"none that {result['account']} can see", host)


CHECK = Check(
    id="WPS209",
    name="process-values",
    area="hosts",
    severity="high",
    title="No value is in a process's arguments, or in another service's environment",
    reason="Every account can read the arguments of every process. No rotation reaches another service's environment.",
    fix=(
        "The owner of the process passes the value by a file or by standard input, and restarts it. "
        "Then rotate the value."
    ),
    scope=(
        "Only values of high sensitivity and 12 characters or more that .env or the catalog's other files hold now.",
        "Not environments of containers, root, .env's owner, the services' users, and the deploying account.",
    ),
    command=ROTATE,
    look=look,
    needs=("hosts", "stores"),
)
