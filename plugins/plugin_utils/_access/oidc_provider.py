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
THUMBPRINTS = 5
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:/[A-Za-z0-9._~/-]*)?")
_THUMBPRINT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Provider:
    arn: str
    url: str
    """The URL without https://, as in trust policies."""
    clients: tuple[str, ...] = ()
    thumbprints: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ProviderSpec:
    """The wanted state of a provider. None leaves a part unchanged."""

    url: str
    clients: tuple[str, ...]
    purge_clients: bool = False
    thumbprints: tuple[str, ...] | None = None
    tags: Mapping[str, str] | None = None
    purge_tags: bool = False


@dataclass(frozen=True)
class Changes:
    """The changes as a value, which check mode, diff and apply share."""

    create: bool = False
    add_clients: tuple[str, ...] = ()
    remove_clients: tuple[str, ...] = ()
    thumbprints: tuple[str, ...] | None = None
    add_tags: Mapping[str, str] = field(default_factory=dict)
    remove_tags: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self != Changes()


def plain_url(url: str) -> str:
    """The URL as IAM and trust policies name it. Raises PolicyError."""
    scheme, colon, rest = url.partition("://")
    host = (rest if colon else scheme).rstrip("/")
    if (colon and scheme != "https") or not _HOST.fullmatch(host):
        raise PolicyError(
            f"url: {url!r} is not an issuer of tokens that IAM accepts; write https://HOST, without a query"
        )
    return host


def checked(wanted: ProviderSpec) -> ProviderSpec:
    """The specification itself. Raises PolicyError if IAM would refuse or misread it."""
    if not wanted.clients:
        raise PolicyError("client_ids: empty, so IAM would reject every token; for GitHub write sts.amazonaws.com")
    if len(wanted.clients) > CLIENTS:
        raise PolicyError(
            f"client_ids: {len(wanted.clients)} are given, but IAM keeps at most {CLIENTS}; remove the others"
        )
    for client in wanted.clients:
        if not client or "*" in client or len(client) > 255:
            raise PolicyError(f"client_ids: {client!r} is not a client's id of 1 to 255 characters without a wildcard")
    if wanted.thumbprints is not None and len(wanted.thumbprints) > THUMBPRINTS:
        raise PolicyError(
            f"thumbprints: {len(wanted.thumbprints)} are given, but IAM keeps at most {THUMBPRINTS}; remove the others"
        )
    for thumbprint in wanted.thumbprints or ():
        if not _THUMBPRINT.fullmatch(thumbprint):
            raise PolicyError(
                f"thumbprints: {thumbprint!r} is not 40 hex digits in lower case (the SHA-1 of a certificate)"
            )
    return wanted


def changes(standing: Provider | None, wanted: ProviderSpec) -> Changes:
    """The changes to the wanted state. Clients and tags of others stay, unless they are to be purged."""
    if standing is None:
        return Changes(
            create=True,
            add_clients=wanted.clients,
            thumbprints=wanted.thumbprints or None,
            add_tags=wanted.tags or {},
        )
    foreign = tuple(client for client in standing.clients if client not in wanted.clients)
    same = wanted.thumbprints is None or sorted(wanted.thumbprints) == sorted(standing.thumbprints)
    tags = wanted.tags or {}
    strange = tuple(name for name in standing.tags if name not in tags)
    return Changes(
        add_clients=tuple(client for client in wanted.clients if client not in standing.clients),
        remove_clients=foreign if wanted.purge_clients else (),
        thumbprints=None if same else wanted.thumbprints,
        add_tags={name: value for name, value in tags.items() if standing.tags.get(name) != value},
        remove_tags=strange if wanted.purge_tags and wanted.tags is not None else (),
    )


def after(standing: Provider | None, wanted: ProviderSpec, plan: Changes, arn: str) -> Provider:
    """The state after the changes."""
    before = standing or Provider(arn, wanted.url)
    clients = [client for client in before.clients if client not in plan.remove_clients]
    tags = {name: value for name, value in before.tags.items() if name not in plan.remove_tags}
    return Provider(
        arn=before.arn,
        url=before.url,
        clients=(*clients, *plan.add_clients),
        thumbprints=before.thumbprints if plan.thumbprints is None else plan.thumbprints,
        tags={**tags, **plan.add_tags},
    )
