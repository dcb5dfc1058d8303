# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The demo: a deploy from AWS to a healthy application, on this machine alone. ``python -m sandbox.demo``"""

from __future__ import annotations

import argparse
import json
import os
import pwd
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TypeVar

from . import demo_rotation, demo_terminal, demo_verification, sshd
from .application import SOURCE, Application, python
from .aws import Moto
from .demo_terminal import Steps
from .postgres import Postgres
from .process import REPOSITORY, SandboxError, Server, bypass_proxies, clean_environment, free_port
from .seed import LONG_AGO, Seeded, seed, watchparty_on
from .state import forget
from .valkey import Valkey

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AnyServer = TypeVar("AnyServer", bound=Server)

ENVIRONMENT = "production"
MASKED_FROM = 16
"""Length from which values are masked. Every secret made here is longer; shorter values, such as addresses, would mask
plain words."""
CATALOG = REPOSITORY / "examples" / "watchparty" / "group_vars" / "all" / "secrets_catalog.yml"


class Interrupted(BaseException):
    """Raised in the main thread if a signal ends the demo."""


@dataclass(frozen=True)
class Scene:
    """The running stand-ins before the deploy."""

    directory: Path
    moto: Moto
    postgres: Postgres
    seeded: Seeded
    application: Application
    connection: str
    """Text for people: the connection, and the reason for it."""
    inventory: Path
    control: Path
    """Folder of Ansible's open SSH connections. Its path is short, because a socket's path must be."""
    seeding_calls: int
    """Number of AWS calls before the deploy."""

    def playbook(self, name: str, *arguments: str) -> list[str]:
        program = Path(sys.executable).parent / "ansible-playbook"
        text = str(program) if program.exists() else shutil.which("ansible-playbook")
        if text is None:
            raise SandboxError("ansible-playbook is not installed in this Python environment.")
        chosen = ["-e", f"app_environment={ENVIRONMENT}", *arguments]
        return [text, "-i", str(self.inventory), f"playbooks/{name}.yml", *chosen]

    @property
    def command(self) -> list[str]:
        return self.playbook("deploy")

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables with which the command finds the stand-ins and shows the console's output."""
        callback = {"ANSIBLE_STDOUT_CALLBACK": "watchparty.secrets.console"}
        return {**self.moto.env(), **callback, "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.control)}


def _inventory(directory: Path, application: Application, host_vars: dict[str, str | int], postgres: Postgres) -> Path:
    """Writes an inventory with the worked example's catalog and this PostgreSQL's address."""
    me = pwd.getpwuid(os.geteuid())
    place = directory / "inventory"
    catalog = place / "group_vars" / "all" / CATALOG.name
    catalog.parent.mkdir(parents=True)
    catalog.write_text(demo_rotation.catalog(CATALOG, postgres), encoding="utf-8")
    variables: dict[str, object] = {
        **host_vars,
        "ansible_become": False,
        "ansible_remote_tmp": str(directory / "remote-tmp"),
        "app_environment": ENVIRONMENT,
        "env_deploy_path": str(application.env_file),
        "env_deploy_owner": me.pw_name,
        "env_deploy_group": str(os.getegid()),
        "env_deploy_restart_command": application.restart_command,
        "env_deploy_health_url": application.health_url,
        "rotation_python": str(application.python),
        "django_chdir": str(SOURCE),
        "django_become_user": me.pw_name,
    }
    hosts = {"app_hosts": {"hosts": {"demo1": variables}}}
    # JSON is YAML.
    (place / "hosts.yml").write_text(json.dumps(hosts, indent=2) + "\n", encoding="utf-8")
    return place / "hosts.yml"


def _set_up(stack: ExitStack, steps: Steps, directory: Path) -> Scene:
    with steps.step("sample application") as messages:
        application = Application(directory / "app", free_port(), python())
        application.install()
        stack.callback(application.stop)
        messages.append(f"its packages are in {application.python.parent.parent.name}/")
    with steps.step("AWS stand-in") as messages:
        moto = _up(stack, Moto())
        messages.append(f"{moto.origin}, {moto.url}")
    with steps.step("PostgreSQL") as messages:
        postgres = _up(stack, Postgres())
        messages.append(f"{postgres.origin}, port {postgres.port}")
    with steps.step("Valkey") as messages:
        valkey = _up(stack, Valkey())
        messages.append(f"{valkey.origin}, port {valkey.port}")
    with steps.step("values") as messages:
        with moto.days_ago(LONG_AGO):
            seeded = seed(moto.client, watchparty_on(ENVIRONMENT, postgres=postgres, valkey=valkey))
        demo_verification.note_ages(moto.client)
        parameters = sum(name.startswith("/") for name in seeded.versions)
        messages.append(f"{len(seeded.versions) - parameters} secrets and {parameters} parameters, all random")
    with steps.step("host demo1") as messages:
        connection, host_vars = _host(stack)
        messages.append(connection)
    inventory = _inventory(directory, application, host_vars, postgres)
    control = directory / "cp"
    control.mkdir()
    stack.callback(_close_connections, control)
    return Scene(directory, moto, postgres, seeded, application, connection, inventory, control, len(moto.calls()))


def _up(stack: ExitStack, server: AnyServer, *, seconds: float = 60.0) -> AnyServer:
    """Starts a server that stops with the stack, even after an interrupted start."""
    stack.callback(server.stop)
    server.start(seconds=seconds)
    return server


def _host(stack: ExitStack) -> tuple[str, dict[str, str | int]]:
    """Connection to demo1: over SSH if an sshd runs, else local."""
    reason = sshd.unavailable()
    if reason is None:
        try:
            server = _up(stack, sshd.Sshd(), seconds=10)
        except SandboxError as error:
            reason = f"sshd did not start: {str(error).splitlines()[-1]}"
        else:
            program = server.origin.removeprefix("installed ")
            return f"SSH to {server.host}:{server.port} ({program})", server.host_vars()
    local: dict[str, str | int] = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    return f"a local connection ({reason})", local


def _run(stack: ExitStack, scene: Scene, command: list[str]) -> None:
    print(f"\n$ {shlex.join(['ansible-playbook', *command[1:]])}", flush=True)
    environment = clean_environment(
        **scene.variables,
        HOME=os.environ.get("HOME", "/"),
        LC_ALL=_locale(),
        TERM=os.environ.get("TERM", "dumb"),
        ANSIBLE_CONFIG=str(_empty_config(scene.directory)),
        ANSIBLE_HOME=str(scene.directory / "ansible"),
        PYTHONDONTWRITEBYTECODE="1",
    )
    # Its own session: Ctrl-C reaches only the demo, which ends the run before its servers.
    run = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdin=subprocess.DEVNULL, start_new_session=True)
    stack.callback(_end_run, run)
    code = run.wait()
    if code:
        raise SandboxError(f"The {Path(command[3]).stem} failed: ansible-playbook ended with {code}, see above.")


