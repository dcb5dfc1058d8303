# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The adapter through which in-process plugins use amazon.aws's connection options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.release import __version__ as ansible_version
from ansible_collections.amazon.aws.plugins.plugin_utils.base import AWSPluginBase
from ansible_collections.amazon.aws.plugins.plugin_utils.botocore import get_aws_connection_info

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import OUTSIDE_AWS
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors, registry
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.throttling import ThrottlingBudget
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import boto3_sessions
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.access_propagation import AccessWait

try:
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, NoRegionError
except ImportError:  # require_aws_sdk says how to install it
    pass


class ServerLogins:
    """A single login to each server of a store outside AWS, for all regions and threads."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, Any], Any] = {}
        self._lock = Lock()

    def client(self, store: str, server: Any, aws_credentials: Callable[[], Any]) -> Any:
        with self._lock:
            if (store, server) not in self._clients:
                self._clients[store, server] = registry.outside_aws(store).connect(server, aws_credentials)
            return self._clients[store, server]


ANNOUNCING_SECONDS = 8.0
"""Seconds for one announcing call."""


class AwsConnection(AWSPluginBase):
    """Makes clients from options named as in amazon.aws."""

    def __init__(
        self,
        name: str,
        options: Mapping[str, Any],
        sessions: dict[str | None, Any] | None = None,
        budget: ThrottlingBudget | None = None,
        wait: AccessWait | None = None,
        logins: ServerLogins | None = None,
    ) -> None:
        """``wait`` makes clients of stores repeat denied calls."""
        self.ansible_name = name
        self._options = dict(options)
        self._clients: dict[tuple[str, Any], Any] = {}
        self._regional: dict[str, AwsConnection] = {}
        self._sessions = {} if sessions is None else sessions
        """Sessions by profile."""
        self._budget = budget or ThrottlingBudget()
        self._wait = wait
        self._logins = logins or ServerLogins()
        self.servers: Mapping[str, Any] = {}
        """The catalog's servers of stores outside AWS."""

    def get_options(self) -> dict[str, Any]:
        return self._options

    def _do_fail(self, message: str) -> Any:
        raise AnsibleActionFail(message)

    def client(self, service: str, **extra: Any) -> Any:
        """Creates a client as amazon.aws does, by a faster shared session, so that credentials are fetched once."""
        region, endpoint, options = get_aws_connection_info(self)
        profile = options.pop("profile_name", None)
        config = Config(user_agent_extra=f"Ansible/{ansible_version} {self.ansible_name}")
        config = config.merge(options.pop("aws_config", None) or Config())
        try:
            if profile not in self._sessions:
                self._sessions[profile] = boto3_sessions.session(profile)
            where = {"region_name": region, "endpoint_url": endpoint, "config": config}
            return self._sessions[profile].client(service, **where, **options, **extra)
        except NoRegionError:
            self.fail_aws(
                f"{self.ansible_name}: the AWS region is unknown. Set AWS_REGION, environments.<name>.region in the "
                "catalog, or region in the AWS profile"
            )
        except (BotoCoreError, ValueError) as error:
            self.fail_aws(f"{self.ansible_name}: no client of {service} can be created", exception=error)

    def store_client(self, service: str) -> Any:
        """A cached client with this collection's retries, unless aws_config sets them."""
        if service in OUTSIDE_AWS:
            return self._logins.client(service, self.servers.get(service), self._credentials)
        where = (service, self._options.get("region"))
        if where not in self._clients:
            config = {**aws_errors.CLIENT_CONFIG, **(self._options.get("aws_config") or {})}
            self._options["aws_config"] = config
            client = self._budget.watch(self.client(service))
            self._clients[where] = self._wait.watch(client) if self._wait else client
        return self._clients[where]

    def _credentials(self) -> Any:
        credentials = self.client("sts")._request_signer._credentials
        return credentials.get_frozen_credentials() if credentials else None

    def bounded_client(self, service: str, seconds: float) -> Any:
        """A client that gives up within about ``seconds``, whatever aws_config says, for calls that must not delay."""
        config = {
            **(self._options.get("aws_config") or {}),
            "retries": {"mode": "standard", "total_max_attempts": 2},
            "connect_timeout": max(1.0, seconds / 4),
            "read_timeout": max(1.0, seconds / 4),
        }
        return self._with(aws_config=config).client(service)

    def announcing_client(self, service: str) -> Any:
        """A client for announcements, which no run waits for."""
        is_outside = service in OUTSIDE_AWS
        return self.store_client(service) if is_outside else self.bounded_client(service, ANNOUNCING_SECONDS)

    def in_region(self, region: str) -> AwsConnection:
        return self._with(region=region)

    def client_in(self, service: str, region: str | None) -> Any:
        """A store's client in another region, or in the connection's own."""
        if region is None:
            return self.store_client(service)
        return self._regional.setdefault(region, self.in_region(region)).store_client(service)

    def _with(self, **options: Any) -> AwsConnection:
        changed_options = {**self._options, **options}
        shared = (self._sessions, self._budget, self._wait, self._logins)
        connection = AwsConnection(self.ansible_name, changed_options, *shared)
        connection.servers = self.servers
        return connection

    def acting_client(self, service: str) -> Any:
        """A client that sends each request once, whatever aws_config says, for requests that must not be repeated."""
        config = {
            **aws_errors.CLIENT_CONFIG,
            **(self._options.get("aws_config") or {}),
            "retries": {"total_max_attempts": 1},
        }
        return self._with(aws_config=config).client(service)


def suit(connection: AwsConnection, catalog: Catalog, *, check_account: bool = True) -> None:
    """Sets the catalog's region if none is given. Raises :class:`WrongAccount` if it expects another account."""
    connection.servers = catalog.servers
    if catalog.region and not connection.region:
        connection.get_options()["region"] = catalog.region
    if catalog.expected_account_id and check_account:
        aws_errors.require_account(aws_errors.account_id(connection.store_client("sts")), catalog.expected_account_id)
