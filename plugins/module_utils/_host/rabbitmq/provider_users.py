# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The users of a provider's RabbitMQ that belong to the provider. Pure; Python 3.8."""

from __future__ import annotations

import re

MONITORING = "monitoring-AWS-OWNED-DO-NOT-DELETE"
"""Of Amazon MQ, which makes it at each broker, lets it log in only from the broker itself, and lets nobody delete it:
https://docs.aws.amazon.com/amazon-mq/latest/developer-guide/ldap-for-amq-for-rabbitmq.html. At another broker,
whoever may make users can make it."""
_AMAZON_MQ = re.compile(r"[a-z0-9.-]+\.mq\.[a-z0-9-]+\.(?:amazonaws\.com(?:\.cn)?|on\.aws)")


def is_providers(user: str, host: str) -> bool:
    """``host`` is that of the API, as the catalog declares it."""
    return user == MONITORING and bool(_AMAZON_MQ.fullmatch(host.lower()))