def _rotate(stack: ExitStack, scene: Scene) -> list[str]:
    """Rotates the database credential while logged-in users send requests. Returns the result."""
    print("\nEight users log in and send requests while the database credential rotates.", flush=True)
    command = scene.playbook("rotate", "-e", "rotation_credentials=database")
    return demo_rotation.under_load(scene.application, scene.postgres, lambda: _run(stack, scene, command))


def _verify(stack: ExitStack, scene: Scene) -> list[str]:
    """Runs the guide's checklist. Nothing may fail."""
    print("\nThe guide's checklist, with evidence.", flush=True)
    report = scene.directory / "verification"
    checkout = demo_verification.repository(scene.directory)
    given = (f"verify_repository={checkout}", f"verify_report_path={report}")
    # This machine has neither systemd nor AWS roles to check.
    extra = [word for variable in (*given, "verify_not_checked=warn") for word in ("-e", variable)]
    _run(stack, scene, scene.playbook("verify", *extra))
    return demo_verification.counted(report)


def _empty_config(directory: Path) -> Path:
    """An empty ansible.cfg, so that no personal settings change the demo."""
    path = directory / "ansible.cfg"
    path.write_text("[defaults]\n", encoding="utf-8")
    return path


def _locale() -> str:
    """This user's locale, or another UTF-8 locale, because Ansible requires UTF-8."""
    own = os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return own if "utf" in own.lower() else "C.UTF-8"


def _end_run(run: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGINT, signal.SIGKILL):
        if run.poll() is not None:
            return
        with suppress(ProcessLookupError):
            os.killpg(run.pid, number)
        with suppress(subprocess.TimeoutExpired):
            run.wait(timeout=10)


def _close_connections(control: Path) -> None:
    """Ends the SSH connections that Ansible keeps open for later runs."""
    for socket_file in control.iterdir():
        command = ["ssh", "-O", "exit", "-o", f"ControlPath={socket_file}", "demo1"]
        subprocess.run(command, capture_output=True, check=False, timeout=10)


def _health(application: Application) -> str:
    try:
        with urllib.request.urlopen(application.health_url, timeout=10) as answer:
            components = json.loads(answer.read())["components"]
            return f"{answer.status}: " + ", ".join(f"{name} {state}" for name, state in components.items())
    except (OSError, ValueError, KeyError) as error:
        raise SandboxError(f"{application.health_url} does not answer 200: {error}") from None


def _summary(scene: Scene) -> list[str]:
    """Results that the demo itself has seen: names, ids and counts, but no value."""
    path = scene.application.env_file
    details = path.stat()
    lines = path.read_text(encoding="utf-8").splitlines()
    settings = sum("=" in line and not line.startswith("#") for line in lines)
    calls = Counter(call["operation"] for call in scene.moto.calls(since=scene.seeding_calls))
    return [
        f"  health      {_health(scene.application)}",
        f"  file        {path}",
        f"              mode {stat.S_IMODE(details.st_mode):04o}, owner {_name(details.st_uid)}, {settings} settings",
        f"  connection  {scene.connection}",
        f"  AWS calls   {', '.join(f'{operation} {count}' for operation, count in sorted(calls.items()))}",
        *(f"  {'read from' if not number else '':<11} {line}" for number, line in enumerate(_stores(scene))),
    ]


