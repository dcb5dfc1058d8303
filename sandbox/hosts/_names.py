# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of what a fleet creates on the machine. They derive from its state directory, so that a killed run can be
found."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

CGROUP_ROOT = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Names:
    """Names of a fleet. Two state directories share none of them."""

    state: Path
    run: str

    @classmethod
    def of(cls, state: Path) -> Names:
        state = state.expanduser().resolve()
        return cls(state, hashlib.sha256(str(state).encode()).hexdigest()[:6])

    @property
    def bridge(self) -> str:
        return f"wp{self.run}"

    @property
    def scratch(self) -> Path:
        """A tmpfs with the hosts' disks, and the data of their database and cache."""
        return Path("/run/watchparty-hosts", self.run)

    @property
    def state_file(self) -> Path:
        return self.state / "state.json"

    @property
    def services(self) -> Path:
        return self.state / "services.json"

    @property
    def certificate(self) -> Path:
        """The services' certificate, which clients must trust."""
        return self.scratch / "tls" / "services.crt"

    @property
    def aws_config(self) -> Path:
        """A file for ``AWS_CONFIG_FILE``: an AWS client that gets it uses the stand-in."""
        return self.state / "aws.conf"

    @property
    def private_key(self) -> Path:
        return self.state / "ssh" / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.state / "ssh" / "known_hosts"

    @property
    def inventory(self) -> Path:
        return self.state / "inventory" / "hosts.yml"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    def machine(self, host: str) -> str:
        """The name of a host's network namespace, control group and container."""
        return f"{self.bridge}-{host}"

    def link(self, number: int) -> str:
        """The bridge's end of a host's cable; the kernel allows 15 characters."""
        return f"{self.bridge}h{number}"

    def disk(self, host: str) -> Path:
        return self.scratch / "hosts" / host

    def cgroups(self) -> list[Path]:
        """This fleet's control groups: one tree, or two if systemd still keeps its own."""
        mixed = [tree for name in ("unified", "systemd") if (tree := CGROUP_ROOT / name / "cgroup.procs").exists()]
        trees = [CGROUP_ROOT] if (CGROUP_ROOT / "cgroup.controllers").exists() else [tree.parent for tree in mixed]
        return [tree / f"{self.bridge}-hosts" for tree in trees]
