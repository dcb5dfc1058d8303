# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes a driver's TLS context from the catalog's ``server.tls``."""

from __future__ import annotations

import ssl
from typing import Any, Mapping, Optional


def of_server(server: Mapping[str, Any]) -> Optional[ssl.SSLContext]:
    """None without TLS. Raises OSError if a file cannot be read."""
    if server["tls_mode"] == "disable":
        return None
    context = ssl.create_default_context(cafile=server.get("ca") or None)
    context.check_hostname = server["tls_mode"] == "verify-full"
    if server["tls_mode"] == "require":
        context.verify_mode = ssl.CERT_NONE
    if server.get("cert"):
        context.load_cert_chain(server["cert"], server["key"])
    return context
