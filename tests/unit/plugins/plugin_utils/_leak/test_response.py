# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which host does what in a leak response."""

from __future__ import annotations

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.response import Response


@pytest.mark.parametrize(
    ("command", "host", "others"),
    [
        pytest.param([], "ops1", ["web1", "web2"], id="Django's engines"),
        pytest.param(["/srv/shop/log-out"], "web1", ["web2"], id="the application's own command"),
    ],
)
def test_a_rotation_host_outside_the_play_has_no_files_of_the_application(
    command: list[str], host: str, others: list[str]
) -> None:
    outside = {"targeted_hosts": ["web1", "web2"], "named_host": "ops1", "candidates": ["ops1"]}
    response = Response("sessions", ["web1", "web2"], **outside, session_plan={"command": command})  # type: ignore[arg-type]
    assert (response.host, response.session_host, response.others()) == ("ops1", host, others)
