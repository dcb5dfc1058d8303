# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What must hold after every act, and what must be left when a rotation has ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from operator import is_
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import journal, valkey
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import CURRENT, PREVIOUS
from tests.simulation.servers import login_in
from tests.simulation.world import (
    ADMIN,
    CACHE,
    CATALOGS,
    COPY,
    CORE,
    JOURNAL,
    LOGINS,
    OTHER,
    OVERLAYS,
    ROTATING,
    World,
)

SECRETS = (CORE, CACHE)
SESSIONS_LAST = timedelta(seconds=CATALOGS[False, False].credentials["django_key"].fallback_seconds)
"""After their last request."""


class Violation(BaseException):
    """An invariant does not hold."""


class Watch:
    """Looks at the world after every act that changed it."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.watch = self.changed
        world.blind = lambda name: self._fail(f"{name} is written without a look at the journal right before")
        self.current = {name: world.read(name) for name in SECRETS}
        self.before: dict[tuple[str, str], set[str]] = {}
        """By secret and key, the values that were current for another reason than a promotion."""
        for name, (_version, keys) in self.current.items():
            self._remember(name, keys)
        self.theirs: set[tuple[str, str, str]] = set()
        """Place, key and value of what somebody else wrote."""
        self.plans: dict[str, dict[str, Any]] = {}
        self.buried: dict[str, str] = {}
        """Values of parameters that somebody else wrote and a rotation wrote over, until they are back."""
        self._valid: list[object] = []
        """The parts that were found valid last."""
        self.journal = self.fold()
        self.signed: dict[str, datetime] = {}
        """When a host last signed with a key that is in force, or was."""
        self._signs: set[str] = {self.current[CORE][1]["SECRET_KEY"]}
        """The keys that hosts sign with now."""
        self._in_force = set(self._signs)
        """The keys that no abort rolls back, whose sessions therefore must last."""

    def _remember(self, name: str, keys: dict[str, str]) -> None:
        for key, value in keys.items():
            self.before.setdefault((name, key), set()).add(value)

    def somebody_wrote(self, place: str, key: str, value: str) -> None:
        self.theirs.add((place, key, value))
        if place in self.current:
            self.current[place] = self.world.read(place)
            self._remember(place, self.current[place][1])

    def fold(self) -> Journal:
        return journal.fold(self.world.journal.entries())

    # After every act

    def changed(self, op: str, name: str) -> None:
        if name == JOURNAL:
            self._journal_changed()
        elif op == "move" and name in self.current:
            self._moved(name)
        elif op == "write" and name in (COPY, OTHER):
            self._written(name)
        if name.startswith((JOURNAL, LOGINS, OVERLAYS)):
            self._given(name)
        if op not in ("put", "create", "delete", "log in", "health"):
            self.valid()

    def _fail(self, *results: object) -> None:
        self.world.scheduler.say("VIOLATION:", *results)
        raise Violation(" ".join(map(str, results)))

    def _given(self, name: str) -> None:
        """What hosts are given is there when the journal prescribes it, and follows from the new logins alone."""
        secrets, rotation = self.world.secrets._secrets, self.journal.rotation
        overlay = rotation.overlay if rotation else None
        if overlay and overlay.version not in (secrets[overlay.secret].contents if overlay.secret in secrets else ()):
            self._fail(f"the journal prescribes {overlay.secret}, which is not there")
        for secret, version in rotation.secrets.items() if rotation else ():
            if version not in secrets[secret].contents:
                self._fail(f"the journal prescribes version {version} of {secret}, which is not there")
        own, logins = (f"{start}{name.rpartition('/')[2]}" for start in (OVERLAYS, LOGINS))
        if own not in secrets or rotation is None or not own.endswith(rotation.id):
            return  # nobody reads what a late run made of a rotation that has ended; the next run removes it
        given = [json.loads(text) for text in secrets[own].contents.values()]
        made = [json.loads(text) for text in secrets[logins].contents.values()] if logins in secrets else []
        if any(set(item) != {"phases"} for item in given):
            self._fail(f"{own} holds more than parameters: {sorted({key for item in given for key in item})}")
        if made and [item["phases"] for item in made] != [item["phases"] for item in given]:
            self._fail(f"{own} gives hosts something else than {logins} says")

    def valid(self) -> None:
        """Every value that a service runs on, or would start with, is valid; so is every current one. Services run on
        the file that the mark says they were healthy on.

        It is asked again when any of these was replaced by another object since; none is changed in place.
        """
        world, parts = self.world, [*self._parts()]
        if len(parts) == len(self._valid) and all(map(is_, parts, self._valid)):
            return
        self._valid = parts
        for host in world.hosts.values():
            if host.is_settled and host.running != host.settings:
                self._fail(host.name, "is marked as healthy on its file, and runs on another")
            for what, settings in (("runs on", host.running), ("would start with", host.settings)):
                if not world.postgres.accepts(settings["DATABASE_URL"]):
                    self._fail(host.name, what, settings["DATABASE_URL"], "which PostgreSQL refuses")
                if not world.valkey.accepts(settings["REDIS_URL"]):
                    self._fail(host.name, what, settings["REDIS_URL"], "which Valkey refuses")
        self._sessions()
        self._fallbacks()
        if not world.postgres.accepts(self.current[CORE][1]["DATABASE_URL"]):
            self._fail(f"{CURRENT} of {CORE} names a login that PostgreSQL refuses")
        if not world.valkey.accepts(self.current[CACHE][1]["REDIS_URL"]):
            self._fail(f"{CURRENT} of {CACHE} names a password that Valkey refuses")

    def _parts(self) -> Iterator[object]:
        """What every such value stands in."""
        for host in self.world.hosts.values():
            yield host.running
            yield from host.files.values()
        yield from self.world.postgres.logins.values()
        for users in self.world.valkey.nodes.values():
            yield from users.values()
        yield from self.current.values()

    def _sessions(self) -> None:
        """What one host signs, every other one knows: else whoever is sent from one to the other is logged out."""
        keys = [(host.name, host.running) for host in self.world.hosts.values()]
        for name, entry in keys:
            for other, running in keys:
                known = [running["SECRET_KEY"], *running.get("SECRET_KEY_FALLBACKS", "").split(",")]
                if entry["SECRET_KEY"] not in known:
                    self._fail(f"{name} signs with {entry['SECRET_KEY']}, and {other} knows only {known}")

    def _fallbacks(self) -> None:
        """A key in force that signed is known wherever it may be asked for, as long as its sessions may be alive."""
        running = {host.name: host.running for host in self.world.hosts.values()}
        signs, now = {one["SECRET_KEY"] for one in running.values()}, self.world.now()
        self.signed |= dict.fromkeys((self._signs | signs) & self._in_force, now)
        self._signs = signs
        alive = {key for key, since in self.signed.items() if now < since + SESSIONS_LAST}
        for where, settings in {f"{CURRENT} of {CORE}": self.current[CORE][1], **running}.items():
            known = [settings["SECRET_KEY"], *settings.get("SECRET_KEY_FALLBACKS", "").split(",")]
            for key in sorted(alive.difference(known)):
                self._fail(f"{where} has lost the signing key {key}, whose sessions may be alive (it knows {known})")

    def _verified(self, key: str, value: str) -> bool:
        return any((key, value) in host.verified_on for host in self.world.hosts.values())

    def _moved(self, name: str) -> None:
        """AWSCURRENT names what a verified host has run on, and no write of others is lost by its move."""
        off, was = self.current[name]
        to, result = self.world.read(name)
        if to == off:
            return
        self.current[name] = (to, result)
        plan = self.plans.get(self._rotation_of(name, to), {})
        base = self.world.secrets._secrets[name].contents.get(plan.get("secrets", {}).get(name, ""), "{}")
        for key in {*was, *result}:
            mine, theirs = result.get(key, ""), was.get(key, "")
            if mine == theirs:
                continue
            if key not in ROTATING[name]:
                self._fail(f"{CURRENT} of {name} moved, and {key}={theirs} is lost (now {mine})")
            kept = mine.partition("@")[2] == theirs.partition("@")[2] != ""  # all of their URL but the login
            if (name, key, theirs) in self.theirs and json.loads(base).get(key) != theirs and not kept:
                self._fail(f"{CURRENT} of {name} moved, and somebody's {key}={theirs} is lost (now {mine})")
            if mine not in self.before[name, key] and not self._verified(key, mine) and not kept:
                self._fail(f"{CURRENT} of {name} has {key}={mine}, which no verified host has run on")

    def _rotation_of(self, name: str, version: str) -> str:
        labels = [label for label, holder in self.world.stages(name).items() if holder == version]
        return next((label.rpartition("-")[0] for label in labels if label.startswith("r-")), "")

    def _written(self, name: str) -> None:
        values = self.world.parameters._parameters[name].values
        lost, value = values[-2], values[-1]
        if self.buried.get(name) == value:
            del self.buried[name]
        elif (name, "", lost) in self.theirs and value != lost and not self._planned(name, lost):
            self.buried[name] = lost
        known = value in self.before[CORE, "DATABASE_URL"] or (name, "", value) in self.theirs
        if name == COPY and not known and not self._verified("DATABASE_URL", value):
            self._fail(f"{name} holds {value}, which no verified host has run on")

    def _planned(self, name: str, value: str) -> bool:
        values = self.world.parameters._parameters[name].values
        numbers = [plan.get("parameters", {}).get(name) for plan in self.plans.values()]
        return any(number and values[int(number) - 1] == value for number in numbers)

    def _journal_changed(self) -> None:
        before, self.journal = self.journal, self.fold()
        if self.journal.digest == before.digest:  # the same again, of a client whose answer was lost
            return
        if self.journal.head != before.head + 1:
            self._fail(f"the journal went from {before.head} to {self.journal.head}")
        entry = journal.entries(self.journal)[-1]
        if entry.get("prev", before.digest) != before.digest:
            self._fail(f"entry {self.journal.head} does not follow the one before")
        closes = entry["step"] in journal.CLOSING_STEPS and entry["rotation"] in self.plans
        if closes and entry["rotation"] not in self.world.audit:
            self._fail(f"the journal closes {entry['rotation']} before the audit log has it")
        if entry["step"] == "revoke":  # no abort from here on
            self._in_force.add(self.current[CORE][1]["SECRET_KEY"])
        if "plan" in entry:
            self.plans[entry["rotation"]] = entry["plan"]
        for what, gone in (("rotated", ()), ("pending_tasks", entry.get("discharged", ())), ("prepared", ())):
            lost = set(getattr(before, what)) - set(getattr(self.journal, what)) - set(gone)
            if lost:
                self._fail(f"the journal lost {what}: {sorted(lost)}")

    # At the end

    def named(self) -> None:
        """What could not be kept from being written over was reported."""
        message = " ".join(process.message or "" for process in self.world.scheduler.processes)
        for name, value in self.buried.items():
            if name not in message:
                self._fail(f"somebody's {name}={value} was written over, and no run named it")

    def left_over(self) -> list[str]:
        """What a rotation that has ended left.

        The gate of a rotation is not a password, and one that was opened late stays: it counts as litter only.
        """
        world, results = self.world, []
        if self.journal.rotation is not None:
            results.append(f"{self.journal.rotation} is open")
        for name in world.secrets._secrets:
            if name not in (CORE, CACHE, ADMIN):
                results.append(f"secret {name}")
                continue
            for label, version in world.stages(name).items():
                if label not in (CURRENT, PREVIOUS) and not version.startswith("theirs-"):
                    results.append(f"label {label} on {name}")
        logins, passwords = self._due_later()
        logins.add(login_in(self.current[CORE][1]["DATABASE_URL"])[0])
        passwords.add(valkey.digest_of(login_in(self.current[CACHE][1]["REDIS_URL"])[1]))
        results += [
            f"login {name}" for name, login in world.postgres.logins.items() if login.can_login and name not in logins
        ]
        for node, users in world.valkey.nodes.items():
            others = users["app"].digests - self._gates() - passwords
            results += [f"password {name[:8]} on {node}" for name in sorted(others)]
        return results

    def _due_later(self) -> tuple[set[str], set[str]]:
        """Logins and digests that pending tasks still keep valid."""
        held = [
            self.world.content(name, version)
            for pending_task in self.journal.pending_tasks.values()
            if pending_task.act == "revoke"
            for name, version in pending_task.secrets.items()
        ]
        logins = {login_in(keys["DATABASE_URL"])[0] for keys in held if "DATABASE_URL" in keys}
        return logins, {valkey.digest_of(login_in(keys["REDIS_URL"])[1]) for keys in held if "REDIS_URL" in keys}

    def _gates(self) -> set[str]:
        return {valkey.gate_digest(rotation) for rotation in self.plans}

    def open_gates(self) -> int:
        """How many gates of rotations that have ended are still there."""
        return sum(len(users["app"].digests & self._gates()) for users in self.world.valkey.nodes.values())
