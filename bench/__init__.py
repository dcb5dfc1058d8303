# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Benchmarks of a deploy and of a rotation, compared with today's way. ``python -m bench``."""

from __future__ import annotations

import sys
from pathlib import Path

# Rotation labs import the collection by its full name, from this clone like the tests.
_COLLECTIONS = str(Path(__file__).resolve().parent.parent / "playbooks" / "collections")
if _COLLECTIONS not in sys.path:
    sys.path.insert(0, _COLLECTIONS)
