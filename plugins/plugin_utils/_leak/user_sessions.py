# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Users' sessions: hosts that end and try them, and the results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_sessions import COMMAND
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.response import Response
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.session_plan import CHDIR, FILES
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.task_results import SKIPPED, Results

PROBE = "django_probe_url"


def are_ended(response: Response) -> bool:
    return response.logs_out and bool(response.session_plan.get("ends", True))


def with_files(response: Response, results: Results) -> list[str]:
    """Other hosts that must end sessions, by the application's command or in declared files."""
    if response.session_plan.get("command"):
        return response.others()
    if results.once("ended").get("engine") != "file":
        return []
    return [name for name in response.others() if _any_of(results, name, CHDIR, FILES)]


def with_probe(response: Response, results: Results) -> list[str]:
    """Other hosts that can try an old session."""
    if response.session_plan.get("command"):
        return []
    return [name for name in response.others() if results.variable(name, CHDIR) and results.variable(name, PROBE)]


def gather(response: Response, results: Results) -> Mapping[str, Any]:
    """Input of :func:`session_results.messages`."""
    others = response.others()
    ended, tried = (results.of_each(name, others) for name in ("ended_here", "tried_here"))
    files, probes = with_files(response, results), with_probe(response, results)
    return {
        "wanted": response.logs_out,
        "plan": response.session_plan,
        "host": response.session_host,
        "by_application": bool(results.variable(response.session_host, CHDIR)),
        "ended": results.once("ended"),
        "each": {
            name: {
                "ended": ended[name] if name in files else SKIPPED,
                "tried": tried[name] if name in probes else SKIPPED,
            }
            for name in others
        },
    }


def message(ended: Mapping[str, Any]) -> str:
    if ended.get("engine") == COMMAND:
        return "the command of the catalog (sessions.command) succeeded on every host"
    count = f"{ended.get('count', 0)} sessions of the engine {ended.get('engine', '?')}"
    return "; ".join([count, *ended.get("tried", ())])


def _any_of(results: Results, host: str, *names: str) -> bool:
    return any(results.variable(host, name) for name in names)
