# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``python -m sandbox.hosts up|down|status|run``: test hosts from the command line."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

from sandbox.hosts._machine import KINDS
from sandbox.hosts.fleet import Fleet, Plan
from sandbox.process import SandboxError


def main(argv: list[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    try:
        return int(options.work(options))
    except SandboxError as error:
        print(error, file=sys.stderr)
        return 1


def _up(options: argparse.Namespace) -> int:
    # A SIGTERM cleans up like Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    fleet = Fleet(
        options.state,
        Plan(count=options.count, kind=options.kind, environment=options.environment, services=options.services),
    )
    fleet.up()
    print(f"{options.count} {options.kind} hosts are up after {time.monotonic() - began:.1f} s: {fleet.inventory}")
    return 0


def _down(options: argparse.Namespace) -> int:
    try:
        fleet = Fleet.load(options.state)
    except SandboxError:
        fleet = Fleet(options.state)
    fleet.down()
    return 0


def _status(options: argparse.Namespace) -> int:
    for machine in Fleet.load(options.state).machines.values():
        print(f"{machine.name:8} {machine.address:15} {machine.kind:8} {'up' if machine.leader else 'down'}")
    return 0


def _run(options: argparse.Namespace) -> int:
    done = Fleet.load(options.state).run(options.host, options.argv, check=False)
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    return done.returncode


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox.hosts", description=__doc__)
    commands = parser.add_subparsers(required=True)

    def command(name: str, work: object, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text)
        made.add_argument("--state", type=Path, required=True, help="the fleet's own directory")
        made.set_defaults(work=work)
        return made

    up = command("up", _up, "start hosts; what an earlier run left in the same directory is removed first")
    up.add_argument("--count", type=int, default=3)
    up.add_argument("--kind", choices=KINDS, default="systemd")
    up.add_argument("--environment", default="production", help="the hosts' app_environment")
    up.add_argument("--services", action="store_true", help="with PostgreSQL, Valkey and a stand-in for AWS")
    command("down", _down, "remove the hosts and everything of theirs")
    command("status", _status, "list the hosts")
    run = command("run", _run, "run a command on a host, as root")
    run.add_argument("host")
    run.add_argument("argv", nargs="+")
    return parser


if __name__ == "__main__":
    sys.exit(main())
