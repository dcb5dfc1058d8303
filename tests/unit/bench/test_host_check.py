# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from bench import host_check
from sandbox.process import REPOSITORY, SandboxError


def test_a_host_is_looked_at() -> None:
    with host_check.host_scene() as scene:
        program = scene.program(REPOSITORY / "playbooks" / "collections")
        run = scene.run(program)
        assert 0 < run.processor < 60
        with pytest.raises(SandboxError, match="the host gave no answer"):
            scene.run((program[0], b"{}"))


def test_a_commit_that_is_not_here() -> None:
    with (
        pytest.raises(SandboxError, match="git has no commit no-such-commit here"),
        host_check.checkout("no-such-commit"),
    ):
        pass
