#!/usr/bin/env python3
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A stand-in for docker with compose, after its public reference. It runs a service as a process of this machine.

A container gets the settings of its env_file when it is created. ``restart`` starts the process anew with what the
container has. The compose file is JSON, which is YAML as well. State lies beside this program.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

STATE = Path(__file__).with_name("containers.json")
CONFIGURED = "{{.HostConfig.RestartPolicy.Name}} {{json .Config.Env}}"
FORMAT = '{{index .Config.Labels "com.docker.compose.service"}} {{.State.Status}} {{.Created}}'


def containers() -> dict[str, Any]:
    return json.loads(STATE.read_text()) if STATE.exists() else {}


def save(known: dict[str, Any]) -> None:
    STATE.write_text(json.dumps(known))


def settings(service: dict[str, Any], folder: Path) -> dict[str, str]:
    lines = [line for name in service.get("env_file", ()) for line in (folder / name).read_text().splitlines()]
    pairs = [line.split("=", 1) for line in lines if "=" in line and not line.startswith("#")]
    return {name: value.strip("'") for name, value in pairs}


def start(container: dict[str, Any]) -> None:
    environment = {"PATH": os.environ["PATH"], **container["environment"]}
    nothing = subprocess.DEVNULL
    process = subprocess.Popen(
        container["command"], env=environment, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True
    )
    container["pid"] = process.pid


def stop(container: dict[str, Any]) -> None:
    if runs(container):
        os.kill(container["pid"], signal.SIGKILL)
        while runs(container):
            time.sleep(0.01)


def runs(container: dict[str, Any]) -> bool:
    try:
        stat = Path(f"/proc/{container['pid']}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def compose(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(exit_on_error=True)
    parser.add_argument("--file", required=True)
    verbs = parser.add_subparsers(dest="verb", required=True)
    up = verbs.add_parser("up")
    for flag in ("--detach", "--force-recreate", "--no-deps", "--no-build"):
        up.add_argument(flag, action="store_true")
    up.add_argument("--pull")
    listing = verbs.add_parser("ps")
    listing.add_argument("--all", action="store_true")
    listing.add_argument("--quiet", action="store_true")
    inside = verbs.add_parser("exec")
    inside.add_argument("-T", action="store_true")
    inside.add_argument("service")
    inside.add_argument("command", nargs=argparse.REMAINDER)
    for verb in (up, listing, verbs.add_parser("stop"), verbs.add_parser("restart")):
        verb.add_argument("services", nargs="*")
    options = parser.parse_args(arguments)
    file = Path(options.file)
    declared, known = json.loads(file.read_text())["services"], containers()
    if options.verb == "exec":
        environment = known[options.service]["environment"]
        return subprocess.run(options.command, env={**os.environ, **environment}, check=False).returncode
    for name in options.services:
        if name not in declared:
            sys.stderr.write(f"no such service: {name}\n")
            return 1
        if options.verb == "ps" and name in known:
            sys.stdout.write(known[name]["id"] + "\n")
        elif options.verb in ("up", "stop", "restart"):
            if name in known:
                stop(known[name])
            if options.verb == "up":
                created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
                known[name] = {"id": f"{name}-{created}", "created": created, "command": declared[name]["command"]}
                known[name]["environment"] = settings(declared[name], file.parent)
                known[name]["environment"].update(declared[name].get("environment", {}))
                known[name]["restart"] = declared[name].get("restart", "no")
            if options.verb != "stop":
                start(known[name])
    save(known)
    return 0


def inspect(shown: str, ids: list[str]) -> int:
    for name, container in containers().items():
        if container["id"] in ids and shown == CONFIGURED:
            pairs = [f"{key}={value}" for key, value in container["environment"].items()]
            sys.stdout.write(f"{container['restart']} {json.dumps(pairs)}\n")
        elif container["id"] in ids:
            state = "running" if runs(container) else "exited"
            sys.stdout.write(f"{name} {state} {container['created']}\n")
    return 0


if __name__ == "__main__":
    if sys.argv[1] == "compose":
        sys.exit(compose(sys.argv[2:]))
    if sys.argv[1:3] == ["inspect", "--format"] and sys.argv[3] in (FORMAT, CONFIGURED):
        sys.exit(inspect(sys.argv[3], sys.argv[4:]))
    sys.exit("unknown docker command")