def _stores(scene: Scene) -> list[str]:
    """Stores that were read, from the stand-in's record, with their versions."""
    lines: list[str] = []
    for call in scene.moto.calls(since=scene.seeding_calls):
        request = call["request"]
        if call["operation"] in ("BatchGetSecretValue", "GetSecretValue"):
            names = request.get("SecretIdList") or [request.get("SecretId")]
            lines += [f"{name:<36} version {scene.seeded.versions.get(name, '?')}" for name in names]
        elif call["operation"] == "GetParametersByPath":
            below = [name for name in scene.seeded.versions if name.startswith(request["Path"] + "/")]
            versions = sorted({scene.seeded.versions[name] for name in below})
            if below:
                lines.append(f"{request['Path'] + '/…':<36} version {', '.join(versions)} of {len(below)} parameters")
    return list(dict.fromkeys(lines))


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _last_words(application: Application, seeded: Seeded) -> str:
    """The end of the application's log, without values made for this demo."""
    if not application.log.exists():
        return ""
    text = "\n".join(application.log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
    for value in sorted(seeded.values.values(), key=len, reverse=True):
        text = text.replace(value, "********") if len(value) >= MASKED_FROM else text
    return text


class _Interrupt:
    """Raises Interrupted for a signal, and again every second until it arrives.

    Python only prints what a handler raises during a fork, so it would be lost.
    """

    def __init__(self) -> None:
        self._first = ""
        for number in (*SIGNALS, signal.SIGALRM):
            signal.signal(number, self._raise)

    def _raise(self, number: int, _frame: FrameType | None) -> None:
        self._first = self._first or signal.Signals(number).name
        signal.setitimer(signal.ITIMER_REAL, 1)
        raise Interrupted(self._first)

    def close(self) -> None:
        """Ignores signals, so that nothing interrupts the clean-up. Each of its steps has a time limit."""
        for number in (*SIGNALS, signal.SIGALRM):
            signal.signal(number, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _make_directory(stack: ExitStack) -> Path:
    """Makes the folder that holds everything, and is removed at the end."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        directory = Path(tempfile.mkdtemp(prefix="wp-demo-")).resolve()
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        stack.callback(forget, directory)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    if os.geteuid() == 0:
        # Servers of an ordinary user must reach their own private folders in it.
        directory.chmod(0o711)
    tempfile.tempdir = str(directory)
    return directory


def _play(stack: ExitStack, options: argparse.Namespace) -> None:
    steps = Steps()
    directory = _make_directory(stack)
    print("Watch Party: from AWS to a healthy application, in one command\n", flush=True)
    scene = _set_up(stack, steps, directory)
    if options.set_up_only:
        demo_terminal.keep(directory, scene.inventory, scene.variables)
    began = time.monotonic()
    try:
        _run(stack, scene, [*scene.command, *options.arguments])
        deployed = time.monotonic() - began
        summary = _summary(scene)
        rotated = [] if options.deploy_only else _rotate(stack, scene)
        verified = [] if options.deploy_only else _verify(stack, scene)
    except SandboxError as error:
        message = _last_words(scene.application, scene.seeded)
        raise SandboxError(
            f"{error}\nLast lines of the application's log:\n{message}" if message else str(error)
        ) from None
    print("\nThe application is healthy on what was deployed.")
    print("\n".join(summary + rotated + verified))
    set_up = began - steps.began
    rest = "" if options.deploy_only else f", {steps.total - set_up - deployed:.1f} s to rotate and verify"
    print(f"  time        {steps.total:.1f} s in all: {set_up:.1f} s to set up, {deployed:.1f} s to deploy{rest}")
    if options.keep:
        demo_terminal.keep(directory, scene.inventory, scene.variables)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox.demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C")
    parser.add_argument(
        "--set-up-only", action="store_true", help="start the servers, leave the deploy to you, and keep"
    )
    parser.add_argument("--deploy-only", action="store_true", help="leave the rotation out")
    parser.add_argument("arguments", nargs="*", metavar="-- ARGUMENT", help="more arguments for ansible-playbook")
    options = parser.parse_args(argv)
    interrupt = _Interrupt()
    os.umask(0o077)
    bypass_proxies()
    reason, kept = "", False
    try:
        with ExitStack() as stack:
            try:
                _play(stack, options)
            finally:
                kept = options.keep or options.set_up_only
                interrupt.close()
    except Interrupted as error:
        reason = f"Stopped by {error}."
    except SandboxError as error:
        reason = f"The demo failed. {error}"
    if reason:
        print(f"\n{reason}\nEverything was stopped and removed.", file=sys.stderr, flush=True)
        return 0 if kept and reason.startswith("Stopped") else 1
    print("\nEverything was stopped and removed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
