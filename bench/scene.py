# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A scene to measure: plain hosts with sshd, a stand-in for AWS, and runs on some of the hosts."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.run import Meter, Run
from sandbox.aws import Moto
from sandbox.hosts import Fleet
from sandbox.process import REPOSITORY, SandboxError, clean_environment
from sandbox.seed import seed, watchparty

HERE = Path(__file__).resolve().parent
ENV_FILE = "srv/watchparty/.env"


class Scene:
    """Running hosts and AWS. Every run begins without ``.env`` on the hosts and without open connections."""

    def __init__(self, fleet: Fleet, moto: Moto, directory: Path) -> None:
        self._fleet = fleet
        self.moto = moto
        self._directory = directory
        self._pushed = ""

    def prepare(self) -> None:
        layout = watchparty(
            "production",
            database_url="postgresql://app:example-password@db.example.com:5432/app",
            cache_urls=tuple(f"rediss://:example-token@cache.example.com:6379/{number}" for number in range(4)),  # type: ignore[arg-type]
        )
        # moto returns another, empty page if a path holds exactly ten.
        eleventh = {"/WatchParty/production/Security/RATE_LIMIT_API": ("String", "60/m")}
        seed(self.moto.client, replace(layout, parameters={**layout.parameters, **eleventh}))
        (self._directory / "ansible.cfg").write_text("[defaults]\n", encoding="utf-8")

    def playbook(self, path: Path, *, hosts: int, arguments: Sequence[str] = ()) -> Run:
        """Runs a playbook on the first *hosts* hosts."""
        self._reset()
        plays_file = self._directory / "plays.jsonl"
        plays_file.unlink(missing_ok=True)
        control = Path(tempfile.mkdtemp(prefix="cp-"))
        try:
            meter = Meter(self.moto)
            done = subprocess.run(
                [
                    *(ansible_playbook(), "-i", str(self._fleet.inventory), str(path)),
                    *("-f", "20", "--limit", f"app_hosts[0:{hosts - 1}]", "-e", "app_environment=production"),
                    *arguments,
                ],
                cwd=REPOSITORY,
                env=self._environment(control, plays_file),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            run = meter.run()
        finally:
            _close_connections(control)
        if done.returncode:
            raise SandboxError(f"{path.name} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
        return run.with_plays(plays_file)

    def deploy(self, *, hosts: int) -> Run:
        run = self.playbook(
            REPOSITORY / "playbooks" / "deploy.yml",
            hosts=hosts,
            arguments=["-e", '{"env_deploy_services": []}', "-e", "env_deploy_serial=100%"],
        )
        self._pushed = (self._fleet.root("app1") / ENV_FILE).read_text(encoding="utf-8")
        self._require_delivered(hosts)
        return run

    def rival(self, *, hosts: int) -> Run:
        run = self.playbook(HERE / "rival.yml", hosts=hosts)
        self._require_delivered(hosts)
        return run

    def per_setting(self, *, hosts: int) -> Run:
        return self.playbook(HERE / "per_setting.yml", hosts=hosts)

    def ping(self, *, hosts: int) -> Run:
        return self.playbook(HERE / "ping.yml", hosts=hosts)

    def plain_ssh(self, *, hosts: int) -> Run:
        """Sends the last deployed file by one ssh a host, all at once."""
        self._reset()
        inventory = json.loads(self._fleet.inventory.read_text(encoding="utf-8"))["app_hosts"]
        common = inventory["vars"]
        arguments = ["ssh", "-F", "none", "-o", "BatchMode=yes", "-i", common["ansible_ssh_private_key_file"]]
        options = shlex.split(common["ansible_ssh_common_args"])
        command = "umask 077; cat > f.tmp && mv f.tmp f"
        meter = Meter(self.moto)
        children = [
            subprocess.Popen(
                [*arguments, *options, f"{common['ansible_user']}@{host['ansible_host']}", command],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                text=True,
            )
            for host in list(inventory["hosts"].values())[:hosts]
        ]
        for child in children:
            assert child.stdin is not None
            child.stdin.write(self._pushed)
            child.stdin.close()
        codes = [child.wait() for child in children]
        run = meter.run()
        if any(codes):
            raise SandboxError(f"A plain ssh failed: {codes}")
        return run

    def _reset(self) -> None:
        for host in self._fleet.machines:
            root = self._fleet.root(host)
            for name in (ENV_FILE, "home/deploy/f"):
                (root / name).unlink(missing_ok=True)
            shutil.rmtree(root / "var/lib/watchparty-secrets", ignore_errors=True)

    def _require_delivered(self, hosts: int) -> None:
        for host in list(self._fleet.machines)[:hosts]:
            path = self._fleet.root(host) / ENV_FILE
            if path.stat().st_mode & 0o777 != 0o600 or "DATABASE_URL=" not in path.read_text(encoding="utf-8"):
                raise SandboxError(f"{host} did not get its file.")

    def _environment(self, control: Path, plays_file: Path) -> dict[str, str]:
        return clean_environment(
            **self.moto.env(),
            HOME=str(self._directory),
            LC_ALL="C.UTF-8",
            ANSIBLE_CONFIG=str(self._directory / "ansible.cfg"),
            ANSIBLE_HOME=str(self._directory / "ansible"),
            ANSIBLE_SSH_CONTROL_PATH_DIR=str(control),
            ANSIBLE_CALLBACK_PLUGINS=str(HERE / "callback_plugins"),
            ANSIBLE_CALLBACKS_ENABLED="bench_plays",
            BENCH_PLAYS=str(plays_file),
            PYTHONPYCACHEPREFIX=str(self._directory / "pycache"),
        )


def ansible_playbook() -> str:
    program = Path(sys.executable).parent / "ansible-playbook"
    text = str(program) if program.exists() else shutil.which("ansible-playbook")
    if text is None:
        raise SandboxError("ansible-playbook is not installed in this Python environment.")
    return text


def _close_connections(control: Path) -> None:
    """Ends the connections that Ansible keeps open, so that each run pays for its own."""
    for socket_file in control.iterdir():
        command = ["ssh", "-O", "exit", "-o", f"ControlPath={socket_file}", "host"]
        subprocess.run(command, capture_output=True, check=False, timeout=10)
    shutil.rmtree(control, ignore_errors=True)
