# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Logins to SES's mail server: keys on moto, tried by a real SMTP login at a stand-in with TLS that asks moto."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError, RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import AccessKeys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ses_smtp import (
    SmtpKeys,
    SmtpServer,
    smtp_password,
)
from sandbox.aws import Moto
from tests.hostile.receivers import LOOPBACK, MailServer, Receiver
from tests.integration.access_key_lab import USER, client_of, keys
from tests.integration.access_key_steps.world import World, a_world
from tests.integration.certificates import Authority

REGION = "eu-west-1"


@dataclass
class SesWorld(World):
    """The old login is the password that was derived from the user's key."""

    smtp: Any = None

    @property
    def store(self) -> SmtpKeys:
        def sts(login: Login | None) -> Any:
            return client_of(self.moto, "sts", login or self.operator)

        return SmtpKeys(self.iam, acting=self.iam, sts=sts, smtp=self.smtp)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def world(account: Moto, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[SesWorld]:
    certificate = authority.certificate()
    server = MailServer(starttls=certificate)
    with a_world(account) as made, Receiver(server) as receiver:
        secrets = {str(made.old.username): str(made.old.password)}
        create = AccessKeys.create

        def recording(store: AccessKeys, user: str, *, fresh: WritePermission) -> Login:
            login = create(store, user, fresh=fresh)
            secrets[str(login.username)] = str(login.password)
            return login

        def accepts(username: str, password: str) -> bool:
            is_active = keys(made.iam).get(username) == "Active"
            return is_active and password == smtp_password(secrets[username], REGION)

        monkeypatch.setattr(AccessKeys, "create", recording)
        server.accepts = accepts
        old = Login(made.old.username, smtp_password(str(made.old.password), REGION))
        smtp = SmtpServer(REGION, LOOPBACK, receiver.port, str(authority.cafile))
        yield SesWorld(made.moto, made.operator, old, smtp=smtp)
    assert b"AUTH" not in b"".join(server.plain).upper(), "no login comes before TLS"


def test_a_rotation(world: SesWorld) -> None:
    new = world.made()
    assert len(str(new.password)) == 44, "it is no access key's secret"
    world.steps(new).usable()
    assert world.steps(new).revoked()["changed"]
    assert world.names() == {new.username}
    assert not world.smtp.accepts(world.old)
    assert world.smtp.accepts(new)


def test_a_rollback(world: SesWorld) -> None:
    new = world.made()
    world.steps(new, aborting=True).revoked()
    assert world.names() == {world.old.username}
    assert world.smtp.accepts(world.old)


def test_a_new_login_that_the_server_rejects_keeps_the_old_one(world: SesWorld) -> None:
    new = world.made()
    world.iam.update_access_key(UserName=USER, AccessKeyId=str(new.username), Status="Inactive")
    with pytest.raises(RotationError, match="no key was deactivated or deleted") as caught:
        world.steps(new).revoked()
    assert str(new.password) not in str(caught.value)
    assert world.names() == {new.username, world.old.username}


def test_a_server_that_cannot_be_trusted_gets_no_login(world: SesWorld) -> None:
    untrusted = SmtpServer(REGION, LOOPBACK, world.smtp.port)
    with pytest.raises(HostError, match="its certificate was rejected"):
        untrusted.accepts(world.old)
