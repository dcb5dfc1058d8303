# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Logins from the controller over Ansible's own connection, as Ansible or with a key from a private agent.

The agent gets the private key through a pipe, so no argument, environment or file holds it. The agent ends with its
command, even if this process is killed.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import host_answer
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import key_pair, verbose_output

SECONDS = 30
"""Seconds for one attempt."""
LIFETIME = 300
"""Seconds after which the agent forgets the key."""
TRANSPORTS = ("ssh", "ansible.builtin.ssh")
ALONE = (
    *("-o", "ControlMaster=no", "-o", "ControlPath=none", "-o", "BatchMode=yes", "-o", "ForwardAgent=no"),
    *("-o", "ClearAllForwardings=yes", "-o", "PermitLocalCommand=no", "-o", "RequestTTY=no", "-v"),
)
"""Options of a separate connection without prompts. OpenSSH uses the first value of an option."""


@dataclass(frozen=True)
class Way:
    """Ansible's own connection to a host."""

    host: str
    name: str
    """The host's name in the inventory, for messages."""
    program: str
    arguments: tuple[str, ...]
    by_password: bool = False
    """Whether Ansible has a password, if no key is accepted."""
    account: str = ""
    """Account to try a key for. Empty for Ansible's login."""


@dataclass(frozen=True)
class AgentKey:
    socket: Path
    public: Path
    fingerprint: str


def way_of(connection: Any, name: str, account: str = "") -> Way:
    """The options of Ansible's own connection. Raises RotationError if it is not OpenSSH's."""
    if connection.transport not in TRANSPORTS:
        raise RotationError(
            f"Ansible reaches {name} by the connection {connection.transport}, but SSH keys need ssh; set "
            "ansible_connection=ssh for the host"
        )

    def split(option: str) -> list[str]:
        return shlex.split(connection.get_option(option) or "")

    def given(option: str, template: str) -> list[str]:
        value = connection.get_option(option)
        return [] if value in (None, "") else ["-o", template.format(value)]

    with suppress(KeyError):  # older Ansible has no such option
        if connection.get_option("private_key"):
            raise RotationError(
                f"Ansible logs in to {name} with a key in ansible_ssh_private_key. This key cannot be compared with "
                "the key to revoke; use ansible_ssh_private_key_file or ssh-agent"
            )
    key = connection.get_option("private_key_file")
    arguments = [
        *split("ssh_args"),
        *(["-o", "StrictHostKeyChecking=no"] if connection.get_option("host_key_checking") is False else []),
        *given("port", "Port={0}"),
        *(["-o", f'IdentityFile="{os.path.expanduser(key)}"'] if key else []),
        *given("remote_user", 'User="{0}"'),
        *given("timeout", "ConnectTimeout={0}"),
        *split("ssh_common_args"),
        *split("ssh_extra_args"),
    ]
    return Way(
        host=connection.get_option("host"),
        name=name,
        program=connection.get_option("ssh_executable"),
        arguments=tuple(arguments),
        by_password=bool(connection.get_option("password")),
        account=account,
    )


@contextmanager
def holding(private: str, name: str) -> Iterator[AgentKey]:
    """A private agent with this key, in a folder that no other account can enter."""
    public = key_pair.public_line(private, name)
    with tempfile.TemporaryDirectory(prefix="wps-") as folder:
        place = Path(folder)
        (place / "key.pub").write_text(public + "\n", encoding="ascii")
        agent_key = AgentKey(place / "agent", place / "key.pub", key_pair.fingerprint(private, name))
        with _agent(agent_key.socket) as environment:
            _run(["ssh-add", "-q", "-t", str(LIFETIME), "-"], environment, text=key_pair.as_file(private), name=name)
            yield agent_key


@contextmanager
def _agent(socket: Path) -> Iterator[dict[str, str]]:
    command = ["ssh-agent", "-a", str(socket), "sh", "-c", "echo $SSH_AGENT_PID; exec cat"]
    try:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    except OSError as error:
        raise RotationError(
            f"ssh-agent cannot be started on the controller: {error.strerror}; install the OpenSSH client"
        ) from None
    with process:
        number = next(iter(process.stdout or ()), "").strip()
        try:
            if not number.isdigit():
                raise RotationError("ssh-agent does not start on the controller; see the cause: ssh-agent -d")
            yield {**os.environ, "SSH_AUTH_SOCK": str(socket)}
        finally:
            if number.isdigit():
                with suppress(ProcessLookupError):
                    os.kill(int(number), signal.SIGTERM)


def _run(command: Sequence[str], environment: dict[str, str], *, text: str, name: str) -> None:
    try:
        process = subprocess.run(
            command, input=text, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        raise RotationError(
            f"{name}: {command[0]} cannot be run on the controller; install the OpenSSH client"
        ) from None
    if process.returncode:
        raise RotationError(
            f"{name}: {command[0]} rejects the key (exit code {process.returncode}); check its file: "
            "ssh-keygen -y -f FILE"
        )


def own(way: Way) -> verbose_output.Verdict:
    """Tries a new login with Ansible's own options."""
    return _attempt(way, [], "exit 0", until=None)


def try_login(way: Way, agent_key: AgentKey) -> verbose_output.Verdict:
    """Tries a login with that key. Opens no session, so that the host runs nothing."""
    key = [
        *(
            "-o",
            f"IdentityAgent={agent_key.socket}",
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            f"IdentityFile={agent_key.public}",
        ),
        # Ansible's own options may forbid keys.
        *("-o", "PubkeyAuthentication=yes", "-o", "PreferredAuthentications=publickey", "-N"),
        *(["-o", f'User="{way.account}"'] if way.account else []),
    ]
    return _attempt(way, key, None, until=agent_key.fingerprint)


@dataclass(frozen=True)
class KeyVerdict:
    accepted: bool | None
    """None if the host was not asked."""
    verdict: verbose_output.Verdict
    fingerprint: str


def ask_key(way: Way, private: str, name: str, *, in_full: bool) -> KeyVerdict:
    """Whether the host accepts the key. With ``in_full``, the key must log in; else the accepted offer is enough."""
    with holding(private, name) as agent_key:
        verdict = try_login(way, agent_key)
    accepted = verdict.accepts(agent_key.fingerprint)
    if accepted and in_full:
        accepted = verdict.is_in_by(agent_key.fingerprint)
    return KeyVerdict(accepted, verdict, agent_key.fingerprint)


def _attempt(way: Way, key: Sequence[str], command: str | None, *, until: str | None) -> verbose_output.Verdict:
    argv = [way.program, *ALONE, *key, *way.arguments, "-a", "--", way.host, *([command] if command else [])]
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise RotationError(f"{way.program} cannot be run on the controller: {error.strerror}") from None
    timer = threading.Timer(SECONDS, process.kill)
    timer.start()
    lines: list[str] = []
    try:
        with process:
            for line in process.stderr or ():
                lines.append(host_answer.printable(line, lines=True))
                # After a rejection, another key may be accepted. Either way the login stays until it is ended.
                if until and line.startswith("Authenticated to") and until in verbose_output.read(lines).offered:
                    process.kill()
            process.wait()
    finally:
        timer.cancel()
    return verbose_output.read(lines)
