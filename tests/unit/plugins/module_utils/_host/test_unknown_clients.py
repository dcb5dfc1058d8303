# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.module_utils._host import unknown_clients

END = "add -e rotation_allow_sessions=true, which ends their sessions"
GIVE = "give those clients the new value, then run the same command again; or "


def test_each_address_once_as_the_option_takes_it() -> None:
    text = unknown_clients.remedy(["10.0.0.9", "2001:db8::1", "10.0.0.9"])
    assert text == f"{GIVE}add their addresses (-e rotation_known_addresses=10.0.0.9,2001:db8::1), or {END}"


def test_a_unix_socket_is_no_address() -> None:
    assert unknown_clients.remedy(["local", "/run/valkey.sock"]) == GIVE + END
    assert "=10.0.0.9)" in unknown_clients.remedy(["local", "10.0.0.9"])
