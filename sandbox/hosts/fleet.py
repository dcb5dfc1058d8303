# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A fleet of test hosts."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from sandbox.hosts import _application, _cgroups, _image, _inventory, _machine, _network
from sandbox.hosts._commands import SYSTEM_PATH, run, why_not
from sandbox.hosts._files import make_directory
from sandbox.hosts._machine import KINDS, Machine
from sandbox.hosts._names import Names
from sandbox.hosts._tls import make_certificate, trust
from sandbox.hosts._users import DEPLOY
from sandbox.hosts.services import Services
from sandbox.process import Process, SandboxError, clean_environment


@dataclass(frozen=True)
class Plan:
    count: int
    kind: str = "systemd"
    environment: str = "production"
    services: bool = False
    """Whether PostgreSQL, Valkey and a stand-in for AWS, which holds their URLs, run too."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise SandboxError(f"There is no kind {self.kind!r} of test host; there are {' and '.join(KINDS)}.")
        if not 1 <= self.count <= 200:
            raise SandboxError("A fleet has 1 to 200 hosts.")

    @property
    def hosts(self) -> list[str]:
        return [f"app{number}" for number in range(1, self.count + 1)]


class Fleet:
    """The fleet of one state directory. As a context manager, it starts and removes the fleet."""

    def __init__(self, state: Path, plan: Plan | None = None) -> None:
        self.names = Names.of(state)
        self.plan = plan
        self.machines: dict[str, Machine] = {}
        self.gateway = ""

    @classmethod
    def load(cls, state: Path) -> Fleet:
        """Loads a fleet that another process started."""
        fleet = cls(state)
        if not fleet.names.state_file.exists():
            raise SandboxError(f"No fleet is up in {fleet.names.state}.")
        saved = json.loads(fleet.names.state_file.read_text(encoding="utf-8"))
        fleet.plan = Plan(**saved["plan"])
        fleet.gateway = saved["gateway"]
        fleet.machines = {
            machine["name"]: Machine(**{**machine, "supervisor": Process(**machine["supervisor"])})
            for machine in saved["machines"]
        }
        return fleet

    @property
    def inventory(self) -> Path:
        return self.names.inventory

    @property
    def services(self) -> Services:
        return Services.load(self.names)

    def up(self) -> None:
        """Starts all hosts and waits until they answer. First removes an earlier run's leftovers in this state
        directory."""
        if reason := why_not():
            raise SandboxError(f"No test hosts: {reason}.")
        if self.plan is None:
            raise SandboxError("A fleet needs a plan to be started.")
        self.down()
        try:
            self._start(self.plan)
        except BaseException:
            self.down()
            raise

    def down(self) -> None:
        """Removes the whole fleet, even if it never started completely."""
        for machine in self.machines.values():
            machine.kill()
        if self.names.services.exists():
            # If it were killed, PostgreSQL would leave shared memory behind.
            self.services.stop()
        _cgroups.end_all(self.names)
        _machine.remove_leftovers(self.names)
        self.machines = {}
        _network.disconnect(self.names)
        if os.path.ismount(self.names.scratch):
            run(["umount", self.names.scratch])
        for directory in (self.names.scratch, self.names.scratch.parent):
            if directory.is_dir() and not any(directory.iterdir()):
                directory.rmdir()
        for part in (self.names.private_key.parent, self.names.inventory.parent):
            shutil.rmtree(part, ignore_errors=True)
        for file in (self.names.state_file, self.names.services, self.names.aws_config):
            file.unlink(missing_ok=True)

    def run(
        self, name: str, argv: Sequence[str], *, text: str | None = None, check: bool = True, seconds: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command on a host as root, without SSH."""
        return subprocess.run(
            self.machines[name].command(list(argv)),
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            text=True,
            timeout=seconds,
            env=clean_environment(PATH=SYSTEM_PATH, HOME="/root", LC_ALL="C.UTF-8"),
            check=check,
        )

    def ssh(
        self, name: str, command: str, *, text: str | None = None, seconds: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command on a host over SSH, as the deploying user."""
        target = f"{DEPLOY.name}@{self.machines[name].address}"
        key = ["-F", "none", "-o", "BatchMode=yes", "-i", str(self.names.private_key)]
        return subprocess.run(
            ["ssh", *key, *_inventory.ssh_options(self.names), target, command],
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def kill(self, name: str) -> None:
        """Ends a host like a power cut. Its disk stays."""
        self.machines[name].kill()

    def power_off(self, name: str) -> None:
        """Shuts a host down in order. Its disk stays."""
        self.machines[name].power_off()

    def boot(self, name: str) -> None:
        """Starts a host again on its disk, and waits until it answers."""
        off = self.machines[name]
        if self.plan is None or off.supervisor.running():
            raise SandboxError(f"The host {name} is not off.")
        _machine.remove_leftovers(self.names, name)
        started = Machine.start(self.names, name=name, kind=off.kind, address=off.address, venv=_application.venv())
        self.machines[name] = started
        self._save(self.plan)
        started.wait()

    def root(self, name: str) -> Path:
        return self.machines[name].root

    def disk(self, name: str) -> Path:
        """Files that a host wrote, running or not: its file system's upper layer."""
        return self.names.disk(name) / "upper"

    def __enter__(self) -> Fleet:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    def _start(self, plan: Plan) -> None:
        venv = _application.venv()
        names = self.names
        shutil.rmtree(names.logs, ignore_errors=True)
        for directory in (names.private_key.parent, names.logs):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_directory(names.scratch)
        run(["mount", "-t", "tmpfs", "-o", "mode=0711,size=50%", "tmpfs", names.scratch])
        subnet = _network.free_subnet(names)
        self.gateway = str(subnet[1])
        hosts = dict(zip(plan.hosts, _network.addresses(subnet, plan.count), strict=True))
        public_key = _inventory.make_key(names.private_key, "test hosts")
        _network.connect(names, subnet, plan.hosts)
        _image.build_base(names.scratch / "base", public_key=public_key, hosts={"services": self.gateway, **hosts})
        if plan.services:
            make_directory(names.certificate.parent)
            trust(names.scratch / "base", make_certificate(names.certificate, address=self.gateway))
        self._make_disks(hosts)
        for name, address in hosts.items():
            self.machines[name] = Machine.start(names, name=name, kind=plan.kind, address=address, venv=venv)
        self._save(plan)
        servers: dict[str, str] = {}
        if plan.services:
            started = Services.start(names, host=self.gateway, network=str(subnet), environment=plan.environment)
            servers = {
                "database_admin": f"{started.host}:{started.postgres_port}",
                "cache_admin": f"{started.host}:{started.valkey_port}",
            }
        _inventory.write_inventory(names, hosts, environment=plan.environment, servers=servers)
        for machine in self.machines.values():
            machine.wait()

    def _make_disks(self, hosts: dict[str, str]) -> None:
        keys = self.names.private_key.parent / "hosts"
        keys.mkdir(mode=0o700)

        def make(name: str, address: str) -> str:
            key = keys / name
            public = _inventory.make_key(key, name)
            machine_id = hashlib.sha256(self.names.machine(name).encode()).hexdigest()[:32]
            upper = self.names.disk(name) / "upper"
            _image.personalise(upper, name=name, machine_id=machine_id, host_key=key)
            return f"{address} {' '.join(public.split()[:2])}\n"

        with ThreadPoolExecutor(max_workers=4) as pool:
            lines = list(pool.map(make, hosts, hosts.values()))
        self.names.known_hosts.write_text("".join(lines), encoding="ascii")
        shutil.rmtree(keys)

    def _save(self, plan: Plan) -> None:
        saved = {
            "plan": asdict(plan),
            "gateway": self.gateway,
            "machines": [asdict(machine) for machine in self.machines.values()],
        }
        self.names.state_file.write_text(json.dumps(saved, indent=2) + "\n", encoding="utf-8")
