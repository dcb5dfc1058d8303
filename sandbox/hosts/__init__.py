# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Real test hosts on one Linux machine, as root: each with its own root file system, processes, address and sshd."""

from __future__ import annotations

from sandbox.hosts._commands import why_not
from sandbox.hosts.fleet import Fleet, Plan

__all__ = ["Fleet", "Plan", "why_not"]
