# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a leak response ends sessions, decided once: a drill tells what the run does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog

SESSIONS = "sessions"
CHDIR, ENGINE, FILES = "django_chdir", "django_session_engine", "django_session_file_path"
"""Variables by which a host declares that the application keeps sessions, and where."""


def planned(catalog: Catalog, hosts: Mapping[str, Mapping[str, Any]], by: str) -> dict[str, Any]:
    """Whether sessions are declared, whether a host must end them, and what keeps host ``by`` from it.

    ``hosts`` are the variables of each. What the catalog's ``purge`` calls sessions goes with the purge.
    """
    signed = any(SESSIONS in credential.used_for for credential in catalog.credentials.values())
    named = any(variables.get(name) for variables in hosts.values() for name in (CHDIR, ENGINE, FILES))
    purged = any(purge.kind == SESSIONS for purge in catalog.purge.values())
    ends = signed or named
    return {
        "ends": ends,
        "declared": ends or purged,
        "against": _against(by, hosts.get(by, {})) if ends and by else "",
    }


def _against(host: str, variables: Mapping[str, Any]) -> str:
    engine = variables.get(ENGINE) or "auto"
    if variables.get(CHDIR):
        return ""
    if engine == "auto":
        return f"{host}: set {CHDIR} to the folder of the application's manage.py, or set {ENGINE}"
    if engine == "file" and not variables.get(FILES):
        return f"{host}: set {FILES} to the folder of the session files"
    return ""
