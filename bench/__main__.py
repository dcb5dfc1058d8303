# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Measures deploys, rotations, leak responses and scans, compared with today's way.

Each round has every kind of run, without and with a network between the controller and the local stand-in for AWS. A
table comes at the end. docs/explanation/performance.md explains the figures. Seconds depend on the machine; ratios,
counts and processor time less so.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from bench import parts
from bench.figures import AllRuns, Figure, table
from sandbox import network
from sandbox.process import SandboxError

BEFORE = "849eb966"
"""The commit before verify looked at units, processes and copies."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    what = parser.add_argument_group("what is measured")
    what.add_argument(
        "--part",
        action="append",
        choices=list(parts.PARTS),
        help="only this part; may be given more than once. Default: all of them",
    )
    what.add_argument("--rounds", type=int, default=3, help="default: %(default)s; 'many' and 'scale' have one round")
    what.add_argument("--hosts", type=int, default=20, help="of a deploy and of a leak response; default: %(default)s")
    what.add_argument(
        "--many", type=int, default=100, help="hosts of the largest deploy; 0: none. Default: %(default)s"
    )
    what.add_argument("--rotation-hosts", type=int, default=3, help="of a rotation; default: %(default)s")
    what.add_argument("--credentials", type=int, default=50, help="of the part 'many'; default: %(default)s")
    what.add_argument("--scale-hosts", type=int, default=500, help="most of the part 'scale'; default: %(default)s")
    what.add_argument(
        "--before", default=BEFORE, help="commit that the part 'host' compares with; default: %(default)s"
    )
    what.add_argument("--megabytes", type=int, default=200, help="of the scanned history; default: %(default)s")
    wire = parser.add_argument_group("the network between controller and AWS")
    wire.add_argument(
        "--network", choices=["both", "without", "with"], default="both", help="which runs; default: %(default)s"
    )
    network.add_options(wire)
    parser.add_argument(
        "--json", type=Path, default=Path("build/bench.json"), help="for every run; default: %(default)s"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(argv)
    for name in ("hosts", "rotation_hosts", "rounds", "credentials", "scale_hosts"):
        if getattr(options, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    runs: dict[str, AllRuns] = {}
    figures: list[Figure] = []
    try:
        for name in options.part or parts.PARTS:
            measure, unavailable = parts.PARTS[name]
            reason = unavailable()
            if reason:
                print(f"{name}: not measured. {reason}.")
                continue
            runs[name], part = measure(options)
            figures += part
            if options.part is None or len(options.part) > 1:
                print(f"\n{table(part)}\n", flush=True)
    except SandboxError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; everything was removed.", file=sys.stderr)
        return 130
    if runs:
        _report(options, runs, figures)
    return 0


def _report(options: argparse.Namespace, runs: dict[str, AllRuns], figures: list[Figure]) -> None:
    about = {
        "ansible-core": version("ansible-core"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "rounds": options.rounds,
        "load": f"{os.getloadavg()[0]:.1f} at the end",
        "with": network.describe(network.chosen(options)),
    }
    print(", ".join(f"{name} {value}" if name != "with" else f"with: {value}" for name, value in about.items()))
    print(f"medians of {options.rounds} interleaved rounds; a ratio is the median of the rounds' ratios\n")
    print(table(figures))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "about": about,
        "figures": [asdict(figure) for figure in figures],
        "runs": {
            part: {
                wire: {name: [asdict(run) for run in kind] for name, kind in by_name.items()}
                for wire, by_name in entry.items()
            }
            for part, entry in runs.items()
        },
    }
    options.json.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"\nEvery run: {options.json}")


if __name__ == "__main__":
    sys.exit(main())
