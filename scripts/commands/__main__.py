# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes the collection importable, in a clone or an ansible-galaxy folder, and runs the command."""

from __future__ import annotations

import contextlib
import gc
import sys
from pathlib import Path

gc.set_threshold(100_000)  # imports make many objects and little garbage

ROOT = Path(__file__).resolve().parents[2]
CLONE = ROOT / "playbooks" / "collections"
COLLECTIONS = str(CLONE if CLONE.is_dir() else ROOT.parents[2])
sys.path.insert(0, COLLECTIONS)

from ansible_collections.watchparty.secrets.scripts.commands import main  # noqa: E402


def load_ansible() -> None:
    """Makes Ansible import the collection again: it finds no plugin in a collection that Python imported alone."""
    # Ansible's importer compiles each file anew. Python's own does not, but may not find the collection amazon.aws.
    with contextlib.suppress(ImportError):
        from ansible_collections.watchparty.secrets.scripts.commands import environments  # noqa: F401
    from ansible.plugins.loader import init_plugin_loader

    for package in (name for name in list(sys.modules) if name.startswith("ansible_collections")):
        if package.count(".") < len(("watchparty", "secrets", "…")):
            del sys.modules[package]
    init_plugin_loader([COLLECTIONS])


if __name__ == "__main__":
    sys.exit(main.main(sys.argv[1:], load_ansible=load_ansible))
