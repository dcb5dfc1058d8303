# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Previous values are tried at a real RabbitMQ, by AMQP."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.module_utils._host import revoked_logins
from sandbox.process import free_port
from sandbox.rabbitmq import RabbitMQ
from tests.integration.rabbitmq_user.world import OLD

OLDER = "canary-older"


def tried(broker: RabbitMQ, *former: str, current: str = OLD, port: int = 0) -> tuple[str, str]:
    """Each of ``former`` as user:password; app_a and OLD are in use."""
    entry = {
        "credential": "mail",
        "server": "rabbitmq",
        "current": f"rabbitmq://app_a:{current}@{broker.host}",
        "former": [f"rabbitmq://{login}@{broker.host}" for login in former],
        "address": {"host": broker.host, "port": port or broker.amqp, "tls_mode": "disable"},
    }
    result = revoked_logins.try_logins([entry], 5)["mail"]
    assert "canary" not in result["message"]
    return result["state"], result["message"]


def test_previous_values_that_are_rejected(broker: RabbitMQ) -> None:
    broker.asked("PUT", "/users/app_b", {"password_hash": "", "tags": ""})
    state, message = tried(broker, f"app_b:{OLDER}", f"app_a:{OLDER}", "nobody:canary")
    assert (state, message) == (
        "refused",
        f"rejected now at 127.0.0.1:{broker.amqp}, which accepts the current value (3 previous logins were tried)",
    )


def test_the_value_before_is_valid_again(broker: RabbitMQ) -> None:
    """Also where the user may open no vhost: its permissions may come back."""
    broker.asked("PUT", "/users/app_b", {"password": OLDER, "tags": ""})
    accepted = ("accepted", f"a previous value still logs in at 127.0.0.1:{broker.amqp}")
    assert tried(broker, f"app_b:{OLDER}", f"app_a:{OLDER}") == accepted
    broker.asked("PUT", "/permissions/%2F/app_b", {"configure": "", "write": "", "read": ""})
    assert tried(broker, f"app_b:{OLDER}") == accepted
    broker.asked("PUT", "/user-limits/app_b/max-connections", {"value": 0})
    assert tried(broker, f"app_b:{OLDER}") == accepted


def test_a_server_that_proves_nothing(broker: RabbitMQ) -> None:
    state, message = tried(broker, f"app_b:{OLDER}", current="canary-wrong")
    assert (state, "even the current value is rejected" in message) == ("neither", True)
    state, message = tried(broker, f"app_b:{OLDER}", port=free_port())
    assert (state, "does not answer as RabbitMQ" in message) == ("untried", True)
