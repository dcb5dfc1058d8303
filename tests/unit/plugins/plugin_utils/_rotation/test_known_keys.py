# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SSH keys that hosts may have by the stores and the journal: no rotation makes a difference from a baseline."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, fingerprints
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import (
    Journal,
    OpenRotation,
    PendingTask,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents, Reading
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ids import version_id
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.known_keys import known_ssh_keys

PLACE = {"secret": "deploy-{environment}", "key": "private_key"}
SSH = {"kind": "ssh_key", "options": {"user": "ci", "authorized_keys": "keys"}, "appears_in": [PLACE]}
DOCUMENT = {"application": "shop", "settings": {"A": {"value": 1}}, "credentials": {"deploy": SSH}}
CATALOG = catalog_parser.parse(DOCUMENT, "test")
SECRET = "deploy-test"


def blob(name: str) -> bytes:
    return b"\0\0\0\x03" + name.encode()


def private(name: str) -> str:
    fields = (b"none", b"none", b"")
    packed = b"".join(len(field).to_bytes(4, "big") + field for field in fields) + (1).to_bytes(4, "big")
    raw = b"openssh-key-v1\0" + packed + len(blob(name)).to_bytes(4, "big") + blob(name)
    text = base64.b64encode(raw).decode()
    return f"-----BEGIN OPENSSH PRIVATE KEY-----\n{text}\n-----END OPENSSH PRIVATE KEY-----\n"


class Versions:
    """In place of Secrets Manager: keys by version id, the current one under no id."""

    def __init__(self, **names: str) -> None:
        self.names = names

    def read(self, secrets: Sequence[str], pins: Mapping[str, str] | None = None) -> Contents:
        found = {}
        for secret in secrets:
            name = self.names.get((pins or {}).get(secret, "current"))
            if name:
                value = json.dumps({"private_key": private(name)})
                found[secret] = Reading(SECRETS_MANAGER, secret, "1", value)
        return Contents(found)


def known(secrets: Versions, journal: Journal) -> list[str]:
    keys = known_ssh_keys(CATALOG, secrets, Contents(), journal)
    assert all((key["account"], key["file"]) == ("ci", "keys") for key in keys)
    return [key["fingerprint"] for key in keys]


def of(*names: str) -> list[str]:
    return [fingerprints.of_ssh_key(blob(name)) for name in names]


def test_the_current_one() -> None:
    assert known(Versions(current="now"), Journal()) == of("now")
    assert known(Versions(), Journal()) == []


def test_one_that_waits_for_its_revocation() -> None:
    task = PendingTask("t1", "deploy", "revoke", "2026-12-01T00:00:00Z", "r1", {SECRET: "v1"})
    assert known(Versions(current="now", v1="old"), Journal(pending_tasks={"t1": task})) == of("now", "old")


def test_those_of_an_open_rotation() -> None:
    plan = {"credentials": ["deploy"], "secrets": {SECRET: "v1"}, "phases": 1}
    rotation = OpenRotation("r1", "prepare", "op", "2026-11-29T00:00:00Z", plan=plan)
    secrets = Versions(current="now", v1="now")
    secrets.names[version_id("r1", SECRET, 1)] = "new"
    assert known(secrets, Journal(rotation=rotation)) == of("now", "new")
