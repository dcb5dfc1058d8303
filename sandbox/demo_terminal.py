# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The demo's output, and the settings with which a second terminal uses its servers."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .process import REPOSITORY, write_private


@dataclass
class Steps:
    began: float = field(default_factory=time.monotonic)

    @contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """Times a step and prints it. The body may add text to the list."""
        began = time.monotonic()
        messages: list[str] = []
        yield messages
        print(f"  {name:<20} {' '.join(messages):<58} {time.monotonic() - began:5.1f} s", flush=True)

    @property
    def total(self) -> float:
        return time.monotonic() - self.began


def keep(directory: Path, inventory: Path, variables: Mapping[str, str]) -> None:
    """Prints how to use the servers, and waits until a signal ends the demo."""
    script = directory / "activate"
    # With the collections, so that commands in messages can be pasted.
    own = {
        "ANSIBLE_INVENTORY": str(inventory),
        "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / "playbooks" / "collections"),
    }
    write_private(script, _exports({**variables, **own}))
    print(
        f"\nEverything keeps running. In a second terminal, in {REPOSITORY}:\n"
        f"  . {script}\n"
        "  ansible-playbook playbooks/deploy.yml -e app_environment=production\n"
        f"To stop it: Ctrl-C here, or kill {os.getpid()}.",
        flush=True,
    )
    while True:
        signal.pause()


def _exports(variables: Mapping[str, str]) -> str:
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    programs = f"{Path(sys.executable).parent}:{REPOSITORY / 'scripts'}"
    return "\n".join([*lines, f"PATH={shlex.quote(programs)}:$PATH", ""])
