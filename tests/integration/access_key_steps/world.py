# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One IAM user whose key rotates, and the hands of a run, on moto with its authorization on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Overtaken
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import Form
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import AccessKeys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.access_key_states import (
    AccessKeyContext,
    AccessKeyPair,
    AccessKeyStage,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.new_values import Issued
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.second_keys import SecondKeys
from sandbox.aws import Moto
from tests.fakes.memory_stores import MemorySecrets
from tests.integration import harness
from tests.integration.access_key_lab import OPERATOR, USER, authorization, client_of, keys, new_user

BEFORE = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass
class World:
    """One user with one key, and the hands of a run that rotates it."""

    moto: Moto
    operator: Login = field(repr=False)
    old: Login = field(repr=False)
    secrets: MemorySecrets = field(default_factory=MemorySecrets)
    slept: list[float] = field(default_factory=list)
    looks: int = 0
    overtaken_at: int = 0
    """The look at the journal, counted from 1, from which on another run has the rotation."""
    is_ended: bool = False
    sts: Callable[[Login | None], Any] | None = None
    acting: Any = None
    second_keys: SecondKeys | None = None
    """After a leak."""
    notes: dict[str, str] = field(default_factory=dict)
    """What the journal has of the credential."""

    @property
    def iam(self) -> Any:
        return client_of(self.moto, "iam", self.operator)

    @property
    def issued(self) -> Issued:
        return Issued(self.secrets, "app-rotation/test/r1", "r1", Form())

    @property
    def store(self) -> AccessKeys:
        def sts(login: Login | None) -> Any:
            return client_of(self.moto, "sts", login or self.operator)

        return AccessKeys(self.iam, acting=self.acting or self.iam, sts=self.sts or sts)

    def fresh(self) -> WritePermission:
        self.looks += 1
        if self.overtaken_at and self.looks >= self.overtaken_at:
            raise Overtaken("another run")
        return WritePermission()

    def ended(self) -> WritePermission | None:
        return WritePermission() if self.is_ended else None

    def note(self, about: str, text: str) -> None:
        self.notes.setdefault(about, text)

    def leaked(self, *, held: Collection[str] = (), recorded: Collection[str] | None = None, **extra: Any) -> None:
        """From here on the rotation answers a leak."""
        ids = {str(self.old.username), *held}
        self.second_keys = SecondKeys(self.store, lambda: ids, lambda: recorded, self.fresh, self.note, **extra)

    def steps(self, new: Login | None = None, *, aborting: bool = False, **extra: Any) -> AccessKeyStage:
        hands = AccessKeyContext(
            self.store, self.issued, self.fresh, self.ended, self.note, self.second_keys, self.slept.append
        )
        access_key_pair = AccessKeyPair("storage", USER, self.old, new, aborting, BEFORE)
        return AccessKeyStage(hands, replace(access_key_pair, **extra))

    def made(self) -> Login:
        """The new key, made and kept."""
        self.steps().issued()
        return self.issued.take("storage")

    def names(self) -> set[str]:
        return set(keys(self.iam))


@contextmanager
def a_world(moto: Moto) -> Iterator[World]:
    """On an account without users."""
    harness.reset(moto)
    operator, old = new_user(moto, OPERATOR), new_user(moto)
    with authorization(moto.url):
        yield World(moto, operator, old)
