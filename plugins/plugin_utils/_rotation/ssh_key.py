# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SSH keys in a rotation: old and new key, and blockers that hosts show before anything is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import SSH_KEY
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import key_pair
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as _plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.rotated_logins import rotated_logins
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


@dataclass(frozen=True)
class Pair:
    """The private halves of one credential in a rotation."""

    name: str
    old: str = field(repr=False)
    new: str | None = field(default=None, repr=False)
    """None until made."""
    rollback: bool = False
    """Whether a rollback removes the new key."""
    leak: bool = False
    number: int = 0
    comment: str = ""

    @property
    def gone(self) -> str | None:
        return self.new if self.rollback else self.old

    @property
    def kept(self) -> str | None:
        return self.old if self.rollback else self.new

    @property
    def values(self) -> list[str]:
        """Texts that must not be shown."""
        return [text for name in (self.old, self.new) if name for text in key_pair.masked(name)]

    def public(self, private: str | None) -> str | None:
        return None if private is None else f"{key_pair.public_line(private, self.name)} {self.comment}"


def present(setting: RotationSetup, name: str) -> Pair:
    return Pair(name, _in_use(setting, name), comment=_comment(setting, name))


def concerned(setting: RotationSetup, name: str, former: str = "") -> Pair:
    """Both keys, in the rotation that this run holds. With a ``former`` pending task, the old key is the task's."""
    logins = rotated_logins(setting, name, former)
    old, new = logins.old.password, logins.new.password if logins.new else None
    if logins.task and new is None:
        new = _in_use(setting, name)
    if old is None:
        raise RotationError(
            f"{name}: its old key can no longer be read; remove its line from authorized_keys on the hosts by hand"
        )
    leak = bool(logins.rotation.plan.get("incident"))
    return Pair(name, old, new, logins.aborting, leak, logins.journal.head, _comment(setting, name))


def looks(setting: RotationSetup, plan: _plan.RotationPlan) -> list[str]:
    """Names of SSH keys whose hosts must be checked before the plan."""
    return [item.credential for item in plan.items if item.kind == SSH_KEY and item.act in _plan.CHANGES]


def blockers(
    setting: RotationSetup, plan: _plan.RotationPlan, contents: Contents, seen: Sequence[Mapping[str, Any]] | None
) -> dict[str, str]:
    """Blockers of replacing SSH keys, by credential; without ``seen`` only those of the key itself."""
    result = {}
    for name in looks(setting, plan):
        key = credential_graph.find(setting.catalog, setting.catalog.credentials[name], contents).login.password
        lines = []
        try:
            key_pair.public_line(str(key), name)
        except RotationError as error:
            lines = [str(error).removeprefix(f"{name}: ")]
        if seen is not None and not lines:
            results = [entry for entry in seen if entry.get("credential") == name]
            lines = blockers_of_hosts(results, leak=bool(plan.incident))
        if lines:
            result[name] = "; ".join(lines)
    return result


def blockers_of_hosts(seen: Sequence[Mapping[str, Any]], *, leak: bool) -> list[str]:
    """Blockers of replacing a key, from its hosts. Pure.

    ``seen``: for each host, whether it is in the run, answered and has the key, or its problem.
    """
    if not seen:
        return [
            (
                "no host was checked, so the hosts that authorize the key are unknown. Check the inventory's "
                "application group"
            )
        ]
    lost_hosts = [str(entry["host"]) for entry in seen if entry.get("lost")]
    outside = [str(entry["host"]) for entry in seen if entry.get("outside")]
    # A host's account may have made its files unusable. This must not stop containment on other hosts.
    unusable_hosts = [entry for entry in seen if leak and entry.get("unusable")]
    is_waited_for = not leak or len(lost_hosts) + len(outside) + len(unusable_hosts) == len(seen)
    results = [
        f"{entry['host']}: {entry['problem']}"
        for entry in seen
        if entry.get("problem") and (is_waited_for or entry not in unusable_hosts)
    ]
    if lost_hosts and is_waited_for:
        results.append(
            f"{', '.join(lost_hosts)} cannot be reached, and would still authorize the old key; make them reachable, "
            f"or continue without them by -e rotation_skip_hosts={','.join(lost_hosts)}"
        )
    if outside and is_waited_for:
        results.append(
            f"{', '.join(outside)}: not in this run (--limit), so they would not authorize the new key; run it "
            f"for all hosts, or continue without them by -e rotation_skip_hosts={','.join(outside)}"
        )
    if not results and not any(entry.get("there") for entry in seen):
        places = sorted({f"{entry['file']} of {entry['account']}" for entry in seen if entry.get("file")})
        results.append(
            f"no host authorizes the key ({', '.join(places)}); correct options.user and "
            "options.authorized_keys, or the key in the stores"
        )
    return results


def elsewhere(name: str, result: Mapping[str, Any]) -> str:
    """A message about other files that still authorize a leaked key; empty if none."""
    files = result.get("elsewhere") or []
    return f"{' and '.join(files)} still hold{'s' if len(files) == 1 else ''} the leaked key of {name}" if files else ""


def messages(host: str, name: str, result: Mapping[str, Any], *, check: bool) -> list[str]:
    """Lines about one host's answer."""
    if "file" not in result:
        return []
    file, account, ended = result["file"], result["account"], result.get("ended", ())
    results = []
    if not result["old"] and not result["new"]:
        results.append(f"{file} of {account} contains neither key; it was not changed")
    if ended:
        end = "would be ended" if check else "ended"
        results.append(f"{len(ended)} sessions of {account} {end}, from {', '.join(dict.fromkeys(ended))}")
    if result.get("remaining_sessions"):
        results.append(
            f"{result['remaining_sessions']} sessions of {account} continue, because no log names the key that opened "
            "them. List them on the host: loginctl list-sessions"
        )
    if result.get("evicted"):
        results.append(f"{len(result['evicted'])} added keys were removed from {file}: {', '.join(result['evicted'])}")
    if result.get("others"):
        results.append(f"{file} also authorizes {', '.join(result['others'])}")
    results += filter(None, [elsewhere(name, result)])
    if result.get("unread"):
        results.append(
            f"{result['unread']} authorized_keys files of other accounts cannot be read by this account, so the "
            f"leaked key of {name} may be in them; set ansible_become=true for the host, or check them by hand"
        )
    return [f"{host}: {name}" for name in results]


def _in_use(setting: RotationSetup, name: str) -> str:
    (credential,) = setting.chosen([name])
    stored = setting.held(credential)
    if stored.problems or stored.login.password is None:
        nowhere = "no place in the catalog holds its private key; add a setting to appears_in"
        raise RotationError(f"{name}: {'; '.join(stored.problems) or nowhere}")
    return stored.login.password


def _comment(setting: RotationSetup, name: str) -> str:
    return f"{setting.catalog.application}/{setting.catalog.environment}/{name}"
