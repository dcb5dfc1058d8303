# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decides once whether a leak response ends sessions, so that a drill shows what the run does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_sessions
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog

SESSIONS = "sessions"
CHDIR, ENGINE, FILES = "django_chdir", "django_session_engine", "django_session_file_path"
"""Variables of a host with Django sessions, which say where they are."""


def planned(catalog: Catalog, hosts: Mapping[str, Mapping[str, Any]], by: str) -> dict[str, Any]:
    """Whether sessions are declared, whether a host must end them, the application's own command for it (else Django's
    engines do it), and why host ``by`` cannot.

    ``hosts`` are each host's variables. The purge ends sessions that the catalog's ``purge`` names.
    """
    declared = catalog.sessions or catalog_sessions.Sessions(_engine(catalog, hosts))
    purged = any(purge.kind == SESSIONS for purge in catalog.purge.values())
    is_django = declared.engine == catalog_sessions.DJANGO
    return {
        "ends": declared.engine != catalog_sessions.NONE,
        "declared": declared.engine != catalog_sessions.NONE or purged or catalog.sessions is not None,
        "purged": purged,
        "command": list(declared.command),
        "against": _conflict(by, hosts.get(by, {})) if is_django and by else "",
    }


def _engine(catalog: Catalog, hosts: Mapping[str, Mapping[str, Any]]) -> str:
    """The engine if the catalog names none: Django's, if a key signs sessions or a host has variables for them."""
    signed = any(SESSIONS in credential.used_for for credential in catalog.credentials.values())
    named = any(variables.get(name) for variables in hosts.values() for name in (CHDIR, ENGINE, FILES))
    return catalog_sessions.DJANGO if signed or named else catalog_sessions.NONE


def _conflict(host: str, variables: Mapping[str, Any]) -> str:
    engine = variables.get(ENGINE) or "auto"
    if variables.get(CHDIR):
        return ""
    if engine == "auto":
        return (
            f"{host}: set {CHDIR} to the folder of the application's manage.py, or set {ENGINE}. For an application "
            "without Django, set sessions.engine in the catalog"
        )
    if engine == "file" and not variables.get(FILES):
        return f"{host}: set {FILES} to the folder of the session files"
    return ""
