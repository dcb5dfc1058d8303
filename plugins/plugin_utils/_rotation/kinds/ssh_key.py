# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An SSH key. Its stages are carried out on every host, by the play."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.module_utils._core import kind_names
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import KindStages


class SshKey(KindStages):
    kind = Kind(
        kind_names.SSH_KEY,
        (
            "A key pair that logs in to the hosts; the new public key is added beside the old one, then the "
            "old one and its sessions are removed."
        ),
        form="ssh_key",
        revokes_each=True,
        stages=("block", "set", "test", "revoke"),
    )
    ways_in = (
        "changed start files, keys, units, cron, at, sudo, PAM, setuid files and accounts that {} could reach{}",
        "containers, kernel modules, the application's code and its programs that {} could reach",
    )
    states = {"block": "blocked", "set": "present", "test": "usable", "revoke": "revoked"}
    """The state of the module ssh_key at each stage."""
