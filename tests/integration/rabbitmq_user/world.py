# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An application whose user of a real RabbitMQ rotates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq import amqp
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq import main as program
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq.management import Management
from sandbox.rabbitmq import ADMINISTRATOR, RabbitMQ
from tests.integration.two_users import TwoUsersShop

OLD = "canary-of-the-old-password"
VHOST = "shop/eu"


class Programs:
    """What is asked of the rotation host; ``before`` is called before each request."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.before: Callable[[], None] = lambda: None
        self.args: Mapping[str, Any] = {}
        answered = Management._answered

        def watched(admin: Management, *arguments: Any) -> Any:
            self.before()
            return answered(admin, *arguments)

        monkeypatch.setattr(Management, "_answered", watched)

    def execute(self, module: ModuleType, *, args: Mapping[str, Any], **_how: Any) -> dict[str, Any]:
        assert module is program
        assert set(args) <= set(program.ARGUMENT_SPEC)
        self.args = args
        answer = program.answer({"other": "", "tags": [], "leaked": False, "search": None, **args})
        assert set(answer) <= {name.rstrip("?") for name in program.RETURNS}
        return answer


class RabbitShop(TwoUsersShop):
    def __init__(
        self,
        broker: RabbitMQ,
        programs: Programs,
        *,
        user: str = "app_a",
        options: Mapping[str, Any] | None = None,
        revoke_after: int = 0,
        address: str = "",
        tls: Mapping[str, Any] | None = None,
    ) -> None:
        server = {"address": address or f"127.0.0.1:{broker.port}", **({"tls": tls} if tls else {})}
        given = {"user": "app", "amqp": f"127.0.0.1:{broker.amqp}", **(options or {})}
        super().__init__(
            "rabbitmq_user",
            {"options": given, "revoke_after": revoke_after},
            {"MAIL_USER": user, "MAIL_PASSWORD": OLD},
            admin=(ADMINISTRATOR, broker.password, {"server": server}),
        )
        self.server = programs
        self.broker = broker

    @property
    def works(self) -> bool:
        """Whether the login that the stores hold does."""
        username, password = self.stored
        return accepts(self.broker, str(username), str(password))


def connect(broker: RabbitMQ, username: str, password: str) -> AbstractContextManager[None]:
    server = {"host": broker.host, "port": broker.amqp, "tls_mode": "disable"}
    return amqp.connected(server, {"username": username, "password": password}, VHOST)


def accepts(broker: RabbitMQ, username: str, password: str) -> bool:
    try:
        with connect(broker, username, password):
            return True
    except amqp.AmqpLoginRefused:
        return False


def refusal(shop: RabbitShop, stage: str) -> str:
    with pytest.raises(RotationError) as caught:
        shop.act(stage)
    assert "canary" not in str(caught.value)
    assert shop.broker.password not in str(caught.value)
    return str(caught.value)
