# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A leak in an application without Django: sessions end by its own command, or none are declared to keep it open."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from tests.integration.held import Held
from tests.integration.leak_lab import RESPONSE, post_mortem, respond
from tests.integration.rotation_lab import CORE, RotationLab, rotation_lab, sentences

pytestmark = pytest.mark.slow
PROMOTES = "promote"
NO_SESSIONS = "no session is ended, because no sessions are declared"


@pytest.fixture(scope="module")
def lab(connection: Mapping[str, Any]) -> Iterator[RotationLab]:
    with rotation_lab(connection, hosts=1) as made:
        del made.catalog["credentials"]["django_key"]
        yield made


def test_it_is_contained_while_somebody_writes_another_key(lab: RotationLab) -> None:
    old = lab.ready()
    drill = lab.run("--check", "-e", "leak_credentials=cache", playbook=RESPONSE)
    assert drill.code == 0, drill.output
    sentences(drill, NO_SESSIONS)
    dsn = f"https://{time.time_ns():x}@sentry.example.com/4"

    def responded(*arguments: str, environment: Mapping[str, str]) -> Any:
        return respond(lab, *arguments, environment=environment)

    command = lab.directory / "end-sessions"
    command.write_text('#!/bin/sh\necho canary-of-a-command; echo "$1" > "$0.done"\n', encoding="utf-8")
    command.chmod(0o700)
    with lab.with_catalog() as catalog:
        catalog["sessions"] = {"engine": "command", "command": [str(command), "everybody's"]}
        run = Held(
            SimpleNamespace(directory=lab.directory, rotate=responded),  # type: ignore[arg-type]
            {PROMOTES: lambda: lab.put(SENTRY_DSN=dsn)},
            "-e",
            "leak_credentials=cache",
        ).run()
    assert run.code == 0, run.output
    sentences(run, f"secret {CORE}: another writer's change of other keys was merged")
    assert (lab.directory / "end-sessions.done").read_text() == "everybody's\n"
    text = post_mortem(lab)
    assert "| sessions ended |" in text
    assert "canary-of-a-command" not in run.output + text
    assert lab.content()["SENTRY_DSN"] == dsn
    assert not lab.accepts(old)["cache"]
    lab.assert_closed()
    lab.deploy("-e", "env_deploy_serial=100%")
    lab.assert_settled(old)


def test_a_drill_names_what_would_keep_the_leak_open(lab: RotationLab) -> None:
    """The catalog declares sessions, and no host says where they are."""
    lab.ready()
    key = {"kind": "django_secret_key", "used_for": ["sessions"], "appears_in": [{"setting": "SECRET_KEY"}]}
    with lab.with_catalog() as catalog:
        catalog["credentials"]["signing"] = key
        drill = lab.run("--check", "-e", "leak_credentials=cache", playbook=RESPONSE)
    assert drill.code == 0, drill.output
    sentences(drill, "all users are logged out", "sessions cannot be ended, so the leak will stay open: web1")
