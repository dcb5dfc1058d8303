# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parts of the bench: the order of runs, and their figures."""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from bench import figures
from bench.figures import AllRuns, Figure
from bench.host_check import checkout, host_scene
from bench.leak import leak_scene
from bench.many import many_scene
from bench.reading import read
from bench.rotation import rotation_scene
from bench.rounds import WITH, WITHOUT, Rounds, numbered
from bench.run import Run
from bench.scale import DEPLOYS, ROTATIONS, scale_scene
from bench.scan import gitleaks, scan_scene
from bench.scene import Scene
from sandbox import network, sshd
from sandbox.aws import Moto
from sandbox.hosts import Fleet, Plan, why_not
from sandbox.network import Network
from sandbox.process import REPOSITORY

SECRETS_READ = 2
PARAMETERS_READ = 11
"""Values that the catalog's stores hold for production. SSM returns ten parameters a page."""

Result = tuple[AllRuns, list[Figure]]


def networks(options: argparse.Namespace) -> dict[str, Network]:
    """Networks by name: without and with, or one of them."""
    both = {WITHOUT: network.NONE, WITH: network.chosen(options)}
    return {name: both[name] for name in both if options.network in ("both", name)}


def deploy(options: argparse.Namespace) -> Result:
    hosts, many = options.hosts, options.many
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        place = Path(directory)
        with Moto() as moto, Fleet(place / "hosts", Plan(count=max(hosts, many), kind="plain")) as fleet:
            scene = Scene(fleet, moto, place)
            scene.prepare()
            rounds = Rounds(networks(options), moto)
            rounds.warm(scene.deploy, scene.rival, hosts=1)
            rounds.each(scene.per_setting, hosts=1)
            for _number in numbered(options.rounds, "deploy"):
                for size in sorted({1, hosts, *([many] if many else [])}):
                    rounds.each(scene.deploy, scene.rival, hosts=size)
                rounds.each(scene.ping, scene.plain_ssh, hosts=hosts)
    sizes = {"hosts": hosts, "many": many, "secrets": SECRETS_READ, "parameters": PARAMETERS_READ}
    return rounds.runs, figures.deploy_figures(rounds.runs, **sizes)


def rotation(options: argparse.Namespace) -> Result:
    hosts = options.rotation_hosts
    with rotation_scene(hosts) as scene:
        rounds = Rounds(networks(options), scene.lab.moto)
        rounds.warm(scene.script, scene.rotation, hosts=hosts)
        if hosts != 1:
            rounds.each(scene.script, scene.rotation, hosts=1)
        for _number in numbered(options.rounds, "rotation"):
            rounds.each(scene.script, scene.rotation, hosts=hosts)
    return rounds.runs, figures.rotation_figures(rounds.runs, hosts=hosts)


def leak(options: argparse.Namespace) -> Result:
    hosts = options.hosts
    with leak_scene(hosts) as scene:
        rounds = Rounds(networks(options), scene.lab.moto)
        kinds = scene.leak_script, scene.leak, scene.leak_of_all
        rounds.warm(*kinds, hosts=hosts)
        for _number in numbered(options.rounds, "leak"):
            rounds.each(*kinds, hosts=hosts)
    return rounds.runs, figures.leak_figures(rounds.runs, hosts=hosts)


def many(options: argparse.Namespace) -> Result:
    """Runs one round, because it takes long."""
    hosts, count = options.rotation_hosts, options.credentials
    with many_scene(hosts, count) as scene:
        rounds = Rounds(networks(options), scene.lab.moto)
        rounds.warm(scene.rotation_of_one, hosts=hosts)
        for _number in numbered(1, f"{count} credentials"):
            rounds.each(scene.rotation_of_one, scene.rotation_of_many, hosts=hosts)
    return rounds.runs, figures.many_figures(rounds.runs, hosts=hosts, count=count)


def reading(options: argparse.Namespace) -> Result:
    names = ("empty.yml", "deploy.yml", "rotate.yml", "leak_response.yml")
    runs: dict[str, list[Run]] = defaultdict(list)
    for name in names:
        read(name)
    for number in numbered(options.rounds, "reading"):
        for name in names if number % 2 else reversed(names):
            runs[name].append(read(name))
            print(f"  {name}: {runs[name][-1].seconds:.1f} s", flush=True)
    return {WITHOUT: runs}, figures.reading_figures({WITHOUT: runs})


def scan(options: argparse.Namespace) -> Result:
    """Runs the same search three ways. gitleaks uses its own patterns, and each of its runs takes minutes."""
    runs: dict[str, list[Run]] = defaultdict(list)
    with scan_scene(options.megabytes) as scene:
        kinds = [scene.scan, scene.grep, *([scene.gitleaks] if gitleaks() else [])]
        for number in numbered(options.rounds, "scan"):
            for kind in kinds if number % 2 else reversed(kinds):
                run = kind()
                print(f"  {kind.__name__}: {run.seconds:.1f} s, {run.plays['memory']:.0f} MB", flush=True)
                runs[kind.__name__].append(run)
    return {WITHOUT: runs}, figures.scan_figures({WITHOUT: runs})


def host(options: argparse.Namespace) -> Result:
    runs: dict[str, list[Run]] = defaultdict(list)
    with host_scene() as scene, checkout(options.before) as before:
        now = scene.program(REPOSITORY / "playbooks" / "collections")
        programs = {"host_check": now, "host_check before": scene.program(before)}
        for program in programs.values():
            scene.run(program)
        for number in numbered(options.rounds, "host"):
            for name in programs if number % 2 else reversed(programs):
                runs[name].append(scene.run(programs[name]))
    return {WITHOUT: runs}, figures.host_figures({WITHOUT: runs}, options.before)


def scale(options: argparse.Namespace) -> Result:
    """Runs one round of each size up to ``--scale-hosts``."""
    most = options.scale_hosts
    runs: dict[str, list[Run]] = defaultdict(list)

    def kept(name: str, run: Run) -> None:
        print(f"  {name}: {figures.size_of(run)}", flush=True)
        runs[name].append(run)

    with scale_scene(most, options.credentials) as scene:
        for hosts, settings in DEPLOYS:
            if hosts <= most:
                count = scene.lab.grow(settings)
                kept(f"deploy of {count} settings to {hosts} hosts", scene.deploy(hosts=hosts))
        for hosts, credentials in ROTATIONS:
            if hosts <= most and credentials <= options.credentials:
                name = f"rotation of {credentials} credentials on {hosts} hosts"
                kept(name, scene.rotation(hosts=hosts, credentials=credentials))
    return {WITHOUT: runs}, figures.scale_figures({WITHOUT: runs})


PARTS: dict[str, tuple[Callable[[argparse.Namespace], Result], Callable[[], str | None]]] = {
    "deploy": (deploy, why_not),
    "rotation": (rotation, sshd.unavailable),
    "leak": (leak, sshd.unavailable),
    "many": (many, sshd.unavailable),
    "scale": (scale, lambda: None),
    "reading": (reading, lambda: None),
    "scan": (scan, lambda: None),
    "host": (host, lambda: None),
}
"""Parts, each with the reason why this machine cannot run it."""
