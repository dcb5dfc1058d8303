# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Users of a provider's RabbitMQ that belong to the provider. Pure; Python 3.8."""

from __future__ import annotations

import re

MONITORING = "monitoring-AWS-OWNED-DO-NOT-DELETE"
"""User of Amazon MQ at each broker, which nobody can delete and which logs in only from the broker itself:
https://docs.aws.amazon.com/amazon-mq/latest/developer-guide/ldap-for-amq-for-rabbitmq.html. At another broker, whoever
may make users can make it."""
_AMAZON_MQ = re.compile(r"[a-z0-9.-]+\.mq\.[a-z0-9-]+\.(?:amazonaws\.com(?:\.cn)?|on\.aws)")


def is_providers(user: str, host: str) -> bool:
    """Whether the user is the provider's. ``host`` is the API's in the catalog."""
    return user == MONITORING and bool(_AMAZON_MQ.fullmatch(host.lower()))
