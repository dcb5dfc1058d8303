# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host that accepts and never answers holds nothing up: it is skipped and named."""

from __future__ import annotations

import pytest

from tests.hostile.frozen import PROGRAM, SSHD, freezing
from tests.integration.harness import Lab


@pytest.fixture(autouse=True)
def needs_ssh(lab: Lab) -> None:
    if lab.connection["ansible_connection"] == "local":
        pytest.skip("without an sshd no host can freeze: a frozen host was not tested")


def test_a_frozen_program_ends_at_the_deadline(lab: Lab) -> None:
    """The host's sshd still answers keep-alives."""
    lab.seed()
    web1, web2 = lab.add_hosts(2, secrets_host_timeout=3, env_deploy_restart_timeout=2, env_deploy_health_timeout=1)
    with freezing(lab, web2, PROGRAM) as frozen:
        run = lab.run()
        assert frozen.exists()
    assert run.code != 0
    assert "web2: not reached, or the connection broke during the deploy" in run.text
    assert "no answer within 8 s" in run.text
    web1.assert_healthy("1")


@pytest.mark.slow
def test_a_frozen_session_ends_by_keep_alives(lab: Lab) -> None:
    lab.seed()
    web1, web2 = lab.add_hosts(2)
    with freezing(lab, web2, SSHD) as frozen:
        run = lab.run()
        assert frozen.exists()
    assert run.code != 0
    assert "web2: not reached, or the connection broke during the deploy" in run.text
    web1.assert_healthy("1")
