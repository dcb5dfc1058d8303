# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``python -m bench``: deploys, rotations, leaks and scans, measured side by side with today's way. Takes minutes."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
from collections import defaultdict
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from bench.figures import Figure, Runs, call_figures, leak_figures, rotation_figures, scan_figures, table, timed
from bench.leak import LeakScene, leak_scene
from bench.rotation import RotationScene, rotation_scene
from bench.scan import ScanScene, gitleaks, scan_scene
from bench.scene import Run, Scene
from sandbox import sshd
from sandbox.aws import Moto
from sandbox.hosts import Fleet, Plan, why_not
from sandbox.process import SandboxError

SECRETS_READ = 2
PARAMETERS_READ = 11
"""What the catalog's stores hold for production; SSM gives ten parameters a page."""


def measure(scene: Scene, *, hosts: int, many: int, rounds: int) -> dict[str, list[Run]]:
    """Every kind of run once a round, so that what else the machine does falls on all of them."""
    runs: dict[str, list[Run]] = defaultdict(list)

    def keep(kind: str, size: int) -> None:
        run: Run = getattr(scene, kind)(hosts=size)
        runs[f"{kind} {size}"].append(run)
        print(f"  {kind} on {size} hosts: {run.seconds:.1f} s", flush=True)

    print("one host, for the calls; these runs also warm every cache", flush=True)
    for kind in ("deploy", "rival", "per_setting"):
        keep(kind, 1)
    for number in range(1, rounds + 1):
        print(f"round {number} of {rounds}", flush=True)
        for kind in ("deploy", "rival", "ping", "plain_ssh"):
            keep(kind, hosts)
        if many:
            keep("deploy", many)
    if many:
        print("many hosts, for the rival's calls", flush=True)
        keep("rival", many)
    return dict(runs)


def measure_rotation(scene: RotationScene, *, hosts: int, rounds: int) -> dict[str, list[Run]]:
    """The same for rotations; whoever goes second in one round goes first in the next."""
    runs: dict[str, list[Run]] = defaultdict(list)

    def keep(kind: str, size: int) -> None:
        run: Run = getattr(scene, kind)(hosts=size)
        runs[f"{kind} {size}"].append(run)
        print(f"  {kind} on {size} hosts: {run.seconds:.1f} s", flush=True)

    print("rotation on all hosts and on one, for the calls; these runs also warm every cache", flush=True)
    for size in (hosts, 1):
        for kind in ("script", "rotation"):
            keep(kind, size)
    runs = defaultdict(list, {name: kind for name, kind in runs.items() if name.endswith(" 1")})
    for number in range(1, rounds + 1):
        print(f"rotation, round {number} of {rounds}", flush=True)
        for kind in ("script", "rotation") if number % 2 else ("rotation", "script"):
            keep(kind, hosts)
    return dict(runs)


def measure_leak(scene: LeakScene, *, hosts: int, rounds: int) -> dict[str, list[Run]]:
    """A leak of one credential, the expert's script for it, and a leak of everything."""
    runs: dict[str, list[Run]] = defaultdict(list)
    kinds = ["leak_script", "leak", "leak_of_all"]
    for number in range(rounds + 1):
        print(f"leak, round {number} of {rounds}" if number else "leaks; these runs warm every cache", flush=True)
        for kind in kinds if number % 2 else reversed(kinds):
            run: Run = getattr(scene, kind)(hosts=hosts)
            print(f"  {kind} on {hosts} hosts: {run.seconds:.1f} s", flush=True)
            if number:
                runs[f"{kind} {hosts}"].append(run)
    return dict(runs)


def measure_scan(scene: ScanScene, *, rounds: int) -> dict[str, list[Run]]:
    """The same search three ways; gitleaks's patterns are its own, and each of its runs takes minutes."""
    runs: dict[str, list[Run]] = defaultdict(list)
    kinds = ["scan", "grep", *(["gitleaks"] if gitleaks() else [])]
    for number in range(1, rounds + 1):
        print(f"scan, round {number} of {rounds}", flush=True)
        for kind in kinds if number % 2 else reversed(kinds):
            run: Run = getattr(scene, kind)()
            print(f"  {kind}: {run.seconds:.1f} s, {run.plays['memory']:.0f} MB", flush=True)
            runs[kind].append(run)
    return dict(runs)


