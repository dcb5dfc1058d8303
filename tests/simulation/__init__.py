# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A deterministic simulation of rotations: the real decision code and glue, over stores, hosts and servers in memory.

python -m tests.simulation --interleavings 100000      explores that many schedules
python -m tests.simulation --seed 4711                 replays one, act by act
"""

from __future__ import annotations

import sys
from pathlib import Path

_COLLECTIONS = str(Path(__file__).resolve().parents[2] / "playbooks" / "collections")
if _COLLECTIONS not in sys.path:
    sys.path.insert(0, _COLLECTIONS)
