# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lists every AWS call of one rotation with its cause: the functions of the collection that led to it.

python -m bench.listing --hosts 3 [--credentials 2]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.many import many_scene
from bench.rotation import rotation_scene
from bench.run import Run
from bench.scripted import ScriptedScene
from sandbox import network

PASSED_OVER = ("aws.translated", "ssm._pages", "journal._load")
"""Functions that do not explain a call."""


def listed(lines: Sequence[dict[str, Any]]) -> list[str]:
    """Lines for each call, and for each process before its calls."""
    results, process = [], None
    for number, call in enumerate(lines, start=1):
        if call["process"] != process:
            process = call["process"]
            results.append(f"-- {call['task']}")
        cause = " < ".join(item for item in reversed(call["cause"]) if item not in PASSED_OVER)
        results.append(f"{number:4} {call['operation']:<26} {_short(call['target']):<44} {cause}")
    counts = Counter(call["operation"] for call in lines)
    return [*results, "", *(f"{number:4} {name}" for name, number in counts.most_common()), f"{len(lines):4} in all"]


def _short(target: Any) -> str:
    text = ",".join(target) if isinstance(target, list) else str(target)
    return text if len(text) <= 42 else "…" + text[-41:]


def rotate(scene: ScriptedScene, *names: str) -> tuple[Run, list[dict[str, Any]]]:
    """Rotates these credentials. Returns the run and its calls."""
    log = Path(scene.lab.directory / "causes.jsonl")
    log.write_text("")
    scene.close_connections()
    run, _text = scene.run_playbook(
        *("-e", f"rotation_credentials={','.join(names)}", "-e", "rotation_force=true"),
        *("-e", "env_deploy_serial=100%", "-f", "20"),
        playbook="playbooks/rotate.yml",
        callbacks={"bench_calls": log},
    )
    return run, [json.loads(line) for line in log.read_text().splitlines()]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.listing", description=__doc__)
    parser.add_argument("--hosts", type=int, default=1)
    parser.add_argument("--credentials", type=int, default=1)
    options = parser.parse_args(argv)
    if options.credentials == 1:
        with rotation_scene(options.hosts) as scene, scene.lab.moto.behind(network.TYPICAL):
            run, calls = rotate(scene, "database")
    else:
        with many_scene(options.hosts, options.credentials) as many, many.lab.moto.behind(network.TYPICAL):
            run, calls = rotate(many, *many.lab.names)
    print("\n".join(listed(calls)))
    print(f"{sum(run.calls.values())} seen by the stand-in, {run.depth} deep, {run.connections} connections")
    print(f"{run.seconds:.1f} s, {run.processor:.1f} s of processor time")
    return 0


if __name__ == "__main__":
    sys.exit(main())
