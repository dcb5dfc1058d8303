# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Services of a deploy: PostgreSQL and Valkey (with TLS) on the bridge's address, AWS on loopback."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from sandbox.aws import Moto
from sandbox.hosts._application import migrate
from sandbox.hosts._cgroups import inside
from sandbox.hosts._files import make_directory
from sandbox.hosts._names import Names
from sandbox.postgres import Postgres
from sandbox.process import Process, write_private
from sandbox.seed import LONG_AGO, seed, watchparty_on
from sandbox.valkey import Valkey


def aws_config(env: dict[str, str]) -> str:
    """The settings as a configuration file, for programs that start before the values are known."""
    return (
        "[default]\n"
        f"region = {env['AWS_REGION']}\n"
        f"endpoint_url = {env['AWS_ENDPOINT_URL']}\n"
        f"aws_access_key_id = {env['AWS_ACCESS_KEY_ID']}\n"
        f"aws_secret_access_key = {env['AWS_SECRET_ACCESS_KEY']}\n"
    )


@dataclass(frozen=True)
class Services:
    """Three running servers, saved for other processes in a private file of the state directory."""

    host: str
    postgres_port: int
    valkey_port: int
    aws: dict[str, str]
    """Environment variables that send an AWS client to the stand-in."""
    processes: dict[str, Process]

    @classmethod
    def start(cls, names: Names, *, host: str, network: str, environment: str) -> Services:
        """Starts the servers, and writes Watch Party's secrets to AWS and its tables to the database."""
        place = names.scratch / "services"
        make_directory(place)
        # In the fleet's group, so that they end with it.
        with inside(names, "services"):
            postgres = Postgres(place / "postgres", host=host, networks=(network,), survives=True)
            valkey = Valkey(place / "valkey", host=host, certificate=names.certificate, survives=True)
            moto = Moto(place / "aws", survives=True)
            for server in (postgres, valkey, moto):
                server.start()
        with moto.days_ago(LONG_AGO):
            seeded = seed(moto.client, watchparty_on(environment, postgres=postgres, valkey=valkey))
        migrate(seeded.values[f"watchparty/{environment}/core#DATABASE_URL"])
        services = cls(
            host=host,
            postgres_port=postgres.port,
            valkey_port=valkey.port,
            aws=moto.env(),
            processes={name: Process.load(place / name / "process.json") for name in ("postgres", "valkey", "aws")},
        )
        write_private(names.aws_config, aws_config(moto.env()))
        write_private(names.services, json.dumps(asdict(services), indent=2) + "\n")
        return services

    @classmethod
    def load(cls, names: Names) -> Services:
        saved = json.loads(names.services.read_text(encoding="utf-8"))
        processes = {name: Process(**process) for name, process in saved.pop("processes").items()}
        return cls(**saved, processes=processes)

    def stop(self) -> None:
        for process in self.processes.values():
            process.stop()
