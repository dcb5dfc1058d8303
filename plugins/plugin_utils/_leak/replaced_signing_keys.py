# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Signing keys that an incident replaced, for trying the sessions that they signed."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Credential
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


def session_keys(setting: RotationSetup, incident: Incident) -> dict[str, bool]:
    """Credentials that sign sessions, and whether the incident replaced each, without a fallback left.

    Skipped hosts still accept the old key.
    """
    credentials = setting.catalog.credentials.values()
    signing = [
        credential.name
        for credential in credentials
        if _signs(setting, credential) and "sessions" in credential.used_for
    ]
    return {name: bool({f"refused/{name}", f"renewed/{name}"} & set(incident.events)) for name in signing}


def _signs(setting: RotationSetup, credential: Credential) -> bool:
    return setting.kinds.get(credential.kind, Kind(credential.kind)).phases == 2


def former_keys(setting: RotationSetup) -> tuple[list[str], list[str]]:
    """Previous values of signing keys that the open incident replaced, and lines on unreadable ones."""
    incident = setting.rotator.look().incident
    result: dict[str, None] = {}
    unread = []
    for credential in setting.catalog.credentials.values():
        if incident is None or not _signs(setting, credential):
            continue
        if not {f"{event}/{credential.name}" for event in ("refused", "renewed", "kept")} & set(incident.events):
            continue
        now = setting.held(credential).login.password
        for name in credential_graph.secrets_of(setting.catalog, credential):
            for version in incident.dead.get(name, ()):
                contents = setting.rotator.secrets.read([name], pins={name: version})
                key = credential_graph.find(setting.catalog, credential, contents).login.password
                if key is None:
                    unread.append(f"a session that {credential.name} signed: version {version} of {name} is unreadable")
                elif key != now:
                    result[key] = None
    return list(result), unread
