# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The text before the confirmation of a leak response: who notices it, what cannot be undone, how to stop it, and tasks
that remain for people. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.temporary_credentials import (
    DENY_SESSIONS,
    DenialPlan,
)

UNDECLARED = "no sessions are declared. If the application has sessions, declare them (docs/how-to/end-sessions.md)"


@dataclass(frozen=True)
class Ahead:
    """The coming leak response."""

    environment: str
    waves: Sequence[Sequence[str]]
    """Credentials that are replaced together, in order."""
    replaced: Collection[str] = ()
    """Credentials that were replaced since the leak was declared."""
    immediate: bool = False
    takes_down: Sequence[str] = ()
    """Credentials without which the application is down, once their old values are revoked."""
    signing: Sequence[str] = ()
    """Credentials whose replacement logs every user out."""
    elsewhere: Sequence[str] = ()
    """Credentials whose old value only a third party can revoke."""
    revoked: Collection[str] = ()
    """Externally issued credentials with a confirmed revocation."""
    done: str = ""
    """Irreversible acts of an open incident."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Credentials that cannot be replaced here, and why."""
    needs: Sequence[str] = ()
    """Refused credentials whose new value the run asks for at the end."""
    pages: Mapping[str, str] = field(default_factory=dict)
    """Pages where third parties issue and revoke credentials."""
    denial: DenialPlan = field(default_factory=DenialPlan)
    """Denied temporary credentials, which outlive an access key or an intruder's session on a host."""
    evicts: bool = False
    """Whether unexplained keys and logins are removed."""
    blocks: Collection[str] = ()
    """Credentials whose leaked value the run can disable before it makes a new one."""
    first_off: Sequence[str] = ()
    cycles: Sequence[Sequence[str]] = ()
    """Credentials that reveal each other: their wave revokes old values first, also in a graceful response."""
    logs_out: bool = True
    sessions: Mapping[str, Any] = field(default_factory=dict)
    """Whether the catalog has sessions ("declared"), and the problem with ending them ("against"); empty if unknown."""
    purge: Mapping[str, Any] = field(default_factory=dict)
    rollouts: int = 0
    open_rotation: str = ""
    ends: Mapping[str, Any] = field(default_factory=dict)
    """Effects of ending the open rotation: what it "removes", whether "first", and whether it is "past" its return."""
    compromised: Sequence[str] = ()
    contact: str = ""
    inventories: Sequence[str] = ()
    """The run's ``-i`` options."""

    @property
    def ends_sessions(self) -> bool:
        return self.logs_out and bool(self.sessions.get("declared", True))

    @property
    def down(self) -> tuple[str, ...]:
        """Credentials of this response without which the application is down."""
        first = {name for wave in self.waves if self.removes_first(wave) for name in self.to_come(wave)}
        results = {name for name in first if name not in self.refused}
        results.update(self.ends.get("removes", ()) if self.ends.get("first") else ())
        return tuple(name for name in self.takes_down if name in results)

    def to_come(self, names: Sequence[str]) -> tuple[str, ...]:
        """The names without credentials that are already replaced."""
        return tuple(name for name in names if name not in self.replaced)

    def removes_first(self, wave: Sequence[str]) -> bool:
        """Whether the wave revokes old values before it deploys anything."""
        return self.immediate or any(name in wave for cycle in self.cycles for name in cycle)

    def disabled(self, wave: Sequence[str]) -> list[str]:
        """Credentials that the wave disables before it makes new values."""
        return [name for name in self.removed(wave) if name in self.blocks] if self.removes_first(wave) else []

    @property
    def first_wave(self) -> Sequence[str]:
        """The first wave that revokes or disables a value."""
        return next((wave for wave in self.waves if self.removed(wave)), ())

    @property
    def first_removal(self) -> tuple[Sequence[str], bool]:
        """The values that are revoked first, and whether that precedes the first deploy."""
        if self.ends.get("removes"):
            return self.ends["removes"], self.ends["first"]
        return self.disabled(self.first_wave) or self.removed(self.first_wave), self.removes_first(self.first_wave)

    @property
    def disables_first(self) -> bool:
        return not self.ends.get("removes") and bool(self.disabled(self.first_wave))

    def removed(self, wave: Sequence[str]) -> tuple[str, ...]:
        """Values that the wave revokes."""
        return tuple(name for name in self.to_come(wave) if name not in self.refused and name not in self.elsewhere)


def lines(ahead: Ahead) -> list[str]:
    return list(_lines(ahead))


def _lines(ahead: Ahead) -> Iterator[str]:
    yield from [ahead.open_rotation] if ahead.open_rotation else []
    yield f"what users notice: {'; '.join(_noticed(ahead))}"
    if ahead.logs_out and ahead.sessions.get("against"):
        yield f"sessions cannot be ended, so the leak will stay open: {ahead.sessions['against']}"
    disabled = [name for wave in ahead.waves for name in ahead.disabled(wave)]
    if disabled:
        yield (
            f"disabled before new values are made: {', '.join(disabled)}. If a new value cannot be made, programs "
            "that use the old one stay down until the same command succeeds"
        )
    for name in (name for name in ahead.to_come(ahead.first_off) if name not in disabled):
        yield (
            f"{name}: its key may read new values, so it is deactivated before they are made. The application's "
            "calls with this key fail until its hosts have the new key"
        )
    if ahead.denial.denied:
        yield (
            f"denied first ({DENY_SESSIONS}): all temporary credentials of {', '.join(ahead.denial.denied)} that were "
            "issued before that. Hosts, jobs and people that use such a role get AccessDenied until they have new "
            "ones: on EC2 for up to 6 hours, or until you stop and start the instance"
        )
    if ahead.evicts:
        yield "removed with the leaked values (leak_evict): unexplained SSH keys, access keys and logins"
    for cycle in filter(None, map(ahead.to_come, ahead.cycles)):
        yield (
            f"{', '.join(cycle)}: the old values are revoked before new ones are deployed. The application's "
            "calls with them fail until its hosts have the new values. Until the revocation an intruder can "
            "read the present values"
        )
    for invalidation in ahead.purge.get("invalidations", ()):
        paths, distribution = ", ".join(invalidation["paths"]), invalidation["distribution"]
        yield f"CloudFront drops its copies of {paths} in {distribution} ({invalidation['name']})"
    yield f"point of no return: {_point(ahead)}"
    yield from _abort(ahead)
    yield from _by_hand(ahead)
    yield from (f"{host} gets no new value and must be rebuilt" for host in ahead.compromised)
    yield f"security contact: {ahead.contact or 'not in the catalog (contacts.security)'}"


