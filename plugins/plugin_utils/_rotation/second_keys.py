# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Further access keys of a leaked key's user. AWS allows two, so an attacker's key leaves no room for the new one."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import StoreError, one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import Fresh
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.account_inventory import ACCESS_KEY
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.account_reader import (
    held_keys,
    key_places,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import AccessKey, AccessKeys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.compared_servers import baseline_of_run
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


@dataclass
class RemovedKeys:
    """What became of such keys, in words: id, date and last use are kept as evidence."""

    evicted: list[str] = field(default_factory=list)
    footholds: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class SecondKeys:
    """Removes keys that nothing explains: inactive ones, and active ones if the operator wants that."""

    keys: AccessKeys
    held: Callable[[], Collection[str]]
    """Ids that the stores hold."""
    recorded: Callable[[], Collection[str] | None]
    """Ids of the account's baseline; None without one."""
    fresh: Callable[[], Fresh]
    evicts: bool = False
    since: str = ""
    """When the leak began. Without a baseline no older key goes that is active."""

    def removed(self, user: str, others: Sequence[AccessKey]) -> RemovedKeys:
        result = RemovedKeys()
        if not others:
            return result
        recorded = self.recorded()
        explained = {*self.held(), *(recorded or ())}
        for key in (key for key in others if key.id not in explained):
            goes = not key.active or (self.evicts and (recorded is not None or self._is_recent(key)))
            line, problem = self._line(user, key), self._remove(user, key) if goes else ""
            if goes and not problem:
                result.evicted.append(line)
            else:
                result.footholds.append(f"{line}{problem}: {delete_command(user, key.id)}")
        return result

    def _is_recent(self, key: AccessKey) -> bool:
        return bool(self.since) and timestamps.stamp(key.created) >= self.since

    def _remove(self, user: str, key: AccessKey) -> str:
        """Why it is still there; empty if it is gone."""
        try:
            self.keys.deactivate(user, key.id, fresh=self.fresh())
            self.keys.delete(user, key.id, fresh=self.fresh())
        except StoreError as error:
            return f", was not removed ({one_line(error)})"
        return ""

    def _line(self, user: str, key: AccessKey) -> str:
        state, used = "active" if key.active else "inactive", self.keys.last_use(key.id)
        dates = f"created {timestamps.stamp(key.created)}, {f'last used {used}' if used else 'never used'}"
        return f"{state} access key {key.id} of user {user}, {dates}"


def delete_command(user: str, key: str) -> str:
    return shlex.join(["aws", "iam", "delete-access-key", "--user-name", user, "--access-key-id", key])


def of_leak(setting: RotationSetup, keys: AccessKeys) -> SecondKeys | None:
    """None without a leak: then a second key of somebody else stops the rotation."""
    incident = setting.rotator.holding()[0].incident
    if incident is None:
        return None

    def held() -> Collection[str]:
        return held_keys(setting.catalog, setting.rotator.current(key_places(setting.catalog)))

    def recorded() -> Collection[str] | None:
        baseline = baseline_of_run(setting)
        sources = [source for source in baseline.sources.values() if ACCESS_KEY in source.kinds] if baseline else []
        names = [name for source in sources for kind, name in source.entries if kind == ACCESS_KEY]
        return {name.partition(" ")[0] for name in names} if sources else None

    return SecondKeys(keys, held, recorded, setting.rotator.fresh, incident.evicts, incident.since)
