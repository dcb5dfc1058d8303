# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Times the daily jobs of docs/explanation/comparison.md: scripts/secrets compared with chamber, sops and Doppler's
CLI.

python -m bench.daily [--rounds 5] [--hosts 3]

The other tools are measured if they are in PATH. chamber uses the same stand-in for AWS, and sops a file with an age
key. Doppler's service is a server that answers at once with the fields that its CLI reads.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from bench.run import Meter, Run
from sandbox import sshd
from sandbox.process import REPOSITORY, SandboxError, clean_environment, write_private
from sandbox.seed import seed, watchparty
from tests.integration.rotation_lab import RotationLab, rotation_lab
from tests.integration.terminal import at_a_terminal

NAME, VALUE = "SENTRY_DSN", "https://0123456789abcdef0123456789abcdef@o1.ingest.example.com/1"
SETTINGS = 24
"""The worked example's number of settings."""
SETTLING = 6
"""Seconds after a rotation in which a read waits for consistent values in AWS."""
PIPE = "chamber read -q shop name_1 | chamber write shop name_2 -"
Commands = Mapping[str, Sequence[str]]
TOOLS: dict[str, Commands] = {
    "chamber": {
        "list": ("chamber", "list", "shop"),
        "set": ("sh", "-c", "echo value | chamber write shop name_1 -"),
        "show": ("chamber", "read", "-q", "shop", "name_1"),
        "history": ("chamber", "history", "shop", "name_1"),
        "undo": ("sh", "-c", PIPE),
        "run": ("chamber", "exec", "shop", "--", "true"),
    },
    "sops": {
        "set": ("sops", "set", "production.yml", '["NAME_1"]', '"value"'),
        "show": ("sops", "decrypt", "--extract", '["NAME_1"]', "production.yml"),
        "compare": ("bash", "-c", "diff <(sops decrypt staging.yml) <(sops decrypt production.yml) || true"),
        "run": ("sops", "exec-env", "production.yml", "true"),
    },
    "doppler": {
        "list": ("doppler", "secrets", "--only-names"),
        "set": ("doppler", "secrets", "set", "NAME_1=value"),
        "show": ("doppler", "secrets", "get", "NAME_1", "--plain"),
        "run": ("doppler", "run", "--", "true"),
    },
}


def ours(values_file: Path) -> Commands:
    script = str(REPOSITORY / "scripts" / "secrets")
    return {
        "list": (script, "list", "production"),
        "validate": (script, "validate", "production"),
        "set": (script, "set", "production", NAME, "--values-file", str(values_file)),
        "show": (script, "get", "production", NAME, "--reveal"),
        "compare": (script, "diff", "staging", "production"),
        "history": (script, "history", "production", NAME),
        "set again": (script, "set", "production", NAME, "--values-file", str(values_file)),
        "undo": (script, "undo", "production", NAME),
        "run": (script, "exec", "production", "--", "true"),
        "deploy": (script, "deploy", "production"),
        "rotate": (script, "rotate", "production", "database"),
    }


def timed(command: Sequence[str], environment: Mapping[str, str], directory: Path, allowed: tuple[int, ...]) -> Run:
    """Runs a command at a terminal, like a person."""
    meter = Meter()
    code, text = at_a_terminal(command, directory, environment, {})
    run = meter.run()
    if code not in allowed:
        raise SandboxError(f"{' '.join(command)} ended with {code}:\n{text[-2000:]}")
    return run


def measure_ours(lab: RotationLab, rounds: int) -> dict[str, list[Run]]:
    runs: dict[str, list[Run]] = {}
    environment = {**lab.environment(), "ANSIBLE_INVENTORY": lab.command()[2]}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    values_file = lab.directory / "values.yml"
    for number in range(-1, rounds):  # the first is not counted: Python compiles its files
        time.sleep(SETTLING)
        for job, command in ours(values_file).items():
            write_private(values_file, json.dumps({NAME: f"{VALUE}{number}{len(job)}"}))
            run = timed(command, environment, lab.directory, (0, 1) if job == "compare" else (0,))
            if number >= 0:
                runs.setdefault(job, []).append(run)
    return runs


class Answer(BaseHTTPRequestHandler):
    """Fields of https://docs.doppler.com/reference that Doppler's CLI reads."""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        names = [f"NAME_{number}" for number in range(1, SETTINGS + 1)]
        values = {name: {"raw": "value", "computed": "value"} for name in names}
        answer: Any = {"success": True, "names": names, "secrets": values}
        if "/download" in self.path:
            answer = dict.fromkeys(names, "value")
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _answer  # noqa: N815 names of the base class

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def doppler_service() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def prepare(directory: Path, environment: Mapping[str, str]) -> None:
    """Writes chamber's values and sops's two files."""
    call = partial(subprocess.run, cwd=directory, env=environment, check=True, capture_output=True, text=True)
    if shutil.which("chamber"):
        for number in range(1, SETTINGS + 1):
            call(["chamber", "write", "shop", f"name_{number}", "-"], input="value")
    if shutil.which("sops") and shutil.which("age-keygen"):
        key = call(["age-keygen", "-o", environment["SOPS_AGE_KEY_FILE"]]).stderr.split()[-1]
        for name in ("staging", "production"):
            content = "".join(f"NAME_{number}: {name}\n" for number in range(1, SETTINGS + 1))
            (directory / f"{name}.yml").write_text(content, encoding="utf-8")
            call(["sops", "encrypt", "--age", key, "--in-place", f"{name}.yml"])


def measure_tools(lab: RotationLab, rounds: int) -> dict[str, dict[str, list[Run]]]:
    runs: dict[str, dict[str, list[Run]]] = {}
    with doppler_service() as address:
        environment = clean_environment(
            **lab.moto.env(),
            HOME=str(lab.directory),
            CHAMBER_KMS_KEY_ALIAS="alias/aws/ssm",
            CHAMBER_AWS_SSM_ENDPOINT=lab.moto.env()["AWS_ENDPOINT_URL"],
            SOPS_AGE_KEY_FILE=str(lab.directory / "age.txt"),
            DOPPLER_API_HOST=address,
            DOPPLER_TOKEN="dp.pt.example",
            DOPPLER_PROJECT="shop",
            DOPPLER_CONFIG="prd",
            DOPPLER_ENABLE_VERSION_CHECK="false",
        )
        prepare(lab.directory, environment)
        for tool, commands in TOOLS.items():
            if shutil.which(tool):
                for job, command in commands.items():
                    each = [timed(command, environment, lab.directory, (0,)) for _ in range(rounds + 1)]
                    runs.setdefault(tool, {})[job] = each[1:]
    return runs


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.daily", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hosts", type=int, default=3)
    options = parser.parse_args(argv)
    with sshd.Sshd() as server, rotation_lab(server.host_vars(), hosts=options.hosts) as lab:
        values = [f"rediss://:example-token-of-staging@cache.example.com:6379/{number}" for number in range(4)]
        database = "postgresql://app:example-password@db.example.com:5432/app"
        seed(lab.moto.client, watchparty("staging", database_url=database, cache_urls=tuple(values)))  # type: ignore[arg-type]
        tools = {"secrets": measure_ours(lab, options.rounds), **measure_tools(lab, options.rounds)}
    for tool, jobs in tools.items():
        for job, runs in jobs.items():
            seconds = statistics.median(run.seconds for run in runs)
            processor = statistics.median(run.processor for run in runs)
            print(f"{tool:<8} {job:<10} {seconds:6.2f} s elapsed, {processor:6.2f} s of processor time, all sides")
    return 0


if __name__ == "__main__":
    sys.exit(main())
