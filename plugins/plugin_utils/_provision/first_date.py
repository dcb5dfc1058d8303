# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The first date of a credential: its age counts from the day on which its value came into the stores."""

from __future__ import annotations

from collections.abc import Collection

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.journal_store import JournalStore
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.writes import Fill

STEP = "provision"


def new_credentials(catalog: Catalog, fills: Collection[Fill], *, imported: bool) -> list[str]:
    """Credentials whose places were all empty before. Imported values do not count, because their age is unknown."""
    old = (plan.COPIED, plan.GIVEN) if imported else (plan.COPIED,)
    written = {fill.place for fill in fills if fill.how not in old and fill.before is None}
    places = {
        credential.name: {spot.place for spot in credential_graph.spots(catalog, credential)}
        for credential in catalog.credentials.values()
    }
    return [name for name, wanted in places.items() if wanted and wanted <= written]


def record(log: JournalStore | None, names: Collection[str], *, who: str, at: str) -> str:
    """Appends the date to the journal. Returns the reason if this was not possible, else an empty text.

    A failure stops no run: the values are already written, and an open rotation may hold the journal.
    """
    if not names or log is None:
        return ""
    try:
        journal = log.read()
        if journal.rotation is not None:
            return _message(names, f"{journal.rotation} is open")
        dates = {name: {"at": at, "who": who, "rotation": STEP} for name in names if name not in journal.rotated}
        if dates:
            log.append(journal, {"rotation": STEP, "step": "closed", "who": who, "at": at, "rotated": dates})
    except SecretsError as error:
        return _message(names, str(error))
    return ""


def _message(names: Collection[str], reason: str) -> str:
    return (
        f"{', '.join(names)}: the age is unknown until the first rotation, because the journal could not be "
        f"written: {reason}"
    )
