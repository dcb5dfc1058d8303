# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections import Counter
from collections.abc import Sequence

from tests.simulation.glue import installed
from tests.simulation.planted import BUGS, planted
from tests.simulation.scenario import play

REPORT_EVERY = 10_000
"""After so many interleavings a line says how far it is."""


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description="Explores schedules of rotations.")
    parser.add_argument("--interleavings", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="replay this one, act by act")
    parser.add_argument("--failures", type=int, default=1, help="stop after that many")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after that long")
    parser.add_argument("--bug", choices=sorted(BUGS), help="plant that bug")
    arguments = parser.parse_args(argv)
    with installed(), planted(arguments.bug) if arguments.bug else contextlib.nullcontext():
        if arguments.seed is not None:
            result = play(arguments.seed, traced=True)
            say("\n".join(result.trace or ()))
            say(result.violation or "every invariant holds")
            return 1 if result.violation else 0
        return explore(arguments)


def explore(arguments: argparse.Namespace) -> int:
    first, number, failures = arguments.first, arguments.interleavings, arguments.failures
    bug = f" --bug {arguments.bug}" if arguments.bug else ""
    started, acts, failed = time.monotonic(), 0, 0
    paths: set[int] = set()
    ends: Counter[str] = Counter()
    litter: Counter[str] = Counter()
    for done, seed in enumerate(range(first, first + number), start=1):
        result = play(seed)
        acts += result.acts
        paths.add(result.path)
        ends += result.ends
        litter += result.litter
        if result.violation:
            failed += 1
            say(f"seed {seed}: {result.violation}\n  replay: python -m tests.simulation --seed {seed}{bug}")
            if failed >= failures:
                break
        if done % REPORT_EVERY == 0:
            say(f"{done} of {number}: {failed} failed, {time.monotonic() - started:.0f} s")
        if time.monotonic() - started > arguments.seconds:
            break
    seconds = time.monotonic() - started
    say(f"{done} interleavings ({len(paths)} different ones), {acts} acts, {failed} failed")
    say(f"{seconds:.1f} s, {done / seconds:.0f} a second; runs ended: {dict(ends)}; left by late acts: {dict(litter)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
