# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Further access keys of a leaked key's user. AWS allows two, so an attacker's key leaves no room for the new one."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import StoreError, one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.account_inventory import ACCESS_KEY
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.account_reader import key_places
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import AccessKey, AccessKeys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.compared_servers import baseline_of_run
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.known_keys import former_keys, known_keys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

Note = Callable[[str, str], object]
"""Writes a text under a name to the journal."""
EVICTED = "evicted/"
"""Prefix of notes about removed keys; the id follows."""


@dataclass
class RemovedKeys:
    """Removed and remaining keys by id, with dates and last use as evidence."""

    evicted: dict[str, str] = field(default_factory=dict)
    footholds: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SecondKeys:
    """Removes previous keys of the credential, and unexplained keys: inactive ones, and active ones if the operator
    asks."""

    keys: AccessKeys
    held: Callable[[], Collection[str]]
    """Ids of keys in the stores or the journal."""
    recorded: Callable[[], Collection[str] | None]
    """Ids of the account's baseline; None without one."""
    fresh: Callable[[], WritePermission]
    note: Note
    former: Callable[[], Collection[str]] = tuple
    """Ids of the credential's previous keys, which wait for a later revocation."""
    evicts: bool = False
    since: str = ""
    """Start of the leak. Without a baseline, older active keys stay."""

    def removed(self, user: str, others: Sequence[AccessKey]) -> RemovedKeys:
        result = RemovedKeys()
        if not others:
            return result
        recorded, former, explained = self.recorded(), self.former(), self.explained()
        for key in (key for key in others if key.id in former or key.id not in explained):
            is_taken = self.evicts and (recorded is not None or self._is_recent(key))
            goes = key.id in former or not key.active or is_taken
            noun = "previous access key" if key.id in former else "access key"
            line = self.noted(user, key, noun) if goes else self._line(user, key, noun)
            problem = self._remove(user, key) if goes else ""
            if goes and not problem:
                result.evicted[key.id] = line
            else:
                result.footholds[key.id] = f"{line}{problem}: {delete_command(user, key.id)}"
        return result

    def explained(self) -> set[str]:
        return {*self.held(), *(self.recorded() or ())}

    def noted(self, user: str, key: AccessKey, noun: str = "access key") -> str:
        """Writes a line about a key, which IAM forgets with it, to the journal. Returns the line."""
        line = self._line(user, key, noun)
        self.note(f"{EVICTED}{key.id}", line)
        return line

    def _is_recent(self, key: AccessKey) -> bool:
        return bool(self.since) and timestamps.stamp(key.created) >= self.since

    def _remove(self, user: str, key: AccessKey) -> str:
        """Removes a key. Returns why this failed; empty if it worked."""
        try:
            self.keys.deactivate(user, key.id, fresh=self.fresh())
            self.keys.delete(user, key.id, fresh=self.fresh())
        except StoreError as error:
            return f", was not removed ({one_line(error)})"
        return ""

    def _line(self, user: str, key: AccessKey, noun: str) -> str:
        state, used = "active" if key.active else "inactive", self.keys.last_use(key.id)
        dates = f"created {timestamps.stamp(key.created)}, {f'last used {used}' if used else 'never used'}"
        return f"{state} {noun} {key.id} of user {user}, {dates}"


def delete_command(user: str, key: str) -> str:
    return shlex.join(["aws", "iam", "delete-access-key", "--user-name", user, "--access-key-id", key])


def of_leak(setting: RotationSetup, name: str, keys: AccessKeys, note: Note) -> SecondKeys | None:
    """The remover of second keys in a leak response. None otherwise: then a second key stops the rotation."""
    journal, rotation = setting.rotator.holding()
    incident, secrets = journal.incident, setting.rotator.secrets
    if incident is None or rotation.plan.get("incident") != incident.id:
        return None

    def held() -> Collection[str]:
        contents = setting.rotator.current(key_places(setting.catalog))
        return known_keys(setting.catalog, secrets, contents, journal).ids

    def former() -> Collection[str]:
        return former_keys(setting.catalog, secrets, journal, name)

    def recorded() -> Collection[str] | None:
        baseline = baseline_of_run(setting)
        sources = [source for source in baseline.sources.values() if ACCESS_KEY in source.kinds] if baseline else []
        names = [name for source in sources for kind, name in source.entries if kind == ACCESS_KEY]
        return {name.partition(" ")[0] for name in names} if sources else None

    fresh = setting.rotator.fresh
    return SecondKeys(keys, held, recorded, fresh, note, former, incident.evicts, incident.since)
