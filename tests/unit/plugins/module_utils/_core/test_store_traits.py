# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import command


@pytest.mark.parametrize(
    ("name", "which", "text"),
    [
        ("app/core", "lists_versions", "aws secretsmanager list-secret-version-ids --secret-id app/core"),
        ("app/core", "restores", "aws secretsmanager restore-secret --secret-id app/core"),
        ("vault:app/core", "lists_versions", "bao kv metadata get -mount=MOUNT app/core"),
        ("vault:app/core", "restores", "bao kv undelete -mount=MOUNT -versions=NUMBER app/core"),
    ],
)
def test_a_remedy_is_a_command_of_the_names_own_store(name: str, which: str, text: str) -> None:
    assert command(name, which) == text
