# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Limits what a server's answers may cost a program of its own. Standard library; Python 3.8."""

from __future__ import annotations

import resource


def limit(size: int) -> None:
    """Bytes of data; a lower limit stays."""
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    if hard == resource.RLIM_INFINITY or hard > size:
        resource.setrlimit(resource.RLIMIT_DATA, (size, hard))
