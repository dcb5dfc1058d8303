# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Declarations of kinds of credentials. An operator's own kind has them in ``kind.yml``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import json_schema
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import CatalogError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.postgresql import owner_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import record as audit_record

OWN_VALUES = ("generated", "supplied")
"""Values of an operator's own kind, whose executable returns no value."""
ROUTINES = ("login", "signing_key")
FORMS = ("text", "ssh_key")
VERBS = ("check", "block", "create", "set", "test", "revoke", "verify_revoked")
"""Verbs of an operator's own kind."""
CONTROLLER, ROTATION_HOST = "controller", "rotation_host"
"""Hosts on which an own kind's executable can run."""
STAGES = ("check", "block", "off", "issue", "create", "set", "test", "revoke", "revoked", "dropped")

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "description": {"type": "string", "minLength": 1},
        "routine": {"enum": list(ROUTINES)},
        "value": {"enum": list(OWN_VALUES)},
        "length": {"type": "integer", "minimum": 16},
        "form": {"enum": list(FORMS)},
        "alternates": {"enum": ["never", "if_suffixed", "always"]},
        "needs_admin": {"type": "boolean"},
        "needs_url": {"type": "boolean"},
        "needs_user": {"type": "boolean"},
        "tries_values": {"type": "boolean"},
        "revokes_each": {"type": "boolean"},
        "options": {"type": "array", "items": {"type": "string"}},
        "verbs": {"type": "array", "items": {"enum": list(VERBS)}, "minItems": 1},
        "timeout": {"type": "integer", "minimum": 1},
        "runs_on": {"enum": [CONTROLLER, ROTATION_HOST]},
    },
    "required": ["description", "value"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Kind:
    """Properties of a kind of credential."""

    name: str
    description: str = ""
    routine: str = "login"
    """Either "login": old and new value are valid together, or "signing_key": a first phase distributes the new key as
    a fallback."""
    value: str = "generated"
    """Source of new values: "generated" here, "supplied" by the operator, or "provider" at the stage issue."""
    length: int = 32
    form: str = "text"
    """Form of a generated value: "text" of ``length``, or the private half of an "ssh_key"."""
    alternates: str = "never"
    """Alternation of the user name between X_a and X_b: "never", "if_suffixed" already, or "always"."""
    needs_admin: bool = False
    needs_url: bool = False
    needs_user: bool = False
    """Whether the catalog must have a place for the user name."""
    tries_values: bool = False
    """Whether stages check, test and revoked try values if the catalog says how, and else do nothing."""
    revokes_each: bool = False
    """Whether stage revoke also revokes a previous value that a pending task names."""
    options: tuple[str, ...] = ()
    """Names that the credential's ``options`` must give."""
    verbs: tuple[str, ...] = ()
    """Verbs of the executable."""
    timeout: int = 120
    """Time limit of the executable in seconds."""
    runs_on: str = CONTROLLER
    stages: tuple[str, ...] = ()
    """Stages at which the kind acts."""
    folder: str = ""
    """Folder of the executable; empty for a built-in kind."""

    @property
    def is_issued(self) -> bool:
        return self.value == "provider"

    @property
    def is_revoked_elsewhere(self) -> bool:
        """Whether only the provider can revoke the old value."""
        return self.value == "supplied" and "revoke" not in self.stages

    @property
    def ends_itself(self) -> bool:
        """Whether a run ends the old value, so that no confirmation is needed."""
        return "revoke" in self.stages or self.phases == 2

    @property
    def phases(self) -> int:
        return 2 if self.routine == "signing_key" else 1


def parse(name: str, document: Any, *, folder: str) -> Kind:
    """The kind that the document declares. Raises :class:`CatalogError` naming its folder or its file."""
    if not audit_record.is_word(name):
        message = (
            "the name of a kind starts with a small letter, followed by small letters, digits, _ and -, 64 "
            f"characters at most; rename the folder to {audit_record.word(name)}, and the kind of its "
            "credentials in the catalog"
        )
        raise CatalogError([f"{folder}: {message}"])
    where = f"{folder}/kind.yml"
    problems = json_schema.problems(document, SCHEMA)
    if problems:
        raise CatalogError([f"{where}: {problem}" for problem in problems])
    lists = {key: tuple(document.get(key, ())) for key in ("options", "verbs")}
    return Kind(name=name, folder=folder, **{**document, **lists})


def turn_of(username: str | None) -> str | None:
    """Suffix "a" or "b" of an alternating login X_a or X_b; else None."""
    base, _line, suffix = (username or "").rpartition("_")
    return suffix if base and suffix in ("a", "b") else None


def other_login(username: str | None) -> str | None:
    """The login that alternates with this one: X_a for X and X_b, X_b for X_a."""
    if not username:
        return None
    return owner_of(username) + ("_b" if turn_of(username) == "a" else "_a")
