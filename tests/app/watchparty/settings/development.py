# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Development: SQLite and a cache in memory unless the ``.env`` names others."""

from __future__ import annotations

from watchparty.settings.base import *  # noqa: F403
