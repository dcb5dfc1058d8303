# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What docker answers."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.compose import ComposeManager

DOCKER = """#!/bin/sh
echo 'level=warning msg="the attribute `version` is obsolete, it will be ignored"' >&2
[ "$1" = compose ] && echo 0a1b && exit
[ "$#-$4" = 4-0a1b ] && echo 'web running 2026-11-29T10:00:00.5Z'
"""


def manager(folder: Path, docker: str) -> ComposeManager:
    (folder / "compose.yaml").touch()
    program = folder / "docker"
    program.write_text(docker)
    program.chmod(0o755)
    return ComposeManager(
        {"service": "web", "units": ["web"], "file": f"{folder}/compose.yaml", "program": str(program)}
    )


def test_a_variable_that_the_deploy_is_to_write_is_not_missing(folder: Path) -> None:
    """With --check no .env was written, and compose fails for each variable that its file requires."""
    docker = "#!/bin/sh\necho 'required variable DB_PASSWORD is missing a value' >&2\nexit 15\n"
    assert manager(folder, docker).missing() == []


def test_a_warning_is_not_the_id_of_a_container(folder: Path) -> None:
    """compose warns of each old compose file and of each variable that is not set."""
    (state,) = manager(folder, DOCKER).states()
    assert (state.unit, state.is_up, state.text) == ("web", True, "running")
