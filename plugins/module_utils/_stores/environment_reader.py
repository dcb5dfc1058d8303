# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The read of an environment's journal, secrets and parameters, one read of each store.

``client`` makes a boto3 client by the name of its service. The code runs on the controller and on hosts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import partial
from typing import Any, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import journal as _journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core import resolver
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied, JournalError, NotFound
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import (
    DELETED,
    DENIED,
    MISSING,
    Contents,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER, of_name
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import registry
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import Store
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.journal_store import journal_of
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.registry import Client


def now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class ReadRequest:
    document: Any
    environment: str
    secret_ids: Sequence[str] = ()
    ssm_path: Optional[str] = None
    journal: str = "required"
    """"required", "optional" (an unreadable journal is a warning) or "ignored"."""
    on_missing: str = "warn"
    on_denied: str = "error"
    rotation: Optional[str] = None
    """The rotation that reads. No warning says that it is open."""
    file: Optional[str] = None
    """A ``.env`` to read instead of the stores."""


@dataclass(frozen=True)
class Environment:
    catalog: Catalog
    journal: _journal.Journal
    resolution: resolver.Resolution
    contents: Contents
    warnings: Tuple[str, ...]
    is_journal_read: bool = False


def read(request: ReadRequest, catalog: Catalog, client: Client) -> Environment:
    """Reads every store once. The caller checks the account. Raises SecretsError."""
    journal, warnings, is_journal_read = _read_journal(request, catalog, client)
    pins = journal.rotation if journal.rotation and journal.rotation.prescribes else None
    overlay = pins.overlay if pins else None
    wanted = registry.names_to_read(catalog, catalog.places)
    stores = {name: registry.OPEN[name](client) for name in [*wanted, *([SECRETS_MANAGER] if overlay else [])]}
    if pins is None:  # the read of a prescribed version waits until AWS shows it
        for store in stores.values():
            store.settling.wait_since(journal.written, now())
    reads = [partial(_prescribed, stores[name], names, pins) for name, names in wanted.items()]
    if overlay:
        secrets = stores[SECRETS_MANAGER]
        reads.append(partial(secrets.read_known, [overlay.secret], pins={overlay.secret: overlay.version}))
    contents = registry.side_by_side(list(stores.values()), reads)
    if overlay:
        contents = _overlaid(overlay, contents)
    _require_pinned(journal, contents)
    contents, additions = _tolerated(request, contents)
    # During a rotation, prescribed and current values may contradict each other.
    half = str(journal.rotation) if pins else None
    resolution = resolver.resolve(catalog, contents, half_promoted=half)
    return Environment(
        catalog, journal, resolution, contents, (*warnings, *additions, *resolution.warnings), is_journal_read
    )


def _read_journal(
    request: ReadRequest, catalog: Catalog, client: Client
) -> tuple[_journal.Journal, tuple[str, ...], bool]:
    """The journal, warnings about it, and whether it was read."""
    store = None if request.journal == "ignored" else journal_of(catalog, client)
    if store is None:
        return _journal.Journal(), (), False
    try:
        journal = store.read()
    except (Denied, NotFound) as error:
        if request.journal == "required":
            raise
        return _journal.Journal(), (str(error),), False
    rotation = journal.rotation
    if request.journal == "required" and rotation and not rotation.prescribes:
        raise JournalError(
            f"{rotation} is open and has no snapshot for hosts yet; run again later, or finish it with "
            "ansible-playbook watchparty.secrets.rotate"
        )
    others = rotation if rotation and rotation.id != request.rotation else None
    return journal, (f"{others} is open",) if others else (), True


def _prescribed(store: Store, names: Sequence[str], rotation: Optional[_journal.OpenRotation]) -> Contents:
    """Each name in the version that the rotation prescribes, or in the current version."""
    versions = {**rotation.secrets, **rotation.parameters} if rotation else {}
    pins = {name: version for name, version in versions.items() if of_name(name).name == store.name}
    staged = rotation.plan.get("secrets", {}) if rotation and rotation.step in _ELSEWHERE else {}
    return store.read_prescribed(names, pins=pins, elsewhere=staged)


_ELSEWHERE = ("deploy", "promote", "abort")
"""Steps at which the prescribed versions of the rotated secrets are not the current ones."""


def _overlaid(overlay: _journal.Overlay, contents: Contents) -> Contents:
    """The contents with the new values of parameters, from the overlay of the open rotation."""
    if overlay.secret not in contents.readings:
        return contents
    texts = json.loads(contents.readings[overlay.secret].value)["phases"][overlay.phase - 1]
    before = contents.without([overlay.secret])
    return before | Contents(
        {
            name: replace(before.readings[name], version=f"{overlay.version}/{overlay.phase}", value=text)
            for name, text in texts.items()
            if name in before.readings
        }
    )


def _require_pinned(journal: _journal.Journal, contents: Contents) -> None:
    """Raises JournalError if a version that the open rotation prescribes cannot be read, whatever ``on_missing`` is."""
    rotation = journal.rotation
    pinned = {**rotation.secrets, **rotation.parameters} if rotation else {}
    if rotation and rotation.overlay:
        pinned[rotation.overlay.secret] = rotation.overlay.version
    failed = [str(failure) for name, failure in contents.failures.items() if name in pinned]
    if failed:
        raise JournalError(
            f"{rotation} needs versions that cannot be read: {'; '.join(failed)}. Finish the rotation with "
            "ansible-playbook watchparty.secrets.rotate, or add -e rotation_abort=true to abort it"
        )


def _tolerated(request: ReadRequest, contents: Contents) -> tuple[Contents, list[str]]:
    """The contents without failures that the caller tolerates, and a warning for some."""
    failures, warnings = {}, []
    for name, failure in contents.failures.items():
        how = request.on_denied if failure.reason == DENIED else request.on_missing
        if how == "error" and failure.reason in (MISSING, DELETED):
            raise NotFound(f"{failure}; create it, or set on_missing to warn or skip")
        if how == "warn":
            warnings.append(str(failure))
        if how == "error" or failure.reason != DENIED:
            failures[name] = failure
    return Contents(contents.readings, failures), warnings
