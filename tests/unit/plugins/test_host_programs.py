# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host may answer is what its module documents: another key is refused as the answer of a changed host."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
import yaml

PLUGINS = "ansible_collections.watchparty.secrets.plugins"
PROGRAMS = {
    "django_sessions": "module_utils._host.django.main",
    "env_copies": "modules.env_copies",
    "env_file": "module_utils._host.env_file.main",
    "host_check": "modules.host_check",
    "host_evidence": "modules.host_evidence",
    "host_files": "modules.host_files",
    "host_reachable": "modules.host_reachable",
    "postgresql_login": "module_utils._host.postgresql.main",
    "revoked_logins": "module_utils._host.revoked_logins_main",
    "ssh_key": "module_utils._host.ssh.main",
}
"""By module, the file that says what its program answers."""
ADDED = {
    "env_file": {"lost", "healthy_at", "unusable"},
    "host_check": {"drift"},
    "ssh_key": {"accepted"},
}
"""What the controller adds to the answer."""


def documented(module: str) -> set[str]:
    returned: dict[str, Any] = yaml.safe_load(import_module(f"{PLUGINS}.modules.{module}").RETURN)
    return set(returned)


@pytest.mark.parametrize("module", PROGRAMS)
def test_each_documented_key_may_be_answered(module: str) -> None:
    allowed = {key.rstrip("?") for key in import_module(f"{PLUGINS}.{PROGRAMS[module]}").RETURNS}
    assert documented(module) - allowed == ADDED.get(module, set())
