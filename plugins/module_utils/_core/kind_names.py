# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What other files than a kind's own need to know of it: its name, its server, what it opens. Pure; Python 3.8."""

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
"""The server behind a credential of this kind."""
HONEYTOKENS = {POSTGRESQL_HONEYTOKEN: POSTGRESQL, VALKEY_HONEYTOKEN: VALKEY}
"""The server of a login that nothing uses. No run logs in with it, so ENGINES has none of them."""
ADMINISTERED = (POSTGRESQL_ROLE, VALKEY_USER)
"""Kinds whose credentials an administrator changes at the server."""
IAM_KEYS = (AWS_ACCESS_KEY, SES_SMTP_PASSWORD)
"""Kinds whose credentials are access keys of IAM users."""
TWO_USERS = {MYSQL_USER: MYSQL, RABBITMQ_USER: RABBITMQ}
"""The server of a kind that checks itself which two users take turns. Only the administrator's address leads there."""
SERVERS = {**ENGINES, **TWO_USERS}
"""The server behind a credential of either sort."""
WHOLE = (SENTRY_DSN,)
"""Kinds whose value may look like a URL with a login, and is replaced whole."""
AWS, DJANGO, SSH = "aws", "django", "ssh"
TRIED_AT = {**ENGINES, **TWO_USERS, AWS_ACCESS_KEY: AWS, SSH_KEY: SSH, DJANGO_SECRET_KEY: DJANGO}
"""Where verify can try a previous value of this kind."""
READS_HOSTS = frozenset({SSH_KEY})
"""Kinds that open hosts, and so every .env on them."""
READS_STORES = frozenset({AWS_ACCESS_KEY, "aws_role"})
"""Kinds that may read secrets: those in ``options.reads``, or every one of the environment."""
PORTS = {MYSQL: 3306, POSTGRESQL: 5432, RABBITMQ: 15671, VALKEY: 6379}
"""The usual port of a server; of RabbitMQ's management API."""


def usual_port(kind: str) -> Optional[int]:
    """Of the server behind a credential of this kind; None where this collection knows no server."""
    return PORTS.get(ENGINES.get(kind, ""))
