# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A RabbitMQ server, and an application with a user there."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds import BUILT_IN
from sandbox.binaries import find_rabbitmq
from sandbox.process import SandboxError
from sandbox.rabbitmq import ADMINISTRATOR, RabbitMQ
from tests.integration.certificates import Authority
from tests.integration.rabbitmq_user.world import OLD, Programs, RabbitShop
from tests.unit.plugins.plugin_utils._rotation.rotator_world import KINDS

RIGHTS = {"configure": "^shop", "write": ".*", "read": ".*"}


@pytest.fixture(scope="package")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="package")
def server(authority: Authority) -> Iterator[RabbitMQ]:
    try:
        find_rabbitmq()
    except SandboxError as error:
        pytest.skip(f"not tested: users of RabbitMQ; {error}")
    with RabbitMQ(certificate=authority.certificate()) as made:
        made.asked("PUT", "/vhosts/shop%2Feu", {})
        yield made


@pytest.fixture
def broker(server: RabbitMQ) -> Iterator[RabbitMQ]:
    """With the user app_a, which may use two vhosts."""
    server.asked("PUT", "/users/app_a", {"password": OLD, "tags": ""})
    for vhost in ("%2F", "shop%2Feu"):
        server.asked("PUT", f"/permissions/{vhost}/app_a", RIGHTS)
    server.asked("PUT", "/topic-permissions/shop%2Feu/app_a", {"exchange": "amq.topic", "write": "^a", "read": ".*"})
    server.asked("PUT", "/user-limits/app_a/max-connections", {"value": 9})
    try:
        yield server
    finally:
        for user in server.asked("GET", "/users")[1]:
            if user["name"] != ADMINISTRATOR:
                server.asked("DELETE", f"/users/{quote(user['name'], safe='')}")


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    monkeypatch.setitem(KINDS, "rabbitmq_user", BUILT_IN["rabbitmq_user"].kind)
    return Programs(monkeypatch)


@pytest.fixture
def shop(broker: RabbitMQ, programs: Programs) -> Iterator[RabbitShop]:
    shop = RabbitShop(broker, programs)
    yield shop
    assert "canary" not in str(shop.world.journal.read().lines), "the journal holds no value"
