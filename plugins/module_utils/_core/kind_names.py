# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Facts about kinds for files other than a kind's own: names, servers, access. Python 3.8."""

from __future__ import annotations

from typing import Optional

AWS_ACCESS_KEY = "aws_access_key"
DJANGO_SECRET_KEY = "django_secret_key"
ELASTICACHE_AUTH_TOKEN = "elasticache_auth_token"
EXTERNAL = "external"
HTTP_API = "http_api"
MYSQL_USER = "mysql_user"
POSTGRESQL_HONEYTOKEN = "postgresql_honeytoken"
POSTGRESQL_ROLE = "postgresql_role"
RABBITMQ_USER = "rabbitmq_user"
SENTRY_DSN = "sentry_dsn"
SES_SMTP_PASSWORD = "ses_smtp_password"
SSH_KEY = "ssh_key"
VALKEY_HONEYTOKEN = "valkey_honeytoken"
VALKEY_USER = "valkey_user"
VAULT_DATABASE = "vault_database"

MYSQL, POSTGRESQL, RABBITMQ, VALKEY = "mysql", "postgresql", "rabbitmq", "valkey"
ENGINES = {
    POSTGRESQL_ROLE: POSTGRESQL,
    VALKEY_USER: VALKEY,
    ELASTICACHE_AUTH_TOKEN: VALKEY,
    VAULT_DATABASE: POSTGRESQL,
}
"""Server by kind."""
HONEYTOKENS = {POSTGRESQL_HONEYTOKEN: POSTGRESQL, VALKEY_HONEYTOKEN: VALKEY}
"""Server by kind of honeytoken. No run logs in with a honeytoken, so ENGINES has none."""
ADMINISTERED = (POSTGRESQL_ROLE, VALKEY_USER)
"""Kinds whose credentials an administrator changes at the server."""
IAM_KEYS = (AWS_ACCESS_KEY, SES_SMTP_PASSWORD)
"""Kinds whose credentials are access keys of IAM users."""
TWO_USERS = {MYSQL_USER: MYSQL, RABBITMQ_USER: RABBITMQ}
"""Server by kind, for kinds that themselves check which two users alternate. Only the administrator's address leads
there."""
SERVERS = {**ENGINES, **TWO_USERS}
WHOLE = (SENTRY_DSN,)
"""Kinds whose value may resemble a URL with a login, but is replaced as a whole."""
AWS, DJANGO, SSH = "aws", "django", "ssh"
TRIED_AT = {**ENGINES, **TWO_USERS, AWS_ACCESS_KEY: AWS, SSH_KEY: SSH, DJANGO_SECRET_KEY: DJANGO}
"""Target at which verify can test a previous value, by kind."""
READS_HOSTS = frozenset({SSH_KEY})
"""Kinds that log in to hosts, and so read every .env."""
READS_STORES = frozenset({AWS_ACCESS_KEY, "aws_role"})
"""Kinds that may read secrets: those of ``options.reads``, or all of the environment."""
PORTS = {MYSQL: 3306, POSTGRESQL: 5432, RABBITMQ: 15671, VALKEY: 6379}
"""Usual port by server. For RabbitMQ, of its management API."""


def usual_port(kind: str) -> Optional[int]:
    """The port of the kind's server. None for a kind without a known server."""
    return PORTS.get(ENGINES.get(kind, ""))
