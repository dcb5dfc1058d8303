# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rotation does inside of its segments, for callbacks that hold or kill a run right before one of these acts.

A module that runs on the rotation host is called by its name and state, such as
``postgresql_login present``; what the engine does itself has the names below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import journal_entries
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import rollback as rotation_rollback
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.engine import Engine
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.rotation_host import RotationHost
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.staging import Rotator

NAMED = {
    "create": (Rotator, "create"),
    "promote": (Rotator, "promote"),
    "undo": (rotation_rollback, "undo"),
    "tidy": (rotation_rollback, "tidy"),
    "advance": (journal_entries, "advance"),
    "gate": (Engine, "_require_verified"),
    "rest": (Engine, "_rest"),
    "close": (Engine, "close"),
}


def before_each(act: Callable[[str], None]) -> None:
    """Calls ``act`` with the name of each before it happens, in this process and those that it forks."""
    for name, (owner, method) in NAMED.items():
        _wrap(owner, method, lambda *_given, _name=name, **_named: act(_name))
    _wrap(Engine, "_kinds", lambda _engine, stage, *_given, **_named: act(f"kinds {stage}"))
    _wrap(RotationHost, "run", lambda _host, module, **options: act(f"{module} {options['state']}"))
    _wrap(RotationHost, "run_each", lambda _host, module, acts: [act(name) for name in _states(module, acts)])


def _states(module: str, acts: Sequence[Mapping[str, Any]]) -> list[str]:
    """What one execution does for some credentials, each state once."""
    return list(dict.fromkeys(f"{module} {act['state']}" for act in acts))


def _wrap(owner: Any, method: str, before: Callable[..., None]) -> None:
    call = getattr(owner, method)

    def wrapped(*given: Any, **named: Any) -> Any:
        before(*given, **named)
        return call(*given, **named)

    setattr(owner, method, wrapped)
