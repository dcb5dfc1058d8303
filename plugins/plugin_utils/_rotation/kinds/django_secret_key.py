# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Django's SECRET_KEY. The sessions that a dropped one signed are tried on every host, by the play."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.module_utils._core import kind_names
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import KindStages


class DjangoSecretKey(KindStages):
    kind = Kind(
        kind_names.DJANGO_SECRET_KEY,
        "Django's SECRET_KEY, distributed as a fallback before it signs; the old one stays a fallback for a while.",
        length=64,
        routine="signing_key",
        stages=("dropped",),
    )
