# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Services of supervisor, runit and docker compose: the command of a finding mends it."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import FAIL
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import managed_facts, unit_facts
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.interface import ServiceManager
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import env_drift
from tests.integration import docker_engine
from tests.integration.service_manager_lab import MANAGERS, SLEEP, call, declare
from tests.integration.test_service_managers import APPLICATION, as_root, engine_ends, folder
from tests.unit.plugins.plugin_utils._verify import pasted_commands, verify_facts

__all__ = ["engine_ends", "folder"]


def findings(made: ServiceManager, check: str, *, since: float | None = None) -> dict[str, str]:
    """Messages of a check on this host, if its health check fails, and their commands."""
    units, _problems = managed_facts.units([made.declared], unit_facts.Known((), lambda *_: "", "/none"), since)
    answer = {**verify_facts.host(units=units, health=[verify_facts.answer(status=500)]), "fingerprints": {}}
    hosts = {"web1": env_drift.judge({}, answer, [made.declared])}
    outside = {"https://shop.example/": verify_facts.answer(status=503)}
    facts = verify_facts.facts(hosts=hosts, outside=outside)
    (result,) = verify_check.run_checks(verify_check.chosen([check]), facts)
    assert pasted_commands.flaws([result]) == []
    found = [outcome for outcome in result.outcomes if outcome.status == FAIL]
    return {outcome.message: result.check.command_for(outcome, "production") for outcome in found}


def paste(commands: Iterable[str]) -> None:
    """As an operator does, but for the host, which is this machine."""
    for command in commands:
        program, *words = shlex.split(command)
        call([str(Path(sys.executable).with_name(program)), "-i", "web1,", "-c", "local", *words])


def let_start(folder: Path) -> None:
    """A person allows what a command cannot: the manager must still learn of it."""
    (folder / "web" / "down").touch() if (folder / "web").exists() else None
    if (folder / "compose.yaml").exists():
        declare(folder / "compose.yaml", docker_engine.service(SLEEP, restart="unless-stopped"))
    for file in folder.glob("supervisord.conf"):
        file.write_text(file.read_text().replace("autostart = false", "autostart = true", 1))


@as_root
@pytest.mark.parametrize(("start", "uid"), [*zip(MANAGERS, (None, APPLICATION, APPLICATION), strict=True)])
def test_the_command_of_a_finding_mends_it(folder: Path, start: Any, uid: int | None) -> None:
    with start(folder, uid) as made:
        (folder / ".env").touch()
        let_start(folder)
        made.stop(20)
        paste(findings(made, "WPS306").values())
        until = time.monotonic() + 10
        while findings(made, "WPS306"):  # supervisor reports a program as starting for a second
            assert time.monotonic() < until
        since = time.time()
        restart = list(findings(made, "WPS303", since=since).values())
        assert all(restart == list(findings(made, check).values()) for check in ("WPS601", "WPS602"))
        paste(restart)
        assert findings(made, "WPS303", since=since) == {}
