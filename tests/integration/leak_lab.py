# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A lab for leaks: hosts that can be stopped, and a user of the application whose sessions can be tried."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sandbox.application import SOURCE, python
from sandbox.load import Manage
from sandbox.process import REPOSITORY, write_private
from tests.integration.chaos import Controller
from tests.integration.harness import Lab, Run
from tests.integration.rotation_lab import RotationLab, rotation_lab

RESPONSE = "playbooks/leak_response.yml"
USER, PASSWORD = "canary-user", "canary-password-of-the-user"
_STOP = """\
#!{python} -B
import sys
from pathlib import Path
sys.path.insert(0, "{repository}")
from sandbox.process import stop_saved
stop_saved(Path("{directory}"))
"""


@contextmanager
def leak_lab(connection: Mapping[str, Any], *, hosts: int = 2) -> Iterator[RotationLab]:
    with rotation_lab(connection, hosts=hosts) as lab:
        prepare(lab)
        yield lab


def prepare(lab: RotationLab) -> None:
    """What a leak response needs of the hosts beside what a rotation does."""
    for host in lab.hosts:
        program = host.directory / "stop-host"
        write_private(program, _STOP.format(repository=REPOSITORY, python=sys.executable, directory=host.directory))
        program.chmod(0o700)
        lab.host_vars[host.name].update(
            django_chdir=str(SOURCE),
            django_probe_url=f"http://127.0.0.1:{host.port}/account/",
            env_deploy_stop_command=str(program),
        )
    Manage(python(), (lab.hosts[0].env_file,)).run("make_users", USER, text=PASSWORD)


TRUSTED = ("-e", "leak_trusted_host=web1,web2,web3")
"""These tests are not about hosts that a thief may be on."""


def respond(lab: Lab, *arguments: str, environment: Mapping[str, str] | None = None) -> Run:
    """A leak response that asks nothing."""
    additions = ("-e", "leak_confirm=yes", "-e", f"leak_report_path={lab.directory / 'post-mortems'}", *TRUSTED)
    return lab.run(*additions, *arguments, playbook=RESPONSE, environment=environment)


def newest_post_mortem(lab: Lab) -> str:
    """Each run writes one of its own, beside the evidence."""
    return max(_reports(lab), key=lambda page: page.stat().st_mtime).read_text(encoding="utf-8")


def post_mortem(lab: Lab) -> str:
    """The report of the one incident, which is taken away with all that lies beside it.

    A run that is killed after its report leaves the incident open; the next one writes its own beside it.
    """
    incidents = {"-".join(page.stem.split("-")[:3]) for page in _reports(lab)}
    assert len(incidents) == 1, f"not one incident: {incidents}"
    text = newest_post_mortem(lab)
    for page in (lab.directory / "post-mortems").iterdir():
        page.unlink()
    return text


def _reports(lab: Lab) -> list[Path]:
    return [page for page in (lab.directory / "post-mortems").glob("*.md") if "-evidence" not in page.name]


def responder(lab: RotationLab, leaked: str, *additions: str) -> Controller:
    """What starts such a response and may kill it."""
    messages = (
        f"leak_credentials={leaked}",
        "leak_confirm=yes",
        f"leak_report_path={lab.directory / 'post-mortems'}",
        TRUSTED[1],
        *additions,
    )
    command = tuple(part for word in messages for part in ("-e", word))
    return replace(Controller(lab), playbook=RESPONSE, command=command)
