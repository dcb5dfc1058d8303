# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The error of a wrongly called command."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError


class UsageError(SecretsError):
    """Raised if the operator must give or install something for a command."""
