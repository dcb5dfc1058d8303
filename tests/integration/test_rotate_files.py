# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rotation of a value that is in another file than .env, on one of two hosts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.integration.held import own_kind
from tests.integration.rotation_lab import rotation_lab, sentences

NAME = "YOUTUBE_API_KEY"


@pytest.mark.slow
def test_only_the_host_with_the_file_restarts(connection: Mapping[str, Any]) -> None:
    """The other host has neither the file nor the setting."""
    with rotation_lab(connection) as lab:
        web, worker = lab.hosts
        lab.catalog["files"] = {"key": {"path": "key", "format": "value", "settings": [NAME], "hosts": [worker.name]}}
        lab.deploy("-e", "env_deploy_serial=100%")
        file = worker.directory / "key"
        old, started = file.read_text(), (web.started(), worker.started())
        assert old == lab.content("watchparty/production/integrations")[NAME]
        path = own_kind(lab, "generator", "cat >/dev/null; echo '{}'")
        variables = {"rotation_credentials": "youtube", "rotation_force": "true", "rotation_kinds_path": path}
        arguments = [part for name, value in variables.items() for part in ("-e", f"{name}={value}")]
        with lab.with_catalog() as changed:
            changed["credentials"]["youtube"] = {"kind": "generator", "appears_in": [{"setting": NAME}]}
            run = lab.rotate(*arguments)
            assert run.code == 0, run.output
        new = lab.content("watchparty/production/integrations")[NAME]
        assert old != new == file.read_text()
        assert not (web.directory / "key").exists()
        assert NAME not in {**web.values(), **worker.values()}
        assert web.started() - started[0] < 0.1
        assert worker.started() - started[1] > 0.1
        assert not [value for value in (old, new) if value in run.output]
        sentences(run, "is complete", f"hosts: {web.name}, {worker.name}")
        lab.assert_closed()
        lab.assert_consistent()