def _noticed(ahead: Ahead) -> Iterator[str]:
    signing = [name for name in ahead.to_come(ahead.signing) if name not in ahead.refused]
    if ahead.down:
        yield (
            f"the application is down from the revocation of {', '.join(ahead.down)} until its hosts have the "
            "new values; all hosts restart at the same time"
        )
    elif signing:
        names = ", ".join(signing)
        yield f"the application stays up, except while all its hosts restart at the same time for {names}"
    else:
        yield f"the application stays up{', and its hosts restart batch by batch' if ahead.rollouts else ''}"
    if ahead.ends_sessions:
        yield "all users are logged out"
    elif ahead.logs_out:
        yield f"no session is ended, because {UNDECLARED}"
    elif signing:
        yield f"all users are logged out, since {', '.join(signing)} keeps no previous key"
    else:
        yield "no user is logged out on purpose"
    if ahead.purge.get("valkey"):
        keeps_sessions = not (ahead.logs_out or signing)
        yield "caches start empty" + (
            ", and sessions that Django keeps only there (engine cache) end too" * keeps_sessions
        )


def _point(ahead: Ahead) -> str:
    if ahead.ends.get("past"):
        return "now: the open rotation is already revoking old values, and can only be finished"
    removed, first = ahead.first_removal
    revoked = f"the old values of {', '.join(removed)} are revoked"
    if not removed:
        also = ["caches are purged"] * bool(ahead.purge.get("valkey")) + ["sessions end"] * ahead.ends_sessions
        return f"{' and '.join(also) or 'none'}; this run revokes no value"
    if ahead.disables_first:
        return f"the leaked values of {', '.join(removed)} are disabled, the first act of this run"
    if first:
        return f"{revoked}, seconds after the new ones were tested and before any host has them"
    return f"{revoked}, once every host is healthy on the new ones"


def _abort(ahead: Ahead) -> Iterator[str]:
    rotate, respond = (
        shlex.join(
            [
                "ansible-playbook",
                *(part for inventory in ahead.inventories for part in ("-i", inventory)),
                *(f"watchparty.secrets.{playbook}", "-e", f"app_environment={ahead.environment}"),
            ]
        )
        for playbook in ("rotate", "leak_response")
    )
    back, closed = f"{rotate} -e rotation_abort=true", f"{respond} -e leak_false_alarm=true"
    stays = (
        f"The leak stays declared, since {ahead.done}, so it can no longer be closed as a false alarm. Run "
        "the same command again to finish"
    )
    nothing = "this run then changes nothing" if ahead.done else "nothing has changed yet"
    yield f"to abort now: answer anything but yes; {nothing}"
    if ahead.ends.get("past") and not ahead.done:
        yield f"to abort later: Ctrl-C, then {closed}, if the open rotation has not ended by then"
    elif ahead.ends.get("past") or not ahead.first_removal[0]:
        yield f"to abort later: Ctrl-C. {stays}" if ahead.done else f"to abort later: Ctrl-C, then {closed}"
    elif ahead.disables_first:
        yield "no abort later: run the same command again to finish"
    else:
        start = f"to abort later, before that revocation: Ctrl-C, then {back}, which deploys the old values again"
        yield (
            f"{start}. {stays}"
            if ahead.done
            else f"{start}, then {closed}. After the revocation, run the same command again to finish"
        )


def _by_hand(ahead: Ahead) -> Iterator[str]:
    """A line for each task that remains for people, with its page."""
    for name in dict.fromkeys([*ahead.needs, *ahead.elsewhere, *ahead.refused]):
        page = f" at {ahead.pages[name]}" if ahead.pages.get(name) else ""
        where = page or " where it was issued"
        if name in ahead.needs:
            then = (
                "" if name in ahead.revoked else f", then revoke the old one and confirm it by -e leak_revoked={name}"
            )
            yield f"by hand: {name}: issue a new value{where}; the run asks for it at the end at a terminal{then}"
        elif name in ahead.refused:
            yield f"by hand: {name}{page}: {ahead.refused[name]}"
        elif name not in ahead.revoked:
            yield f"by hand: {name}: revoke the old value{where}, then confirm it by -e leak_revoked={name}"
    for name, why in ahead.denial.reasons.items():
        remedy = (
            f"The run cannot deny them, because {why}; see docs/runbooks/by-hand.md (An access key)"
            if why
            else f"To deny them first, add -e {DENY_SESSIONS}=true, with credentials that may write IAM policies"
        )
        yield f"by hand: {name}: temporary credentials that an intruder got from AWS work until they expire. {remedy}"
