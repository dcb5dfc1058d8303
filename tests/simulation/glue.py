# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The real engine, with the world in place of AWS, servers, time and chance."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from types import SimpleNamespace
from typing import Any
from uuid import uuid5

from ansible_collections.watchparty.secrets.plugins.action import env_snapshot
from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    credential_ages,
    dotenv,
    secret_json,
    timestamps,
    valkey,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core import journal as _journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError, SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import (
    environment_reader,
    journal_store,
    registry,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import VersionedStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.version_cache import (
    Remembered,
    RememberedParameters,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import environment as ansible_environment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import begin as rotation_begin
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context as rotation_context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import ids as rotation_ids
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import preflight as rotation_preflight
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import setup as rotation_setup
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.engine import Engine
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ids import Who
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds import load_kinds
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import NotReached
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.run import RotationRun
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_actions import (
    postgresql_login,
    valkey_user,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.staging import Rotator
from tests.simulation import hosts
from tests.simulation.scheduler import Process
from tests.simulation.servers import login_in
from tests.simulation.world import LOGINS, World

KINDS = load_kinds([])


class Now:
    """The world of the present run: the actions look up time and chance in their modules."""

    world: World


def _holder_is_gone(result: Any) -> bool:
    """What /proc tells on the machine that the rotation was held on."""
    process = Now.world.scheduler.current
    assert process is not None
    same = [process for process in Now.world.scheduler.processes if process.name == result.get("process")]
    return result.get("machine") == process.machine and bool(same) and same[0].dead


def _remembered(extend: Callable[..., Journal]) -> Callable[..., Journal]:
    """Entries are read far more often than written, and every entry says which one it follows."""
    known: dict[tuple[object, ...], Journal] = {}

    def remembering(journal: Journal, entry: Mapping[str, Any], line: str) -> Journal:
        key = journal.digest, journal.lines, line
        if key not in known:
            if len(known) > 4000:
                known.clear()
            known[key] = extend(journal, entry, line)
        return known[key]

    return remembering


def _read_once(fold: Callable[..., Journal]) -> Callable[..., Journal]:
    known = lru_cache(1000)(fold)
    return lambda lines, *, version="": replace(known(tuple(lines)), version=version)


def _now() -> Any:
    """The time of the world that is played now."""
    return Now.world.now()


def _generate(length: int) -> str:
    return Now.world.value(length)


@contextlib.contextmanager
def installed() -> Iterator[None]:
    """Puts the world in the place of what the actions find around them, and takes it away again."""
    kept: list[tuple[Any, str, Any]] = []

    def patch(place: Any, name: str, value: Any) -> None:
        kept.append((place, name, getattr(place, name)))
        setattr(place, name, value)

    chance = SimpleNamespace(token_hex=lambda size=8: Now.world.token(size))
    patch(rotation_context, "secrets", chance)
    patch(rotation_begin, "process_identity", SimpleNamespace(is_gone=_holder_is_gone))
    patch(journal_store, "secrets", chance)
    patch(env_snapshot, "secrets", chance)
    patch(rotation_context, "now", _now)
    patch(rotation_context, "generate", _generate)
    patch(environment_reader, "now", _now)
    patch(registry, "SecretsManager", lambda client: client)
    patch(registry, "ParameterStore", lambda client: client)
    patch(environment_reader, "journal_of", lambda _catalog, client: client("s3"))
    patch(ansible_environment, "catalog_parser", SimpleNamespace(parse=lambda document, _environment: document))
    # A verifier takes 4096 rounds of a digest, and the servers here compare passwords.
    patch(postgresql_login, "postgresql_scram", SimpleNamespace(scram_verifier=lambda password, _salt: password))
    # Pure functions of texts that come up again and again.
    patch(_journal, "parsed", lru_cache(4096)(_journal.parsed))
    patch(_journal, "digest_of", lru_cache(4096)(_journal.digest_of))
    patch(_journal, "_with", _remembered(_journal._with))
    patch(_journal, "fold", _read_once(_journal.fold))
    patch(rotation_ids, "uuid", SimpleNamespace(uuid5=lru_cache(4096)(uuid5)))
    patch(dotenv, "spell", lru_cache(4096)(dotenv.spell))
    patch(valkey, "digest_of", lru_cache(4096)(valkey.digest_of))
    patch(timestamps, "stamp", lru_cache(4096)(timestamps.stamp))
    patch(credential_ages, "moment", lru_cache(4096)(credential_ages.moment))
    patch(atomic_file, "digest", lru_cache(4096)(atomic_file.digest))
    parse = lru_cache(4096)(secret_json.parse_secret)
    patch(secret_json, "parse_secret", lambda text: dict(parse(text)))  # the caller may change it
    hosts.install(patch)
    try:
        yield
    finally:
        for place, name, value in reversed(kept):
            setattr(place, name, value)


class ForHosts:
    """The secrets as hosts may read them."""

    def __init__(self, world: World) -> None:
        self._world = world

    def read(self, names: Sequence[str], **extra: Any) -> Contents:
        refused = [name for name in names if name.startswith(LOGINS)]
        assert not refused, f"hosts may not read {refused}"
        return self._world.secrets.read(names, **extra)

    def read_known(self, names: Sequence[str], **extra: Any) -> Contents:
        return VersionedStore.read_known(self, names, **extra)  # type: ignore[arg-type]

    def read_prescribed(self, names: Sequence[str], **more: Any) -> Contents:
        return VersionedStore.read_prescribed(self, names, **more)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> Any:
        assert name in ("name", "settling", "side_by_side"), f"hosts do not use {name}"
        return getattr(self._world.secrets, name)


_DEFAULTS: dict[str, Any] = {
    "credentials": [],
    "force": False,
    "ask": False,
    "incident": "",
    "immediate": False,
    "reached": [],
    "resume": "",
    "abort": False,
    "skipped": [],
    "seen": None,
    "values_file": None,
    "values_from": None,
}


class Recorded:
    """The audit log."""

    def __init__(self, world: World) -> None:
        self._world = world

    def open(self) -> None:
        """Its client needs no making."""

    def recorded(self, record: Mapping[str, Any], _head: Mapping[str, Any]) -> dict[str, Any]:
        name = record["rotation"]
        self._world.act("record", name, lambda: self._world.audit.add(name))
        return {}


class Hands:
    """What one run of rotate.yml, or of deploy.yml, has at hand."""

    def __init__(self, world: World, process: Process, **options: Any) -> None:
        self.world = world
        self.options = options
        rotator = Rotator(
            catalog=world.catalog,
            secrets=Remembered(world.secrets),
            parameters=RememberedParameters(world.parameters),
            journal=world.journal,
            me=Who(process.name, f"{process.name}@{process.machine}", self.holder(process)),
            clock=lambda: timestamps.stamp(world.now()),
            sleep=world.pause,
        )
        self.setting = rotation_setup.RotationSetup(world.catalog, KINDS, rotator, None)  # type: ignore[arg-type]
        self.setting.known.baseline = [None]  # none was recorded

    @staticmethod
    def holder(process: Process) -> dict[str, Any]:
        return {"machine": process.machine, "process": process.name}

    def begin(self) -> dict[str, Any]:
        given = {**_DEFAULTS, "hosts": list(self.world.hosts), "targeted_hosts": list(self.world.hosts), **self.options}
        return rotation_preflight.begin_with_servers(self.setting, given, {}, self, write=True)

    def engine(self, say: Callable[[str], object]) -> Engine:
        hosts = list(self.world.hosts)

        def progress(step: str, _credential: str, message: str, _seconds: float) -> None:
            self.world.scheduler.say(step or "said:", message)
            if not step and message.startswith("parameter "):
                say(message)

        return Engine(
            self.setting,
            RotationRun(hosts=hosts, targeted_hosts=hosts, reachable=hosts),
            server=self,
            audit=Recorded(self.world),
            progress=progress,
            clock=lambda: self.world.now().timestamp(),
            sleep=lambda _seconds: None,
        )

    def snapshot(self) -> dict[str, Any]:
        """The first play of every rollout."""
        world = self.world
        stores = {"secretsmanager": ForHosts(world), "ssm": world.parameters, "s3": world.journal}
        connection = SimpleNamespace(store_client=lambda name: stores[name], region="eu-west-1")
        request = ansible_environment.ReadRequest(document=world.catalog, environment="staging")
        environment = ansible_environment.read(request, connection)  # type: ignore[arg-type]
        environment.resolution.require()
        return {
            "settings": dict(environment.resolution.values),
            "snapshot_id": environment.resolution.snapshot_id,
            "journal": environment.journal.head,
        }

    # What runs on a host, for one credential

    def run_each(self, module: str, acts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any] | RotationError]:
        """The module of the collection on the rotation host: one execution for all of these acts."""
        host = next(iter(self.world.hosts.values()))
        action, carry_out = {
            "postgresql_login": (postgresql_login.PostgresqlLoginAction, self._postgresql),
            "valkey_user": (valkey_user.ValkeyUserAction, self._valkey),
        }[module]
        ready: list[Any] = [self._params(action, act["credential"], act["state"]) for act in acts]

        def program() -> list[dict[str, Any] | RotationError]:
            results: list[dict[str, Any] | RotationError] = []
            for entry, params in zip(acts, ready, strict=True):
                results.append(self._answer(results, entry, params, carry_out))
            return results

        try:
            states = "+".join(dict.fromkeys(act["state"] for act in acts))
            return host.module(f"{module} {states}", program, sealed=False)
        except hosts.Unreachable as error:
            raise NotReached(str(error)) from None

    @staticmethod
    def _answer(
        results: Sequence[dict[str, Any] | RotationError], entry: Mapping[str, Any], params: Any, carry_out: Any
    ) -> dict[str, Any] | RotationError:
        if isinstance(params, RotationError):
            return params
        if "needs" in entry and isinstance(results[entry["needs"]], RotationError):
            return RotationError("not run, because the action before it failed")
        try:
            if params is not None:
                carry_out(params, entry["state"])
        except SecretsError as error:
            return RotationError(str(error))
        return {"last_client": {"primary": "1"}} if entry["state"] == "present" else {}

    def _params(self, action: Any, name: str, state: str) -> dict[str, Any] | RotationError | None:
        act = object.__new__(action)
        args = {"credential": name, "state": state, "pending_task": ""}
        try:
            params: dict[str, Any] | None = act.params(self.setting, args, [])
        except SecretsError as error:
            return RotationError(str(error))
        return params

    def _postgresql(self, params: Mapping[str, Any], state: str) -> None:
        server = self.world.postgres
        login, url = params["login"], params["login_url"]
        if state == "checked":
            server.checked(login, params["like"], params["journal"])
        elif state == "present":
            server.present(login, url, params["verifier"], params["journal"])
        elif state == "usable":
            server.usable(login, url)
        else:
            server.revoked(login, url, params["journal"])

    def _valkey(self, params: Mapping[str, Any], state: str) -> None:
        server = self.world.valkey
        user, digest = params["user"], valkey.digest_of(login_in(params["login_url"])[1])
        gate = valkey.gate_digest(params["gate"]) if params.get("gate") else None
        stored = params["stored"].get(user, ()) if "stored" in params else None
        if state == "checked":
            server.checked(user, digest, str(gate))
        elif state == "open":
            server.open(user, digest, str(gate))
        elif state == "present":
            server.present(user, digest, gate, stored)
        elif state == "usable":
            server.usable(params["login_url"])
        else:
            server.revoked(user, digest, gate, stored)
