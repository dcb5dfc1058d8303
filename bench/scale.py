# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Growth of a deploy and of a rotation with hosts, settings and credentials: what one controller needs."""

from __future__ import annotations

import os
import resource
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.answering_hosts import answering_hosts
from bench.many import ManyLab
from bench.plain import healthy_server
from bench.run import Run
from bench.scene import HERE
from sandbox.application import python
from sandbox.process import SandboxError
from sandbox.seed import LONG_AGO, Layout, random_value, seed
from tests.integration.harness import ENVIRONMENT
from tests.integration.harness import Run as LabRun
from tests.integration.rotation_lab import JOURNAL, rotation_lab

PARAMETERS, KEYS = 300, 25
"""Limit of settings that are parameters, and the number of other settings that share a secret."""
PATH = f"/WatchParty/{ENVIRONMENT}"


SPREAD = ("-f", "20", "-e", "env_deploy_serial=100%")
DEPLOYS = ((5, 0), (20, 0), (60, 0), (20, 200), (20, 500), (60, 500), (500, 500))
"""Hosts, and the minimum of settings: those of the worked example and of the credentials are always there."""
ROTATIONS = ((5, 1), (20, 1), (60, 1), (5, 10), (5, 50), (60, 50))
"""Hosts and credentials."""


class ScaleLab(ManyLab):
    """A lab whose hosts are one process, with any number of settings."""

    socket = ""

    def environment(self) -> dict[str, str]:
        plugins = str(HERE / "connection_plugins")
        return {**super().environment(), "ANSIBLE_CONNECTION_PLUGINS": plugins, "BENCH_HOSTS": self.socket}

    def _fresh(self) -> Layout:
        layout = super()._fresh()
        self.given = len(self.catalog["settings"])
        return layout

    def renew(self) -> None:
        """Seeds the stores. The first run deploys to the hosts."""
        self.seed()

    def grow(self, settings: int) -> int:
        """Adds settings up to this number. Returns their number."""
        parameters: dict[str, tuple[str, str]] = {}
        secrets: dict[str, dict[str, str]] = {}
        for number in range(len(self.catalog["settings"]) - self.given, settings - self.given):
            name, value = f"EXTRA_{number:03}", random_value()
            if number < PARAMETERS:
                self.catalog["settings"][name] = {"parameter": f"Extra/{name}"}
                parameters[f"{PATH}/Extra/{name}"] = ("SecureString", value)
            else:
                group = f"extra-{number // KEYS}"
                self.catalog["settings"][name] = {"group": group}
                secrets.setdefault(f"watchparty/{ENVIRONMENT}/{group}", {})[name] = value
        with self.moto.days_ago(LONG_AGO):
            seed(self.moto.client, Layout(secrets=secrets, parameters=parameters))
        return len(self.catalog["settings"])


class ScaleScene:
    def __init__(self, lab: ScaleLab) -> None:
        self.lab = lab
        self._hosts = list(lab.hosts)
        lab.longest = 3 * 3600
        lab.forks = False

    def deploy(self, *, hosts: int) -> Run:
        self._begin(hosts)
        for host in self.lab.hosts:
            (host.directory / ".env").unlink(missing_ok=True)
        return self._measured(lambda: self.lab.run(*SPREAD))

    def rotation(self, *, hosts: int, credentials: int) -> Run:
        self._begin(hosts)
        names = ",".join(self.lab.names[:credentials])
        arguments = ("-e", f"rotation_credentials={names}", "-e", "rotation_force=true")
        return self._measured(lambda: self.lab.rotate(*arguments, *SPREAD))

    def _begin(self, hosts: int) -> None:
        self.lab.hosts = self._hosts[:hosts]

    def _measured(self, act: Callable[[], LabRun]) -> Run:
        """Measures a run. ``processor`` and ``memory`` (MiB) are the controller's; ``journal`` is its object's size,
        ``written`` what the run wrote there, ``audit`` what it wrote to the audit log (KiB)."""
        written, audit = self._versions(), self._audit()
        before, began = _processor(), time.monotonic()
        with sampled() as peak:
            run = act()
        seconds, processor = time.monotonic() - began, _processor() - before
        if run.code:
            raise SandboxError(f"the run ended with {run.code}:\n{run.output[-4000:]}")
        versions = self._versions()
        sizes = {"journal": versions[-1], "written": sum(versions) - sum(written), "audit": self._audit() - audit}
        plays = {"memory": peak[0] / 1024, **{name: size / 1024 for name, size in sizes.items()}}
        return Run(seconds, plays, calls=dict(Counter(run.operations)), processor=processor)

    def _versions(self) -> list[int]:
        """Bytes of the journal's versions, the oldest first."""
        answer = self.lab.moto.client("s3").list_object_versions(Bucket=JOURNAL.bucket, Prefix=JOURNAL.key)
        return [int(version["Size"]) for version in reversed(answer["Versions"])]

    def _audit(self) -> int:
        return sum(len(str(record)) for record in self.lab.audit_records())


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def sampled() -> Iterator[list[int]]:
    """Peak in KiB of all ansible-playbook processes below this one."""
    peak, ended = [0], threading.Event()

    def look() -> None:
        while not ended.wait(0.3):
            peak[0] = max(peak[0], sum(_share(pid) for pid in _controller(os.getpid())))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


def _controller(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, _text(task).split()):
            if b"ansible-playbook" in _text(Path(f"/proc/{child}/cmdline")).encode():
                yield child
                yield from _controller(child)


def _share(pid: int) -> int:
    for line in _text(Path(f"/proc/{pid}/smaps_rollup")).splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


@contextmanager
def scale_scene(hosts: int, credentials: int) -> Iterator[ScaleScene]:
    ManyLab.count = credentials
    connection = {"ansible_connection": "answering_host", "ansible_python_interpreter": "/usr/bin/python3"}
    with healthy_server(), answering_hosts(str(python())) as socket:
        ScaleLab.socket = socket
        with rotation_lab(connection, hosts=hosts, kind=ScaleLab) as lab:
            assert isinstance(lab, ScaleLab)
            yield ScaleScene(lab)
