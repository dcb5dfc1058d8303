# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keeps a value that a provider made, or undoes its creation: only this process has the value."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import AlreadyExists, Overtaken
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.staging import Rotator


def keep_or_undo(
    rotator: Rotator,
    rotation: OpenRotation,
    name: str,
    login: Login,
    *,
    undo: Callable[[], None],
    undone: str,
    **notes: str,
) -> None:
    """Keeps a login. If another run kept its own or ended the rotation, calls ``undo``; after an end, raises Overtaken,
    which says what was ``undone``."""
    issued = rotator.issued(rotation)
    try:
        rotator.fresh()
        issued.keep(name, login, **notes)
    except (AlreadyExists, Overtaken):
        undo()
        rotator.fresh()
        return
    if rotator.is_over(rotation.id):
        issued.forget_one(name)
        undo()
        raise Overtaken(f"another run ended this rotation, so this run {undone}")
