# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Drops pending tasks of rotations at the operator's request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import JournalError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context, pending_tasks
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


def forgotten(setting: RotationSetup, args: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    journal = setting.rotator.look()
    tasks = pending_tasks.named(journal, args["credentials"])
    if journal.rotation is not None:
        raise JournalError(f"{journal.rotation} is open; finish it, then run the same command again")
    record = pending_tasks.record(setting.catalog, tasks, "forgotten", setting.rotator.me.who, context.now())
    if not check:
        ids = [task.id for task in tasks]
        setting.rotator.append(journal, record["rotation"], "closed", discharged=ids, audit=args["audit"])
    return {
        "changed": True,
        "messages": [
            (
                f"{task.id} ({task.act}, due {task.due}) is forgotten; its old value stays valid unless you revoked "
                "it by hand"
            )
            for task in tasks
        ],
        "record": record,
        "audit": context.audit_of(setting, journal),
    }
