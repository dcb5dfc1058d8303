# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A Valkey login that no server has; the server's log shows each try."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.module_utils._core import kind_names
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.honeytoken_logins import (
    HoneytokenLogin,
    kind_of,
)


class ValkeyHoneytoken(HoneytokenLogin):
    kind = kind_of(
        kind_names.VALKEY_HONEYTOKEN,
        "A Valkey login that no server has; the server's log shows each try.",
    )
