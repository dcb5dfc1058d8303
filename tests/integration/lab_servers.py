# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The servers of a process's labs for rotations, which use them one after another; each lab finds them empty."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from sandbox.aws import Moto
from sandbox.postgres import Postgres
from sandbox.valkey import ADMINISTRATOR, REPLICATOR, Valkey
from tests.integration import harness

MASTER = f"master_{harness.ENVIRONMENT}"
FOREIGN = "127.0.0.2"
"""An address of this machine that no host has: sessions from it are unknown to the inventory."""


@dataclass(frozen=True)
class Servers:
    aws: Moto
    postgres: Postgres
    valkey: Valkey

    def empty(self) -> None:
        """Nothing is left but the servers' own administrators."""
        harness.reset(self.aws)
        for switch in (self.aws.set_staleness, self.aws.set_throttling, self.aws.set_propagation):
            switch()
        self.valkey.execute("FLUSHALL")
        others = {*self.valkey.execute("ACL", "USERS")} - {"default", ADMINISTRATOR, REPLICATOR}
        if others:
            self.valkey.execute("ACL", "DELUSER", *others)
        wanted = "SELECT quote_ident(datname) FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres';"
        for database in self.postgres.execute(wanted).splitlines():
            self.postgres.execute(f"DROP DATABASE {database} WITH (FORCE);")
        wanted = (
            "SELECT string_agg(quote_ident(rolname), ', ') FROM pg_roles "
            f"WHERE NOT rolsuper AND rolname <> '{MASTER}' AND rolname NOT LIKE 'pg\\_%';"
        )
        roles = self.postgres.execute(wanted)
        if roles:
            self.postgres.execute(f"DROP OWNED BY {roles}; DROP ROLE {roles};")


_idle: list[Servers] = []
_started = ExitStack()


def _start() -> Servers:
    aws = _started.enter_context(Moto())
    postgres = _started.enter_context(Postgres(addresses=(FOREIGN,), networks=(f"{FOREIGN}/32",)))
    valkey = _started.enter_context(Valkey(addresses=(FOREIGN,)))
    postgres.create_master(MASTER)
    return Servers(aws, postgres, valkey)


@contextmanager
def servers() -> Iterator[Servers]:
    """Those that no other lab of this process uses now."""
    taken = _idle.pop() if _idle else _start()
    taken.empty()
    yield taken
    _idle.append(taken)


def stop_all() -> None:
    """At the end of a process's tests."""
    _idle.clear()
    _started.close()
