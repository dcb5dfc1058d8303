# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A leak that is declared, in a journal in memory, and a run that responds to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import declaration as leak_declaration
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import steps as leak_steps
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.response import Response
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.task_results import Results
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import ReadCache, RotationSetup
from tests.unit.plugins.plugin_utils._rotation.rotator_world import KINDS, World

IMPACT: dict[str, Any] = {
    "declared": ["token"],
    "credentials": [{"name": "token", "kind": "given", "severity": "high", "wave": 0, "via": []}],
    "edges": [],
    "waves": [["token"]],
    "cycles": [],
}


NO_SESSIONS = {"ends": False, "declared": False, "against": ""}


@dataclass
class Leak:
    """``hosts`` holds each host's variables, ``variables`` what was registered once."""

    world: World = field(default_factory=World)
    hosts: dict[str, dict[str, Any]] = field(default_factory=lambda: {"web1": {}, "web2": {}})
    variables: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    purged: dict[str, Any] = field(default_factory=dict)
    """What the host answers that empties caches."""
    asked: list[list[str]] = field(default_factory=list)
    """The kinds that it was asked to empty."""
    connection: Any = None
    """To AWS."""

    @property
    def setting(self) -> RotationSetup:
        known = ReadCache(baseline=[None])
        return RotationSetup(self.world.catalog, KINDS, self.world.rotator("run1"), self.connection, known)

    @property
    def incident(self) -> Incident:
        incident = self.setting.rotator.look().incident
        assert incident is not None
        return incident

    def declare(self, *leaked: str) -> Incident:
        setting = self.setting
        wish = leak_declaration.LeakDeclaration(leaked or ("token",), impact=IMPACT)
        return leak_declaration.declare(setting, setting.rotator.look(), wish).incident

    def response(self, step: str, **extra: Any) -> Response:
        names = list(self.hosts)
        given = {
            "hosts": names,
            "targeted_hosts": names,
            "candidates": names,
            "impact": IMPACT,
            "session_plan": NO_SESSIONS,
        }
        return Response(step=step, **{**given, **extra})

    def run(self, response: Response, rotation: dict[str, Any] | None = None) -> leak_steps.ResponseRun:
        setting = self.setting
        results = Results({**self.variables, "hostvars": self.hosts})
        return leak_steps.ResponseRun(
            setting, setting.rotator.look(), response, results, self.warnings.append, self._purge, rotation
        )

    def _purge(self, kinds: Sequence[str]) -> dict[str, Any]:
        self.asked.append(list(kinds))
        return self.purged

    def following(self, response: Response, rotation: dict[str, Any] | None = None) -> tuple[Response, dict[str, Any]]:
        """After the tasks of the response's step: what is next."""
        run, result = leak_steps.following(self.run(response, rotation))
        work = result.get(result["next"], {})
        # A template that reads such a name by its dot gets the method.
        assert not {*result, *work} & set(dir(dict)), result
        return run.response, result
