# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A leak of everything names many credentials at once: one rotation takes them all."""

from __future__ import annotations

import json

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import fold
from tests.unit.plugins.plugin_utils._rotation.rotator_world import NOW, World, close, opened

COUNT = 200
NAMES = [f"provider_{number}" for number in range(COUNT)]
MANY = {
    "application": "app",
    "settings": {name.upper(): {"group": name} for name in NAMES},
    "credentials": {name: {"kind": "login", "appears_in": [{"setting": name.upper()}]} for name in NAMES},
}


def test_two_hundred_credentials_with_a_secret_each_rotate_at_once() -> None:
    world = World(catalog=catalog_parser.parse(MANY, "test"))
    for name in NAMES:
        world.secrets.seed(f"app/test/{name}", json.dumps({name.upper(): f"old-{name}"}))
    rotator = world.begun(*NAMES)
    values = world.created(rotator)
    for step in ("set", "test", "deploy", "promote", "promote"):
        rotator.advance(step, phase=1 if step == "deploy" else 0)
    assert rotator.promote().outcome == "done"
    for name in NAMES:
        assert world.keys(f"app/test/{name}")[name.upper()] == values.credentials[name].password

    by = {"at": NOW, "who": "ann@laptop", "rotation": "r1"}
    pending = {
        f"r1/{name}": {"credential": name, "act": "revoke", "due": NOW, "rotation": "r1", "secrets": dict([pin])}
        for name, pin in zip(NAMES, opened(rotator.look()).plan["secrets"].items(), strict=True)
    }
    journal = close(rotator, step="closed", rotated=dict.fromkeys(NAMES, by), pending_tasks=pending)
    assert rotator.look() == journal
    gathered = fold(journal.lines[-1:])
    assert (gathered.rotated, gathered.pending_tasks) == (journal.rotated, journal.pending_tasks)
    assert len(gathered.pending_tasks) == COUNT
