# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Appends an entry to the journal, also if another entry came in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Overtaken
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

T = TypeVar("T")


def appended(setting: RotationSetup, make: Callable[[], T]) -> T:
    """What ``make`` returns, which appends an entry to the journal as this run last saw it.

    Somebody may have written an entry of another kind since, such as a leak: then it is made once more, of what stands
    there now. Raises :class:`Overtaken` where another run goes on with the rotation.
    """
    try:
        return make()
    except Overtaken:
        setting.rotator.confirm()
        setting.rotator.mine()
        return make()


def note(setting: RotationSetup, credential: str, notes: Mapping[str, str]) -> None:
    """Keeps in the journal, at once, what is lost with the next act. Raises Overtaken."""

    def make() -> None:
        journal, rotation = setting.rotator.holding()
        kept = {credential: dict(notes)}
        setting.rotator.append(journal, rotation.id, rotation.step, phase=rotation.phase, notes=kept)

    appended(setting, make)
