# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the versions before the current ones still open, as far as the stores and the journal tell. Pure.

Values are compared here and leave as words.
"""

from __future__ import annotations

from typing import Dict, Mapping

from ansible_collections.watchparty.secrets.plugins.module_utils import _graph
from ansible_collections.watchparty.secrets.plugins.module_utils._journal import Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._model import Catalog, Credential
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.base import Contents

ACCEPTED, REFUSED, UNTRIED = "accepted", "refused", "untried"


def told(
    catalog: Catalog, now: Contents, values: Mapping[str, str], before: Contents, journal: Journal
) -> Dict[str, Dict[str, str]]:
    """State and words by credential."""
    found = {}
    for name, credential in catalog.credentials.items():
        old, new = _graph.find(catalog, credential, before).login, _graph.find(catalog, credential, now).login
        if old.password is None or old.password == new.password:
            found[name] = _said(UNTRIED, "no former value of it is kept")
        elif credential.kind == "django_secret_key":
            found[name] = _signing(credential, values, old.password, journal)
        else:
            found[name] = _login(name, journal)
    return found


def _said(state: str, words: str) -> Dict[str, str]:
    return {"state": state, "words": words}


def _signing(credential: Credential, values: Mapping[str, str], old: str, journal: Journal) -> Dict[str, str]:
    kept = [one.strip() for one in values.get(credential.fallbacks or "", "").split(",")]
    due = [one.due for one in journal.obligations.values() if one.credential == credential.name]
    if old not in kept:
        return _said(REFUSED, "the former key is none of the fallbacks, so nothing that it signed is accepted")
    if due:
        return _said(UNTRIED, f"the former key verifies until {min(due)}, as planned")
    return _said(ACCEPTED, f"the former key is still in {credential.fallbacks}, and nothing plans to take it out")


def _login(name: str, journal: Journal) -> Dict[str, str]:
    last = journal.rotated.get(name)
    later = [one.due for one in journal.obligations.values() if one.credential == name]
    if later:
        return _said(UNTRIED, f"the former value stays valid until {min(later)}, as planned")
    if last is None:
        return _said(UNTRIED, "the journal tells of no rotation, and a login with the former value was not tried")
    words = f"rotation {last.rotation} saw its refusal before it closed at {last.at}; it was not tried again now"
    return _said(UNTRIED, words)
