# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""New values: generated here, supplied by the operator, or made by a provider.

A provider shows a value once, so each is stored at once in the rotation's own secret for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied, NotFound, RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import DENIED, Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.secret_json import parse_secret
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import (
    SECRET_BYTES,
    Form,
    VersionedStore,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.parallel_calls import WORKERS
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as _plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import preconditions
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ids import version_id
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind

T = TypeVar("T")


def login_for(
    kind: Kind,
    stored: credential_graph.StoredCredential,
    supplied: Login | None,
    generate: Callable[[Kind], str],
) -> Login:
    """The login that takes the stored one's place, generated or supplied. Raises RotationError."""
    name = stored.credential.name
    if kind.value != "generated" and supplied is None:
        raise RotationError(
            f"{name}: the rotation needs its new value again; give the same value as at the start by the line "
            f"{preconditions.value_lines(name)}"
        )
    if kind.value != "supplied" and supplied is not None:
        raise RotationError(
            f"{name} needs no value from you; remove the line {name} from the file in rotation_values_file"
        )
    supplied = supplied or Login()
    password = supplied.password or (generate(kind) if kind.value == "generated" else stored.login.password)
    new_login = _plan.new_login(kind, stored, password)
    return replace(new_login, username=supplied.username or new_login.username)


def required(new: T | None, name: str = "") -> T:
    """The new value. Raises RotationError with the credential's ``name`` if it is not made yet."""
    if new is None:
        subject = f"{name}: the rotation" if name else "the rotation"
        raise RotationError(
            f"{subject} has no new value yet; run ansible-playbook watchparty.secrets.rotate, which creates it"
        )
    return new


def former_login(catalog: Catalog, secrets: VersionedStore, journal: Journal, item: _plan.Item) -> Login:
    """The previous value that a pending task names by the versions that held it."""
    pending_task = journal.pending_tasks.get(item.pending_task or "")
    if pending_task is None:
        raise RotationError(
            f"{item.credential}: the journal no longer has the pending task {item.pending_task}, so another run "
            "completed or dropped it; to see what is left, run ansible-playbook watchparty.secrets.rotation_report"
        )
    contents = secrets.read_known(list(pending_task.secrets), pins=pending_task.secrets)
    login = credential_graph.find(catalog, catalog.credentials[item.credential], contents).login
    if login.password is None:
        versions = ", ".join(f"version {version} of {name}" for name, version in pending_task.secrets.items())
        raise RotationError(
            f"{item.credential}: its previous key cannot be read in {versions}; revoke it by hand, "
            f"then run ansible-playbook watchparty.secrets.rotation_forget -e rotation_forget={item.credential}"
        )
    return login


def written(document: Mapping[str, Any], planned: Mapping[str, str], contents: Contents) -> str:
    """The text of the secret with the new logins. If many secrets change and the text fits, it includes their
    ``planned`` versions: one call then reads all."""
    former = {name: [version, contents.readings[name].value] for name, version in planned.items()}
    longer = json.dumps({**document, "former": former}, sort_keys=True)
    fits = len(planned) > WORKERS and len(longer.encode()) <= SECRET_BYTES
    return longer if fits else json.dumps(document, sort_keys=True)


class Issued:
    """Values that providers made for one rotation. ``logins`` is the name of the rotation's secret."""

    def __init__(self, secrets: VersionedStore, logins: str, rotation: str, form: Form) -> None:
        self._secrets, self._logins, self._rotation, self._form = secrets, logins, rotation, form

    def name(self, credential: str) -> str:
        return f"{self._logins}/{credential}"

    def find(self, credential: str, *, made: bool = False) -> Login | None:
        """The provider's value, or None. With ``made``, waits for a value that is known to exist."""
        document = self._document(credential, made=made)
        return Login(document["username"], document["password"]) if document else None

    def notes(self, credential: str) -> Mapping[str, Any]:
        return (self._document(credential, made=True) or {}).get("notes", {})

    def _document(self, credential: str, *, made: bool) -> dict[str, Any] | None:
        name = self.name(credential)
        read = self._secrets.read_known if made else self._secrets.read
        contents = read([name], pins={name: version_id(self._rotation, name)})
        failure = contents.failures.get(name)
        if failure and failure.reason == DENIED:  # not to be taken for "not made yet"
            raise Denied(
                f"secret {name} cannot be read: access denied; allow secretsmanager:GetSecretValue on it",
                failure.detail,
            )
        return parse_secret(contents.readings[name].value) if name in contents.readings else None

    def take(self, credential: str) -> Login:
        login = self.find(credential, made=True)
        if login is None:
            raise NotFound(f"{credential}: its provider has made no new value for this rotation yet")
        return login

    def keep(self, credential: str, login: Login, **notes: str) -> None:
        """Raises :class:`AlreadyExists` if another value is kept already."""
        name = self.name(credential)
        document = {"username": login.username, "password": login.password, **({"notes": notes} if notes else {})}
        text = json.dumps(document, sort_keys=True)
        self._secrets.create(name, text, version=version_id(self._rotation, name), form=self._form)

    def forget(self, plan: Mapping[str, Any]) -> None:
        for credential in kept_apart(plan):
            self.forget_one(credential)

    def forget_one(self, credential: str) -> None:
        self._secrets.delete(self.name(credential))


def kept_apart(plan: Mapping[str, Any]) -> list[str]:
    """The credentials of a journal's plan whose values providers make."""
    return [item.credential for item in _plan.items_of(plan) if item.issued]