def figures(runs: Runs, *, hosts: int, many: int) -> list[Figure]:
    deploy, rival = runs[f"deploy {hosts}"], runs[f"rival {hosts}"]
    ping, plain = runs[f"ping {hosts}"], runs[f"plain_ssh {hosts}"]
    found = [
        timed(f"deploy to {hosts} hosts : rival's playbook", deploy, rival, 0.35),
        timed("its delivery play : a ping play", deploy, ping, 1.3, ("Roll out", "Ping")),
        timed("its delivery play : parallel plain ssh", deploy, plain, 3.0, ("Roll out", "")),
    ]
    if many:
        grown = runs[f"deploy {many}"]
        found.append(timed(f"deploy to {many} hosts : to {hosts}", grown, deploy, 1.1 * many / hosts))
    found += call_figures(runs, [size for size in (1, hosts, many) if size], SECRETS_READ, PARAMETERS_READ)
    each = sum(runs["per_setting 1"][0].calls.values())
    found.append(Figure("AWS calls with a lookup a setting", "", f"{each} a host", None, "", None))
    return found


def _deploys(options: argparse.Namespace) -> dict[str, list[Run]]:
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        place = Path(directory)
        plan = Plan(count=max(options.hosts, options.many), kind="plain")
        with Moto() as moto, Fleet(place / "hosts", plan) as fleet:
            scene = Scene(fleet, moto, place)
            scene.prepare()
            return measure(scene, hosts=options.hosts, many=options.many, rounds=options.rounds)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--hosts", type=int, default=20)
    parser.add_argument("--many", type=int, default=100, help="for the growth; 0 leaves it out")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rotation-hosts", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=200, help="of lines that the scanned history adds")
    parser.add_argument("--part", choices=["deploy", "rotation", "leak", "scan"], help="only this one")
    parser.add_argument("--json", type=Path, default=Path("build/bench.json"), help="where every run is written")
    options = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    runs: dict[str, list[Run]] = {}
    found: list[Figure] = []
    try:
        if options.part in (None, "deploy"):
            reason = why_not()
            if reason:
                print(f"No deploy was measured: {reason}.")
            else:
                runs |= _deploys(options)
                found += figures(runs, hosts=options.hosts, many=options.many)
        reason = sshd.unavailable()
        if reason and options.part not in ("deploy", "scan"):
            print(f"No rotation and no leak was measured: {reason}.")
        if not reason and options.part in (None, "rotation"):
            size = options.rotation_hosts
            with rotation_scene(size) as scene:
                runs |= measure_rotation(scene, hosts=size, rounds=options.rounds)
            found += rotation_figures(runs, hosts=size)
        if not reason and options.part in (None, "leak"):
            with leak_scene(options.hosts) as leaks:
                runs |= measure_leak(leaks, hosts=options.hosts, rounds=options.rounds)
            found += leak_figures(runs, hosts=options.hosts)
        if options.part in (None, "scan"):
            with scan_scene(options.megabytes) as scans:
                runs |= measure_scan(scans, rounds=options.rounds)
            found += scan_figures(runs)
    except SandboxError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; everything was removed.", file=sys.stderr)
        return 130
    if not runs:
        return 0
    about = {
        "ansible-core": version("ansible-core"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "rounds": options.rounds,
        "load": f"{os.getloadavg()[0]:.1f} at the end",
    }
    print("\n" + ", ".join(f"{name} {value}" for name, value in about.items()))
    print(f"medians of {options.rounds} interleaved rounds; a ratio is the median of the rounds' ratios\n")
    print(table(found))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "about": about,
        "figures": [asdict(figure) for figure in found],
        "runs": {name: [asdict(run) for run in kind] for name, kind in runs.items()},
    }
    options.json.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"\nEvery run: {options.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
