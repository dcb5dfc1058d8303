# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An OpenID Connect provider in IAM: its state, its specification, and the changes between the two."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import PolicyError

CLIENTS = 100
"""Client ids that IAM keeps for one provider."""
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:/[A-Za-z0-9._~/-]*)?")


@dataclass(frozen=True)
class Provider:
    arn: str
    url: str
    """The URL without https://, as in trust policies."""
    clients: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ProviderSpec:
    """The clients and tags that a provider needs."""

    url: str
    clients: tuple[str, ...]
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Changes:
    """The changes as a value, which check mode, diff and apply share."""

    create: bool = False
    add_clients: tuple[str, ...] = ()
    add_tags: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self != Changes()


def plain_url(url: str) -> str:
    """The URL as IAM and trust policies name it. Raises PolicyError."""
    scheme, colon, rest = url.partition("://")
    host = (rest if colon else scheme).rstrip("/")
    if (colon and scheme != "https") or not _HOST.fullmatch(host):
        raise PolicyError(f"url: {url!r} is not a valid URL of an OIDC provider; write https://HOST, without a query")
    return host


def checked(wanted: ProviderSpec) -> ProviderSpec:
    """The specification itself. Raises PolicyError if IAM would refuse or misread it."""
    if not wanted.clients:
        raise PolicyError("client_ids: is empty, so IAM would reject every token; for GitHub write sts.amazonaws.com")
    if len(wanted.clients) > CLIENTS:
        raise PolicyError(
            f"client_ids: has {len(wanted.clients)} ids, but IAM keeps at most {CLIENTS}; remove the others"
        )
    for client in wanted.clients:
        if not client or "*" in client or len(client) > 255:
            raise PolicyError(f"client_ids: {client!r} is not valid; give 1 to 255 characters without *")
    return wanted


def changes(standing: Provider | None, wanted: ProviderSpec) -> Changes:
    """The changes to the wanted state. Clients and tags of others stay."""
    clients, tags = (standing.clients, standing.tags) if standing else ((), {})
    return Changes(
        create=standing is None,
        add_clients=tuple(client for client in wanted.clients if client not in clients),
        add_tags={name: value for name, value in wanted.tags.items() if tags.get(name) != value},
    )


def after(standing: Provider | None, wanted: ProviderSpec, plan: Changes) -> Provider:
    """The state after the changes. A new provider has no ARN yet."""
    before = standing or Provider("", wanted.url)
    return Provider(
        arn=before.arn,
        url=before.url,
        clients=(*before.clients, *plan.add_clients),
        tags={**before.tags, **plan.add_tags},
    )
