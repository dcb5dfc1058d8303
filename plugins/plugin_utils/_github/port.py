# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The port through which a promotion sends values to GitHub."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission


class CopyPort(ABC):
    """A store of copies that cannot be read back."""

    @abstractmethod
    def send(self, values: Mapping[str, str], look: Callable[[], WritePermission]) -> None:
        """Writes each value under its name, each after a call of ``look``. A repeat does no harm. Raises StoreError."""
