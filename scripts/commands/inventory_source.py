# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Chooses a command's inventory, without the parts of Ansible that read it: they take a fifth of a second."""

from __future__ import annotations

from pathlib import Path

from ansible import constants

from ansible_collections.watchparty.secrets.scripts.commands.usage_error import UsageError

ROOT = Path(__file__).resolve().parents[2]
CANDIDATES = ("inventory", "inventory.yml", "hosts.yml")
EXAMPLE = ROOT / "examples" / "watchparty" / "hosts.yml"


def paths(inventory: str | None) -> list[str]:
    """The operator's inventory, Ansible's setting, or this folder's inventory. Raises UsageError."""
    if inventory:
        if "," not in inventory and not Path(inventory).exists():
            raise UsageError(f"there is no inventory {inventory}; give another one by -i INVENTORY")
        return [inventory]
    configured, origin = constants.config.get_config_value_and_origin("DEFAULT_HOST_LIST")[:2]
    if origin != "default":
        return [str(path) for path in configured]
    candidates = [name for name in CANDIDATES if Path(name).exists()]
    if candidates:
        return candidates[:1]
    # The clone has no inventory. Elsewhere the example would judge another application.
    if Path.cwd() == ROOT:
        return [str(EXAMPLE)]
    raise UsageError(
        f"no inventory: this folder has none of {', '.join(CANDIDATES)}; give -i INVENTORY, "
        f"or -i {EXAMPLE} for the Watch Party example"
    )
