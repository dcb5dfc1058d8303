# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way to a host as Ansible goes it; tests/integration/test_ssh_logins.py goes it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import login as ssh_login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh.login import Way


def way(transport: str = "ssh", **options: Any) -> Way:
    connection = connection_loader.get(transport, PlayContext(), "/dev/null")
    connection.set_options(var_options=options)
    return ssh_login.way_of(connection, "web1")


class TestWay:
    def test_everything_that_the_inventory_says(self) -> None:
        result = way(
            ansible_host="192.0.2.1",
            ansible_port=2222,
            ansible_user="ci",
            ansible_ssh_private_key_file="/keys/a b",
            ansible_ssh_common_args="-F none -o 'ProxyCommand=nc %h %p'",
            ansible_ssh_extra_args="-4",
            ansible_host_key_checking=False,
            ansible_ssh_executable="/opt/ssh",
        )
        assert (result.host, result.name, result.program, result.by_password) == (
            "192.0.2.1",
            "web1",
            "/opt/ssh",
            False,
        )
        for message in ('IdentityFile="/keys/a b"', "Port=2222", 'User="ci"', "StrictHostKeyChecking=no", "-4"):
            assert message in result.arguments
        assert "ProxyCommand=nc %h %p" in result.arguments

    def test_by_a_password(self) -> None:
        assert way(ansible_host="x", ansible_password="y").by_password

    def test_another_connection(self) -> None:
        with pytest.raises(RotationError, match="Ansible reaches web1 by the connection local"):
            way("local")

    def test_a_key_given_as_text(self) -> None:
        with pytest.raises(RotationError, match="web1 with a key in ansible_ssh_private_key") as caught:
            way(ansible_host="x", ansible_ssh_private_key="canary")
        assert "canary" not in str(caught.value)
