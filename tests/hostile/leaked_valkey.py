# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What whoever has a leaked login of Valkey does before and while it is replaced."""

from __future__ import annotations

import itertools
import shlex
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import redis

from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey import digest_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import DISABLED
from sandbox.valkey import Valkey
from tests import background
from tests.integration.valkey_lab import LOCAL, Run, new_password, session

LEAKED = "shop"
"""A user with every right, as many applications have it."""


@dataclass
class Response:
    """The acts of a leak response on one server, in the order of a graceful rotation."""

    run: Run
    server: Valkey
    old: str = field(default_factory=new_password)
    new: str = field(default_factory=new_password)
    evil: str = field(default_factory=new_password)
    stage: str = ""
    warnings: list[str] = field(default_factory=list)
    further: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.server.create_user(LEAKED, self.old)

    def act(self, state: str, password: str, **extra: Any) -> dict[str, Any]:
        self.stage = state
        stored = {
            LEAKED: [digest_of(self.old), digest_of(self.new)],
            "default": [digest_of(self.server.password)],
            "admin": [digest_of(self.server._admin_password)],
        }
        urls = {
            "login_url": self.server.url(user=LEAKED, password=password),
            "leaked_url": self.server.url(user=LEAKED, password=self.old),
        }
        result = self.run(state, admin_url=self.server.admin_url(), stored=stored, **urls, **self.further, **extra)
        self.warnings += result.get("warnings", [])
        return result

    def carried_out(self, before_revocation: Callable[[Response], object] = id) -> dict[str, Any]:
        """The answer of the last act, or of the first that fails."""
        notes: dict[str, Any] = {}
        states = ["checked", "open", "present", "usable"]
        while states:
            state = states.pop(0)
            gate = {"gate": "r1"} if state in ("checked", "open", "present") else {}
            result = self.act(state, self.old if state == "blocked" else self.new, **gate)
            notes = result.get("last_client") or notes
            if result.get("reason") and DISABLED not in self.warnings:  # the kind carries on like this
                self.warnings.append(DISABLED)
                states = ["blocked", "open", "present", "usable"]
            elif result.get("failed"):
                return result
        before_revocation(self)
        return self.act("revoked", self.old, last_client=notes, end_sessions="all", known_addresses=LOCAL)

    @property
    def node(self) -> str:
        return f"{self.server.host}:{self.server.port}"

    @property
    def ways_in(self) -> list[str]:
        """The logins of the attacker that are accepted."""
        evil = [user for user in (LEAKED, "thief", "default", "admin") if self.server.accepts(self.evil, user)]
        old = [f"{LEAKED} by the old password"] if self.server.accepts(self.old, LEAKED) else []
        return [*old, *evil, *(["no login"] if self.server.accepts(None) else [])]

    def as_leaked(self, commands: tuple[str, ...]) -> None:
        """Commands of one session, in which ``{evil}`` is a password of the attacker's."""
        client = session(self.server, self.old, LEAKED)
        for command in commands:
            client.execute_command(*(word.format(evil=self.evil) for word in command.split()))

    @contextmanager
    def again_and_again(self, *commands: str, pause: float = 0.01) -> Iterator[None]:
        """The commands in a loop, by somebody who logs in anew for as long as any of his logins is accepted."""
        logins = ((self.old, LEAKED), *((self.evil, user) for user in (LEAKED, "thief", "default", "admin")))

        def loop(over: threading.Event) -> None:
            for password, user in itertools.cycle(logins):
                if over.wait(0.01):
                    return
                with suppress(redis.RedisError, OSError):
                    client = session(self.server, password, user)
                    while not over.wait(pause):
                        for command in commands:
                            client.execute_command(*(word.format(evil=self.evil) for word in shlex.split(command)))

        with background.running(loop):
            yield
